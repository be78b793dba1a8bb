"""Path resolution that never leaves the directory it starts from.

Components are opened one at a time from the descriptor of the directory before, without following symbolic links; links are read and
resolved here, beneath the same root. `..` goes back to the descriptor it came from, not to what the directory's parent is by now, so that
renaming directories while a path is walked moves nobody out. An absolute path or link, or more `..` than components, is PERM.
"""

import os
from errno import EINVAL, ELOOP, ENOTDIR

from wasmjit.wasi.errno import Errno, WasiError

SYMLINKS = 40  # links followed for one path, as Linux
SLASH = b"/"
_STEP = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def plain(path: bytes) -> bool:
    """Whether the path is one ordinary name, for which there is nothing to walk."""
    return SLASH not in path and path not in (b"", b".", b"..")


class Lookup:
    """A path on its way down from a directory; as a context manager it closes what it opened.

    After `parent()`, `number` is the host descriptor of the directory that holds the last component, the name it returned.
    """

    __slots__ = ("links", "rest", "slash", "stack")

    def __init__(self, root: int, path: bytes) -> None:
        self.stack = [root]
        self.rest: list[bytes] = []  # components still to come, the next one last
        self.links = 0
        self.slash = False  # a slash behind it: the last component must be a directory
        self.prepend(path)

    def __enter__(self) -> "Lookup":
        return self

    def __exit__(self, *error: object) -> None:
        self.unwind(1)

    @property
    def number(self) -> int:
        return self.stack[-1]

    def unwind(self, depth: int) -> None:
        """Close directories until `depth` are left."""
        while len(self.stack) > depth:
            os.close(self.stack.pop())

    def prepend(self, path: bytes) -> None:
        """Put the components of a path or link before those still to come."""
        if not path:
            raise WasiError(Errno.NOENT)
        if path.startswith(SLASH):
            raise WasiError(Errno.PERM)
        names = path.split(SLASH)
        if not self.rest and names[-1] in (b"", b"."):
            self.slash = True
        self.rest.extend([name for name in reversed(names) if name not in (b"", b".")])

    def parent(self) -> bytes:
        """Walk down to the last component and return its name; "." when the path ends in a directory already reached."""
        while self.rest:
            name = self.rest.pop()
            if name == b"..":
                if len(self.stack) == 1:
                    raise WasiError(Errno.PERM)
                self.unwind(len(self.stack) - 1)
            elif self.rest:
                self.enter(name)
            else:
                return name
        return b"."

    def enter(self, name: bytes) -> None:
        """Go into a directory, through links beneath the root."""
        try:
            number = os.open(name, _STEP, dir_fd=self.number)
        except OSError as error:
            if error.errno in (ENOTDIR, ELOOP) and self.follow(name):
                return
            raise
        self.stack.append(number)
        if is_code_cache(os.fstat(number)):
            raise WasiError(Errno.ACCES)

    def follow(self, name: bytes) -> bool:
        """When the name is a symbolic link, replace it by what it says and return True."""
        try:
            target = os.readlink(name, dir_fd=self.number)
        except OSError as error:
            if error.errno == EINVAL:
                return False
            raise
        self.links += 1
        if self.links > SYMLINKS:
            raise WasiError(Errno.LOOP)
        self.prepend(target)
        return True

    def final(self, follow: bool) -> bytes:
        """As parent(), but a last component that is a symbolic link is resolved when asked to, or when a slash stands behind it."""
        while True:
            name = self.parent()
            if name == b"." or not (follow or self.slash) or not self.follow(name):
                return name

    def existing_directory(self, name: bytes) -> bool:
        """Whether the last component is there and a directory; a missing one is False."""
        try:
            return os.stat(name, dir_fd=self.number, follow_symlinks=False).st_mode & 0o170000 == 0o040000
        except FileNotFoundError:
            return False


_code_cache: list[tuple[int, int]] = []  # (st_dev, st_ino) of the folder of compiled code and of those above it, once it is there


def code_cache() -> list[tuple[int, int]]:
    """Identity of the folder of compiled code, then of every folder above it; empty while there is none."""
    if not _code_cache:
        from wasmjit.native.cache import identity, locate

        found, path = identity(), locate()
        while found is not None and path is not None:
            _code_cache.append(found)
            above = os.path.dirname(path)
            if above == path:
                break
            path, status = above, os.stat(above)
            found = (status.st_dev, status.st_ino)
    return _code_cache


def is_code_cache(status: os.stat_result) -> bool:
    """Whether this is the folder of compiled code, which no guest may enter: what lies in it gets executed."""
    return (status.st_dev, status.st_ino) in code_cache()[:1]


def leads_to_code_cache(status: os.stat_result) -> bool:
    """Whether this is that folder or one above it: a guest that could put another in its place would have its code executed."""
    return (status.st_dev, status.st_ino) in code_cache()
