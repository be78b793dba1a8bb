"""Structures of Emscripten's musl, which are those of Linux on a 32-bit machine, and what their fields take from WASI's descriptors."""

from stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK

from wasmjit.wasi._memory import M32, span
from wasmjit.wasi.abi import M64, FileType, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import stat_result

    from wasmjit.wasi.context import Descriptor

BLOCK = 4096  # bytes that reading and writing should take at once
SECTOR = 512  # bytes of the unit that st_blocks counts
DIRENT_SIZE = 280
NAME_MAX = 255
STATFS_SIZE = 88
SHORT_STATFS_SIZE = 64  # where blocks and inodes are counted in 32 bits
NOSUID = 2
FREE = 1 << 20  # blocks and inodes that a file system says it has: what there is of the host is not told

MODES = {
    FileType.BLOCK_DEVICE: S_IFBLK | 0o660,
    FileType.CHARACTER_DEVICE: S_IFCHR | 0o666,
    FileType.DIRECTORY: S_IFDIR | 0o777,
    FileType.REGULAR_FILE: S_IFREG | 0o666,
    FileType.SOCKET_DGRAM: S_IFSOCK | 0o666,
    FileType.SOCKET_STREAM: S_IFSOCK | 0o666,
    FileType.SYMBOLIC_LINK: S_IFLNK | 0o777,
    FileType.UNKNOWN: S_IFIFO | 0o666,
}
ENTRY_TYPES = {  # DT_* by FileType
    FileType.BLOCK_DEVICE: 6,
    FileType.CHARACTER_DEVICE: 2,
    FileType.DIRECTORY: 4,
    FileType.REGULAR_FILE: 8,
    FileType.SOCKET_DGRAM: 12,
    FileType.SOCKET_STREAM: 12,
    FileType.SYMBOLIC_LINK: 10,
}


class Layout:
    """How a version lays structures out. time: bytes of a second and of a nanosecond; padded: `struct stat` with the kernel's padding."""

    __slots__ = ("padded", "time")

    def __init__(self, time: int, padded: bool) -> None:
        self.time = time
        self.padded = padded


FIRST = Layout(4, True)  # before 3.1.17
PADDED = Layout(8, True)  # before 3.1.42
LAYOUT = Layout(8, False)


def layout_of(names: set[str]) -> Layout:
    """The layout of the version that imports these names: what JavaScript did before it moved into the module."""
    if names & {"setTempRet0", "getTempRet0", "__syscall_fstatat64", "__syscall_open"}:
        return FIRST
    return PADDED if "emscripten_memcpy_big" in names else LAYOUT


def write_stat(window: memoryview, pointer: int, status: "stat_result", layout: Layout) -> None:
    """Store `struct stat`. Owners are 0, as those that the guest runs as."""
    times = [divmod(max(ns, 0), 10**9) for ns in (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)]
    links, size, inode, device = status.st_nlink & M32, status.st_size, status.st_ino & M64, status.st_dev & M32
    blocks = -(-size // SECTOR) & M32
    if layout.padded:
        head = record((device, 8), (inode & M32, 4), (status.st_mode, 4), (links, 4), (0, 8), (0, 8), (0, 4), (size, 8))
    else:
        head = record((device, 4), (status.st_mode, 4), (links, 4), (0, 8), (0, 4), (size, 8))
    width, most = layout.time, (1 << 8 * layout.time) - 1
    tail = b"".join([record((seconds & most, width), (rest, width)) for seconds, rest in times])
    data = head + record((BLOCK, 4), (blocks, 4)) + tail + record((inode, 8))
    span(window, pointer, len(data))[:] = data


def write_stream_stat(window: memoryview, pointer: int, descriptor: "Descriptor", layout: Layout) -> None:
    """Store `struct stat` of what is no file: only its type is known."""
    from os import stat_result

    times = dict.fromkeys(("st_atime_ns", "st_mtime_ns", "st_ctime_ns"), 0)
    status = stat_result((MODES[descriptor.filetype], 0, 0, 1, 0, 0, 0, 0, 0, 0), times)
    write_stat(window, pointer, status, layout)


def write_statfs(window: memoryview, pointer: int, size: int) -> None:
    """Store `struct statfs`, the same for every file system. Its size tells how wide counts are."""
    counts = [(FREE, 4 if size & M32 <= SHORT_STATFS_SIZE else 8)] * 5
    data = record((0, 4), (BLOCK, 4), *counts, (0, 8), (NAME_MAX, 4), (BLOCK, 4), (NOSUID, 4), (0, 16))
    span(window, pointer, size)[: len(data)] = data[: size & M32]


def directory_entry(piece: bytes, offset: int) -> bytes:
    """`struct dirent` of a WASI dirent with its name; offset: where the next one is."""
    inode, kind, name = piece[8:16], piece[20], piece[24:][:NAME_MAX]
    return inode + record((offset, 8), (DIRENT_SIZE, 2), (ENTRY_TYPES.get(kind, 0), 1)) + name.ljust(DIRENT_SIZE - 19, b"\0")


def times_at(window: memoryview, pointer: int, layout: Layout) -> list[tuple[int, int]]:
    """Both `struct timespec` of utimensat: seconds and nanoseconds."""
    width = layout.time
    cell = span(window, pointer, 4 * width)
    numbers = [int.from_bytes(cell[at : at + width], "little", signed=True) for at in range(0, 4 * width, width)]
    return [(numbers[0], numbers[1] & M32), (numbers[2], numbers[3] & M32)]
