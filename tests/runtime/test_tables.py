"""Tables, constant expressions and element segments."""

import ctypes
import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest

GROW, FILL, COPY, INIT, DROP = 4, 5, 6, 7, 8
TRAP_TABLE = 3


@pytest.fixture(autouse=True)
def tables(native: Any) -> Iterator[None]:
    """Two tables of ten elements."""
    for index in (0, 1):
        assert native.new_table(index, 10, 1000, 500)
        for i in range(10):
            native.table_set(index, i, 100 * index + i)
    yield
    native.set_binary(0, 0, 0)


def contents(native: Any, index: int = 0) -> list[int]:
    return [native.table_get(index, i) for i in range(native.table_size(index))]


def test_make(native: Any) -> None:
    assert native.new_table(0, 3, 10, 10) and contents(native) == [0, 0, 0]
    assert not native.new_table(0, 4, 3, 10) and not native.new_table(0, 4, 10, 3)
    assert not native.new_table(0, 1 << 62, 1 << 63, 1 << 63)
    assert native.new_table(0, 0, 10, 10) and contents(native) == []


def test_grow(native: Any) -> None:
    assert [native.bulk(GROW, 0, 7, n, 0, 0) for n in (0, 2, 1 << 63, 489, 488, 1, 0)] == [10, 10, -1, -1, 12, -1, 500]
    assert contents(native) == [*range(10), *[7] * 490]
    assert native.new_table(0, 1, 5, 500)
    assert [native.bulk(GROW, 0, 9, n, 0, 0) for n in (5, 4, 1)] == [-1, 1, -1]


def test_fill_and_copy(native: Any) -> None:
    chance = random.Random(3)
    edges = [0, 1, 9, 10, 11, (1 << 32) - 1, (1 << 64) - 1]
    cases = [(d, s, n) for d in edges for s in edges for n in edges]
    cases += [(chance.randrange(11), chance.randrange(11), chance.randrange(6)) for _ in range(200)]
    for d, s, n in cases:
        for to, source in ((0, 0), (1, 0)):
            expected, fits = contents(native, to), d + n <= 10 and s + n <= 10
            if fits:
                expected[d : d + n] = contents(native, source)[s : s + n]
            assert native.bulk(COPY, to, source, d, s, n) == (0 if fits else TRAP_TABLE)
            assert contents(native, to) == expected
        expected, fits = contents(native), d + n <= 10
        if fits:
            expected[d : d + n] = [s] * n
        assert native.bulk(FILL, 0, d, s, n, 0) == (0 if fits else TRAP_TABLE)
        assert contents(native) == expected


def test_long_fill_and_copy(native: Any) -> None:
    """Beyond a chunk, which is two million elements."""
    count = 5_000_000
    assert native.new_table(0, count, 1 << 32, 1 << 32)
    assert native.bulk(FILL, 0, 1, 42, count - 2, 0) == 0
    assert [native.table_get(0, i) for i in (0, 1, 1 << 21, (1 << 21) + 1, count - 2, count - 1)] == [0, 42, 42, 42, 42, 0]
    for i in range(0, count, 997):
        native.table_set(0, i, i)
    assert native.bulk(COPY, 0, 0, 997, 0, count - 997) == 0
    assert [native.table_get(0, 997 * i) for i in range(1, 5000)] == [997 * (i - 1) for i in range(1, 5000)]
    assert native.bulk(COPY, 0, 0, 0, 997, count - 997) == 0
    assert [native.table_get(0, 997 * i) for i in range(4000)] == [997 * i for i in range(4000)]
    assert native.new_table(0, 0, 0, 0)


def leb(value: int) -> bytes:
    """Signed LEB128."""
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        if (value, byte & 0x40) in ((0, 0), (-1, 0x40)):
            return bytes([*out, byte])
        out.append(byte | 0x80)


def i32(value: int) -> bytes:
    return b"\x41" + leb(value)


def i64(value: int) -> bytes:
    return b"\x42" + leb(value)


DEEP = b"".join(i64(n) for n in range(1024)) + b"\x7c" * 1023
EXPRESSIONS = [
    (i32(5), 5),
    (i32(-1), 0xFFFF_FFFF),
    (i32(-(1 << 31)), 1 << 31),
    (i64(-1), (1 << 64) - 1),
    (i64(-(1 << 63)), 1 << 63),
    (i64(64), 64),
    (i64(-64), (1 << 64) - 64),
    (b"\x43" + struct.pack("<f", 1.5), 0x3FC0_0000),
    (b"\x44" + struct.pack("<d", -2.0), 0xC000_0000_0000_0000),
    (b"\xd0\x70", 0),
    (b"\xd0\x6f", 0),
    (b"\x23\x02", 1002),
    (i32(7) + i32(9) + b"\x6b", 0xFFFF_FFFE),
    (i32(1 << 30) + i32(8) + b"\x6c", 0),
    (i32(-1) + i32(1) + b"\x6a", 0),
    (i64(7) + i64(9) + b"\x7d", (1 << 64) - 2),
    (i64(1 << 40) + i64(1 << 20) + b"\x7e", 1 << 60),
    (i64(1) + i64(2) + i64(3) + b"\x7e\x7c", 7),
    (b"\x23\x01" + i64(1) + b"\x7c", 1002),
    (DEEP, 1023 * 512),
]


@pytest.mark.parametrize(("text", "value"), EXPRESSIONS, ids=range(len(EXPRESSIONS)))
def test_constant_expressions(native: Any, text: bytes, value: int) -> None:
    binary = ctypes.create_string_buffer(b"\0\0\0" + text + b"\x0b")
    native.set_binary(ctypes.addressof(binary), 0, 0)
    for i in range(4):
        native.set_cell(i, 1000 + i)
    assert native.evaluate(3) == value


def test_ref_func(native: Any) -> None:
    binary = ctypes.create_string_buffer(b"\xd2\x03\x0b")
    native.set_binary(ctypes.addressof(binary), 0, 0)
    assert native.evaluate(0) == native.ref_address(3) != 0


@pytest.mark.parametrize("expressions", [False, True])
def test_init_and_drop(native: Any, expressions: bool) -> None:
    """A segment of functions 0 to 4; as expressions the last is null."""
    items = [bytes([0xD2, i, 0x0B]) for i in range(4)] + [b"\xd0\x70\x0b"] if expressions else [bytes([0x80 | i, 0]) for i in range(5)]
    values = [native.ref_address(i) for i in range(5)]
    if expressions:
        values[4] = 0
    binary = ctypes.create_string_buffer(b"..." + b"".join(items))
    elems = ctypes.create_string_buffer(struct.pack("<8I", 1, 0, 0x70, 5, 0, 3, expressions, 0))
    native.set_binary(ctypes.addressof(binary), 0, ctypes.addressof(elems))
    assert native.bulk(INIT, 0, 0, 2, 1, 4) == 0
    assert contents(native) == [0, 1, *values[1:], 6, 7, 8, 9]
    cases = ((0, 0, 6, 3), (0, 5, 1, 3), (0, 5, 0, 0), (0, 6, 0, 3), (10, 0, 0, 0), (11, 0, 0, 3), (9, 0, 2, 3), (5, 0, 5, 0))
    for d, s, n, code in (*cases, (0, (1 << 64) - 1, 2, 3)):
        assert native.bulk(INIT, 0, 0, d, s, n) == code
    assert contents(native)[5:] == values
    native.bulk(DROP, 0, 0, 0, 0, 0)
    assert [native.bulk(INIT, 0, 0, 0, s, n) for s, n in ((0, 0), (0, 1), (1, 0))] == [0, 3, 3]
