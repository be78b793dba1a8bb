"""Optimized code written by hand: bodies, OSR entries and exits as IR text in the native convention, and units of them.

A value is an i64 name: the bits of an i32 or f32 are zero-extended. What the convention leaves open is filled with garbage.
Types are letters: i i32, I i64, f f32, F f64, R a reference.
"""

import struct

import wasmjit
from tests.crossing.body import Body
from tests.crossing.convention import METADATA, Frame, Signature
from wasmjit._image import native
from wasmjit.native.elf import SHF_EXECINSTR, Object
from wasmjit.native.flatten import flatten
from wasmjit.native.lang import ptr
from wasmjit.runtime.packed import NONE
from wasmjit.runtime.structs import Mod
from wasmjit.tiers.optimizer.lines import line_rows
from wasmjit.tiers.optimizer.target import object_code
from wasmjit.tiers.optimizer.unit import Unit

N = native()


def by_hand(text: str) -> wasmjit.Module:
    """A module of which nothing is optimized but what tests install."""
    return wasmjit.Module(text, config=wasmjit.Config(tier="interp"))


def points(module: wasmjit.Module, function: int) -> dict[tuple[int, int], int]:
    """Slot offsets of the points of a function's profiled form, which is made: {(offset in the binary, 1 after it): slot offset}."""
    assert N.profiled_make(module.address, function) == 0
    records = struct.iter_unpack("<IIIIQ", N.profile_points(module.address, function))
    return {(wasm, after): slot for wasm, after, slot, _, _ in records}


class Bodies:
    """A unit in the making."""

    def __init__(self, module: wasmjit.Module) -> None:
        self.module = module
        self.texts: list[str] = []
        self.entries: list[tuple[int, int]] = []
        self.sites: list[tuple[Frame, ...]] = []
        self.exits: list[tuple[int, int, int]] = []
        self.forms: set[int] = set()
        self.scopes = 0
        self.imported = int(ptr[Mod](module.address).nimport_funcs)

    def scope(self) -> int:
        """Number of the metadata of one more function."""
        self.scopes += 1
        number = 5 + self.scopes
        line = "line: 0, type: !3, unit: !2, spFlags: DISPFlagDefinition"
        self.texts.append(f'!{number} = distinct !DISubprogram(name: "f", file: !1, {line})')
        return number

    def body(self, function: int, signature: Signature) -> Body:
        """The body of a function, to be written."""
        self.entries.append((function, 0))
        return Body(self, function, signature)

    def osr(self, function: int, loop: int) -> Body:
        """Code that goes on at a loop's header, to be written; loop: its offset."""
        self.entries.append((function, loop))
        return Body(self, function, ("", ""), loop)

    def install(self) -> int:
        """Compile and install; the address of the unit."""
        data = object_code("\n".join([*self.texts, METADATA]), None, 1, True)
        elf, flat = Object(data), flatten(data)
        assert not flat.imports and not flat.relocations
        text = sum(elf.sections[i].size for i in elf.kept() if elf.sections[i].flags & SHF_EXECINSTR)
        entries = []
        for function, loop in sorted(self.entries):
            name = f"osr_{function}_{loop}" if loop else f"body_{function}"
            entries.append((function, loop, flat.symbols[name], NONE if loop else flat.symbols[f"i2c_{function}"]))
        lines = [row for row in line_rows(elf) if row[0] < text]
        size = int(ptr[Mod](self.module.address).nbytes)
        blob = bytes(flat.blob[: flat.relro])
        unit = Unit(blob, text, elf.machine.elf, size, entries, self.sites, lines, self.exits, sorted(self.forms))
        address: int = N.unit_install(self.module.address, unit.pack())
        assert address != 0
        return address
