"""Users, permissions and processes, of which there is one each: the guest is root, and bits of permission stay as they are."""

from stat import S_IMODE

from wasmjit.emscripten.guest import Guest
from wasmjit.emscripten.paths import AT_FDCWD, AT_SYMLINK_NOFOLLOW, place
from wasmjit.emscripten.records import MODES
from wasmjit.wasi._memory import memory
from wasmjit.wasi.abi import Right
from wasmjit.wasi.errno import Errno, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

UNCHANGED = (0, -1)  # owners that a file may be given: the one it has, and none
PROCESS, PARENT, UMASK = 42, 1, 0o22


def check_mode(now: int, mode: int) -> int:
    """PERM for other permissions than those there are."""
    if S_IMODE(now) != S_IMODE(mode):
        raise WasiError(Errno.PERM)
    return 0


def check_owner(owner: int, group: int) -> int:
    """PERM for another owner than the one there is."""
    if owner not in UNCHANGED or group not in UNCHANGED:
        raise WasiError(Errno.PERM)
    return 0


def __syscall_fchmodat(guest: Guest, instance: "Any", number: int, path: int, mode: int, flags: int) -> int:
    return check_mode(place(guest, memory(instance), number, path).status(True).st_mode, mode)


__syscall_fchmodat2 = __syscall_fchmodat


def __syscall_chmod(guest: Guest, instance: "Any", path: int, mode: int) -> int:
    return __syscall_fchmodat(guest, instance, AT_FDCWD, path, mode, 0)


def __syscall_fchmod(guest: Guest, instance: "Any", number: int, mode: int) -> int:
    descriptor = guest.context.descriptor(number, Right.FD_FILESTAT_GET)
    status = descriptor.stat()
    return check_mode(MODES[descriptor.filetype] if status is None else status.st_mode, mode)


def __syscall_fchownat(guest: Guest, instance: "Any", number: int, path: int, owner: int, group: int, flags: int) -> int:
    place(guest, memory(instance), number, path).status(not flags & AT_SYMLINK_NOFOLLOW)
    return check_owner(owner, group)


def __syscall_chown32(guest: Guest, instance: "Any", path: int, owner: int, group: int) -> int:
    return __syscall_fchownat(guest, instance, AT_FDCWD, path, owner, group, 0)


def __syscall_fchown32(guest: Guest, instance: "Any", number: int, owner: int, group: int) -> int:
    guest.context.descriptor(number, 0)
    return check_owner(owner, group)


def __syscall_getuid32(guest: Guest, instance: "Any") -> int:
    return 0


__syscall_geteuid32 = __syscall_getgid32 = __syscall_getegid32 = __syscall_getuid32


def __syscall_getpid(guest: Guest, instance: "Any") -> int:
    return PROCESS


def __syscall_getppid(guest: Guest, instance: "Any") -> int:
    return PARENT


def __syscall_umask(guest: Guest, instance: "Any", mask: int) -> int:
    return UMASK
