"""Directories of the host."""

import os
from errno import EACCES, EXDEV
from stat import S_ISFIFO

from wasmjit.wasi.abi import FdFlag, FileType, dirent, filetype
from wasmjit.wasi.beneath import open_beneath
from wasmjit.wasi.errno import failure
from wasmjit.wasi.folder import Directory, Folder
from wasmjit.wasi.hostfile import Fifo, HostFile
from wasmjit.wasi.protected import identity, is_code, leads_to_code, make_beneath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import stat_result

    from wasmjit.wasi.protected import Identity

_PATH = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_STEP = _PATH | os.O_NOFOLLOW


class HostFolder(Folder):
    """A host directory by its descriptor, which it owns.

    identity: None for a directory that cannot be on the way to compiled code.
    """

    __slots__ = ("identity", "listing", "number")

    def __init__(self, number: int, identity: "Identity | None" = None) -> None:
        self.number = number
        self.identity = identity
        self.listing: list[bytes] = []

    def enter(self, name: bytes) -> "HostFolder":
        folder = HostFolder(os.open(name, _STEP, dir_fd=self.number))
        folder.identity = identity(os.fstat(folder.number))
        if is_code(folder.identity):
            raise failure(EACCES)
        return folder

    def descend(self, path: bytes) -> "HostFolder | None":
        if leads_to_code(self.identity):
            return None
        number = open_beneath(self.number, path, _PATH)
        return None if number is None else HostFolder(number)

    def open(self, name: bytes, flags: int, rights: int, inheriting: int, fdflags: int) -> Directory | HostFile:
        return opened(os.open(name, flags, 0o666, dir_fd=self.number), rights, inheriting, fdflags)

    def open_path(self, path: bytes, follow: bool, flags: int, rights: int, inheriting: int, fdflags: int) -> Directory | HostFile | None:
        if leads_to_code(self.identity):
            return None
        number = open_beneath(self.number, path, flags & ~os.O_NOFOLLOW if follow else flags)
        return None if number is None else opened(number, rights, inheriting, fdflags)

    def status(self) -> "stat_result":
        return os.fstat(self.number)

    def stat(self, name: bytes) -> "stat_result":
        return os.stat(name, dir_fd=self.number, follow_symlinks=False)

    def utime(self, name: bytes, ns: tuple[int, int]) -> None:
        os.utime(name, ns=ns, dir_fd=self.number, follow_symlinks=False)

    def readlink(self, name: bytes) -> bytes:
        return os.readlink(name, dir_fd=self.number)

    def mkdir(self, name: bytes) -> None:
        make_beneath(self.identity)
        os.mkdir(name, 0o777, dir_fd=self.number)

    def rmdir(self, name: bytes) -> None:
        self.keep(name)
        os.rmdir(name, dir_fd=self.number)

    def unlink(self, name: bytes) -> None:
        self.keep(name)
        os.unlink(name, dir_fd=self.number)

    def symlink(self, target: bytes, name: bytes) -> None:
        make_beneath(self.identity)
        os.symlink(target, name, dir_fd=self.number)

    def link(self, name: bytes, other: Folder, new: bytes) -> None:
        if not isinstance(other, HostFolder):
            raise failure(EXDEV)
        os.link(name, new, src_dir_fd=self.number, dst_dir_fd=other.number, follow_symlinks=False)

    def rename(self, name: bytes, other: Folder, new: bytes) -> None:
        if not isinstance(other, HostFolder):
            raise failure(EXDEV)
        make_beneath(other.identity)
        self.keep(name)
        other.keep(new)
        os.rename(name, new, src_dir_fd=self.number, dst_dir_fd=other.number)

    def keep(self, name: bytes) -> None:
        """The folders of compiled code stay where they are, and so does what is on the way to them: PermissionError."""
        if not leads_to_code(self.identity):
            return
        try:
            found = self.stat(name)
        except FileNotFoundError:
            return
        if leads_to_code(identity(found)):
            raise failure(EACCES)

    def entries(self, cookie: int) -> list[bytes]:
        """Those of one reading of the directory, made anew at cookie 0."""
        if cookie == 0 or not self.listing:
            self.listing = self.read_entries()
        return self.listing[cookie:] if cookie else self.listing

    def read_entries(self) -> list[bytes]:
        """All `dirent` records of now, sorted by name: the order of the host's file system says nothing, and may differ at the next run."""
        found = [(b".", os.fstat(self.number).st_ino, FileType.DIRECTORY), (b"..", 0, FileType.DIRECTORY)]
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
        found[2:] = sorted(found[2:])
        return [dirent(number, inode, kind, name) for number, (name, inode, kind) in enumerate(found, 1)]

    def sync(self) -> None:
        os.fsync(self.number)

    def close(self) -> None:
        number, self.number = self.number, -1
        if number >= 0:
            os.close(number)

    def __del__(self) -> None:
        self.close()


def opened(number: int, rights: int, inheriting: int, fdflags: int) -> Directory | HostFile:
    """The guest's descriptor for what was just opened with O_NONBLOCK, which only a regular file keeps: it means nothing there."""
    try:
        status = os.fstat(number)
        kind = filetype(status.st_mode)
        if kind == FileType.REGULAR_FILE:
            return HostFile(number, kind, rights, fdflags)
        if kind == FileType.DIRECTORY:
            found = identity(status)
            if is_code(found):
                raise failure(EACCES)
            return Directory(HostFolder(number, found), rights, inheriting)
        if not fdflags & FdFlag.NONBLOCK:
            os.set_blocking(number, True)
        return (Fifo if S_ISFIFO(status.st_mode) else HostFile)(number, kind, rights, fdflags)
    except BaseException:
        os.close(number)
        raise


def given(path: "str | os.PathLike[str]") -> HostFolder:
    """The host directory that a guest is given. OSError as open() raises it, PermissionError for one of compiled code."""
    folder = HostFolder(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    folder.identity = identity(folder.status())
    if is_code(folder.identity):
        raise PermissionError(EACCES, "no guest gets a folder of compiled code", os.fspath(path))
    return folder


def special_type(name: str, directory: int) -> int:
    """FileType of a device, socket or pipe; UNKNOWN when it has gone meanwhile."""
    try:
        return filetype(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return FileType.UNKNOWN
