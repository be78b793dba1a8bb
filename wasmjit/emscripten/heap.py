"""The heap: growing the memory, and copying within it."""

from wasmjit.emscripten.guest import Guest
from wasmjit.wasi._memory import M32, memory, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PAGE = 1 << 16
MOST = (1 << 16) - 1  # pages: addresses must fit a u32 also one behind the end
AHEAD = 96 << 20  # bytes that are taken at most beyond what is asked for


def pages_max(instance: "Any") -> int:
    """The pages that the memory may have by its type."""
    most = instance.memory.type.max
    return MOST if most is None else min(most, MOST)


def emscripten_resize_heap(guest: Guest, instance: "Any", size: int) -> int:
    """Make the memory at least so long, and a fifth more where that is to be had: malloc asks for little at a time. 1, or 0 for no."""
    size &= M32
    found = instance.memory
    wanted = -(-size // PAGE)
    most = pages_max(instance)
    if wanted > most:
        return 0
    ahead = min(max(size, found.nbytes + found.nbytes // 5), size + AHEAD)
    for pages in (min(-(-ahead // PAGE), most), wanted):
        if pages <= found.pages:
            return int(wanted <= found.pages)
        try:
            found.grow(pages - found.pages)
        except MemoryError:
            continue
        return 1
    return 0


def emscripten_get_heap_max(guest: Guest, instance: "Any") -> int:
    return pages_max(instance) * PAGE


def emscripten_get_heap_size(guest: Guest, instance: "Any") -> int:
    return int(instance.memory.nbytes)


def emscripten_notify_memory_growth(guest: Guest, instance: "Any", index: int) -> None:
    """Views are made anew for each call."""


def emscripten_memcpy_js(guest: Guest, instance: "Any", target: int, source: int, count: int) -> None:
    window = memory(instance)
    span(window, target, count)[:] = span(window, source, count)


_emscripten_memcpy_js = emscripten_memcpy_js


def emscripten_memcpy_big(guest: Guest, instance: "Any", target: int, source: int, count: int) -> int:
    emscripten_memcpy_js(guest, instance, target, source, count)
    return target
