"""Constants and record layouts of WASI preview 1, as in its witx documents."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import stat_result


class Right:
    """Bits of `rights`: what may be done with a descriptor."""

    FD_DATASYNC = 1 << 0
    FD_READ = 1 << 1
    FD_SEEK = 1 << 2
    FD_FDSTAT_SET_FLAGS = 1 << 3
    FD_SYNC = 1 << 4
    FD_TELL = 1 << 5
    FD_WRITE = 1 << 6
    FD_ADVISE = 1 << 7
    FD_ALLOCATE = 1 << 8
    PATH_CREATE_DIRECTORY = 1 << 9
    PATH_CREATE_FILE = 1 << 10
    PATH_LINK_SOURCE = 1 << 11
    PATH_LINK_TARGET = 1 << 12
    PATH_OPEN = 1 << 13
    FD_READDIR = 1 << 14
    PATH_READLINK = 1 << 15
    PATH_RENAME_SOURCE = 1 << 16
    PATH_RENAME_TARGET = 1 << 17
    PATH_FILESTAT_GET = 1 << 18
    PATH_FILESTAT_SET_SIZE = 1 << 19
    PATH_FILESTAT_SET_TIMES = 1 << 20
    FD_FILESTAT_GET = 1 << 21
    FD_FILESTAT_SET_SIZE = 1 << 22
    FD_FILESTAT_SET_TIMES = 1 << 23
    PATH_SYMLINK = 1 << 24
    PATH_REMOVE_DIRECTORY = 1 << 25
    PATH_UNLINK_FILE = 1 << 26
    POLL_FD_READWRITE = 1 << 27
    SOCK_SHUTDOWN = 1 << 28
    SOCK_ACCEPT = 1 << 29


SEEKING = Right.FD_SEEK | Right.FD_TELL
STREAM = Right.FD_FDSTAT_SET_FLAGS | Right.FD_FILESTAT_GET | Right.POLL_FD_READWRITE
SOCKET = STREAM | Right.FD_READ | Right.FD_WRITE | Right.SOCK_SHUTDOWN | Right.SOCK_ACCEPT
FILE = (
    STREAM | SEEKING | Right.FD_READ | Right.FD_WRITE | Right.FD_DATASYNC | Right.FD_SYNC | Right.FD_ADVISE | Right.FD_ALLOCATE
    | Right.FD_FILESTAT_SET_SIZE | Right.FD_FILESTAT_SET_TIMES
)  # fmt: skip
LOOKUP = Right.PATH_OPEN | Right.PATH_READLINK | Right.PATH_FILESTAT_GET | Right.FD_READDIR
ALTER = (
    Right.PATH_CREATE_DIRECTORY | Right.PATH_CREATE_FILE | Right.PATH_LINK_SOURCE | Right.PATH_LINK_TARGET | Right.PATH_RENAME_SOURCE
    | Right.PATH_RENAME_TARGET | Right.PATH_FILESTAT_SET_SIZE | Right.PATH_FILESTAT_SET_TIMES | Right.PATH_SYMLINK
    | Right.PATH_REMOVE_DIRECTORY | Right.PATH_UNLINK_FILE
)  # fmt: skip
DIRECTORY = (
    LOOKUP | ALTER | Right.FD_FDSTAT_SET_FLAGS | Right.FD_SYNC | Right.FD_DATASYNC | Right.FD_FILESTAT_GET | Right.FD_FILESTAT_SET_TIMES
)  # fmt: skip
# what a read-only preopen takes away; a link out of it would make a writable name for a read-only file, so PATH_LINK_SOURCE is in ALTER
MODIFY = ALTER | Right.FD_WRITE | Right.FD_ALLOCATE | Right.FD_FILESTAT_SET_SIZE | Right.FD_FILESTAT_SET_TIMES


class FileType:
    """What a descriptor or directory entry is."""

    UNKNOWN = 0
    BLOCK_DEVICE = 1
    CHARACTER_DEVICE = 2
    DIRECTORY = 3
    REGULAR_FILE = 4
    SOCKET_DGRAM = 5
    SOCKET_STREAM = 6
    SYMBOLIC_LINK = 7


class FdFlag:
    """Bits of `fdflags`."""

    APPEND = 1
    DSYNC = 2
    NONBLOCK = 4
    RSYNC = 8
    SYNC = 16
    ALL = 31


class OFlag:
    """Bits of `oflags`."""

    CREAT = 1
    DIRECTORY = 2
    EXCL = 4
    TRUNC = 8
    ALL = 15


class FstFlag:
    """Bits of `fstflags`."""

    ATIM = 1
    ATIM_NOW = 2
    MTIM = 4
    MTIM_NOW = 8
    ALL = 15


SYMLINK_FOLLOW = 1  # lookupflags
M64 = 0xFFFFFFFFFFFFFFFF
REALTIME, MONOTONIC, PROCESS_CPUTIME, THREAD_CPUTIME = range(4)  # clockid

_KINDS = {
    0o060000: FileType.BLOCK_DEVICE,
    0o020000: FileType.CHARACTER_DEVICE,
    0o040000: FileType.DIRECTORY,
    0o100000: FileType.REGULAR_FILE,
    0o140000: FileType.SOCKET_STREAM,
    0o120000: FileType.SYMBOLIC_LINK,
}


def filetype(mode: int) -> int:
    """FileType of a host's st_mode; UNKNOWN for pipes, which WASI has no type for."""
    return _KINDS.get(mode & 0o170000, FileType.UNKNOWN)


def record(*fields: tuple[int, int]) -> bytes:
    """Little-endian bytes of (value, size in bytes) fields; padding is a field of value 0."""
    return b"".join([value.to_bytes(size, "little") for value, size in fields])


def dirent(cookie: int, inode: int, kind: int, name: bytes) -> bytes:
    """`dirent` record of a directory entry and its name; cookie: of the one behind it."""
    return (cookie | (inode & M64) << 64 | len(name) << 128 | kind << 160).to_bytes(24, "little") + name


FILESTAT_SIZE = 64
UNSTABLE_FILESTAT_SIZE = 56


def filestat(kind: int, status: "stat_result | None") -> bytes:
    """`filestat` record of wasi_snapshot_preview1; a descriptor without a file has only its type."""
    if status is None:
        return record((0, 16), (kind, 8), (1, 8), (0, 32))
    return record(
        (status.st_dev & M64, 8),
        (status.st_ino & M64, 8),
        (kind, 8),
        (status.st_nlink, 8),
        (status.st_size, 8),
        (max(status.st_atime_ns, 0), 8),
        (max(status.st_mtime_ns, 0), 8),
        (max(status.st_ctime_ns, 0), 8),
    )


def unstable_filestat(stat: bytes) -> bytes:
    """The same record as wasi_unstable lays it out: the number of links has 32 bits and stands before the size."""
    return stat[:20] + stat[24:28] + stat[32:]
