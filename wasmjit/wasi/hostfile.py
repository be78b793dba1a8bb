"""Files of the host behind guest descriptors."""

import os

from wasmjit.wasi._wait import read_host, wait_ready, write_host
from wasmjit.wasi.abi import FILE, SEEKING, STREAM, FdFlag, FileType, Right, filetype
from wasmjit.wasi.context import Descriptor
from wasmjit.wasi.errno import Errno, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import stat_result

SIGPIPE = 13  # its number, without importing signal

_HOST_FLAGS = (
    (FdFlag.APPEND, os.O_APPEND),
    (FdFlag.DSYNC, os.O_DSYNC),
    (FdFlag.NONBLOCK, os.O_NONBLOCK),
    (FdFlag.RSYNC, getattr(os, "O_RSYNC", os.O_SYNC)),
    (FdFlag.SYNC, os.O_SYNC),
)
_ADVICE = (
    os.POSIX_FADV_NORMAL,
    os.POSIX_FADV_SEQUENTIAL,
    os.POSIX_FADV_RANDOM,
    os.POSIX_FADV_WILLNEED,
    os.POSIX_FADV_DONTNEED,
    os.POSIX_FADV_NOREUSE,
)


def host_flags(flags: int) -> int:
    """open(2) flags of WASI fdflags."""
    return sum({host for flag, host in _HOST_FLAGS if flags & flag}) if flags else 0


class HostFile(Descriptor):
    """An open host file of any type but a directory. A descriptor that is only lent is not closed."""

    __slots__ = ("filetype", "number", "owned")

    def __init__(self, number: int, kind: int, rights: int, flags: int = 0, owned: bool = True) -> None:
        self.number = number
        self.owned = owned
        self.filetype = kind
        if kind not in (FileType.REGULAR_FILE, FileType.BLOCK_DEVICE):
            rights &= ~SEEKING  # how a guest's libc tells a terminal from a file
        super().__init__(rights & FILE, 0, flags)

    def read(self, buffers: list[memoryview]) -> int:
        if not buffers:
            return 0
        if self.filetype == FileType.REGULAR_FILE or self.flags & FdFlag.NONBLOCK:
            return os.readv(self.number, buffers)
        return read_host(self.number, buffers)

    def write(self, buffers: list[memoryview]) -> int:
        if self.filetype == FileType.REGULAR_FILE or self.flags & FdFlag.NONBLOCK:
            return os.writev(self.number, buffers) if buffers else 0
        return write_host(self.number, buffers[0]) if buffers else 0

    def pread(self, buffers: list[memoryview], offset: int) -> int:
        return os.preadv(self.number, buffers, offset) if buffers else 0

    def pwrite(self, buffers: list[memoryview], offset: int) -> int:
        return os.pwritev(self.number, buffers, offset) if buffers else 0

    def seek(self, offset: int, whence: int) -> int:
        return os.lseek(self.number, offset, whence)

    def advise(self, offset: int, length: int, advice: int) -> None:
        os.posix_fadvise(self.number, offset, length, _ADVICE[advice])

    def allocate(self, offset: int, length: int) -> None:
        os.posix_fallocate(self.number, offset, length)

    def resize(self, size: int) -> None:
        os.ftruncate(self.number, size)

    def set_times(self, ns: tuple[int, int]) -> None:
        os.utime(self.number, ns=ns)

    def sync(self) -> None:
        os.fsync(self.number)

    def datasync(self) -> None:
        os.fdatasync(self.number)

    def stat(self) -> "stat_result":
        return os.fstat(self.number)

    def set_flags(self, flags: int) -> None:
        check_settable(self.flags, flags)
        import fcntl

        kept = fcntl.fcntl(self.number, fcntl.F_GETFL) & ~host_flags(SETTABLE)
        fcntl.fcntl(self.number, fcntl.F_SETFL, kept | host_flags(flags & SETTABLE))
        self.flags = flags

    def waitable(self) -> int | None:
        return None if self.filetype == FileType.REGULAR_FILE else self.number

    def available(self) -> int:
        if self.filetype == FileType.REGULAR_FILE:
            return max(os.fstat(self.number).st_size - os.lseek(self.number, 0, 1), 0)
        return 1

    def close(self) -> None:
        if self.owned:
            self.owned = False
            os.close(self.number)

    def __del__(self) -> None:
        self.close()


class Fifo(HostFile):
    """A FIFO that was opened without waiting for the other end: reading waits until somebody has written or has come and gone."""

    __slots__ = ()

    def read(self, buffers: list[memoryview]) -> int:
        if not buffers:
            return 0
        if not self.flags & FdFlag.NONBLOCK:
            wait_ready(self.number)
        return os.readv(self.number, buffers)


SETTABLE = FdFlag.APPEND | FdFlag.NONBLOCK


def check_settable(now: int, flags: int) -> None:
    """NOTSUP for fdflags that cannot change once a file is open: Linux ignores them then."""
    if (flags ^ now) & ~SETTABLE:
        raise WasiError(Errno.NOTSUP)


def lent_file(number: int, rights: int) -> HostFile:
    """A descriptor of the embedder's as a standard stream, in the directions that `rights` has."""
    directions = rights & (Right.FD_READ | Right.FD_WRITE)
    return HostFile(number, filetype(os.fstat(number).st_mode), STREAM | SEEKING | directions, owned=False)


class CommandOutput(HostFile):
    """Standard output or error of a process that is there for the guest, lent to it.

    Where nobody reads it any more the guest ends, as SIGPIPE ends other programs, which therefore need not look at errors of writing.
    """

    __slots__ = ()

    def __init__(self, number: int) -> None:
        super().__init__(number, filetype(os.fstat(number).st_mode), STREAM | SEEKING | Right.FD_WRITE, owned=False)

    def write(self, buffers: list[memoryview]) -> int:
        try:
            return super().write(buffers)
        except BrokenPipeError:
            from wasmjit._errors import Exit

            raise Exit(128 + SIGPIPE) from None


def open_host(path: "str | bytes | os.PathLike[str]", writing: bool) -> HostFile:
    """A file that the embedder names as a standard stream: read from its start, or emptied and written. OSError as open() raises it."""
    flags = os.O_CLOEXEC | (os.O_WRONLY | os.O_CREAT | os.O_TRUNC if writing else os.O_RDONLY)
    number = os.open(path, flags, 0o666)
    return HostFile(number, filetype(os.fstat(number).st_mode), FILE & ~(Right.FD_READ if writing else Right.FD_WRITE))
