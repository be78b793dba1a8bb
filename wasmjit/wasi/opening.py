"""Opening a path: which of the ways goes, and what has to be waited for."""

import os
from errno import EAGAIN, ELOOP, ENXIO
from stat import S_ISFIFO, S_ISREG

from wasmjit.wasi._wait import pause
from wasmjit.wasi.errno import Errno, WasiError
from wasmjit.wasi.lookup import NO_NAMES, SLASH, Lookup, status_beneath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit.wasi.context import Descriptor
    from wasmjit.wasi.folder import Folder

PAUSE = 0.01  # seconds between two attempts


def open_beneath(folder: "Folder", path: bytes, follow: bool, flags: int, rights: int, inheriting: int, fdflags: int) -> "Descriptor":
    """A descriptor for a path relative to the directory, a final symbolic link's target if `follow`. The rest is as of Folder.open."""
    if SLASH not in path and path not in NO_NAMES:
        try:
            return folder.open(path, flags, rights, inheriting, fdflags)
        except OSError as error:
            if not follow or not is_link_error(error):
                raise
    opened = folder.open_path(path, follow, flags, rights, inheriting, fdflags)
    if opened is not None:
        return opened
    with Lookup(folder, path) as place:
        while True:
            if place.slash and flags & os.O_CREAT:
                place.parent()
                raise WasiError(Errno.ISDIR)
            name = place.final(False)
            if place.slash:
                flags |= os.O_DIRECTORY
            try:
                return place.folder.open(name, flags, rights, inheriting, fdflags)
            except OSError as error:
                if not follow or not is_link_error(error) or not place.follow(name):
                    raise


def is_link_error(error: OSError) -> bool:
    """Whether open with O_NOFOLLOW may have failed because of a symbolic link: ENOTDIR comes with O_DIRECTORY."""
    return isinstance(error, NotADirectoryError) or error.errno == ELOOP


def open_later(folder: "Folder", path: bytes, follow: bool, flags: int, rights: int, inheriting: int, fdflags: int) -> "Descriptor":
    """As `open_beneath`, without O_NONBLOCK's haste: for a FIFO to be written to that nobody reads yet, and a file that another process
    holds a lease on. Ctrl-C and the call's timeout end it.
    """
    while True:
        try:
            return open_beneath(folder, path, follow, flags, rights, inheriting, fdflags)
        except OSError as error:
            if error.errno not in (ENXIO, EAGAIN):
                raise
            mode = status_beneath(folder, path, follow).st_mode
            if not (S_ISFIFO(mode) if error.errno == ENXIO else S_ISREG(mode)):
                raise
        pause(PAUSE)
