"""Every row runs in every tier, and gives what its meaning gives under CPython; what has no meaning gives what is written here."""

import math
from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest

import wasmjit
from tests.binary import encode
from tests.binary.encode import FUNCREF, I32, I64, body, functype, leb, module, name, section, vector
from tests.binary.test_rows import IMMEDIATES
from tests.isa.test_meanings import values
from wasmjit.isa import BY_NAME, TABLE, Row
from wasmjit.native import lang
from wasmjit.tiers.reference.decode import OPENING
from wasmjit.tiers.reference.meanings import checks, meaning

CONFIGS = {
    "interp guard": wasmjit.Config("interp"),
    "interp checked": wasmjit.Config("interp", memory="checked"),
    "reference": wasmjit.Config("reference"),
    "opt": wasmjit.Config("opt", compile="sync", cache=False),
}
everywhere = pytest.mark.parametrize("mode", CONFIGS)

COMPUTED = [row for row in TABLE if row.meaning and row.params != ("ref",)]
BYTES = bytes.fromhex("80ff7f008001fe0b000000000000f0bf0000c07f7ff0a5c3")  # negative at every width, -1.0 as f64, a NaN as f32
SCRATCH = b"\x41\xc0\0"  # i32.const 64: where stores write
FROM_I64 = {"i32": b"\xa7", "i64": b"", "f32": b"\xa7\xbe", "f64": b"\xbf"}
TO_I64 = {"i32": b"\xad", "i64": b"", "f32": b"\xbc\xad", "f64": b"\xbd"}


def opcode(row: Row) -> bytes:
    return bytes([row.prefix]) + leb(row.code) if row.prefix else bytes([row.code])


def computation(row: Row) -> bytes:
    """A function of i64s, the operands' bits, that gives the result's bits. A store's value comes alone; what it wrote is the result."""
    align = bytes([row.access[0].bit_length() - 1]) if row.access[0] else b""
    if row.kind == "store":
        return SCRATCH + b"\x20\0" + FROM_I64[row.params[1]] + opcode(row) + align + b"\0" + SCRATCH + b"\x29\3\0"
    operands = b"".join(b"\x20" + leb(i) + FROM_I64[kind] for i, kind in enumerate(row.params))
    return operands + opcode(row) + (align + b"\0" if align else b"") + TO_I64[row.results[0]]


def with_functions(types: Iterable[bytes], bodies: Iterable[tuple[int, bytes]], *more: tuple[int, bytes]) -> bytes:
    """A module of functions (type, body), exported by their numbers, with a memory and other sections."""
    rows = list(bodies)
    sections = {
        encode.TYPE: vector(types),
        encode.FUNCTION: vector(leb(kind) for kind, _ in rows),
        encode.MEMORY: b"\1\0\1",
        encode.EXPORT: vector(name(str(i)) + b"\0" + leb(i) for i in range(len(rows))),
        encode.CODE: vector(code for _, code in rows),
        **dict(more),
    }
    order = [*range(1, encode.ELEM + 1), encode.DATA_COUNT, encode.CODE, encode.DATA]
    return module(*(section(number, sections[number]) for number in order if number in sections))


@cache
def computations() -> bytes:
    types = [functype(bytes([I64]) * count, bytes([I64])) for count in range(4)]
    counts = [1 if row.kind == "store" else len(row.params) for row in COMPUTED]
    data = vector([b"\0\x41\0\x0b" + leb(len(BYTES)) + BYTES])
    return with_functions(types, [(n, body(computation(row))) for n, row in zip(counts, COMPUTED, strict=True)], (encode.DATA, data))


@cache
def exports(mode: str) -> Any:
    return wasmjit.Instance(wasmjit.Module(computations(), config=CONFIGS[mode])).exports


def scalar(kind: str, bits: int) -> Any:
    """The number of these bits."""
    of = getattr(lang, {"i32": "u32", "i64": "u64"}.get(kind, kind))
    return of.from_raw(bits) if kind[0] == "f" else of(bits)


def bits_of(value: Any) -> int | str:
    """A result's bits, all NaNs as one: their payloads are test_meanings' matter."""
    if not isinstance(value, lang.f32 | lang.f64):
        return int(value)
    return "nan" if math.isnan(float(value)) else int(value.raw)


def expected(row: Row, words: tuple[int, ...]) -> int | str | None:
    """What CPython makes of the row's meaning; None is a trap."""
    if row.kind == "load":
        kind = getattr(lang, row.access[1])
        raw = int.from_bytes(BYTES[words[0] : words[0] + row.access[0]], "little")
        return bits_of(meaning(row)(kind.from_raw(raw) if row.access[1][0] == "f" else kind(raw)))
    if row.kind == "store":
        stored = meaning(row)(scalar(row.params[1], words[0]))
        return int(stored.raw if isinstance(stored, lang.f32 | lang.f64) else stored)
    operands = [scalar(kind, word) for kind, word in zip(row.params, words, strict=True)]
    if any(holds(*operands) for holds, _ in checks(row)):
        return None
    return bits_of(meaning(row)(*operands))


def found(row: Row, mode: str, words: tuple[int, ...]) -> int | str | None:
    """What a tier makes of it."""
    try:
        result = exports(mode)[str(COMPUTED.index(row))](*words) & (1 << 64) - 1
    except wasmjit.Trap:
        return None
    if row.kind == "store":
        return int(result & (1 << 8 * row.access[0]) - 1)
    return bits_of(scalar(row.results[0], result))


@cache
def some(row: Row) -> list[tuple[int, ...]]:
    """About 50 tuples of operands, from all the boundary values and random ones."""
    chosen = values(row, 50)
    return chosen[:: max(1, len(chosen) // 50)]


@everywhere
@pytest.mark.parametrize("row", COMPUTED, ids=lambda row: row.name)
def test_meanings(row: Row, mode: str) -> None:
    samples = [(at,) for at in range(len(BYTES) - row.access[0] + 1)] if row.kind == "load" else some(row)
    assert [(words, found(row, mode, words)) for words in samples] == [(words, expected(row, words)) for words in samples]


# what has no meaning in one expression: the body of a function from i32 to i32, then pairs of argument and result, None a trap
X = b"\x20\0"  # the argument
IS_NULL = b"\xd1"
Pairs = tuple[tuple[int, int | None], ...]
OTHERS: dict[str, tuple[bytes, Pairs]] = {
    "unreachable": (b"\x00", ((1, None),)),
    "nop": (b"\x01" + X, ((3, 3),)),
    "block": (b"\x02\x7f" + X + b"\x0b", ((3, 3),)),
    "loop": (b"\x03\x7f" + X + b"\x0b", ((3, 3),)),
    "if": (b"\x41\x05\x21\x01" + X + b"\x04\x40\x41\x06\x21\x01\x0b\x20\x01", ((0, 5), (1, 6))),
    "else": (X + b"\x04\x7f\x41\x0a\x05\x41\x14\x0b", ((0, 20), (1, 10))),
    "end": (b"\x02\x40\x0b" + X, ((3, 3),)),
    "br": (b"\x02\x7f" + X + b"\x0c\0\x0b", ((3, 3),)),
    "br_if": (b"\x02\x7f" + X + X + b"\x0d\0\x1a\x41\x05\x0b", ((0, 5), (3, 3))),
    "br_table": (b"\x02\x40\x02\x40" + X + b"\x0e\1\0\1\x0b\x41\x0b\x0f\x0b\x41\x0c", ((0, 11), (1, 12), (-1, 12))),
    "return": (b"\x41\x03\x0f", ((1, 3),)),
    "call": (X + b"\x10\0", ((3, 4),)),
    "call_indirect": (b"\x41\x05" + X + b"\x11\0\0", ((0, 6), (1, None), (9, None))),
    "drop": (b"\x41\x07" + X + b"\x1a", ((3, 7),)),
    "select": (b"\x41\x05\x41\x06" + X + b"\x1b", ((0, 6), (2, 5))),
    "select_t": (b"\x41\x05\x41\x06" + X + b"\x1c\1\x7f", ((0, 6), (2, 5))),
    "local.get": (X, ((3, 3),)),
    "local.set": (X + b"\x21\1\x20\1", ((3, 3),)),
    "local.tee": (X + b"\x22\1\x20\1\x6a", ((3, 6),)),
    "global.get": (b"\x23\0", ((0, 7),)),
    "global.set": (X + b"\x24\0\x23\0", ((3, 3),)),
    "i32.const": (b"\x41\x7f", ((0, -1),)),
    "i64.const": (b"\x42\x2a\xa7", ((0, 42),)),
    "f32.const": (b"\x43\0\0\x28\x42\xa8", ((0, 42),)),
    "f64.const": (b"\x44\0\0\0\0\0\0\x45\x40\xaa", ((0, 42),)),
    "ref.null": (b"\xd0\x70" + IS_NULL, ((0, 1),)),
    "ref.is_null": (X + b"\x25\0" + IS_NULL, ((0, 0), (1, 1))),
    "ref.func": (b"\xd2\0" + IS_NULL, ((0, 0),)),
    "memory.size": (b"\x3f\0", ((0, 1),)),
    "memory.grow": (X + b"\x40\0\x3f\0\x6a", ((0, 2), (2, 4))),
    "memory.init": (X + b"\x41\0\x41\4\xfc\x08\0\0" + X + b"\x28\2\0", ((16, 0x64636261), (65533, None))),
    "data.drop": (b"\xfc\x09\0\x41\0\x41\0" + X + b"\xfc\x08\0\0\x41\1", ((0, 1), (1, None))),
    "memory.copy": (b"\x41\x10" + X + b"\x36\2\0\x41\x20\x41\x10\x41\4\xfc\x0a\0\0\x41\x20\x28\2\0", ((77777, 77777),)),
    "memory.fill": (b"\x41\x30" + X + b"\x41\4\xfc\x0b\0\x41\x30\x28\2\0", ((0x1FF, -1), (1, 0x01010101))),
    "table.init": (X + b"\x41\0\x41\1\xfc\x0c\1\0" + X + b"\x25\0" + IS_NULL, ((2, 0), (4, None))),
    "elem.drop": (b"\xfc\x0d\1\x41\0\x41\0" + X + b"\xfc\x0c\1\0\x41\1", ((0, 1), (1, None))),
    "table.copy": (X + b"\x41\0\x41\1\xfc\x0e\0\0" + X + b"\x25\0" + IS_NULL, ((3, 0), (4, None))),
    "table.get": (X + b"\x25\0" + IS_NULL, ((0, 0), (1, 1), (4, None))),
    "table.set": (X + b"\xd2\0\x26\0" + X + b"\x25\0" + IS_NULL, ((3, 0), (4, None))),
    "table.grow": (b"\xd0\x70" + X + b"\xfc\x0f\0", ((2, 4), (-1, -1))),
    "table.size": (b"\xfc\x10\0", ((0, 4),)),
    "table.fill": (b"\x41\1\xd2\0" + X + b"\xfc\x11\0\x41\2\x25\0" + IS_NULL, ((1, 1), (2, 0), (4, None))),
}


@cache
def with_everything(*codes: bytes) -> bytes:
    """Function 0 adds 1; table 0 holds it first, passive segments hold it and `abcd`; global 0 is 7. The codes are functions from 1 on."""
    return with_functions(
        [functype(bytes([I32]), bytes([I32]))],
        [(0, body(X + b"\x41\x01\x6a")), *((0, body(code, [(1, I32)])) for code in codes)],
        (encode.TABLE, bytes([1, FUNCREF, 0, 4])),
        (encode.GLOBAL, bytes([1, I32, 1, 0x41, 7, 0x0B])),
        (encode.ELEM, vector([b"\0\x41\0\x0b\1\0", b"\1\0\1\0"])),
        (encode.DATA_COUNT, b"\1"),
        (encode.DATA, vector([b"\1\4abcd"])),
    )


def test_every_row_is_here() -> None:
    assert {row.name for row in COMPUTED} | OTHERS.keys() == BY_NAME.keys()
    assert not {row.name for row in COMPUTED} & OTHERS.keys()


@cache
def others(mode: str) -> wasmjit.Module:
    return wasmjit.Module(with_everything(*(code for code, _ in OTHERS.values())), config=CONFIGS[mode])


@everywhere
@pytest.mark.parametrize("row", OTHERS)
def test_others(row: str, mode: str) -> None:
    code, pairs = OTHERS[row]
    assert opcode(BY_NAME[row]) in body(code)
    compiled = others(mode)
    for argument, result in pairs:
        function = wasmjit.Instance(compiled).exports[str(1 + list(OTHERS).index(row))]
        if result is None:
            with pytest.raises(wasmjit.Trap):
                function(argument)
        else:
            assert function(argument) == result


END = b"\x0b"
SKIPPED = IMMEDIATES | {"memarg": b"\0" + END, "i32": END, "i64": END, "f32": END * 4, "f64": END * 8}  # not to be taken for an `end`


@everywhere
def test_immediates_are_skipped_where_nothing_is_reached(mode: str) -> None:
    codes = []
    for row in TABLE:
        code = opcode(row) + b"".join(SKIPPED[kind] for kind in row.imm)
        before, after = {"else": (b"\x04\x40", END), "end": (b"\x02\x40", b"")}.get(row.name, (b"", END if row.name in OPENING else b""))
        codes.append(b"\x02\x40\x0c\0" + before + code + after + b"\0" + END + b"\x41\x07")
    functions = wasmjit.Instance(wasmjit.Module(with_everything(*codes), config=CONFIGS[mode])).exports
    assert {row.name: functions[str(1 + i)](0) for i, row in enumerate(TABLE)} == {row.name: 7 for row in TABLE}
