"""A guest without wasm: bytes for its memory, and calls that take strings and give back names of errors."""

from wasmjit.wasi import Wasi
from wasmjit.wasi.errno import Errno

NAMES = {value: name for name, value in vars(Errno).items() if isinstance(value, int)}
ALL = (1 << 30) - 1
FOLLOW = 1
CREAT, DIRECTORY, EXCL, TRUNC = 1, 2, 4, 8
READ, WRITE = 1 << 1, 1 << 6
FIRST = 3  # number of the first preopened directory

RESULT = 16  # where functions store numbers
RECORD = 64  # and records
TEXT = 4096  # strings of a call
BUFFER = 65536  # data


class FakeMemory:
    """The part of Memory that WASI uses."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(size)

    def _window(self) -> memoryview:
        return memoryview(self.data)


class Guest:
    """Calls WASI functions with its own memory; `call` is for good and bad calls, the rest for good ones."""

    def __init__(self, wasi: Wasi | None = None, size: int = 1 << 20, module: str = "wasi_snapshot_preview1") -> None:
        self.memory = FakeMemory(size)
        self.data = self.memory.data
        self.functions = (wasi or Wasi()).imports()[module]

    def call(self, name: str, *arguments: "int | str | bytes") -> str:
        """Name of the errno; a string is put into memory and passed as its address and length."""
        numbers: list[int] = []
        at = TEXT
        for argument in arguments:
            if isinstance(argument, int):
                numbers.append(argument)
                continue
            text = argument.encode() if isinstance(argument, str) else argument
            self.data[at : at + len(text)] = text
            numbers += [at, len(text)]
            at += len(text)
        return NAMES[self.functions[name](self, *numbers)]

    def good(self, name: str, *arguments: "int | str | bytes") -> None:
        error = self.call(name, *arguments)
        assert error == "SUCCESS", f"{name}: {error}"

    def number(self, at: int = RESULT, size: int = 4) -> int:
        return int.from_bytes(self.data[at : at + size], "little")

    def iovec(self, *buffers: tuple[int, int]) -> tuple[int, int]:
        """Address and count of an iovec array of (address, length)."""
        array = b"".join([address.to_bytes(4, "little") + length.to_bytes(4, "little") for address, length in buffers])
        self.data[1024 : 1024 + len(array)] = array
        return 1024, len(buffers)

    def write(self, fd: int, data: bytes) -> int:
        self.data[BUFFER : BUFFER + len(data)] = data
        self.good("fd_write", fd, *self.iovec((BUFFER, len(data))), RESULT)
        return self.number()

    def read(self, fd: int, size: int = 4096) -> bytes:
        self.good("fd_read", fd, *self.iovec((BUFFER, size)), RESULT)
        return bytes(self.data[BUFFER : BUFFER + self.number()])

    def try_open(
        self, path: "str | bytes", oflags: int = 0, rights: int = ALL, flags: int = 0, fd: int = FIRST, follow: int = FOLLOW
    ) -> str:
        """Errno of path_open. Rights of writing are asked for only with oflags or READ and WRITE given."""
        if rights == ALL and not oflags & (CREAT | TRUNC):
            rights &= ~(WRITE | 1 << 8 | 1 << 22)
        return self.call("path_open", fd, follow, path, oflags, rights, ALL, flags, RESULT)

    def open(self, path: "str | bytes", oflags: int = 0, rights: int = ALL, flags: int = 0, fd: int = FIRST, follow: int = FOLLOW) -> int:
        error = self.try_open(path, oflags, rights, flags, fd, follow)
        assert error == "SUCCESS", f"opening {path!r}: {error}"
        return self.number()

    def close(self, fd: int) -> None:
        self.good("fd_close", fd)

    def status(self, path: "str | bytes", follow: int = FOLLOW, fd: int = FIRST) -> dict[str, int]:
        self.good("path_filestat_get", fd, follow, path, RECORD)
        return self.filestat()

    def fd_status(self, fd: int) -> dict[str, int]:
        self.good("fd_filestat_get", fd, RECORD)
        return self.filestat()

    def filestat(self) -> dict[str, int]:
        fields = {
            "dev": (0, 8),
            "ino": (8, 8),
            "type": (16, 1),
            "nlink": (24, 8),
            "size": (32, 8),
            "atim": (40, 8),
            "mtim": (48, 8),
            "ctim": (56, 8),
        }
        return {name: self.number(RECORD + at, size) for name, (at, size) in fields.items()}

    def entries(self, fd: int, size: int = 4096) -> list[tuple[str, int, int]]:
        """(name, inode, type) of all entries, read in pieces of `size` bytes."""
        found: list[tuple[str, int, int]] = []
        cookie = 0
        while True:
            self.good("fd_readdir", fd, BUFFER, size, cookie, RESULT)
            used = self.number()
            at = 0
            while at + 24 <= used:
                start = BUFFER + at
                length = self.number(start + 16)
                if at + 24 + length > used:
                    break
                name = bytes(self.data[start + 24 : start + 24 + length]).decode()
                found.append((name, self.number(start + 8, 8), self.number(start + 20, 1)))
                cookie = self.number(start, 8)
                at += 24 + length
            if used < size:
                return found
