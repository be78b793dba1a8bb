"""Opening beneath a directory by the kernel: a path of any length in one system call, where there is openat2.

The kernel resolves what never leaves the directory, meets no link of /proc and no other file system. All else it refuses, and so does a
sandbox that does not know the call: then the path is walked (lookup.py), which gives the exact error.
"""

import os
from errno import ENOSYS, EPERM

from wasmjit._image import native

RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_BENEATH = 1, 2, 8
RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV
MISSING = (ENOSYS, EPERM)  # what kernels before 5.6 and filters of system calls answer

N = native()


class Support:
    """Whether there is openat2: None before somebody has asked."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: bool | None = None

    def probe(self, directory: int) -> bool:
        """Find out with an open directory. Once it is missing it is not asked for any more."""
        try:
            os.close(N.openat2(directory, b".", os.O_PATH | os.O_CLOEXEC, 0, RESOLVE))
            self.found = True
        except OSError as error:
            self.found = False if error.errno in MISSING else None
        return self.found is True


SUPPORT = Support()


def open_beneath(directory: int, path: bytes, flags: int) -> int | None:
    """A host descriptor for a path from an open directory, links followed beneath it unless O_NOFOLLOW says so for the last component.

    None: walk instead. Raises FileNotFoundError, which the walk would raise too.
    """
    if not (SUPPORT.probe(directory) if SUPPORT.found is None else SUPPORT.found):
        return None
    mode = 0o666 if flags & os.O_CREAT else 0
    while True:
        try:
            number: int = N.openat2(directory, path, flags, mode, RESOLVE)
            return number
        except FileNotFoundError:
            raise
        except InterruptedError:
            continue
        except OSError as error:
            if error.errno in MISSING:
                SUPPORT.probe(directory)
            return None
