"""A fault names its instruction: for every load and store, however its operands reach it, unchecked and checked."""

import struct

import pytest

import wasmjit
from wasmjit.isa import TABLE
from wasmjit.isa.row import Row

VALTYPES = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C}
ACCESSES = [row for row in TABLE if row.kind in ("load", "store") and row.params[-1] in VALTYPES]
OUTSIDE = 65536 * 2
OFFSETS = (0, 40_000, 100 << 20)  # the last one is beyond what guard pages cover


def leb(value: int) -> bytes:
    """Signed LEB128; for small natural numbers also the unsigned one."""
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        if (value, byte & 0x40) in ((0, 0), (-1, 0x40)):
            return bytes([*out, byte])
        out.append(byte | 0x80)


def unsigned(value: int) -> bytes:
    return bytes([value & 0x7F | 0x80, *unsigned(value >> 7)]) if value > 0x7F else bytes([value])


def section(number: int, content: bytes) -> bytes:
    return bytes([number]) + unsigned(len(content)) + content


def constant(kind: str) -> bytes:
    return {"i32": b"\x41\x05", "i64": b"\x42\x05", "f32": b"\x43" + struct.pack("<f", 1), "f64": b"\x44" + struct.pack("<d", 1)}[kind]


def computed(kind: str, local: int) -> bytes:
    """The local plus a constant: the value is in an accumulator."""
    add = {"i32": 0x6A, "i64": 0x7C, "f32": 0x92, "f64": 0xA0}[kind]
    return bytes([0x20, local]) + constant(kind) + bytes([add])


def module(row: Row, index: bytes, value: bytes, offset: int) -> tuple[bytes, int]:
    """A module exporting f(index, value), which does the access and then something else; the offset of the access in it."""
    before = index + value
    access = bytes([row.code, 0]) + unsigned(offset)
    after = (b"\x1a" if row.results else b"") + b"\x20\x00\x1a"
    body = b"\0" + before + access + after + b"\x0b"
    value_type = row.params[1] if row.kind == "store" else "i32"
    types = section(1, b"\x01\x60\x02\x7f" + bytes([VALTYPES[value_type]]) + b"\0")
    head = b"\0asm\1\0\0\0" + types + section(3, b"\x01\0") + section(5, b"\x01\0\x02") + section(7, b"\x01\x01f\0\0")
    code = b"\x01" + unsigned(len(body)) + body
    binary = head + section(10, code)
    return binary, len(binary) - len(body) + 1 + len(before)


@pytest.mark.parametrize("memory", ["guard", "checked"])
@pytest.mark.parametrize("row", ACCESSES, ids=[row.name for row in ACCESSES])
def test_place(row: Row, memory: str) -> None:
    indices = {"local": b"\x20\x00", "constant": b"\x41" + leb(OUTSIDE), "computed": computed("i32", 0)}
    values = {"": b""}
    if row.kind == "store":
        kind = row.params[1]
        values = {"local": b"\x20\x01", "constant": constant(kind), "computed": computed(kind, 1)}
    for index in indices.values():
        for value in values.values():
            for offset in OFFSETS:
                binary, place = module(row, index, value, offset)
                instance = wasmjit.Instance(wasmjit.Module(binary, config=wasmjit.Config(memory=memory)))
                with pytest.raises(wasmjit.MemoryOutOfBounds) as caught:
                    instance.exports.f(OUTSIDE, 0)
                assert [frame.offset for frame in caught.value.frames] == [place]
                bias = 5 if index == indices["computed"] else 0
                assert caught.value.address == OUTSIDE + bias + offset
                assert instance.memory is not None and bytes(instance.memory.read(0, 64)) == bytes(64)
