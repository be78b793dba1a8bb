"""System calls on paths. A path is made absolute without looking at links, as Emscripten's own file system does it, which finds the
preopened directory that it is in; beneath that the functions of WASI resolve it and check rights.
"""

from stat import S_ISDIR

from wasmjit.emscripten.guest import Guest, path_at
from wasmjit.emscripten.records import STATFS_SIZE, times_at, write_stat, write_statfs
from wasmjit.wasi import path as wasi
from wasmjit.wasi._memory import M32, load, memory, span
from wasmjit.wasi.abi import DIRECTORY, FILE, M64, SYMLINK_FOLLOW, FdFlag, FstFlag, OFlag, Right
from wasmjit.wasi.errno import Errno, WasiError
from wasmjit.wasi.folder import Directory
from wasmjit.wasi.lookup import status_beneath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import stat_result
    from typing import Any

    from wasmjit.wasi.context import Context

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH = 0x100, 0x200, 0x400, 0x1000
ACCESS_MODE, WRITE_ONLY, READ_WRITE = 3, 1, 2
O_TRUNC, O_NOFOLLOW = 0o1000, 0o400000
_OFLAGS = ((OFlag.CREAT, 0o100), (OFlag.EXCL, 0o200), (OFlag.TRUNC, O_TRUNC), (OFlag.DIRECTORY, 0o200000))
FDFLAGS = ((FdFlag.APPEND, 0o2000), (FdFlag.NONBLOCK, 0o4000), (FdFlag.DSYNC, 0o10000), (FdFlag.SYNC, 0o4000000))
W_OK, ACCESS_ALL = 2, 7
UTIME_NOW, UTIME_OMIT = 0x3FFF_FFFF, 0x3FFF_FFFE
NAMELESS = b"."


class Place:
    """What a path argument leads to: a directory of the guest's by number, and the path from there."""

    __slots__ = ("context", "number", "rest")

    def __init__(self, context: "Context", number: int, rest: bytes) -> None:
        self.context = context
        self.number = number
        self.rest = rest

    def directory(self, right: int) -> Directory:
        """The directory, which must have this right."""
        found = self.context.descriptor(self.number, right)
        if not isinstance(found, Directory):
            raise WasiError(Errno.NOTDIR)
        return found

    def status(self, follow: bool) -> "stat_result":
        return status_beneath(self.directory(Right.PATH_FILESTAT_GET).folder, self.rest, follow)

    def open(self, flags: int, follow: bool = True) -> int:
        """The number of a new descriptor; flags as of open(2)."""
        mode = flags & ACCESS_MODE
        if mode == ACCESS_MODE:
            raise WasiError(Errno.INVAL)
        rights = DIRECTORY | FILE
        if mode not in (WRITE_ONLY, READ_WRITE):
            rights &= ~(Right.FD_WRITE | Right.FD_ALLOCATE | Right.FD_FILESTAT_SET_SIZE)
        if mode == WRITE_ONLY:
            rights &= ~(Right.FD_READ | Right.FD_READDIR)
        oflags = sum([flag for flag, bit in _OFLAGS if flags & bit])
        if oflags & OFlag.DIRECTORY:
            oflags = OFlag.DIRECTORY
        window = memoryview(bytearray(self.rest + bytes(4)))
        length = len(self.rest)
        wasi.path_open(
            self.context, window, self.directory(Right.PATH_OPEN), SYMLINK_FOLLOW * follow, 0, length, oflags, rights,
            DIRECTORY | FILE, fdflags(flags), length,
        )  # fmt: skip
        return int.from_bytes(window[length:], "little")


def fdflags(flags: int) -> int:
    """WASI's flags of a descriptor for those of open(2)."""
    return sum([flag for flag, bit in FDFLAGS if flags & bit == bit])


def absolute(base: bytes, path: bytes) -> bytes:
    """The path from the root, without dots; a slash at the end stays, for it asks for a directory."""
    names: list[bytes] = []
    for name in (base + b"/" + path if not path.startswith(b"/") else path).split(b"/"):
        if name == b"..":
            del names[-1:]
        elif name not in (b"", b"."):
            names.append(name)
    slash = b"/" if names and path.endswith((b"/", b"/.", b"/..")) else b""
    return b"/" + b"/".join(names) + slash


def within(context: "Context", path: bytes) -> Place:
    """The place of an absolute path: in the preopened directory with the longest name that it starts with. NOENT: in none."""
    best, most = -1, -1
    for number, descriptor in context.files.items():
        if descriptor.guest_name is None:
            continue
        name = absolute(b"/", descriptor.guest_name).rstrip(b"/")
        if len(name) > most and (path + b"/").startswith(name + b"/"):
            best, most = number, len(name)
    if best < 0:
        raise WasiError(Errno.NOENT)
    return Place(context, best, path[most:].lstrip(b"/") or NAMELESS)


def place(guest: Guest, window: memoryview, number: int, pointer: int, empty: bool = False) -> Place:
    """What a path relative to a directory leads to, the current one for AT_FDCWD. empty: whether no path stands for the directory."""
    path = path_at(window, pointer)
    if not path and not empty:
        raise WasiError(Errno.NOENT)
    if path.startswith(b"/") or number == AT_FDCWD:
        return within(guest.context, absolute(guest.cwd, path))
    return Place(guest.context, number, path or NAMELESS)


def here(guest: Guest, instance: "Any", pointer: int) -> Place:
    """The place of a call that takes only a path."""
    return place(guest, memory(instance), AT_FDCWD, pointer)


def call(function: "Any", right: int, first: Place, *more: "Any") -> None:
    """Call a function of WASI that takes a directory and a path, which is in no guest's memory."""
    function(first.context, memoryview(first.rest), first.directory(right), 0, len(first.rest), *more)


def __syscall_openat(guest: Guest, instance: "Any", number: int, path: int, flags: int, arguments: int) -> int:
    return place(guest, memory(instance), number, path).open(flags, not flags & O_NOFOLLOW)


def __syscall_open(guest: Guest, instance: "Any", path: int, flags: int, arguments: int) -> int:
    return __syscall_openat(guest, instance, AT_FDCWD, path, flags, arguments)


def __syscall_newfstatat(guest: Guest, instance: "Any", number: int, path: int, result: int, flags: int) -> int:
    window = memory(instance)
    if flags & AT_EMPTY_PATH and number != AT_FDCWD and not path_at(window, path):
        from wasmjit.emscripten.descriptors import __syscall_fstat64

        return __syscall_fstat64(guest, instance, number, result)
    found = place(guest, window, number, path, bool(flags & AT_EMPTY_PATH))
    write_stat(window, result, found.status(not flags & AT_SYMLINK_NOFOLLOW), guest.layout)
    return 0


__syscall_fstatat64 = __syscall_newfstatat


def __syscall_stat64(guest: Guest, instance: "Any", path: int, result: int) -> int:
    return __syscall_newfstatat(guest, instance, AT_FDCWD, path, result, 0)


def __syscall_lstat64(guest: Guest, instance: "Any", path: int, result: int) -> int:
    return __syscall_newfstatat(guest, instance, AT_FDCWD, path, result, AT_SYMLINK_NOFOLLOW)


def __syscall_statfs64(guest: Guest, instance: "Any", path: int, size: int, result: int) -> int:
    here(guest, instance, path).status(True)
    write_statfs(memory(instance), result, min(size & M32, STATFS_SIZE))
    return 0


def __syscall_faccessat(guest: Guest, instance: "Any", number: int, path: int, mode: int, flags: int) -> int:
    """As for the owner root: bits of permission say nothing but that a file is no program."""
    if mode & ~ACCESS_ALL:
        raise WasiError(Errno.INVAL)
    found = place(guest, memory(instance), number, path, bool(flags & AT_EMPTY_PATH))
    status = found.status(not flags & AT_SYMLINK_NOFOLLOW)
    if mode & W_OK and not found.directory(0).inheriting & Right.FD_WRITE:
        raise WasiError(Errno.ROFS)
    if mode & 1 and not S_ISDIR(status.st_mode) and not status.st_mode & 0o111:
        raise WasiError(Errno.ACCES)
    return 0


def __syscall_getcwd(guest: Guest, instance: "Any", buffer: int, size: int) -> int:
    name = guest.cwd + b"\0"
    if size == 0:
        raise WasiError(Errno.INVAL)
    if size & M32 < len(name):
        raise WasiError(Errno.RANGE)
    span(memory(instance), buffer, len(name))[:] = name
    return len(name)


def __syscall_chdir(guest: Guest, instance: "Any", path: int) -> int:
    """The directory is known by its path from now on, as in Emscripten's own file system."""
    name = path_at(memory(instance), path)
    if not name:
        raise WasiError(Errno.NOENT)
    target = absolute(guest.cwd, name)
    if not S_ISDIR(within(guest.context, target).status(True).st_mode):
        raise WasiError(Errno.NOTDIR)
    guest.cwd = target.rstrip(b"/") or b"/"
    return 0


def __syscall_mkdirat(guest: Guest, instance: "Any", number: int, path: int, mode: int) -> int:
    call(wasi.path_create_directory, Right.PATH_CREATE_DIRECTORY, place(guest, memory(instance), number, path))
    return 0


def __syscall_mkdir(guest: Guest, instance: "Any", path: int, mode: int) -> int:
    return __syscall_mkdirat(guest, instance, AT_FDCWD, path, mode)


def __syscall_unlinkat(guest: Guest, instance: "Any", number: int, path: int, flags: int) -> int:
    found = place(guest, memory(instance), number, path)
    if flags & AT_REMOVEDIR:
        call(wasi.path_remove_directory, Right.PATH_REMOVE_DIRECTORY, found)
    else:
        call(wasi.path_unlink_file, Right.PATH_UNLINK_FILE, found)
    return 0


def __syscall_rmdir(guest: Guest, instance: "Any", path: int) -> int:
    return __syscall_unlinkat(guest, instance, AT_FDCWD, path, AT_REMOVEDIR)


def __syscall_unlink(guest: Guest, instance: "Any", path: int) -> int:
    return __syscall_unlinkat(guest, instance, AT_FDCWD, path, 0)


def both(function: "Any", right: int, old: Place, new: Place, *lookup: int) -> None:
    """Call a function of WASI that takes two directories and paths."""
    window = memoryview(old.rest + new.rest)
    function(old.context, window, old.directory(right), *lookup, 0, len(old.rest), new.number, len(old.rest), len(new.rest))


def __syscall_renameat(guest: Guest, instance: "Any", number: int, path: int, new_number: int, new_path: int) -> int:
    window = memory(instance)
    both(wasi.path_rename, Right.PATH_RENAME_SOURCE, place(guest, window, number, path), place(guest, window, new_number, new_path))
    return 0


def __syscall_rename(guest: Guest, instance: "Any", path: int, new_path: int) -> int:
    return __syscall_renameat(guest, instance, AT_FDCWD, path, AT_FDCWD, new_path)


def __syscall_linkat(guest: Guest, instance: "Any", number: int, path: int, new_number: int, new_path: int, flags: int) -> int:
    window = memory(instance)
    lookup = SYMLINK_FOLLOW if flags & AT_SYMLINK_FOLLOW else 0
    both(wasi.path_link, Right.PATH_LINK_SOURCE, place(guest, window, number, path), place(guest, window, new_number, new_path), lookup)
    return 0


def __syscall_symlinkat(guest: Guest, instance: "Any", target: int, number: int, path: int) -> int:
    window = memory(instance)
    contents = path_at(window, target)
    found = place(guest, window, number, path)
    if not contents:
        raise WasiError(Errno.NOENT)
    joined = memoryview(contents + found.rest)
    wasi.path_symlink(guest.context, joined, 0, len(contents), found.number, len(contents), len(found.rest))
    return 0


def __syscall_symlink(guest: Guest, instance: "Any", target: int, path: int) -> int:
    return __syscall_symlinkat(guest, instance, target, AT_FDCWD, path)


def __syscall_readlinkat(guest: Guest, instance: "Any", number: int, path: int, buffer: int, size: int) -> int:
    if size <= 0:
        raise WasiError(Errno.INVAL)
    window = memory(instance)
    found = place(guest, window, number, path)
    target = span(window, buffer, size)
    length, most = len(found.rest), min(size, 1 << 16)
    own = memoryview(bytearray(found.rest + bytes(most + 4)))
    wasi.path_readlink(guest.context, own, found.directory(Right.PATH_READLINK), 0, length, length, most, length + most)
    count = load(own, length + most, 4)
    target[:count] = own[length : length + count]
    return count


def __syscall_readlink(guest: Guest, instance: "Any", path: int, buffer: int, size: int) -> int:
    return __syscall_readlinkat(guest, instance, AT_FDCWD, path, buffer, size)


def __syscall_truncate64(guest: Guest, instance: "Any", path: int, size: int) -> int:
    from wasmjit.emscripten.descriptors import __syscall_ftruncate64

    number = here(guest, instance, path).open(WRITE_ONLY)
    try:
        return __syscall_ftruncate64(guest, instance, number, size)
    finally:
        guest.context.remove(number)


def __syscall_utimensat(guest: Guest, instance: "Any", number: int, path: int, times: int, flags: int) -> int:
    """Without a path the times of the descriptor itself are set."""
    window = memory(instance)
    asked, stamps = FstFlag.ATIM_NOW | FstFlag.MTIM_NOW, [0, 0]
    if times:
        asked = 0
        bits = ((FstFlag.ATIM, FstFlag.ATIM_NOW), (FstFlag.MTIM, FstFlag.MTIM_NOW))
        for which, ((seconds, rest), (given, now)) in enumerate(zip(times_at(window, times, guest.layout), bits, strict=True)):
            if rest == UTIME_NOW:
                asked |= now
            elif rest != UTIME_OMIT:
                if rest >= 10**9:
                    raise WasiError(Errno.INVAL)
                asked |= given
                stamps[which] = seconds * 10**9 + rest & M64
    access, modified = stamps
    if not path:
        from wasmjit.wasi.file import fd_filestat_set_times

        fd_filestat_set_times(guest.context, window, guest.context.descriptor(number, Right.FD_FILESTAT_SET_TIMES), access, modified, asked)
        return 0
    found = place(guest, window, number, path, bool(flags & AT_EMPTY_PATH))
    lookup = 0 if flags & AT_SYMLINK_NOFOLLOW else SYMLINK_FOLLOW
    directory = found.directory(Right.PATH_FILESTAT_SET_TIMES)
    wasi.path_filestat_set_times(guest.context, memoryview(found.rest), directory, lookup, 0, len(found.rest), access, modified, asked)
    return 0
