"""Standard streams over what an embedder gives: bytes, callables, Python files. Host descriptors and paths become HostFile instead."""

import io
import os
import sys
from errno import EAGAIN
from stat import S_ISREG

from wasmjit.wasi._wait import wait_readable, wait_ready, write_host
from wasmjit.wasi.abi import STREAM, FileType, Right
from wasmjit.wasi.context import Descriptor
from wasmjit.wasi.errno import Raised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Fetch = Callable[[int], bytes]
    Emit = Callable[[memoryview], int]

PIECE = 1 << 24  # most bytes moved by one call: a guest's length must not make the host allocate gigabytes
JOIN = 1 << 16  # buffers of a call up to this sum go out as one piece


def total(buffers: list[memoryview]) -> int:
    """Bytes in all buffers."""
    return sum([len(buffer) for buffer in buffers])


def host_number(file: "Any") -> int | None:
    """Host descriptor of a plain Python file; None for files that change their bytes on the way (gzip) or have no descriptor."""
    raw = getattr(file, "buffer", file)
    raw = getattr(raw, "raw", raw)
    return raw.fileno() if type(raw) is io.FileIO else None


class Input(Descriptor):
    """stdin from `fetch(n)`, which returns some bytes, b"" at the end; more than n is kept for the next read."""

    __slots__ = ("fetch", "number", "pending")

    def __init__(self, fetch: "Fetch", number: int | None = None) -> None:
        super().__init__(STREAM | Right.FD_READ)
        self.fetch = fetch
        self.number = number
        self.pending = memoryview(b"")

    @property
    def filetype(self) -> int:  # type: ignore[override]
        return FileType.CHARACTER_DEVICE if self.number is not None and os.isatty(self.number) else FileType.UNKNOWN

    def read(self, buffers: list[memoryview]) -> int:
        wanted = min(total(buffers), PIECE)
        if not wanted:
            return 0
        data = self.pending
        if not data:
            if self.number is not None:
                wait_readable(self.number)
            data = memoryview(self.fetch(wanted))
        done = 0
        for buffer in buffers:
            piece = data[done : done + len(buffer)]
            buffer[: len(piece)] = piece
            done += len(piece)
            if done == len(data):
                break
        self.pending = data[done:]
        return done

    def waitable(self) -> int | None:
        return None if self.pending else self.number

    def available(self) -> int:
        return max(len(self.pending), 1)


class Output(Descriptor):
    """stdout or stderr into `emit(view)`, which returns how many bytes it took."""

    __slots__ = ("emit", "finish", "number")

    def __init__(self, emit: "Emit", finish: "Callable[[], None] | None" = None, number: "Callable[[], int | None] | None" = None) -> None:
        super().__init__(STREAM | Right.FD_WRITE)
        self.emit = emit
        self.finish = finish
        self.number = number

    @property
    def filetype(self) -> int:  # type: ignore[override]
        number = self.number() if self.number else None
        return FileType.CHARACTER_DEVICE if number is not None and os.isatty(number) else FileType.UNKNOWN

    def write(self, buffers: list[memoryview]) -> int:
        if len(buffers) == 1:
            return self.emit(buffers[0][:PIECE])
        if not buffers:
            return 0
        if total(buffers) <= JOIN:
            return self.emit(memoryview(b"".join(buffers)))
        return self.emit(buffers[0][:PIECE])  # a short write: the guest comes again with the rest

    def close(self) -> None:
        finish, self.finish = self.finish, None
        if finish is not None:
            finish()

    def __del__(self) -> None:
        self.close()


def fetch_bytes(data: "bytes | bytearray | memoryview") -> "Fetch":
    """Read from bytes."""
    rest = memoryview(data).cast("B")

    def fetch(count: int) -> bytes:
        nonlocal rest
        piece, rest = rest[:count], rest[count:]
        return bytes(piece)

    return fetch


def fetch_iterable(pieces: "Iterable[bytes]") -> "Fetch":
    """Read what an iterable of bytes gives, one piece at a time and only when the guest asks."""
    iterator = iter(pieces)

    def fetch(count: int) -> bytes:
        try:
            for piece in iterator:
                if piece:
                    return piece
        except OSError as error:
            raise Raised(error) from None
        return b""

    return fetch


def fetch_callable(function: "Callable[[int], bytes]") -> "Fetch":
    """Read what `function(n)` returns."""

    def fetch(count: int) -> bytes:
        try:
            return function(count)
        except OSError as error:
            raise Raised(error) from None

    return fetch


def fetch_file(file: "Any") -> "Fetch":
    """Read a Python file through its own buffer, what it has already taken from the host included; text becomes UTF-8."""
    binary = getattr(file, "buffer", file)
    read = getattr(binary, "read1", binary.read)

    number = host_number(file)

    def fetch(count: int) -> bytes:
        data = read(count)
        if not data and number is not None and not os.get_blocking(number):  # it is at its end, or has nothing yet
            wait_ready(number)
            data = read(count)
        return data.encode() if isinstance(data, str) else data or b""

    return fetch


def emit_callable(function: "Callable[[bytes], object]") -> "Emit":
    """Hand each write to `function(bytes)`."""

    def emit(view: memoryview) -> int:
        try:
            function(bytes(view))
        except OSError as error:
            raise Raised(error) from None
        return len(view)

    return emit


def discard(view: memoryview) -> int:
    """Take everything and keep nothing."""
    return len(view)


def emit_file(file: "Any") -> "tuple[Emit, Callable[[], None] | None]":
    """How to write to a Python file in order with what Python writes there, and what to do at the end.

    A plain file is flushed and written to by its descriptor, text files are written through `.buffer`, and without one (StringIO, a
    notebook's output) get text decoded from UTF-8, characters split between two writes included.
    """
    number = host_number(file)
    flush = getattr(file, "flush", None)
    buffer = getattr(file, "buffer", None)
    if number is not None and flush is not None:
        plain = number
        write = os.write if S_ISREG(os.fstat(plain).st_mode) else write_host

        def emit(view: memoryview) -> int:
            flush()
            return write(plain, view)

        return emit, None
    if buffer is None and (isinstance(file, io.TextIOBase) or hasattr(file, "encoding")):
        return emit_text(file)
    binary = file if buffer is None else buffer

    def emit_binary(view: memoryview) -> int:
        if buffer is not None and flush is not None:
            flush()
        taken = binary.write(bytes(view))
        if taken is None and isinstance(binary, io.RawIOBase):
            raise BlockingIOError(EAGAIN, "the file does not block, and is full")
        return taken if isinstance(taken, int) else len(view)

    def finish() -> None:
        if flush is not None and not getattr(file, "closed", False):
            flush()

    return emit_binary, finish


def emit_text(file: "Any") -> "tuple[Emit, Callable[[], None]]":
    """How to write to a file that takes only text; at the end an unfinished character becomes U+FFFD."""
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def emit(view: memoryview) -> int:
        file.write(decoder.decode(view))
        return len(view)

    def finish() -> None:
        rest = decoder.decode(b"", True)
        if rest:
            file.write(rest)

    return emit, finish


def python_output(name: str) -> Output:
    """Output to sys.stdout or sys.stderr, whichever object that is when the guest writes."""
    current: Any = None
    emit: Emit = discard
    finish: Callable[[], None] | None = None

    def emit_current(view: memoryview) -> int:
        nonlocal current, emit, finish
        stream = getattr(sys, name)
        if stream is not current:
            end()
            emit, finish = (discard, None) if stream is None else emit_file(stream)
            current = stream
        return emit(view)

    def end() -> None:
        if finish is not None:
            finish()

    return Output(emit_current, end, lambda: host_number(getattr(sys, name)))
