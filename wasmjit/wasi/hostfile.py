"""Files and directories of the host behind guest descriptors."""

import os

from wasmjit.wasi import abi
from wasmjit.wasi._memory import M32
from wasmjit.wasi._wait import wait_readable, write_host
from wasmjit.wasi.abi import ALTER, DIRECTORY, FILE, LOOKUP, SEEKING, STREAM, FdFlag, FileType, Right, filetype, record
from wasmjit.wasi.context import Descriptor
from wasmjit.wasi.errno import Errno, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import stat_result

_HOST_FLAGS = (
    (FdFlag.APPEND, os.O_APPEND),
    (FdFlag.DSYNC, os.O_DSYNC),
    (FdFlag.NONBLOCK, os.O_NONBLOCK),
    (FdFlag.RSYNC, getattr(os, "O_RSYNC", os.O_SYNC)),
    (FdFlag.SYNC, os.O_SYNC),
)


def host_flags(flags: int) -> int:
    """open(2) flags of WASI fdflags."""
    return sum({host for flag, host in _HOST_FLAGS if flags & flag}) if flags else 0


class HostFile(Descriptor):
    """An open host file of any type but a directory. A descriptor that is only lent is not closed."""

    __slots__ = ("filetype", "number", "owned")

    def __init__(self, number: int, status: "stat_result", rights: int, flags: int = 0, owned: bool = True) -> None:
        self.number = number
        self.owned = owned
        self.filetype = filetype(status.st_mode)
        if self.filetype not in (FileType.REGULAR_FILE, FileType.BLOCK_DEVICE):
            rights &= ~SEEKING  # how a guest's libc tells a terminal from a file
        super().__init__(rights & FILE, 0, flags)

    def read(self, buffers: list[memoryview]) -> int:
        if not buffers:
            return 0
        if self.filetype != FileType.REGULAR_FILE and not self.flags & FdFlag.NONBLOCK:
            wait_readable(self.number)
        return os.readv(self.number, buffers)

    def write(self, buffers: list[memoryview]) -> int:
        if self.filetype == FileType.REGULAR_FILE or self.flags & FdFlag.NONBLOCK:
            return os.writev(self.number, buffers) if buffers else 0
        return write_host(self.number, buffers[0]) if buffers else 0

    def seek(self, offset: int, whence: int) -> int:
        return os.lseek(self.number, offset, whence)

    def fileno(self) -> int:
        return self.number

    def stat(self) -> "stat_result":
        return os.fstat(self.number)

    def set_flags(self, flags: int) -> None:
        changeable = FdFlag.APPEND | FdFlag.NONBLOCK
        if (flags ^ self.flags) & ~changeable:
            raise WasiError(Errno.NOTSUP)  # Linux ignores them after opening
        import fcntl

        kept = fcntl.fcntl(self.number, fcntl.F_GETFL) & ~host_flags(changeable)
        fcntl.fcntl(self.number, fcntl.F_SETFL, kept | host_flags(flags & changeable))
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


def lent_file(number: int, rights: int) -> HostFile:
    """A descriptor of the embedder's as a standard stream, in the directions that `rights` has."""
    directions = rights & (Right.FD_READ | Right.FD_WRITE)
    return HostFile(number, os.fstat(number), STREAM | SEEKING | directions, owned=False)


class Directory(Descriptor):
    """An open host directory, the root of all paths that are resolved from it."""

    __slots__ = ("guest_name", "listing", "number")
    filetype = FileType.DIRECTORY

    def __init__(self, number: int, rights: int, inheriting: int, guest_name: bytes | None = None) -> None:
        self.number = number
        self.guest_name = guest_name
        self.listing: list[bytes] = []
        super().__init__(rights & DIRECTORY, inheriting & (DIRECTORY | FILE))

    def refuse(self, missing: int) -> int:
        if missing & (Right.FD_READ | Right.FD_WRITE | SEEKING | Right.FD_ALLOCATE | Right.FD_FILESTAT_SET_SIZE):
            return Errno.ISDIR
        if missing & Right.FD_ADVISE:
            return Errno.BADF
        if missing & (LOOKUP | ALTER):
            return Errno.NOTCAPABLE
        return super().refuse(missing)

    def fileno(self) -> int:
        return self.number

    def stat(self) -> "stat_result":
        return os.fstat(self.number)

    def entries(self, cookie: int) -> list[bytes]:
        """`dirent` records with their names: those of one reading of the directory, made anew at cookie 0."""
        if cookie == 0 or not self.listing:
            self.listing = self.read_entries()
        return self.listing

    def read_entries(self) -> list[bytes]:
        """All `dirent` records of now. `..` of a preopened directory is itself: its parent is not the guest's."""
        own = os.fstat(self.number).st_ino
        parent = own if self.guest_name is not None else os.stat("..", dir_fd=self.number).st_ino
        found = [(b".", own, FileType.DIRECTORY), (b"..", parent, FileType.DIRECTORY)]
        with os.scandir(self.number) as entries:
            for entry in entries:
                if entry.is_symlink():
                    kind = FileType.SYMBOLIC_LINK
                elif entry.is_file(follow_symlinks=False):
                    kind = FileType.REGULAR_FILE
                elif entry.is_dir(follow_symlinks=False):
                    kind = FileType.DIRECTORY
                else:
                    kind = special_type(entry.name, self.number)
                found.append((os.fsencode(entry.name), entry.inode(), kind))
        return [
            record((number, 8), (inode & abi.M64, 8), (len(name) & M32, 4), (kind, 4)) + name
            for number, (name, inode, kind) in enumerate(found, 1)
        ]

    def close(self) -> None:
        number, self.number = self.number, -1
        if number >= 0:
            os.close(number)

    def __del__(self) -> None:
        self.close()


def special_type(name: str, directory: int) -> int:
    """FileType of a device, socket or pipe; UNKNOWN when it has gone meanwhile."""
    try:
        return filetype(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return FileType.UNKNOWN


def open_host(path: "str | bytes | os.PathLike[str]", writing: bool) -> HostFile:
    """A file that the embedder names as a standard stream: read from its start, or emptied and written. OSError as open() raises it."""
    flags = os.O_CLOEXEC | (os.O_WRONLY | os.O_CREAT | os.O_TRUNC if writing else os.O_RDONLY)
    number = os.open(path, flags, 0o666)
    status = os.fstat(number)
    return HostFile(number, status, FILE & ~(Right.FD_READ if writing else Right.FD_WRITE))
