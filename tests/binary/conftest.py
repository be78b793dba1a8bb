"""The decoder on its own, and what it says about bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

import pytest

from wasmjit.binary.errors import explain
from wasmjit.native import build_and_load

MODULES = ("module", "describe", "names", "mapping")
LAZY_WORD = "@lazy_word = hidden global [2 x i64] zeroinitializer"  # the interpreter's, in the whole image


class Refusal(NamedTuple):
    """Why a module was refused."""

    offset: int
    message: str
    feature: str | None


class Decoder:
    """The natives of wasmjit.binary and what tests do with them."""

    def __init__(self, natives: Any) -> None:
        self.natives = natives

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
        with self.load(data, threads) as mod:
            error = self.natives.mod_error(mod)
        return None if error is None else Refusal(error[0], *explain(error, data[:16]))


@pytest.fixture(scope="session")
def decoder() -> Decoder:
    return Decoder(build_and_load([import_module(f"wasmjit.binary.{name}") for name in MODULES], LAZY_WORD))
