"""Path resolution that never leaves the directory it starts from.

Components are entered one at a time from the directory before, without following symbolic links; links are read and resolved here, beneath
the same root. `..` goes back to the directory it came from, not to what the directory's parent is by now, so that renaming directories
while a path is walked moves nobody out. An absolute path or link, or more `..` than components, is PERM.

Where a directory can go down several components at once (`Folder.descend`), only the last one is left to look at.
"""

from errno import EINVAL, ELOOP, ENOTDIR
from stat import S_ISDIR, S_ISLNK

from wasmjit.wasi.errno import Errno, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import stat_result

    from wasmjit.wasi.folder import Folder

SYMLINKS = 40  # links followed for one path, as Linux
SLASH = b"/"
NO_NAMES = (b"", b".", b"..")  # any other path without a slash is one ordinary name, for which there is nothing to walk


class Lookup:
    """A path on its way down from a directory; as a context manager it closes what it opened.

    After `parent()`, `folder` is the directory that holds the last component, the name it returned.
    """

    __slots__ = ("leapt", "links", "rest", "slash", "stack")

    def __init__(self, root: "Folder", path: bytes) -> None:
        self.stack = [root]
        self.rest: list[bytes] = []  # components still to come, the next one last
        self.leapt: list[bytes] = []  # components between the root and the one directory above it, in `descend`'s order
        self.links = 0
        self.slash = False  # a slash behind it: the last component must be a directory
        self.prepend(path)

    def __enter__(self) -> "Lookup":
        return self

    def __exit__(self, *error: object) -> None:
        self.unwind(1)

    @property
    def folder(self) -> "Folder":
        return self.stack[-1]

    def unwind(self, depth: int) -> None:
        """Close directories until `depth` are left."""
        while len(self.stack) > depth:
            self.stack.pop().close()

    def prepend(self, path: bytes) -> None:
        """Put the components of a path or link before those still to come."""
        if not path:
            raise WasiError(Errno.NOENT)
        if path.startswith(SLASH):
            raise WasiError(Errno.PERM)
        names = [name for name in path.split(SLASH) if name]
        if not self.rest:
            last = names.pop()
            self.rest.append(last)  # also a dot: a directory of that name can be neither made nor moved nor removed
            self.slash |= last != b"." and path.endswith(SLASH)
        self.rest.extend([name for name in reversed(names) if name != b"."])

    def parent(self) -> bytes:
        """Go down to the last component and return its name; "." when the path ends in a directory already reached."""
        if len(self.rest) > 1 == len(self.stack) and self.rest[0] != b"..":
            self.leap()
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

    def leap(self) -> None:
        """Go from the root to the last component at once, where the root can do that."""
        names = self.rest[:0:-1]
        folder = self.folder.descend(SLASH.join(names))
        if folder is not None:
            self.stack.append(folder)
            self.leapt = names
            del self.rest[1:]

    def enter(self, name: bytes) -> None:
        """Go into a directory, through links beneath the root."""
        try:
            self.stack.append(self.folder.enter(name))
        except OSError as error:
            if error.errno not in (ENOTDIR, ELOOP) or not self.follow(name):
                raise

    def follow(self, name: bytes) -> bool:
        """When the name is a symbolic link, replace it by what it says and return True."""
        try:
            target = self.folder.readlink(name)
        except OSError as error:
            if error.errno == EINVAL:
                return False
            raise
        self.links += 1
        if self.links > SYMLINKS:
            raise WasiError(Errno.LOOP)
        self.prepend(target)
        if self.leapt:  # `..` in the target goes back over what was passed at once
            self.unwind(1)
            self.rest += reversed(self.leapt)
            self.leapt = []
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
            return S_ISDIR(self.folder.stat(name).st_mode)
        except FileNotFoundError:
            return False


def status_beneath(folder: "Folder", path: bytes, follow: bool) -> "stat_result":
    """Status of a path relative to the directory."""
    if SLASH not in path and path not in NO_NAMES:
        status = folder.stat(path)
        if not follow or not S_ISLNK(status.st_mode):
            return status
    with Lookup(folder, path) as place:
        name = place.final(follow)
        status = place.folder.stat(name)
        if place.slash and not S_ISDIR(status.st_mode):
            raise WasiError(Errno.NOTDIR)
        return status
