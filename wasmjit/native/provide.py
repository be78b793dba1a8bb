"""Where the native image comes from: the cache, a shipped image, or a build. On the run path.

A cached image knows the files it was made from. It is used at once if their sizes, times and inodes are what they were
(`stamp`), and after reading them if their contents are (`contents`). Otherwise it is stale: then a shipped
image for a baseline processor whose contents agree, then a build. Both go into the cache. An image that was shipped
stays in use until `python -m wasmjit.native --build` replaces it by one made for this very processor.
"""

import os
import sys

from wasmjit.native import cache as caches
from wasmjit.native import imagefile, processor
from wasmjit.native.cache import PACKAGE, SUFFIX, Cache
from wasmjit.native.cache import digest as digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHIPPED = os.path.join(PACKAGE, "native", "images")
NO_COMPILER = (
    "wasmjit has no native image for this machine, and llvmlite, which is needed to build one, cannot be imported ({error}). "
    "Install it: pip install llvmlite"
)


def open_image(name: str, build: "Callable[[], bytes]", setting: bool | str = True) -> imagefile.Image:
    """The image called `name`, loaded.

    build: called without arguments when there is none, returns the bytes of an image file; setting: the cache folder as
    `cache.locate` takes it. Raises ImportError when there is no image and no compiler.
    """
    words = processor.features()
    with Cache(setting) as cache:
        entry = entry_name(name, words)
        image = _load_cached(cache, entry, _unchanged)
        if image is not None:
            return image
        return _load_cached_again(cache, entry) or _load_shipped(cache, entry, name, words) or _load_built(cache, entry, build)


def entry_name(name: str, words: list[int]) -> str:
    """The cache entry of an image for this installation and a processor (`processor.features`)."""
    text = "\n".join([PACKAGE, str(imagefile.MAGIC), *map(str, words)])
    return f"{name}-{digest(text.encode()):016x}{SUFFIX}"


def stamp(sources: "Sequence[str]") -> int:
    """`cache.stamp` of source files of the package."""
    return caches.stamp(PACKAGE, sources)


def contents(sources: "Sequence[str]") -> int:
    """A number that changes when the content of a file does; 0 if one is missing."""
    hashes = []
    for path in sources:
        try:
            with open(f"{PACKAGE}/{path}", "rb") as file:
                hashes.append((path, digest(file.read())))
        except OSError:
            return 0
    return digest(repr(hashes).encode())


def _unchanged(data: memoryview, words: list[int]) -> bool:
    return stamp(imagefile.sources(data, words)) == words[imagefile.STAMP] != 0


def _load_cached(cache: Cache, entry: str, accept: "Callable[[memoryview, list[int]], bool] | None") -> imagefile.Image | None:
    descriptor = cache.read(entry)
    if descriptor < 0:
        return None
    try:
        return imagefile.load_file(descriptor, accept, caches.sealed(descriptor, imagefile.digest_written(descriptor)))
    except imagefile.ImageError:
        return None
    finally:
        os.close(descriptor)


def _load_cached_again(cache: Cache, entry: str) -> imagefile.Image | None:
    """The cached image if only times or inodes of its sources changed; it is stamped anew."""
    descriptor = cache.read(entry)
    if descriptor < 0:
        return None
    with open(descriptor, "rb") as file:
        data = file.read()
    return _adopt(cache, entry, data) if _current(data) else None


def _load_shipped(cache: Cache, entry: str, name: str, words: list[int]) -> imagefile.Image | None:
    for level in processor.levels(words):
        try:
            with open(f"{SHIPPED}/{name}-{level}.img", "rb") as file:
                data = file.read()
        except OSError:
            continue
        if _current(data):
            _say_tier()
            return _adopt(cache, entry, data)
        if _sourceless(data):
            return imagefile.load_bytes(data)
    return None


def _say_tier() -> None:
    """Once, when a shipped image goes into the cache: without llvmlite there is nothing above the interpreter."""
    from importlib.util import find_spec

    if find_spec("llvmlite") is None:
        _say("llvmlite is not installed: programs run in the interpreter only")


def _current(data: bytes) -> bool:
    """Whether an image is intact and was made from the sources as they are."""
    try:
        words = imagefile.check(data)
    except imagefile.ImageError:
        return False
    return contents(imagefile.sources(data, words)) == words[imagefile.KEY] != 0


def _sourceless(data: bytes) -> bool:
    """Whether the package was installed without the sources of an image: then the image came with it and fits."""
    try:
        paths = imagefile.sources(data, imagefile.check(data))
    except imagefile.ImageError:
        return False
    return not any(os.path.exists(f"{PACKAGE}/{path}") for path in paths)


def _adopt(cache: Cache, entry: str, data: bytes) -> imagefile.Image:
    """Keep a current image under the present stamp of its sources, and load it."""
    return _store(cache, entry, imagefile.stamped(data, stamp(imagefile.sources(data, imagefile.check(data)))))


def _load_built(cache: Cache, entry: str, build: "Callable[[], bytes]") -> imagefile.Image:
    try:
        import llvmlite  # noqa: F401
    except ImportError as error:
        raise ImportError(NO_COMPILER.format(error=error)) from error
    _say("building native image (once) ...")
    data = build()
    image = _store(cache, entry, data)
    if cache.reason:
        _say(f"the native image is not kept, so that each start builds it again: {cache.reason}", always=True)
    cache.prune()
    return image


def _store(cache: Cache, entry: str, data: bytes) -> imagefile.Image:
    """Put an image into the cache and load it from there, else from memory."""
    if cache.write(entry, data, imagefile.digest(data)):
        image = _load_cached(cache, entry, None)
        if image is not None:
            return image
    return imagefile.load_bytes(data)


def _say(text: str, always: bool = False) -> None:
    """Tell who looks on; always: and who reads what the process wrote."""
    if sys.stderr is not None and (always or sys.stderr.isatty()):
        print(f"wasmjit: {text}", file=sys.stderr, flush=True)
