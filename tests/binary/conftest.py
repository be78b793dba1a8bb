"""The decoder on its own, and what it says about bytes."""

import ctypes
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

import pytest

from wasmjit.binary.errors import explain
from wasmjit.native import build_and_load

MODULES = ("module", "describe", "names", "mapping")
LATER = """\
@lazy_word = hidden global [2 x i64] zeroinitializer
@c2i = hidden global [2 x i64] zeroinitializer
"""  # the interpreter's, in the whole image


class Refusal(NamedTuple):
    """Why a module was refused."""

    offset: int
    message: str
    feature: str | None


class Guarded:
    """Memory that ends before an inaccessible page: reading behind a module placed there crashes."""

    SIZE = 8 << 20

    def __init__(self) -> None:
        self.map = mmap.mmap(-1, self.SIZE + mmap.PAGESIZE)
        self.end = ctypes.addressof(ctypes.c_char.from_buffer(self.map)) + self.SIZE
        if ctypes.CDLL(None).mprotect(ctypes.c_void_p(self.end), ctypes.c_size_t(mmap.PAGESIZE), 0):
            raise OSError("mprotect")

    def place(self, data: bytes) -> int:
        """Address of a copy that ends with the memory."""
        ctypes.memmove(self.end - len(data), data, len(data))
        return self.end - len(data)


class Decoder:
    """The natives of wasmjit.binary and what tests do with them."""

    def __init__(self, natives: Any) -> None:
        self.natives = natives
        self.guarded = Guarded()

    @contextmanager
    def load(self, data: bytes, threads: int = 1) -> Iterator[int]:
        """The address of the decoded module."""
        mod = self.natives.mod_load(self.natives.bytes_address(data), len(data), 0, threads)
        try:
            yield mod
        finally:
            self.natives.mod_free(mod)

    def refusal(self, data: bytes, threads: int = 1) -> Refusal | None:
        """None for a valid module."""
        if len(data) > Guarded.SIZE:
            with self.load(data, threads) as mod:
                error = self.natives.mod_error(mod)
        else:
            mod = self.natives.mod_load(self.guarded.place(data), len(data), 0, threads)
            error = self.natives.mod_error(mod)
            self.natives.mod_free(mod)
        return None if error is None else Refusal(error[0], *explain(error, data[:16]))


@pytest.fixture(scope="session")
def decoder() -> Decoder:
    return Decoder(build_and_load([import_module(f"wasmjit.binary.{name}") for name in MODULES], LATER))
