"""Two guests, one with a directory of the host and one with a directory in memory, that must get the same answers."""

import os
from pathlib import Path
from typing import Any

from tests.wasi.guest import ALL, BUFFER, FIRST, RECORD, RESULT, Guest
from wasmjit.wasi import Dir, Wasi


class Pair:
    """What is called on it is called on both guests; results that differ fail the test, and that of the host is returned."""

    def __init__(self, folder: Path, contents: dict[str, Any] | None = None) -> None:
        folder.mkdir()
        fill(folder, contents or {})
        self.folder = folder
        self.memory = Dir.memory(contents)
        self.guests = [Guest(Wasi(dirs=[Dir(folder, "/")])), Guest(Wasi(dirs=[self.memory]))]

    def __getattr__(self, name: str) -> Any:
        def run(*arguments: Any, **options: Any) -> Any:
            on_host, in_memory = [getattr(guest, name)(*arguments, **options) for guest in self.guests]
            assert in_memory == on_host, (name, arguments, options)
            return on_host

        return run

    def result(self, name: str, *arguments: "int | str | bytes", at: int = RESULT, size: int = 4) -> tuple[str, bytes]:
        """The errno, and the bytes that the function stored."""
        found = []
        for guest in self.guests:
            error = guest.call(name, *arguments)
            found.append((error, bytes(guest.data[at : at + size]) if error == "SUCCESS" else b""))
        assert found[0] == found[1], (name, arguments)
        return found[0]

    def status(self, name: str, *arguments: "int | str | bytes") -> "dict[str, int] | str":
        """What a filestat function says, but for what must differ: device, inode, times, and the size of directories."""
        found: list[dict[str, int] | str] = []
        for guest in self.guests:
            error = guest.call(name, *arguments, RECORD)
            if error != "SUCCESS":
                found.append(error)
                continue
            fields = guest.filestat()
            kept = ("type", "nlink") if fields["type"] == 3 else ("type", "nlink", "size")
            found.append({field: fields[field] for field in kept})
        assert found[0] == found[1], (name, arguments)
        return found[0]

    def put(self, fd: int, data: bytes, *offset: int) -> tuple[str, bytes]:
        """fd_write, or fd_pwrite at an offset, from two buffers."""
        middle = len(data) // 2
        for guest in self.guests:
            guest.data[BUFFER : BUFFER + len(data)] = data
        iovec = self.iovec((BUFFER, middle), (BUFFER + middle, len(data) - middle))
        return self.result("fd_pwrite" if offset else "fd_write", fd, *iovec, *offset, RESULT)

    def get(self, fd: int, size: int, *offset: int) -> "bytes | str":
        """fd_read, or fd_pread at an offset, into two buffers."""
        iovec = self.iovec((BUFFER, size // 2), (BUFFER + size // 2, size - size // 2))
        error, count = self.result("fd_pread" if offset else "fd_read", fd, *iovec, *offset, RESULT)
        if error != "SUCCESS":
            return error
        return self.stored(count)

    def stored(self, count: bytes) -> bytes:
        """So many bytes, as a function stored them, of the buffer."""
        found = {bytes(guest.data[BUFFER : BUFFER + int.from_bytes(count, "little")]) for guest in self.guests}
        assert len(found) == 1
        return found.pop()

    def link(self, fd: int, path: "str | bytes") -> "bytes | str":
        """path_readlink."""
        error, count = self.result("path_readlink", fd, path, BUFFER, 4096, RESULT)
        return self.stored(count) if error == "SUCCESS" else error

    def names(self, fd: int = FIRST, size: int = 4096) -> "list[tuple[str, int]] | str":
        """All entries of a directory with their types, sorted: file systems have orders of their own."""
        error = self.call("fd_readdir", fd, BUFFER, size, 0, RESULT) if size > 300 else "SUCCESS"
        if error != "SUCCESS":
            return str(error)
        found = [sorted((name, kind) for name, _, kind in guest.entries(fd, size)) for guest in self.guests]
        assert found[0] == found[1]
        return found[0]

    def try_make(
        self, path: "str | bytes", oflags: int, rights: int = ALL, fdflags: int = 0, fd: int = FIRST, follow: int = 1
    ) -> "int | str":
        """path_open with these rights exactly: the number, or the errno."""
        error, number = self.result("path_open", fd, follow, path, oflags, rights, ALL, fdflags, RESULT)
        return int.from_bytes(number, "little") if error == "SUCCESS" else error

    def make(self, path: str, oflags: int, fdflags: int = 0) -> int:
        """As try_make with all rights; the number."""
        made = self.try_make(path, oflags, fdflags=fdflags)
        assert isinstance(made, int), f"opening {path!r}: {made}"
        return made

    def same_tree(self) -> None:
        """The host directory has what the directory in memory has: files, links and directories."""
        host = {}
        for above, _, files in os.walk(self.folder):
            for name in files:
                file = Path(above, name)
                if not file.is_symlink():
                    host[str(file.relative_to(self.folder))] = file.stat().st_size
        assert {path: self.memory.size(path) for path in self.memory} == host
        for path, size in host.items():
            if size < 1 << 24:
                assert (self.folder / path).read_bytes() == self.memory[path]


def fill(folder: Path, contents: dict[str, Any]) -> None:
    """Make on the host what `Dir.memory` makes of this."""
    for name, content in contents.items():
        path = folder / name
        if content is None or isinstance(content, dict):
            path.mkdir(parents=True, exist_ok=True)
            fill(path, content or {})
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
