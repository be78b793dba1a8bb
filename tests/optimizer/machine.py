"""Runs functions of a unit's IR: compiled, mapped, called through ctypes."""

import ctypes
import mmap
from typing import Any

from wasmjit.native.flatten import Flat, flatten
from wasmjit.tiers.optimizer.target import object_code
from wasmjit.tiers.optimizer.text import UnitText

LEVELS = (0, 1, 2)


class Loaded:
    """The code of an IR text. It stays mapped for as long as this lives."""

    def __init__(self, ir: str, level: int) -> None:
        self.flat: Flat = flatten(object_code(ir, None, level, verify=True))
        assert not self.flat.imports and not self.flat.relocations
        self.memory = mmap.mmap(-1, max(len(self.flat.blob), 1), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self.memory[: len(self.flat.blob)] = bytes(self.flat.blob)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))

    def function(self, name: str, result: Any, *parameters: Any) -> Any:
        """A function by its symbol."""
        return ctypes.CFUNCTYPE(result, *parameters)(self.base + self.flat.functions[name].offset)


def load(unit: UnitText, level: int) -> Loaded:
    return Loaded(unit.text(), level)
