"""Files in memory: mmap copies them there, and what is written to a shared mapping goes back when asked for and when it ends."""

from wasmjit.emscripten.guest import Guest, needed
from wasmjit.emscripten.records import FIRST
from wasmjit.wasi._memory import M32, memory, span
from wasmjit.wasi.abi import FileType, Right
from wasmjit.wasi.errno import Errno, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wasmjit.wasi.context import Descriptor

PROT_WRITE = 2
MAP_PRIVATE = 2
PAGE = 1 << 16  # what mappings are aligned to


def mapped(guest: Guest, number: int, rights: int) -> "Descriptor":
    """The file of a mapping; NODEV for what is none."""
    found = guest.context.descriptor(number, rights)
    if found.filetype != FileType.REGULAR_FILE:
        raise WasiError(Errno.NODEV)
    return found


def _mmap_js(
    guest: Guest,
    instance: "Any",
    length: int,
    protection: int,
    flags: int,
    number: int,
    offset: int,
    allocated: int,
    result: int | None = None,
) -> int:
    """allocated, result: where to say that memory was taken, and where it is. Older versions have the address returned."""
    if result is not None and guest.layout is FIRST:  # where it is wanted comes before the rest then, and is no more than a hint
        length, protection, flags, number, offset, allocated, result = protection, flags, number, offset, allocated, result, None
    results = [] if result is None else [result]
    length &= M32
    if length == 0 or offset < 0 or offset % PAGE:
        raise WasiError(Errno.INVAL)
    writing = protection & PROT_WRITE and not flags & MAP_PRIVATE
    file = mapped(guest, number, Right.FD_READ | (Right.FD_WRITE if writing else 0))
    window = memory(instance)
    for cell in (allocated, *results):
        span(window, cell, 4)
    pointer = needed(instance, "emscripten_builtin_memalign")(PAGE, -(-length // PAGE) * PAGE & M32) & M32
    if pointer == 0:
        raise WasiError(Errno.NOMEM)
    window = memory(instance)  # which may have grown
    cells = [span(window, cell, 4) for cell in (allocated, *results)]
    target = span(window, pointer, length)
    at = 0
    while at < length and (count := file.pread([target[at:]], offset + at)):
        at += count
    for start in range(at, length, PAGE):
        rest = target[start : start + PAGE]
        rest[:] = bytes(len(rest))
    for place, value in zip(cells, (1, pointer), strict=False):
        place[:] = value.to_bytes(4, "little")
    return 0 if results else pointer


def _msync_js(
    guest: Guest, instance: "Any", pointer: int, length: int, protection: int, flags: int, number: int | None = None, offset: int = 0
) -> int:
    """As for munmap. The first versions tell flags and descriptor only."""
    if number is None:
        flags, number = protection, flags
        protection = PROT_WRITE if guest.context.descriptor(number, 0).rights & Right.FD_WRITE else 0
    return _munmap_js(guest, instance, pointer, length, protection, flags, number, offset)


def _munmap_js(guest: Guest, instance: "Any", pointer: int, length: int, protection: int, flags: int, number: int, offset: int) -> int:
    """Write a shared mapping back, no further than the file goes. Libc gives the memory back itself."""
    if flags & MAP_PRIVATE or not protection & PROT_WRITE:
        return 0
    if offset < 0:
        raise WasiError(Errno.INVAL)
    file = mapped(guest, number, Right.FD_WRITE)
    status = file.stat()
    left = span(memory(instance), pointer, length)
    left = left[: max(status.st_size - offset, 0)] if status is not None else left
    while left:
        count = file.pwrite([left], offset)
        left, offset = left[count:], offset + count
    return 0
