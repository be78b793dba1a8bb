"""The native image of wasmjit: which sources make it, and `native()`, which loads it. On the run path.

The sources are restricted Python (`wasmjit.native.lang`). They are imported only to build the image.
"""

import _thread
import sys

from wasmjit.native.imagefile import Image, code_range
from wasmjit.native.provide import open_image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit.native.target import Target

NAME = "native"

# modules in restricted Python
SOURCES: tuple[str, ...] = (
    "wasmjit.binary.body",
    "wasmjit.binary.constexpr",
    "wasmjit.binary.control",
    "wasmjit.binary.describe",
    "wasmjit.binary.imports",
    "wasmjit.binary.mapping",
    "wasmjit.binary.module",
    "wasmjit.binary.names",
    "wasmjit.binary.opcodes",
    "wasmjit.binary.operands",
    "wasmjit.binary.others",
    "wasmjit.binary.parallel",
    "wasmjit.binary.reader",
    "wasmjit.binary.sections",
    "wasmjit.binary.segments",
    "wasmjit.binary.signatures",
    "wasmjit.binary.storage",
    "wasmjit.binary.types",
    "wasmjit.binary.utf8",
    "wasmjit.runtime.arena",
    "wasmjit.runtime.buffer",
    "wasmjit.runtime.bulk",
    "wasmjit.runtime.calls_boxes",
    "wasmjit.runtime.calls_enter",
    "wasmjit.runtime.calls_entries",
    "wasmjit.runtime.calls_funcs",
    "wasmjit.runtime.calls_hooks",
    "wasmjit.runtime.calls_host",
    "wasmjit.runtime.calls_numbers",
    "wasmjit.runtime.calls_object",
    "wasmjit.runtime.calls_refused",
    "wasmjit.runtime.calls_slots",
    "wasmjit.runtime.calls_store",
    "wasmjit.runtime.calls_types",
    "wasmjit.runtime.calls_values",
    "wasmjit.runtime.codearena",
    "wasmjit.runtime.constexpr",
    "wasmjit.runtime.context",
    "wasmjit.runtime.elements",
    "wasmjit.runtime.ending",
    "wasmjit.runtime.entry",
    "wasmjit.runtime.faults",
    "wasmjit.runtime.frameless",
    "wasmjit.runtime.frames",
    "wasmjit.runtime.inspection",
    "wasmjit.runtime.instances",
    "wasmjit.runtime.kept",
    "wasmjit.runtime.landing",
    "wasmjit.runtime.linking",
    "wasmjit.runtime.locks",
    "wasmjit.runtime.memory",
    "wasmjit.runtime.openat",
    "wasmjit.runtime.ownership",
    "wasmjit.runtime.preempt",
    "wasmjit.runtime.safepoints",
    "wasmjit.runtime.segments",
    "wasmjit.runtime.tables",
    "wasmjit.runtime.timers",
    "wasmjit.runtime.tracering",
    "wasmjit.runtime.traps",
    "wasmjit.runtime.unitcheck",
    "wasmjit.runtime.unitfree",
    "wasmjit.runtime.unitinfo",
    "wasmjit.runtime.unitinstall",
    "wasmjit.runtime.unitleave",
    "wasmjit.runtime.units",
    "wasmjit.tiers.interpreter.blocks",
    "wasmjit.tiers.interpreter.branches",
    "wasmjit.tiers.interpreter.called",
    "wasmjit.tiers.interpreter.callees",
    "wasmjit.tiers.interpreter.calls",
    "wasmjit.tiers.interpreter.compute",
    "wasmjit.tiers.interpreter.emit",
    "wasmjit.tiers.interpreter.entry",
    "wasmjit.tiers.interpreter.flow",
    "wasmjit.tiers.interpreter.hooks",
    "wasmjit.tiers.interpreter.leb",
    "wasmjit.tiers.interpreter.locals",
    "wasmjit.tiers.interpreter.operands",
    "wasmjit.tiers.interpreter.pairs",
    "wasmjit.tiers.interpreter.points",
    "wasmjit.tiers.interpreter.prepare",
    "wasmjit.tiers.interpreter.profiled",
    "wasmjit.tiers.interpreter.promotion",
    "wasmjit.tiers.interpreter.requests",
    "wasmjit.tiers.interpreter.sampling",
    "wasmjit.tiers.interpreter.slotcode",
    "wasmjit.tiers.interpreter.stack",
    "wasmjit.tiers.interpreter.translate",
)

# modules with a function `ir() -> str`: generated IR text and assembly
GENERATORS: tuple[str, ...] = ("wasmjit.runtime.platform", "wasmjit.runtime.natives", "wasmjit.tiers.interpreter.ir")

_loaded: Image | None = None
_lock = _thread.allocate_lock()


def native() -> Image:
    """The native code of wasmjit; its attributes are the `@export` functions. Loaded, if need be built, at the first call.

    Raises ImportError when there is no image for this machine and no compiler to build one, when the process has no room for
    what the runtime needs once (a thread key, signal handlers), in a free-threaded Python and in a sub-interpreter.
    """
    global _loaded
    if _loaded is None:
        with _lock:
            if _loaded is None:
                if "t" in sys.abiflags:
                    raise ImportError("wasmjit needs a Python with the global interpreter lock: free-threaded ones are not supported yet")
                image = open_image(NAME, build)
                if not image.interpreter_is_main():
                    raise ImportError("wasmjit runs in the main interpreter only: sub-interpreters are not supported yet")
                if not image.runtime_init(*code_range(image)):
                    raise ImportError("wasmjit cannot start: no thread key is left, or SIGSEGV cannot be handled")
                _loaded = image
    return _loaded


def build(target: "Target | None" = None) -> bytes:
    """Compile the image for a `wasmjit.native.emit.Target`, None for the host; its bytes."""
    from importlib import import_module

    from wasmjit.native.build import build_image
    from wasmjit.native.sources import closure, snapshot

    sources = snapshot(closure(["wasmjit._image", "wasmjit._version", "wasmjit.native.build", *SOURCES, *GENERATORS]))
    modules = [import_module(name) for name in SOURCES]
    texts = [import_module(name).ir() for name in GENERATORS]
    return build_image(modules, texts, target=target, sources=sources)
