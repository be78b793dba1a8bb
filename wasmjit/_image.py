"""The native image of wasmjit: which sources make it, and `native()`, which loads it. On the run path.

The sources are restricted Python (`wasmjit.native.lang`). They are imported only to build the image.
"""

import _thread

from wasmjit.native.imagefile import Image
from wasmjit.native.provide import open_image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit.native.emit import Target

NAME = "native"

# modules in restricted Python
SOURCES: tuple[str, ...] = ()

# modules with a function `ir() -> str`: generated IR text and assembly
GENERATORS: tuple[str, ...] = ()

_loaded: Image | None = None
_lock = _thread.allocate_lock()


def native() -> Image:
    """The native code of wasmjit; its attributes are the `@export` functions. Loaded, if need be built, at the first call.

    Raises ImportError when there is no image for this machine and no compiler to build one.
    """
    global _loaded
    if _loaded is None:
        with _lock:
            if _loaded is None:
                _loaded = open_image(NAME, build)
    return _loaded


def build(target: "Target | None" = None) -> bytes:
    """Compile the image for a `wasmjit.native.emit.Target`, None for the host; its bytes."""
    from importlib import import_module

    from wasmjit.native.build import build_image
    from wasmjit.native.sources import closure

    modules = [import_module(name) for name in SOURCES]
    texts = [import_module(name).ir() for name in GENERATORS]
    sources = closure(["wasmjit._image", "wasmjit._version", "wasmjit.native.build", *SOURCES, *GENERATORS])
    return build_image(modules, texts, target=target, sources=sources)
