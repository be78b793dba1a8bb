"""Directories in memory as the embedder has them."""

from collections.abc import Mapping, MutableMapping
from errno import EFBIG

from wasmjit.wasi._memory import PATH_MAX
from wasmjit.wasi.config import Dir, guest_bytes
from wasmjit.wasi.errno import WasiError
from wasmjit.wasi.lookup import Lookup
from wasmjit.wasi.memfile import MemoryFile, Mount
from wasmjit.wasi.memfolder import MemoryFolder
from wasmjit.wasi.memnode import FileNode, Tree, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from wasmjit.wasi.context import Context

    Content: TypeAlias = "bytes | bytearray | memoryview | str | None | Contents"
    Contents: TypeAlias = Mapping[str, Content]

DEVICE = 1 << 32  # Linux has no such device numbers


class MemoryDir(Dir, MutableMapping[str, bytes]):
    """What `Dir.memory` makes: a directory in memory, kept as long as this object or a guest has it, and shared by all guests that got it.

    As a mapping it has the path of each file in it, relative and without `.` and `..`, and its bytes: `d["out/a.txt"]`, `dict(d)`.
    Files so deep that their path has more than 4096 bytes are left out. Reading follows symbolic links within the directory. Setting takes
    what `Dir.memory` takes, makes the directories above and replaces contents; deleting removes a file or link. KeyError: there is no such
    file. ValueError: that is no path for one. OSError: the limit, or a file that holes make longer than that.
    """

    __slots__ = ("_tree",)

    def __init__(self, contents: "Contents | None", guest: str, readonly: bool, limit: int) -> None:
        self.guest = guest
        self.readonly = readonly
        guest_bytes(guest)
        self._tree = Tree(limit)
        self._fill("", contents or {})

    @property
    def limit(self) -> int:
        """Bytes that all of it may take."""
        return self._tree.budget.limit

    @property
    def used(self) -> int:
        """Bytes that it takes of the limit: for each name 1 KiB is counted."""
        budget = self._tree.budget
        budget.charge(0)
        return budget.used

    def __repr__(self) -> str:
        return f"<Dir.memory of {len(self)} files, {self.guest!r}, readonly={self.readonly}>"

    def __getitem__(self, path: str) -> bytes:
        if self.size(path) > self.limit:
            raise OSError(EFBIG, "a file with holes, longer than the limit of all: read() gives parts of it", path)
        return self.read(path)

    def __contains__(self, path: object) -> bool:
        try:
            self._file(path)
        except KeyError:
            return False
        return True

    def __setitem__(self, path: str, content: "Content") -> None:
        if content is None or isinstance(content, Mapping):
            path = path.removesuffix("/")
            self._directory(_names(path), path)
            self._fill(f"{path}/", content or {})
            return
        data = memoryview(content.encode() if isinstance(content, str) else content).cast("B")
        *above, name = _names(path)
        folder = self._directory(above, path)
        with self._tree.lock:
            node = folder.look(name) or folder.create(name)
            if not isinstance(node, FileNode):
                raise ValueError(f"{path!r} is no file")
            node.resize(0)
        file = MemoryFile(node, folder.mount, 0, 0)
        while data:
            data = data[file.write([data]) :]

    def __delitem__(self, path: str) -> None:
        try:
            with Lookup(self._top(), _encoded(path)) as place:
                name = place.parent()
                if not place.slash:
                    place.folder.unlink(name)
                    return
        except (OSError, WasiError):
            pass
        raise KeyError(path)

    def __iter__(self) -> "Iterator[str]":
        for path, node in walk(self._tree.root):
            if isinstance(node, FileNode):
                yield path.decode()

    def __len__(self) -> int:
        return sum([1 for _ in self])

    def size(self, path: str) -> int:
        """Bytes of a file, holes included, which take nothing. KeyError."""
        return self._file(path).size

    def read(self, path: str, offset: int = 0, size: int | None = None) -> bytes:
        """Bytes of a file from an offset on, all or at most `size` of them. KeyError, ValueError."""
        node = self._file(path)
        if offset < 0 or size is not None and size < 0:
            raise ValueError("offset and size cannot be negative")
        rest = max(node.size - offset, 0)
        data = bytearray(rest if size is None else min(size, rest))
        return bytes(memoryview(data)[: node.read(offset, memoryview(data))])

    def _fill(self, above: str, contents: "Contents") -> None:
        for path, content in contents.items():
            self[above + path] = content

    def _directory(self, names: list[bytes], path: str) -> MemoryFolder:
        """The directory of these names from the top, made where it is missing."""
        folder = self._top()
        for name in names:
            try:
                folder = folder.enter(name)
            except FileNotFoundError:
                folder.mkdir(name)
                folder = folder.enter(name)
            except NotADirectoryError:
                raise ValueError(f"{path!r}: {name.decode()!r} is no directory") from None
        return folder

    def _file(self, path: object) -> FileNode:
        """The file that a path leads to; KeyError without one."""
        try:
            with Lookup(self._top(), _encoded(path)) as place:
                name, folder = place.final(True), place.folder
                node = folder.find(name) if isinstance(folder, MemoryFolder) else None
                if isinstance(node, FileNode) and not place.slash:
                    return node
        except (OSError, WasiError):
            pass
        raise KeyError(path)

    def _top(self, mount: Mount | None = None) -> MemoryFolder:
        tree = self._tree
        return MemoryFolder(tree.root, mount or Mount(tree, tree.clock or _beginning, DEVICE))

    def _named(self, guest: str) -> "MemoryDir":
        same = MemoryDir({}, guest, self.readonly, 0)
        same._tree = self._tree
        return same

    def _folder(self, context: "Context", mounted: list[object]) -> MemoryFolder:
        tree = self._tree
        tree.start(context.clock)
        if tree not in mounted:
            mounted.append(tree)
        return self._top(Mount(tree, context.clock, DEVICE + mounted.index(tree)))


def _beginning(identifier: int) -> int:
    """The clock before the first guest's."""
    return 0


def _encoded(path: object) -> bytes:
    """A path as guests see it; KeyError for what can be none."""
    if isinstance(path, str) and "\0" not in path:
        try:
            return path.encode()
        except UnicodeEncodeError:
            pass
    raise KeyError(path)


def _names(path: str) -> list[bytes]:
    """The components of a path that is to be there; ValueError for one that is absolute, empty, too long or has `.`, `..` or a NUL."""
    names = path.encode().split(b"/")
    if len(path) > PATH_MAX or any([name in (b"", b".", b"..") or 0 in name for name in names]):
        raise ValueError(f"not a path of a file beneath a directory: {path!r}")
    return names
