"""The code cache: a folder of files whose content gets executed. On the run path.

So the folder must be ours: a directory with mode 0700 owned by the effective user, not reached through a symbolic link
of that name. An entry must be a regular file, owned by the effective user, writable by nobody else. Both are checked
on the descriptor that is then used, so nothing can be swapped in between. An entry is replaced only by a rename and
never written or shortened in place: another process may be running in a mapping of it.

Nothing here fails a run: a folder that cannot be used has a `reason`, reads find nothing, writes say False.
What is kept of files of the package is known to be current by their `stamp`. An entry that begins with its digest need
not be read to be known as whole: `write` also puts the digest into its time, where any later write puts another (`sealed`).
"""

import _imp
import os
from stat import S_ISDIR, S_ISREG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OTHERS = 0o077  # permission bits that a private folder must not have
OTHERS_WRITE = 0o022
LIMIT = 512 << 20  # bytes kept when nothing else is said
SUFFIX = ".wasmjit"  # of every entry: a folder named by mistake loses no other file
_SEALS = 10**9  # the part of a second in nanoseconds: where the seal is
_TEMPORARY = ".new-"
_ABANDONED = 3600.0  # seconds after which a temporary file has no writer any more

FOLDERS: set[str] = set()  # that modules of this process name, beside the user's own: guests are kept out of them


def locate(setting: bool | str = True) -> str | None:
    """Path of the cache folder for a `cache=` setting: True the user's, a path that one, False none.

    The user's is $WASMJIT_CACHE_DIR, else $XDG_CACHE_HOME/wasmjit, else ~/.cache/wasmjit; None if there is no home.
    """
    if setting is False:
        return None
    if setting is not True:
        return os.path.abspath(setting)
    chosen = os.environ.get("WASMJIT_CACHE_DIR")
    if chosen:
        return os.path.abspath(chosen)
    parent = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(parent):  # the XDG base directory specification: relative paths are ignored
        parent = os.path.expanduser("~/.cache")
    return os.path.join(parent, "wasmjit") if os.path.isabs(parent) else None


def note_folder(setting: bool | str) -> None:
    """Remember the folder of a module's `cache=` setting in FOLDERS for good: what is in it may be executed later."""
    if isinstance(setting, str):
        FOLDERS.add(os.path.abspath(setting))


def create(path: str) -> None:
    """Make a cache folder if it is missing, parents included. Raises OSError."""
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass


def identity(setting: bool | str = True) -> tuple[int, int] | None:
    """(st_dev, st_ino) of the cache folder as it is now, None without one: no guest may open it."""
    path = locate(setting)
    if path is None:
        return None
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def stamp(folder: str, paths: "Sequence[str]") -> int:
    """A number that changes when a file of a package is written, replaced or touched; 0 if one is missing.

    paths: relative to the package's folder. In a checkout every file is looked at, 3 us each. An installer writes all files
    of a version, so that of an installed package looks at one.
    """
    if not os.path.exists(f"{folder}/../pyproject.toml"):
        paths = paths[:1]
    try:
        found = [os.stat(f"{folder}/{path}") for path in paths]
    except OSError:
        return 0
    return digest(repr([(f.st_size, f.st_mtime_ns, f.st_ctime_ns, f.st_ino) for f in found]).encode())


def digest(data: bytes | memoryview) -> int:
    """SipHash-1-3: 64 bits."""
    return int.from_bytes(_imp.source_hash(0, data), "little")


def sealed(descriptor: int, digest: int) -> bool:
    """Whether an open entry was not written to since `Cache.write` gave it the seal `digest`.

    False where the file system keeps no nanoseconds; damage to the disk's own blocks is not seen.
    """
    return 0 != digest % _SEALS == os.fstat(descriptor).st_mtime_ns % _SEALS


class Entry:
    """A file of the cache: its name, bytes, and the time of its last use or change."""

    __slots__ = ("name", "nbytes", "used")

    def __init__(self, name: str, nbytes: int, used: float) -> None:
        self.name, self.nbytes, self.used = name, nbytes, used


class Cache:
    """An open cache folder. `path`: where, or None; `reason`: why it cannot be used, "" if it can."""

    def __init__(self, setting: bool | str = True) -> None:
        self.path = locate(setting)
        self.reason = ""
        self._folder = -1
        if self.path is None:
            self.reason = "switched off" if setting is False else "no home folder"
        else:
            self._open(self.path)

    def close(self) -> None:
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1

    def __enter__(self) -> "Cache":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, name: str) -> int:
        """A descriptor of an entry, opened for reading; -1 if there is none that can be trusted. The caller closes it."""
        if self._folder < 0:
            return -1
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=self._folder)
        except OSError:
            return -1
        found = os.fstat(descriptor)
        if S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & OTHERS_WRITE:
            return descriptor
        os.close(descriptor)
        return -1

    def make(self) -> bool:
        """Make the folder if it is missing. False if it cannot be used, `reason` says why."""
        if self._folder < 0 and self.path is not None:
            try:
                create(self.path)
            except OSError as error:
                self.reason = f"{self.path}: {error.strerror}"
                return False
            self._open(self.path)
        return self._folder >= 0

    def write(self, name: str, data: bytes, seal: int | None = None) -> bool:
        """Make or replace an entry. False if it cannot be written, `reason` says why; an older entry then stays.

        seal: a digest of the data, for `sealed`.
        """
        if not self.make():
            return False
        temporary = f"{_TEMPORARY}{os.getpid()}-{os.urandom(4).hex()}{SUFFIX}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self._folder)
            try:
                left = memoryview(data)
                while left:
                    left = left[os.write(descriptor, left) :]
                if seal is not None:
                    written = os.fstat(descriptor)
                    second = written.st_mtime_ns // _SEALS * _SEALS
                    os.utime(descriptor, ns=(written.st_atime_ns, second + seal % _SEALS))
            finally:
                os.close(descriptor)
            os.rename(temporary, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except BaseException as error:
            self._unlink(temporary)
            if not isinstance(error, OSError):
                raise
            self.reason = f"{self.path}: {error.strerror}"
            return False
        return True

    def entries(self) -> list[Entry]:
        """All entries, the least recently used first. Files that are not the cache's own are left out."""
        return sorted((e for e in self._files() if not e.name.startswith(_TEMPORARY)), key=lambda entry: entry.used)

    def clear(self) -> int:
        """Remove every entry; the bytes freed. Processes that run in a removed entry keep it until they end."""
        return sum(entry.nbytes for entry in self._files() if self._unlink(entry.name))

    def prune(self, limit: int = LIMIT) -> int:
        """Remove the least recently used entries until at most `limit` bytes are left; the bytes freed.

        Files that writers left behind when they were killed go too.
        """
        import time

        abandoned = time.time() - _ABANDONED
        for file in self._files():
            if file.name.startswith(_TEMPORARY) and file.used < abandoned:
                self._unlink(file.name)
        entries = self.entries()
        excess = sum(entry.nbytes for entry in entries) - limit
        freed = 0
        for entry in entries:
            if freed >= excess:
                break
            if self._unlink(entry.name):
                freed += entry.nbytes
        return freed

    def _files(self) -> list[Entry]:
        found = []
        for name in os.listdir(self._folder) if self._folder >= 0 else ():
            if name.endswith(SUFFIX):
                try:
                    status = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
                except FileNotFoundError:  # another process was faster
                    continue
                found.append(Entry(name, status.st_size, max(status.st_atime, status.st_mtime)))
        return found

    def _open(self, path: str) -> None:
        try:
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            self.reason = f"{path}: {error.strerror}"
            return
        found = os.fstat(folder)
        if not S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            self.reason = f"{path}: belongs to another user"
        elif found.st_mode & OTHERS:
            self.reason = f"{path}: open to others (chmod 700 makes it usable)"
        else:
            self.reason = ""
            self._folder = folder
            return
        os.close(folder)

    def _unlink(self, name: str) -> bool:
        try:
            os.unlink(name, dir_fd=self._folder)
        except OSError:
            return False
        return True
