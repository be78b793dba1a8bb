"""From a function's bytes to a list of instructions whose blocks know their ends (spec 5.4). The binary has been validated."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wasmjit.isa import BY_OPCODE, Row
from wasmjit.native.lang import f32, f64, u32, u64
from wasmjit.tiers.reference.meanings import from_slot

OPENING = ("block", "loop", "if")


@dataclass(slots=True)
class Instruction:
    """One instruction. Positions are indices into the list of its function's instructions."""

    row: Row
    offset: int  # in the binary, bytes
    immediates: tuple[Any, ...]
    end: int = 0  # of a block, loop, if or else: position of its `end`
    otherwise: int = 0  # of an if: position of its `else`, 0 without one


@dataclass(slots=True)
class Body:
    """A function's body."""

    locals: list[Any]  # initial values, without the parameters
    code: list[Instruction]
    nparams: int = 0
    nresults: int = 0


class Reader:
    """Reads values of the binary format from bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def take(self, count: int) -> int:
        """Little-endian integer of `count` bytes."""
        self.at += count
        return int.from_bytes(self.data[self.at - count : self.at], "little")

    def unsigned(self) -> int:
        """LEB128."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def signed(self) -> int:
        """Signed LEB128."""
        start = self.at
        value = self.unsigned()
        width = 7 * (self.at - start)
        return value - (1 << width) if value >> (width - 1) else value

    def vector(self) -> tuple[int, ...]:
        return tuple(self.unsigned() for _ in range(self.unsigned()))


def _index(reader: Reader) -> tuple[int]:
    return (reader.unsigned(),)


def _two(reader: Reader) -> tuple[int, int]:
    return reader.unsigned(), reader.unsigned()


def _labels(reader: Reader) -> tuple[tuple[int, ...], int]:
    return reader.vector(), reader.unsigned()


READ: dict[str, Callable[[Reader], tuple[Any, ...]]] = {
    "blocktype": lambda r: (r.signed(),),
    "reftype": lambda r: (r.signed(),),
    "valtypes": lambda r: (r.vector(),),
    "labels": _labels,
    "memarg": _two,
    "i32": lambda r: (u32(r.signed()),),
    "i64": lambda r: (u64(r.signed()),),
    "f32": lambda r: (f32.from_raw(r.take(4)),),
    "f64": lambda r: (f64.from_raw(r.take(8)),),
    **dict.fromkeys(("label", "func", "type", "table", "local", "global", "mem", "data", "elem"), _index),
    **dict.fromkeys(("table_type", "mem2", "data_mem", "elem_table", "table2"), _two),
}


def decode(data: bytes, offset: int) -> Body:
    """The body in `data`, which stands at `offset` of the binary."""
    reader = Reader(data)
    locals: list[Any] = []
    for _ in range(reader.unsigned()):
        count = reader.unsigned()
        locals += [from_slot(reader.byte(), 0)] * count
    code: list[Instruction] = []
    opened: list[Instruction] = []
    while reader.at < len(data):
        start, position = reader.at, len(code)
        byte = reader.byte()
        row = BY_OPCODE[(byte, reader.unsigned())] if byte >= 0xFB else BY_OPCODE[(0, byte)]
        immediates = tuple(value for kind in row.imm for value in READ[kind](reader))
        instruction = Instruction(row, offset + start, immediates)
        if row.name in OPENING:
            opened.append(instruction)
        elif row.name == "else":
            opened[-1].otherwise = position
            opened.append(instruction)
        elif row.name == "end" and opened:
            closed = opened.pop()
            closed.end = position
            if closed.row.name == "else":
                opened.pop().end = position
        code.append(instruction)
    return Body(locals, code)
