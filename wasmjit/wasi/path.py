"""Paths: opening, making, linking, renaming, removing, status. Each is resolved beneath its directory by lookup.py."""

import os
from errno import EAGAIN, ENXIO
from stat import S_ISDIR

from wasmjit.wasi._memory import M32, path, span
from wasmjit.wasi.abi import FILESTAT_SIZE, M64, SYMLINK_FOLLOW, FdFlag, OFlag, Right, filestat, filetype
from wasmjit.wasi.errno import Errno, WasiError
from wasmjit.wasi.file import check_times, times
from wasmjit.wasi.folder import Directory
from wasmjit.wasi.hostfile import host_flags
from wasmjit.wasi.lookup import Lookup, status_beneath
from wasmjit.wasi.opening import open_beneath, open_later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit.wasi.context import Context

OPEN_READ = Right.FD_READ | Right.FD_READDIR
OPEN_WRITE = Right.FD_WRITE | Right.FD_ALLOCATE | Right.FD_FILESTAT_SET_SIZE
NEEDED = {OFlag.CREAT: Right.PATH_CREATE_FILE, OFlag.TRUNC: Right.PATH_FILESTAT_SET_SIZE}
NEEDED_BEHIND = {FdFlag.DSYNC: Right.FD_DATASYNC, FdFlag.RSYNC: Right.FD_SYNC, FdFlag.SYNC: Right.FD_SYNC}
_OPEN_FLAGS = ((OFlag.CREAT, os.O_CREAT), (OFlag.DIRECTORY, os.O_DIRECTORY), (OFlag.EXCL, os.O_EXCL), (OFlag.TRUNC, os.O_TRUNC))
_ALWAYS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
_BY_OFLAGS = [_ALWAYS | sum([host for flag, host in _OPEN_FLAGS if oflags & flag]) for oflags in range(OFlag.ALL + 1)]


def follows(lookup: int) -> bool:
    """Whether lookupflags ask to follow a last component that is a symbolic link; INVAL for unknown bits."""
    if lookup & ~SYMLINK_FOLLOW:
        raise WasiError(Errno.INVAL)
    return lookup == SYMLINK_FOLLOW


def open_mode(oflags: int, rights: int) -> int:
    """open(2) flags for what is to be done with the file. A directory is opened for reading whatever rights go with it."""
    if oflags & OFlag.DIRECTORY or not rights & OPEN_WRITE and not oflags & OFlag.TRUNC:
        return os.O_RDONLY
    return os.O_RDWR if rights & OPEN_READ else os.O_WRONLY


def path_open(
    context: "Context",
    window: memoryview,
    directory: Directory,
    lookup: int,
    pointer: int,
    length: int,
    oflags: int,
    rights: int,
    inheriting: int,
    fdflags: int,
    result: int,
) -> None:
    """NOTCAPABLE for reading, writing or synchronizing that the directory does not pass on; other rights beyond it are dropped: libraries
    ask for all.
    """
    cell = span(window, result, 4)
    name = path(window, pointer, length)
    follow = follows(lookup)
    if oflags & M32 & ~OFlag.ALL or fdflags & M32 & ~FdFlag.ALL or oflags & OFlag.DIRECTORY and oflags & ~OFlag.DIRECTORY:
        raise WasiError(Errno.INVAL)
    if oflags and any([oflags & flag and not directory.rights & right for flag, right in NEEDED.items()]):
        raise WasiError(Errno.NOTCAPABLE)
    if fdflags and any([fdflags & flag and not directory.inheriting & right for flag, right in NEEDED_BEHIND.items()]):
        raise WasiError(Errno.NOTCAPABLE)
    rights &= M64
    if rights & (Right.FD_READ | Right.FD_WRITE) & ~directory.inheriting:
        raise WasiError(Errno.NOTCAPABLE)
    rights &= directory.inheriting
    inheriting &= directory.inheriting
    flags = _BY_OFLAGS[oflags] | open_mode(oflags, rights) | host_flags(fdflags)
    try:
        opened = open_beneath(directory.folder, name, follow, flags, rights, inheriting, fdflags)
    except OSError as error:
        if error.errno not in (ENXIO, EAGAIN) or fdflags & FdFlag.NONBLOCK:
            raise
        opened = open_later(directory.folder, name, follow, flags, rights, inheriting, fdflags)
    cell[:] = context.add(opened).to_bytes(4, "little")


def path_create_directory(context: "Context", window: memoryview, directory: Directory, pointer: int, length: int) -> None:
    with Lookup(directory.folder, path(window, pointer, length)) as place:
        name = place.parent()
        place.folder.mkdir(name)


def path_filestat_get(
    context: "Context", window: memoryview, directory: Directory, lookup: int, pointer: int, length: int, result: int
) -> None:
    cell = span(window, result, FILESTAT_SIZE)
    status = status_beneath(directory.folder, path(window, pointer, length), follows(lookup))
    cell[:] = filestat(filetype(status.st_mode), status)


def path_filestat_set_times(
    context: "Context", window: memoryview, directory: Directory, lookup: int, pointer: int, length: int, atim: int, mtim: int, flags: int
) -> None:
    check_times(flags)
    with Lookup(directory.folder, path(window, pointer, length)) as place:
        name = place.final(follows(lookup))
        status = place.folder.stat(name)
        if place.slash and not S_ISDIR(status.st_mode):
            raise WasiError(Errno.NOTDIR)
        place.folder.utime(name, times(context, status, atim, mtim, flags))


def second_directory(context: "Context", number: int, first: Directory, right: int) -> Directory:
    """The directory a link or file moves to. It must not pass on rights that the first one does not: a name there would grant them."""
    second = context.descriptor(number, right)
    if not isinstance(second, Directory):
        raise WasiError(Errno.NOTDIR)
    if second.inheriting & ~first.inheriting:
        raise WasiError(Errno.NOTCAPABLE)
    return second


def path_link(
    context: "Context",
    window: memoryview,
    directory: Directory,
    lookup: int,
    pointer: int,
    length: int,
    target: int,
    new_pointer: int,
    new_length: int,
) -> None:
    second = second_directory(context, target, directory, Right.PATH_LINK_TARGET)
    with (
        Lookup(directory.folder, path(window, pointer, length)) as old,
        Lookup(second.folder, path(window, new_pointer, new_length)) as new,
    ):
        name, new_name = old.final(follows(lookup)), new.parent()
        if old.slash and not old.existing_directory(name):
            raise WasiError(Errno.NOTDIR)
        refuse_new_slash(new, new_name)
        old.folder.link(name, new.folder, new_name)


def refuse_new_slash(place: Lookup, name: bytes) -> None:
    """A slash behind the name of what is to become no directory: EXIST or NOTDIR when something is there, else NOENT."""
    if place.slash:
        raise WasiError(Errno.EXIST if S_ISDIR(place.folder.stat(name).st_mode) else Errno.NOTDIR)


def path_symlink(context: "Context", window: memoryview, pointer: int, length: int, number: int, new_pointer: int, new_length: int) -> None:
    """The target is not resolved now, but an absolute one could never be followed: PERM."""
    directory = context.descriptor(number, Right.PATH_SYMLINK)
    target = path(window, pointer, length)
    if target.startswith(b"/"):
        raise WasiError(Errno.PERM)
    if not isinstance(directory, Directory):
        raise WasiError(Errno.NOTDIR)
    with Lookup(directory.folder, path(window, new_pointer, new_length)) as place:
        name = place.parent()
        refuse_new_slash(place, name)
        place.folder.symlink(target, name)


def path_readlink(
    context: "Context", window: memoryview, directory: Directory, pointer: int, length: int, buffer: int, size: int, result: int
) -> None:
    """A target longer than the buffer is cut, as POSIX has it."""
    cell = span(window, result, 4)
    target = span(window, buffer, size)
    with Lookup(directory.folder, path(window, pointer, length)) as place:
        name = place.parent()
        if place.slash:  # it asks for what the link leads to, and that is no link
            place.rest.append(name)
            raise WasiError(Errno.INVAL if place.existing_directory(place.final(True)) else Errno.NOTDIR)
        link = place.folder.readlink(name)[: len(target)]
    target[: len(link)] = link
    cell[:] = len(link).to_bytes(4, "little")


def path_remove_directory(context: "Context", window: memoryview, directory: Directory, pointer: int, length: int) -> None:
    with Lookup(directory.folder, path(window, pointer, length)) as place:
        name = place.parent()
        place.folder.rmdir(name)


def path_rename(
    context: "Context", window: memoryview, directory: Directory, pointer: int, length: int, target: int, new_pointer: int, new_length: int
) -> None:
    second = second_directory(context, target, directory, Right.PATH_RENAME_TARGET)
    with (
        Lookup(directory.folder, path(window, pointer, length)) as old,
        Lookup(second.folder, path(window, new_pointer, new_length)) as new,
    ):
        name, new_name = old.parent(), new.parent()
        if (old.slash or new.slash) and not old.existing_directory(name):
            raise WasiError(Errno.NOTDIR)
        old.folder.rename(name, new.folder, new_name)


def path_unlink_file(context: "Context", window: memoryview, directory: Directory, pointer: int, length: int) -> None:
    with Lookup(directory.folder, path(window, pointer, length)) as place:
        name = place.parent()
        if place.slash:
            raise WasiError(Errno.ISDIR if S_ISDIR(place.folder.stat(name).st_mode) else Errno.NOTDIR)
        place.folder.unlink(name)
