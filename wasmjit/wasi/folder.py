"""Directories of guests, whatever holds them: what paths are resolved over (lookup.py), and the descriptor of an open one."""

from wasmjit.wasi.abi import ALTER, DIRECTORY, FILE, LOOKUP, SEEKING, FileType, Right
from wasmjit.wasi.context import Descriptor
from wasmjit.wasi.errno import Errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import stat_result


class Folder:
    """A directory of a file system: of the host (hostfolder.py) or in memory (memfolder.py).

    Methods take one name in it, b"." for itself, and never follow a link of that name. They do what the functions of `os` do with dir_fd=
    and follow_symlinks=False, and raise OSError as they do: EXDEV where two directories are of different file systems.
    """

    __slots__ = ()

    def enter(self, name: bytes) -> "Folder":
        """The directory of that name. NotADirectoryError or ELOOP for anything else, a link to one included."""
        raise NotImplementedError

    def descend(self, path: bytes) -> "Folder | None":
        """The directory at a relative path of any length, links followed beneath this one. None: walk there to know. FileNotFoundError."""
        return None

    def open(self, name: bytes, flags: int, rights: int, inheriting: int, fdflags: int) -> Descriptor:
        """A descriptor with at most these rights; flags are those of os.open, what they ask for beyond fdflags included."""
        raise NotImplementedError

    def open_path(self, path: bytes, follow: bool, flags: int, rights: int, inheriting: int, fdflags: int) -> Descriptor | None:
        """As `open` for a relative path of any length, links followed beneath this one, the last one if `follow`; None as `descend`."""
        return None

    def status(self) -> "stat_result":
        """Of the directory itself."""
        raise NotImplementedError

    def stat(self, name: bytes) -> "stat_result":
        raise NotImplementedError

    def utime(self, name: bytes, ns: tuple[int, int]) -> None:
        raise NotImplementedError

    def readlink(self, name: bytes) -> bytes:
        raise NotImplementedError

    def mkdir(self, name: bytes) -> None:
        raise NotImplementedError

    def rmdir(self, name: bytes) -> None:
        raise NotImplementedError

    def unlink(self, name: bytes) -> None:
        raise NotImplementedError

    def symlink(self, target: bytes, name: bytes) -> None:
        raise NotImplementedError

    def link(self, name: bytes, other: "Folder", new: bytes) -> None:
        raise NotImplementedError

    def rename(self, name: bytes, other: "Folder", new: bytes) -> None:
        raise NotImplementedError

    def entries(self, cookie: int) -> "Iterable[bytes]":
        """`dirent` records with their names, of `.` and `..` too, behind the one that has this cookie; 0 for all.

        The inode of `..` is 0: what is above a directory may be no business of the guest's.
        """
        raise NotImplementedError

    def sync(self) -> None:
        """Bring the directory to its device."""

    def close(self) -> None:
        """Give up what the host holds for it; again is harmless."""


class Directory(Descriptor):
    """An open directory, the root of all paths that are resolved from it."""

    __slots__ = ("folder", "guest_name")
    filetype = FileType.DIRECTORY

    def __init__(self, folder: Folder, rights: int, inheriting: int, guest_name: bytes | None = None) -> None:
        self.folder = folder
        self.guest_name = guest_name
        super().__init__(rights & DIRECTORY, inheriting & (DIRECTORY | FILE))

    def refuse(self, missing: int) -> int:
        if missing & (Right.FD_READ | Right.FD_WRITE | SEEKING | Right.FD_ALLOCATE | Right.FD_FILESTAT_SET_SIZE):
            return Errno.ISDIR
        if missing & Right.FD_ADVISE:
            return Errno.BADF
        if missing & (LOOKUP | ALTER):
            return Errno.NOTCAPABLE
        return super().refuse(missing)

    def stat(self) -> "stat_result":
        return self.folder.status()

    def set_times(self, ns: tuple[int, int]) -> None:
        self.folder.utime(b".", ns)

    def sync(self) -> None:
        self.folder.sync()

    def datasync(self) -> None:
        self.folder.sync()

    def close(self) -> None:
        self.folder.close()
