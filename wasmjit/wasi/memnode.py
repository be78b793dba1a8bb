"""File systems in memory: their files, directories and links, and what all of it may take."""

import os
from _thread import RLock
from bisect import bisect_left
from errno import EFBIG, EINVAL, ENOSPC
from stat import S_IFDIR, S_IFLNK, S_IFREG

from wasmjit.wasi._memory import PATH_MAX
from wasmjit.wasi.abi import REALTIME
from wasmjit.wasi.errno import failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = 1 << 16  # bytes
PAGE_COST = 256  # bytes that a page is counted for beside its contents
NAME_COST = 1024  # bytes that a name is counted for, with what it names
OFFSET_MAX = (1 << 63) - 1
HOLE = bytes(PAGE)


class Budget:
    """Bytes that a file system may take: `limit`, and `used` of them.

    `freed` has what ended files held. They may end in the midst of anything, so it is only taken off by the next charge.
    """

    __slots__ = ("freed", "limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.freed: list[int] = []

    def charge(self, nbytes: int) -> None:
        """Take so many bytes, or give them back when negative. ENOSPC: they are beyond the limit."""
        while self.freed:
            self.used -= self.freed.pop()
        if nbytes > 0 and self.used + nbytes > self.limit:
            raise failure(ENOSPC)
        self.used += nbytes


class Node:
    """What a name stands for. Times in nanoseconds; `links` is how many names there are."""

    __slots__ = ("accessed", "changed", "links", "modified", "number")
    mode = 0
    size = 0  # bytes

    def __init__(self, number: int, now: int) -> None:
        self.number = number
        self.links = 0
        self.stamp(now)

    def stamp(self, now: int) -> None:
        """Set all times."""
        self.accessed = self.modified = self.changed = now

    def touch(self, now: int) -> None:
        """The contents have changed."""
        self.modified = self.changed = now

    def status(self, device: int) -> os.stat_result:
        """As of os.stat."""
        accessed, modified, changed = self.accessed, self.modified, self.changed
        seconds = accessed // 10**9, modified // 10**9, changed // 10**9
        exact = {"st_atime_ns": accessed, "st_mtime_ns": modified, "st_ctime_ns": changed}
        return os.stat_result((self.mode, self.number, device, self.links, 0, 0, self.size, *seconds), exact)


class FileNode(Node):
    """A regular file: pages by number, each as long as it has been written; what is missing of one, or before `size`, reads as zeros."""

    __slots__ = ("budget", "held", "pages", "size")
    mode = S_IFREG | 0o644

    def __init__(self, number: int, now: int, budget: Budget) -> None:
        self.budget = budget
        self.held = 0  # bytes charged
        super().__init__(number, now)
        self.pages: dict[int, bytearray] = {}
        self.size = 0

    def __del__(self) -> None:
        self.budget.freed.append(self.held)

    def charge(self, nbytes: int) -> None:
        self.budget.charge(nbytes)
        self.held += nbytes

    def read(self, offset: int, buffer: memoryview) -> int:
        """Fill a buffer from an offset on; how many bytes: fewer at the end."""
        wanted = max(min(len(buffer), self.size - offset), 0)
        done = 0
        while done < wanted:
            index, start = divmod(offset + done, PAGE)
            count = min(PAGE - start, wanted - done)
            piece = self.pages.get(index, HOLE)[start : start + count]
            if len(piece) < count:
                piece = piece + HOLE[len(piece) : count]
            buffer[done : done + count] = piece
            done += count
        return done

    def write(self, offset: int, data: memoryview) -> int:
        """Write at an offset; how many bytes: fewer, by pages, where the limit is reached, ENOSPC for none. EFBIG: too far away."""
        length = len(data)
        if offset + length > OFFSET_MAX:
            raise failure(EFBIG)
        done = 0
        try:
            while done < length:
                index, start = divmod(offset + done, PAGE)
                piece = data[done : done + PAGE - start]
                page = self.reserve(index, start + len(piece))
                page[start : start + len(piece)] = piece
                done += len(piece)
        except OSError:
            if done == 0:
                raise
        self.size = max(self.size, offset + done)
        return done

    def reserve(self, index: int, length: int) -> bytearray:
        """The page of this number, at least so long. ENOSPC."""
        page = self.pages.get(index)
        if page is None:
            self.charge(PAGE_COST + length)
            page = self.pages[index] = bytearray(length)
        elif len(page) < length:
            self.charge(length - len(page))
            page.extend(HOLE[len(page) : length])
        return page

    def allocate(self, offset: int, length: int) -> None:
        """Make room for what will be written there, and let the file be so long. EINVAL, EFBIG, ENOSPC."""
        end = offset + length
        if length <= 0:
            raise failure(EINVAL)
        if end > OFFSET_MAX:
            raise failure(EFBIG)
        if length > self.budget.limit:
            raise failure(ENOSPC)
        for index in range(offset // PAGE, -(-end // PAGE)):
            self.reserve(index, min(end - index * PAGE, PAGE))
        self.size = max(self.size, end)

    def resize(self, size: int) -> None:
        """Cut the file, or let it go on with a hole."""
        if size < self.size:
            last, rest = divmod(size, PAGE)
            for index in [index for index in self.pages if index >= last + (rest > 0)]:
                self.charge(-PAGE_COST - len(self.pages.pop(index)))
            page = self.pages.get(last)
            if page is not None and len(page) > rest:
                self.charge(rest - len(page))
                del page[rest:]
        self.size = size


class LinkNode(Node):
    """A symbolic link."""

    __slots__ = ("size", "target")
    mode = S_IFLNK | 0o777

    def __init__(self, number: int, now: int, target: bytes) -> None:
        super().__init__(number, now)
        self.target = target
        self.size = len(target)


class Entry:
    """A name in a directory, its node (None once it is removed), and its cookie, which no other entry of the directory ever has."""

    __slots__ = ("cookie", "name", "node")

    def __init__(self, name: bytes, node: Node, cookie: int) -> None:
        self.name = name
        self.node: Node | None = node
        self.cookie = cookie


class DirectoryNode(Node):
    """A directory: entries by name, and in the order of their making, removed ones included until they are the half of all.

    parent: itself for the top of a file system. links: 0 once it is removed: nothing can be made in it then.
    """

    __slots__ = ("entries", "made", "order", "parent", "removed")
    mode = S_IFDIR | 0o755

    def __init__(self, number: int, now: int, parent: "DirectoryNode | None" = None) -> None:
        super().__init__(number, now)
        self.links = 2  # its name and `.`, and one for each `..` that leads here
        self.parent = parent or self
        self.entries: dict[bytes, Entry] = {}
        self.order: list[Entry] = []
        self.made = 2  # cookies given: `.` has 1 and `..` has 2
        self.removed = 0

    def find(self, name: bytes) -> Node | None:
        """The node of that name."""
        entry = self.entries.get(name)
        return None if entry is None else entry.node

    def add(self, name: bytes, node: Node) -> None:
        """Give a node a name that is free."""
        self.made += 1
        entry = self.entries[name] = Entry(name, node, self.made)
        self.order.append(entry)
        if isinstance(node, DirectoryNode):
            node.parent = self
            self.links += 1
        else:
            node.links += 1

    def remove(self, name: bytes) -> None:
        """Take a name away."""
        entry = self.entries.pop(name)
        if isinstance(entry.node, DirectoryNode):
            self.links -= 1
        elif entry.node is not None:
            entry.node.links -= 1
        entry.node = None
        self.removed += 1
        if self.removed * 2 > len(self.order):
            self.order = [entry for entry in self.order if entry.node is not None]
            self.removed = 0

    def behind(self, cookie: int) -> "Iterator[tuple[Entry, Node]]":
        """The entries made after the one with this cookie, or that is where it was."""
        order = self.order
        for at in range(bisect_left(order, cookie + 1, key=lambda entry: entry.cookie), len(order)):
            node = order[at].node
            if node is not None:
                yield order[at], node

    def within(self, other: "DirectoryNode") -> bool:
        """Whether this is the other directory or beneath it."""
        node = self
        while node is not other and node.parent is not node:
            node = node.parent
        return node is other


class Tree:
    """A file system. `lock` is held while it is changed: threads may share it, and clocks and signal handlers may come to it meanwhile.

    clock: of the first guest that got it, None before; what was made until then has the time of that moment.
    """

    __slots__ = ("budget", "clock", "lock", "numbers", "root")

    def __init__(self, limit: int) -> None:
        self.budget = Budget(limit)
        self.clock: Callable[[int], int] | None = None
        self.lock = RLock()
        self.numbers = 1
        self.root = DirectoryNode(1, 0)

    def __del__(self) -> None:
        """Nodes refer to their parents: what nobody can reach any more would stay until the collector comes."""
        waiting = [self.root]
        while waiting:
            directory = waiting.pop()
            for entry in directory.entries.values():
                if isinstance(entry.node, type(directory)):
                    waiting.append(entry.node)
            directory.entries.clear()
            directory.order.clear()

    def number(self) -> int:
        """A new node's number."""
        self.numbers += 1
        return self.numbers

    def start(self, clock: "Callable[[int], int]") -> None:
        """A guest gets it: time begins."""
        if self.clock is None:
            self.clock = clock
            now = clock(REALTIME)
            self.root.stamp(now)
            for _, node in walk(self.root):
                node.stamp(now)


def walk(directory: DirectoryNode, above: bytes = b"") -> "Iterator[tuple[bytes, Node]]":
    """The paths of everything beneath a directory, with what they name; not those longer than PATH_MAX, which name nothing in one piece."""
    waiting = [(above, directory)]
    while waiting:
        above, directory = waiting.pop()
        for name, entry in list(directory.entries.items()):
            node = entry.node
            if node is not None and len(above) + len(name) <= PATH_MAX:
                yield above + name, node
                if isinstance(node, DirectoryNode):
                    waiting.append((above + name + b"/", node))
