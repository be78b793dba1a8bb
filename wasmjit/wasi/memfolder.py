"""Directories in memory."""

import os
from errno import EBUSY, EEXIST, EINVAL, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, ENOTEMPTY, EPERM, EXDEV

from wasmjit.wasi.abi import FileType, dirent, filetype
from wasmjit.wasi.errno import failure
from wasmjit.wasi.folder import Directory, Folder
from wasmjit.wasi.memfile import MemoryFile, Mount
from wasmjit.wasi.memnode import NAME_COST, DirectoryNode, FileNode, LinkNode, Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import stat_result

NAME_MAX = 255
TARGET_MAX = 4095  # of a symbolic link
HERE = b"."


class MemoryFolder(Folder):
    """A directory node as one guest has it."""

    __slots__ = ("mount", "node")

    def __init__(self, node: DirectoryNode, mount: Mount) -> None:
        self.node = node
        self.mount = mount

    def look(self, name: bytes) -> Node | None:
        """The node of that name, None when the name is free."""
        if name == HERE:
            return self.node
        if len(name) > NAME_MAX and self.node.links:  # in a directory that was removed nothing is looked for
            raise failure(ENAMETOOLONG)
        return self.node.find(name)

    def find(self, name: bytes) -> Node:
        """The node of that name; ENOENT without one."""
        node = self.look(name)
        if node is None:
            raise failure(ENOENT)
        return node

    def vacant(self, name: bytes) -> None:
        """Check that something can be made under that name; EEXIST, ENOENT in a directory that was removed."""
        if self.look(name) is not None:
            raise failure(EEXIST)
        if self.node.links == 0:
            raise failure(ENOENT)

    def add(self, name: bytes, node: Node) -> None:
        """Give a node a vacant name. The lock is held."""
        self.mount.tree.budget.charge(cost(name, node))
        self.node.add(name, node)
        self.node.touch(self.mount.now())

    def remove(self, name: bytes, node: Node) -> None:
        """Take away the name of a node. The lock is held."""
        self.mount.tree.budget.charge(-cost(name, node))
        self.node.remove(name)
        now = self.mount.now()
        self.node.touch(now)
        node.changed = now

    def enter(self, name: bytes) -> "MemoryFolder":
        node = self.find(name)
        if not isinstance(node, DirectoryNode):
            raise failure(ENOTDIR)
        return MemoryFolder(node, self.mount)

    def create(self, name: bytes) -> FileNode:
        """A new file under a vacant name. The lock is held."""
        self.vacant(name)
        node = FileNode(self.mount.tree.number(), self.mount.now(), self.mount.tree.budget)
        self.add(name, node)
        return node

    def open(self, name: bytes, flags: int, rights: int, inheriting: int, fdflags: int) -> Directory | MemoryFile:
        with self.mount.tree.lock:
            node = self.look(name)
            if node is None:
                if not flags & os.O_CREAT:
                    raise failure(ENOENT)
                node = self.create(name)
            elif flags & os.O_CREAT and flags & os.O_EXCL:
                raise failure(EEXIST)
            if isinstance(node, FileNode):
                if flags & os.O_DIRECTORY:
                    raise failure(ENOTDIR)
                if flags & os.O_TRUNC:
                    node.resize(0)
                    node.touch(self.mount.now())
                return MemoryFile(node, self.mount, rights, fdflags)
        if not isinstance(node, DirectoryNode):
            raise failure(ENOTDIR if flags & os.O_DIRECTORY else ELOOP)
        if flags & (os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_RDWR):
            raise failure(EISDIR)
        return Directory(MemoryFolder(node, self.mount), rights, inheriting)

    def status(self) -> "stat_result":
        return self.node.status(self.mount.device)

    def stat(self, name: bytes) -> "stat_result":
        return self.find(name).status(self.mount.device)

    def utime(self, name: bytes, ns: tuple[int, int]) -> None:
        node = self.find(name)
        node.accessed, node.modified = ns
        node.changed = self.mount.now()

    def readlink(self, name: bytes) -> bytes:
        node = self.find(name)
        if not isinstance(node, LinkNode):
            raise failure(EINVAL)
        return node.target

    def mkdir(self, name: bytes) -> None:
        with self.mount.tree.lock:
            self.vacant(name)
            self.add(name, DirectoryNode(self.mount.tree.number(), self.mount.now()))

    def rmdir(self, name: bytes) -> None:
        if name == HERE:
            raise failure(EINVAL)
        with self.mount.tree.lock:
            node = self.find(name)
            if not isinstance(node, DirectoryNode):
                raise failure(ENOTDIR)
            if node.entries:
                raise failure(ENOTEMPTY)
            self.remove(name, node)
            node.links = 0

    def unlink(self, name: bytes) -> None:
        with self.mount.tree.lock:
            node = self.find(name)
            if isinstance(node, DirectoryNode):
                raise failure(EISDIR)
            self.remove(name, node)

    def symlink(self, target: bytes, name: bytes) -> None:
        if not target:
            raise failure(ENOENT)
        if len(target) > TARGET_MAX:
            raise failure(ENAMETOOLONG)
        with self.mount.tree.lock:
            self.vacant(name)
            self.add(name, LinkNode(self.mount.tree.number(), self.mount.now(), target))

    def link(self, name: bytes, other: Folder, new: bytes) -> None:
        if not isinstance(other, MemoryFolder) or other.mount.tree is not self.mount.tree:
            raise failure(EXDEV)
        with self.mount.tree.lock:
            node = self.find(name)
            other.vacant(new)
            if isinstance(node, DirectoryNode):
                raise failure(EPERM)
            other.add(new, node)
            node.changed = self.mount.now()

    def rename(self, name: bytes, other: Folder, new: bytes) -> None:
        if not isinstance(other, MemoryFolder) or other.mount.tree is not self.mount.tree:
            raise failure(EXDEV)
        if HERE in (name, new):
            raise failure(EBUSY)
        with self.mount.tree.lock:
            node, replaced = self.find(name), other.look(new)
            if other.node.links == 0:
                raise failure(ENOENT)
            if isinstance(node, DirectoryNode) and other.node.within(node):
                raise failure(EINVAL)
            if isinstance(replaced, DirectoryNode) and self.node.within(replaced):
                raise failure(ENOTEMPTY)
            if replaced is node:
                return
            growth = cost(new, node) - cost(name, node)
            if replaced is not None:
                check_replaceable(replaced, node)
                growth -= cost(new, replaced)
            self.mount.tree.budget.charge(growth)
            self.node.remove(name)
            if replaced is not None:
                other.node.remove(new)
            other.node.add(new, node)
            now = self.mount.now()
            self.node.touch(now)
            other.node.touch(now)
            node.changed = now
            if replaced is not None:
                replaced.changed = now
                if isinstance(replaced, DirectoryNode):
                    replaced.links = 0

    def entries(self, cookie: int) -> "Iterator[bytes]":
        for number, inode, name in ((1, self.node.number, HERE), (2, 0, b"..")):
            if number > cookie:
                yield dirent(number, inode, FileType.DIRECTORY, name)
        for entry, found in self.node.behind(cookie):
            yield dirent(entry.cookie, found.number, filetype(found.mode), entry.name)


def check_replaceable(replaced: Node, node: Node) -> None:
    """A directory takes the place of an empty one, anything else that of anything else: ENOTDIR, EISDIR, ENOTEMPTY."""
    if not isinstance(node, DirectoryNode):
        if isinstance(replaced, DirectoryNode):
            raise failure(EISDIR)
    elif not isinstance(replaced, DirectoryNode):
        raise failure(ENOTDIR)
    elif replaced.entries:
        raise failure(ENOTEMPTY)


def cost(name: bytes, node: Node) -> int:
    """Bytes that a name of a node is counted for."""
    return NAME_COST + len(name) + (node.size if isinstance(node, LinkNode) else 0)
