"""The folders of compiled code: what lies in them gets executed, so no guest may enter, replace or make one.

A folder is known by device and inode, and so is everything on the way to it: the directories above and the symbolic links between. As long
as a path stays in its file system, a directory that is not on the way has none of these folders beneath it.
"""

import os
from stat import S_ISLNK

from wasmjit.native.cache import FOLDERS, create, locate
from wasmjit.wasi.lookup import SYMLINKS

TYPE_CHECKING = False
if TYPE_CHECKING:
    Identity = tuple[int, int]


def identity(status: os.stat_result) -> "Identity":
    """Device and inode."""
    return status.st_dev, status.st_ino


class Known:
    """What is known of the folders: they themselves, what is on the way to them, and for those not made yet how far the way goes.

    looked: how many folders it is about, those of modules and the user's own; 0 before the first look.
    """

    __slots__ = ("folders", "looked", "missing", "way")

    def __init__(self) -> None:
        self.looked = 0
        self.folders: set[Identity] = set()
        self.way: set[Identity] = set()
        self.missing: dict[str, list[Identity]] = {}

    def look(self) -> None:
        """Follow the path of each folder again."""
        paths = [locate(), *FOLDERS]
        self.looked = len(paths)
        self.missing = {}
        for path in paths:
            if path is None:
                continue
            passed, found = follow(path)
            self.way.update(passed)
            if found is None:
                self.missing[path] = passed
            else:
                self.folders.add(identity(found))


def follow(path: str) -> "tuple[list[Identity], os.stat_result | None]":
    """The directories and links that an absolute path passes, and the status of where it ends, None if that is missing."""
    at = "/"
    found = os.stat(at)
    passed = [identity(found)]
    rest = path.split("/")[::-1]
    links = 0
    while rest:
        name = rest.pop()
        if name in ("", "."):
            continue
        if name == "..":
            at = os.path.dirname(at)
            continue
        here = os.path.join(at, name)
        try:
            found = os.lstat(here)
            target = os.readlink(here) if S_ISLNK(found.st_mode) else None
        except OSError:
            return passed, None
        passed.append(identity(found))
        if target is None:
            at = here
            continue
        links += 1
        if links > SYMLINKS:
            return passed, None
        if target.startswith("/"):
            at = "/"
        rest += target.split("/")[::-1]
    return passed, os.stat(at)


_known = Known()


def known() -> Known:
    """What is known, looked up anew when a module has named another folder and when a missing one is there."""
    if _known.looked != len(FOLDERS) + 1 or _known.missing and any([os.path.exists(path) for path in _known.missing]):
        _known.look()
    return _known


def is_code(found: "Identity") -> bool:
    """Whether this is a folder of compiled code."""
    return found in known().folders


def leads_to_code(found: "Identity | None") -> bool:
    """Whether this is such a folder or on the way to one; None is not."""
    return found in known().way


def make_beneath(above: "Identity | None") -> None:
    """Make the missing folders that would stand beneath this directory, before a guest can make them."""
    if not known().missing:
        return
    _known.look()
    for path in [path for path, passed in _known.missing.items() if above in passed]:
        try:
            create(path)
        except OSError:  # then the guest cannot either: it has the rights of this process
            continue
    _known.look()
