"""The validator knows every row of the instruction table, with the types that stand there."""

import pytest

from tests.binary.conftest import Decoder
from tests.binary.encode import (
    CODE,
    DATA,
    DATA_COUNT,
    ELEM,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    I32,
    MEMORY,
    TABLE,
    TYPE,
    body,
    functype,
    leb,
    module,
    section,
    vector,
)
from wasmjit.isa import TABLE as ROWS
from wasmjit.isa import TYPES, Row

UNREACHABLE = b"\0"
PUSH = {"i32": b"\x41\0", "i64": b"\x42\0", "f32": b"\x43" + bytes(4), "f64": b"\x44" + bytes(8), "ref": b"\xd0\x70", "any": b"\x41\0"}
IMMEDIATES = {
    "blocktype": b"\x40",
    "label": b"\0",
    "labels": b"\0\0",
    "func": b"\0",
    "type": b"\0",
    "table": b"\0",
    "table_type": b"\0\0",
    "local": b"\0",
    "global": b"\0",
    "memarg": b"\0\0",
    "mem": b"\0",
    "mem2": b"\0\0",
    "data": b"\0",
    "elem": b"\0",
    "i32": b"\0",
    "i64": b"\0",
    "f32": bytes(4),
    "f64": bytes(8),
    "reftype": b"\x70",
    "valtypes": b"\1\x7f",
    "data_mem": b"\0\0",
    "elem_table": b"\0\0",
    "table2": b"\0\0",
}
OPENS = ("block", "loop", "if")
TYPED = [row for row in ROWS if row.kind not in ("control", "call") and "any" not in (*row.params, *row.results)]


def encoded(row: Row) -> bytes:
    opcode = bytes([row.prefix]) + leb(row.code) if row.prefix else bytes([row.code])
    return opcode + b"".join(IMMEDIATES[kind] for kind in row.imm)


def with_everything(code: bytes, results: bytes = b"") -> bytes:
    """A function with the code, in a module where index 0 of each space exists."""
    return module(
        section(TYPE, vector([functype(), functype(b"", results)])),
        section(FUNCTION, vector([leb(0), leb(1)])),
        section(TABLE, bytes([1, FUNCREF, 0, 1])),
        section(MEMORY, b"\1\0\1"),
        section(GLOBAL, bytes([1, I32, 1, 0x41, 0, 0x0B])),
        section(ELEM, vector([b"\3\0\1\0"])),
        section(DATA_COUNT, b"\1"),
        section(CODE, vector([body(b""), body(code, [(1, I32)])])),
        section(DATA, vector([b"\1\0"])),
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_is_accepted(decoder: Decoder, row: Row) -> None:
    code = encoded(row)
    if row.name in OPENS:
        code += b"\x0b"
    elif row.name == "else":
        code = b"\x04\x40" + code + b"\x0b"
    elif row.name == "end":
        code = b"\x02\x40" + code
    assert decoder.refusal(with_everything(UNREACHABLE + code + UNREACHABLE)) is None


@pytest.mark.parametrize("row", TYPED, ids=lambda row: row.name)
def test_operands_and_results(decoder: Decoder, row: Row) -> None:
    results = bytes(FUNCREF if name == "ref" else TYPES[name] for name in row.results)
    push = b"".join(PUSH[name] for name in row.params)
    assert decoder.refusal(with_everything(push + encoded(row), results)) is None
    assert decoder.refusal(with_everything(push + encoded(row), results + b"\x7c")) is not None
    if row.params:
        fewer = b"".join(PUSH[name] for name in row.params[1:])
        refusal = decoder.refusal(with_everything(fewer + encoded(row), results))
        assert refusal is not None and refusal.message.startswith(f"type mismatch: {row.name}: ")
    for position, name in enumerate(row.params):
        wrong = [PUSH[other] for other in row.params]
        wrong[position] = PUSH["f32" if name != "f32" else "f64"]
        refusal = decoder.refusal(with_everything(b"".join(wrong) + encoded(row), results))
        assert refusal is not None and refusal.message.startswith(f"type mismatch: {row.name}: ")


@pytest.mark.parametrize("row", TYPED, ids=lambda row: row.name)
def test_constant_expressions(decoder: Decoder, row: Row) -> None:
    """Exactly the rows marked constant may stand in one."""
    if not row.results:
        return
    result = FUNCREF if row.results[0] == "ref" else TYPES[row.results[0]]
    expression = b"".join(PUSH[name] for name in row.params) + encoded(row) + b"\x0b"
    functions = section(TYPE, vector([functype()])) + section(FUNCTION, vector([leb(0)]))
    refusal = decoder.refusal(module(functions, section(GLOBAL, bytes([1, result, 0]) + expression), section(CODE, vector([body(b"")]))))
    if row.constant:
        assert refusal is None
    else:
        assert refusal is not None and refusal.message == f"constant expression required: {row.name}"
