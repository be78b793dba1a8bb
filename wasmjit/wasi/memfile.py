"""Open files in memory."""

from errno import EINVAL

from wasmjit.wasi.abi import FILE, REALTIME, FdFlag, FileType
from wasmjit.wasi.context import Descriptor
from wasmjit.wasi.errno import failure
from wasmjit.wasi.hostfile import check_settable
from wasmjit.wasi.memnode import OFFSET_MAX, FileNode, Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from os import stat_result


class Mount:
    """A file system as one guest has it: with its clock, and the number by which it tells this one from others."""

    __slots__ = ("clock", "device", "tree")

    def __init__(self, tree: Tree, clock: "Callable[[int], int]", device: int) -> None:
        self.tree = tree
        self.clock = clock
        self.device = device

    def now(self) -> int:
        """Nanoseconds on the real-time clock."""
        return self.clock(REALTIME)


class MemoryFile(Descriptor):
    """An open file in memory, at a position."""

    __slots__ = ("mount", "node", "position")
    filetype = FileType.REGULAR_FILE

    def __init__(self, node: FileNode, mount: Mount, rights: int, flags: int) -> None:
        super().__init__(rights & FILE, 0, flags)
        self.node = node
        self.mount = mount
        self.position = 0

    def read(self, buffers: list[memoryview]) -> int:
        done = self.pread(buffers, self.position)
        self.position += done
        return done

    def write(self, buffers: list[memoryview]) -> int:
        if not buffers:
            return 0
        with self.mount.tree.lock:
            start = self.node.size if self.flags & FdFlag.APPEND else self.position
            done = self.put(buffers, start)
            self.position = start + done
        return done

    def pread(self, buffers: list[memoryview], offset: int) -> int:
        node = self.node
        done = 0
        for buffer in buffers:
            count = node.read(offset + done, buffer)
            done += count
            if count < len(buffer):
                break
        if buffers and node.accessed <= max(node.modified, node.changed):  # relatime: only the first reading after a change counts
            node.accessed = self.mount.now()
        return done

    def pwrite(self, buffers: list[memoryview], offset: int) -> int:
        """With APPEND it appends, as on Linux."""
        if not buffers:
            return 0
        with self.mount.tree.lock:
            return self.put(buffers, self.node.size if self.flags & FdFlag.APPEND else offset)

    def put(self, buffers: list[memoryview], offset: int) -> int:
        """Write the buffers in order until the limit is reached. The lock is held."""
        node = self.node
        done = 0
        for buffer in buffers:
            try:
                count = node.write(offset + done, buffer)
            except OSError:
                if done == 0:
                    raise
                break
            done += count
            if count < len(buffer):
                break
        node.touch(self.mount.now())
        return done

    def seek(self, offset: int, whence: int) -> int:
        position = offset + (0, self.position, self.node.size)[whence]
        if not 0 <= position <= OFFSET_MAX:
            raise failure(EINVAL)
        self.position = position
        return position

    def advise(self, offset: int, length: int, advice: int) -> None:
        """There is nothing to be fetched."""

    def allocate(self, offset: int, length: int) -> None:
        with self.mount.tree.lock:
            self.node.allocate(offset, length)
        self.node.touch(self.mount.now())

    def resize(self, size: int) -> None:
        with self.mount.tree.lock:
            self.node.resize(size)
        self.node.touch(self.mount.now())

    def set_times(self, ns: tuple[int, int]) -> None:
        self.node.accessed, self.node.modified = ns
        self.node.changed = self.mount.now()

    def sync(self) -> None:
        """What is in memory stays there."""

    def datasync(self) -> None:
        """What is in memory stays there."""

    def stat(self) -> "stat_result":
        return self.node.status(self.mount.device)

    def set_flags(self, flags: int) -> None:
        check_settable(self.flags, flags)
        self.flags = flags

    def available(self) -> int:
        return max(self.node.size - self.position, 0)
