"""Files in memory: mmap copies them there, and what is written to a shared mapping goes back when asked for and when it ends."""

from wasmjit.emscripten.guest import Guest, needed
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
    guest: Guest, instance: "Any", length: int, protection: int, flags: int, number: int, offset: int, allocated: int, result: int
) -> int:
    length &= M32
    if length == 0 or offset < 0 or offset % PAGE:
        raise WasiError(Errno.INVAL)
    writing = protection & PROT_WRITE and not flags & MAP_PRIVATE
    file = mapped(guest, number, Right.FD_READ | (Right.FD_WRITE if writing else 0))
    window = memory(instance)
    span(window, allocated, 4), span(window, result, 4)
    pointer = needed(instance, "emscripten_builtin_memalign")(PAGE, -(-length // PAGE) * PAGE & M32) & M32
    if pointer == 0:
        raise WasiError(Errno.NOMEM)
    window = memory(instance)  # which may have grown
    target = span(window, pointer, length)
    at = 0
    while at < length and (count := file.pread([target[at:]], offset + at)):
        at += count
    for start in range(at, length, PAGE):
        rest = target[start : start + PAGE]
        rest[:] = bytes(len(rest))
    span(window, allocated, 4)[:] = (1).to_bytes(4, "little")
    span(window, result, 4)[:] = pointer.to_bytes(4, "little")
    return 0


def _msync_js(guest: Guest, instance: "Any", pointer: int, length: int, protection: int, flags: int, number: int, offset: int) -> int:
    """Write a shared mapping back, no further than the file goes."""
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


_munmap_js = _msync_js  # libc gives the memory back itself
