"""SHA-256 of large binaries that were hashed before, by their files: a second run need not wait for it. On the way to running a module.

Optimized code is only safe for the very binary that it was made from, so what says that a file did not change has to be as good as the
cache folder, whose files are executed: it lies on the file system of that folder, whose word on owners and times is trusted already; it
belongs to the user or root, and nobody else may write to it. Any write by these changes its time of change, which nobody can set, as long
as a tick of that clock has passed since the one before: a file that changed just now is hashed again the next time.
"""

import marshal
import os
from stat import S_ISREG
from time import time_ns

from wasmjit.native.cache import OTHERS_WRITE, SUFFIX, Cache, digest, identity

SETTLED = 3 * 10**9  # ns since the last change: the coarsest clock of a file system ticks every 2 s
_LARGEST = 4096  # bytes of what is kept of a file; it is much less


def trusted(setting: bool | str, status: os.stat_result) -> bool:
    """Whether it would be seen that a file with this status has changed."""
    folder = identity(setting)
    return (
        folder is not None
        and folder[0] == status.st_dev
        and S_ISREG(status.st_mode)
        and status.st_uid in (0, os.geteuid())
        and not status.st_mode & OTHERS_WRITE
        and time_ns() - status.st_ctime_ns > SETTLED
    )


def recall(setting: bool | str, status: os.stat_result) -> bytes:
    """The SHA-256 of the file that had this status when it was opened, b"" if it is not known. setting: of the cache folder."""
    if not trusted(setting, status):
        return b""
    with Cache(setting) as cache:
        descriptor = cache.read(_name(status))
    if descriptor < 0:
        return b""
    try:
        data = os.read(descriptor, _LARGEST)
        if len(data) < 8 or digest(memoryview(data)[8:]) != int.from_bytes(data[:8], "little"):
            return b""
        file, binary = marshal.loads(memoryview(data)[8:])
        if file != identified(status) or type(binary) is not bytes or len(binary) != 32:
            return b""
        os.utime(descriptor, ns=(time_ns(), os.fstat(descriptor).st_mtime_ns))
        return binary
    except (OSError, ValueError, TypeError, EOFError):
        return b""
    finally:
        os.close(descriptor)


def note(setting: bool | str, status: os.stat_result, binary: bytes) -> None:
    """Keep the SHA-256 of a file: what was read after it had this status."""
    if trusted(setting, status):
        body = marshal.dumps((identified(status), binary))
        with Cache(setting) as cache:
            cache.write(_name(status), digest(body).to_bytes(8, "little") + body)


def identified(status: os.stat_result) -> tuple[int, ...]:
    """What tells a file and a state of it from all others."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _name(status: os.stat_result) -> str:
    return f"hash-{digest(repr(identified(status)).encode()):016x}{SUFFIX}"
