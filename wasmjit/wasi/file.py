"""Descriptors: positioned access, status, flags, rights, directory reading."""

import os

from wasmjit.wasi._memory import M32, iovecs, span
from wasmjit.wasi.abi import FILESTAT_SIZE, M64, REALTIME, FdFlag, FstFlag, filestat
from wasmjit.wasi.errno import Errno, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit.wasi.context import Context, Descriptor
    from wasmjit.wasi.folder import Directory

OFFSET_MAX = (1 << 63) - 1
ADVICES = 6


def offset_of(value: int) -> int:
    """A u64 position as the host's signed one; INVAL beyond that."""
    value &= M64
    if value > OFFSET_MAX:
        raise WasiError(Errno.INVAL)
    return value


def fd_pread(context: "Context", window: memoryview, descriptor: "Descriptor", iovs: int, count: int, offset: int, result: int) -> None:
    cell = span(window, result, 4)
    buffers, position = iovecs(window, iovs, count), offset_of(offset)
    cell[:] = descriptor.pread(buffers, position).to_bytes(4, "little")


def fd_pwrite(context: "Context", window: memoryview, descriptor: "Descriptor", iovs: int, count: int, offset: int, result: int) -> None:
    cell = span(window, result, 4)
    buffers, position = iovecs(window, iovs, count), offset_of(offset)
    cell[:] = descriptor.pwrite(buffers, position).to_bytes(4, "little")


def fd_advise(context: "Context", window: memoryview, descriptor: "Descriptor", offset: int, length: int, advice: int) -> None:
    if not 0 <= advice < ADVICES:
        raise WasiError(Errno.INVAL)
    descriptor.advise(offset_of(offset), offset_of(length), advice)


def fd_allocate(context: "Context", window: memoryview, descriptor: "Descriptor", offset: int, length: int) -> None:
    descriptor.allocate(offset_of(offset), offset_of(length))


def fd_datasync(context: "Context", window: memoryview, descriptor: "Descriptor") -> None:
    descriptor.datasync()


def fd_sync(context: "Context", window: memoryview, descriptor: "Descriptor") -> None:
    descriptor.sync()


def fd_fdstat_set_flags(context: "Context", window: memoryview, descriptor: "Descriptor", flags: int) -> None:
    if flags & M32 & ~FdFlag.ALL:
        raise WasiError(Errno.INVAL)
    descriptor.set_flags(flags)


def fd_fdstat_set_rights(context: "Context", window: memoryview, descriptor: "Descriptor", rights: int, inheriting: int) -> None:
    """Rights can only be given up."""
    rights &= M64
    inheriting &= M64
    if rights & ~descriptor.rights or inheriting & ~descriptor.inheriting:
        raise WasiError(Errno.NOTCAPABLE)
    descriptor.rights = rights
    descriptor.inheriting = inheriting


def fd_filestat_get(context: "Context", window: memoryview, descriptor: "Descriptor", result: int) -> None:
    cell = span(window, result, FILESTAT_SIZE)
    cell[:] = filestat(descriptor.filetype, descriptor.stat())


def fd_filestat_set_size(context: "Context", window: memoryview, descriptor: "Descriptor", size: int) -> None:
    descriptor.resize(offset_of(size))


def check_times(flags: int) -> None:
    """INVAL for unknown fstflags, and for a time that is to be given and now at once."""
    both = (FstFlag.ATIM | FstFlag.ATIM_NOW, FstFlag.MTIM | FstFlag.MTIM_NOW)
    if flags & M32 & ~FstFlag.ALL or any([flags & pair == pair for pair in both]):
        raise WasiError(Errno.INVAL)


def times(context: "Context", status: os.stat_result, atim: int, mtim: int, flags: int) -> tuple[int, int]:
    """Access and modification time in nanoseconds that `fstflags` ask for; what they do not name stays as it is."""
    now = context.clock(REALTIME) if flags & (FstFlag.ATIM_NOW | FstFlag.MTIM_NOW) else 0
    access = atim & M64 if flags & FstFlag.ATIM else now if flags & FstFlag.ATIM_NOW else status.st_atime_ns
    modified = mtim & M64 if flags & FstFlag.MTIM else now if flags & FstFlag.MTIM_NOW else status.st_mtime_ns
    return access, modified


def fd_filestat_set_times(context: "Context", window: memoryview, descriptor: "Descriptor", atim: int, mtim: int, flags: int) -> None:
    check_times(flags)
    status = descriptor.stat()
    if status is None:
        raise WasiError(Errno.INVAL)
    descriptor.set_times(times(context, status, atim, mtim, flags))


def fd_readdir(context: "Context", window: memoryview, directory: "Directory", buffer: int, length: int, cookie: int, result: int) -> None:
    """Records are cut where the buffer ends; a result smaller than the buffer tells the guest that this was the end."""
    cell = span(window, result, 4)
    target = span(window, buffer, length)
    pieces: list[bytes] = []
    left = len(target)
    if left:
        for piece in directory.folder.entries(cookie & M64):
            pieces.append(piece)
            left -= len(piece)
            if left <= 0:
                break
    found = b"".join(pieces)[: len(target)]
    target[: len(found)] = found
    cell[:] = len(found).to_bytes(4, "little")


def fd_renumber(context: "Context", window: memoryview, source: int, target: int) -> None:
    """Both must be open; the target is closed."""
    moved = context.descriptor(source, 0)
    context.descriptor(target, 0)
    if source == target:
        return
    context.remove(target)
    del context.files[source]
    context.files[target] = moved
    context.lowest = min(context.lowest, source)
