"""The guest's memory as WASI functions see it: every offset and length is checked here and nowhere else."""

from wasmjit.wasi.errno import Errno, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

M32 = 0xFFFFFFFF
IOV_MAX = 1024  # as readv and writev on Linux
PATH_MAX = 4096
NONE = memoryview(b"")


def memory(instance: "Any") -> memoryview:
    """All of memory 0 of the calling instance as bytes, fetched anew at each call, because the guest grows it; none for one without."""
    try:
        window: memoryview = instance.memory._window()
    except AttributeError:
        return NONE
    return window


def span(window: memoryview, pointer: int, length: int) -> memoryview:
    """The `length` bytes at `pointer`, both u32 in any sign; FAULT outside memory."""
    pointer &= M32
    end = pointer + (length & M32)
    if end > len(window):
        raise WasiError(Errno.FAULT)
    return window[pointer:end]


def load(window: memoryview, pointer: int, size: int) -> int:
    """Unsigned integer of `size` bytes."""
    return int.from_bytes(span(window, pointer, size), "little")


def iovecs(window: memoryview, pointer: int, count: int) -> list[memoryview]:
    """The buffers of an iovec or ciovec array, empty ones left out.

    FAULT when the array or a buffer is outside memory, INVAL for more than IOV_MAX of them or a sum the u32 result cannot hold.
    """
    pointer &= M32
    count &= M32
    limit = len(window)
    if count > IOV_MAX:
        raise WasiError(Errno.INVAL)
    if pointer + 8 * count > limit:
        raise WasiError(Errno.FAULT)
    if count == 1:  # nearly always, so without the loop
        pair = int.from_bytes(window[pointer : pointer + 8], "little")
        start = pair & M32
        end = start + (pair >> 32)
        if end > limit:
            raise WasiError(Errno.FAULT)
        return [window[start:end]] if end > start else []
    buffers = []
    total = 0
    for at in range(pointer, pointer + 8 * count, 8):
        pair = int.from_bytes(window[at : at + 8], "little")
        start = pair & M32
        length = pair >> 32
        if start + length > limit:
            raise WasiError(Errno.FAULT)
        if length:
            buffers.append(window[start : start + length])
            total += length
    if total > M32:
        raise WasiError(Errno.INVAL)
    return buffers


def path(window: memoryview, pointer: int, length: int) -> bytes:
    """A path as host bytes: NAMETOOLONG, INVAL for a NUL in it, ILSEQ for what is not UTF-8."""
    if length & M32 > PATH_MAX:
        raise WasiError(Errno.NAMETOOLONG)
    name = bytes(span(window, pointer, length))
    if 0 in name:
        raise WasiError(Errno.INVAL)
    if not name.isascii():
        try:
            name.decode()
        except UnicodeDecodeError:
            raise WasiError(Errno.ILSEQ) from None
    return name
