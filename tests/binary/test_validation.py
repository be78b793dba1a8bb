"""Validation: typing of bodies and the rules of declarations, one small module a rule."""

import pytest

from tests.binary.conftest import Decoder
from tests.binary.encode import (
    CODE,
    DATA,
    DATA_COUNT,
    ELEM,
    EXPORT,
    EXTERNREF,
    F32,
    F64,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    I32,
    I64,
    IMPORT,
    MEMORY,
    START,
    TABLE,
    TYPE,
    body,
    function,
    functype,
    leb,
    module,
    name,
    section,
    vector,
)

MEM = section(MEMORY, b"\x01\x00\x01")
TAB = section(TABLE, bytes([1, FUNCREF, 0, 1]))
EXTERN_TAB = section(TABLE, bytes([1, EXTERNREF, 0, 1]))
VAR = section(GLOBAL, bytes([2, I32, 0, 0x41, 0, 0x0B, F64, 1, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x0B]))
ZERO, LONG, REAL = b"\x41\0", b"\x42\0", b"\x44" + bytes(8)
DROP, UNREACHABLE, ADD = b"\x1a", b"\x00", b"\x6a"

VALID = {
    "empty": function(b""),
    "result": function(ZERO, results=bytes([I32])),
    "parameters and locals": function(b"\x20\0\x21\1\x20\2\x1a", params=bytes([I32]), groups=[(1, I32), (1, I64)]),
    "unreachable binary": function(UNREACHABLE + ADD + DROP),
    "unreachable mixes": function(UNREACHABLE + LONG + b"\xa7" + ADD + DROP),
    "polymorphic br_if": function(b"\x02\x7f" + UNREACHABLE + b"\x0d\0\x0b", results=bytes([I32])),
    "br_table with unknown": function(b"\x02\x7f\x02\x7c" + UNREACHABLE + b"\x0e\1\1\0\x0b\x1a\x41\0\x0b", results=bytes([I32])),
    "if with else": function(ZERO + b"\x04\x7f\x41\1\x05\x41\2\x0b", results=bytes([I32])),
    "block with parameters": module(
        section(TYPE, vector([functype(), functype(bytes([I32, I32]), bytes([I32]))])),
        section(FUNCTION, vector([leb(0)])),
        section(CODE, vector([body(ZERO + ZERO + b"\x02\1\x6a\x0b\x1a")])),
    ),
    "loop label takes parameters": function(b"\x03\x7f\x41\0\x0c\0\x0b\x1a") and function(b"\x03\x40\x0c\0\x0b"),
    "typed select of references": function(b"\xd0\x70\xd0\x70\x41\0\x1c\1\x70\x1a"),
    "select of unknown": function(UNREACHABLE + b"\x1b\x1a"),
    "select of unknown references": function(UNREACHABLE + b"\x1b\xd1" + DROP),
    "wide memarg": function(ZERO + b"\x28\x82\x80\x00\xff\xff\xff\xff\x0f\x1a", before=MEM),
    "widest constants": function(b"\x41\x80\x80\x80\x80\x78\x1a\x42" + b"\x80" * 9 + b"\x7f\x1a"),
    "saturating conversion": function(REAL + b"\xfc\x02" + DROP),
    "sign extension": function(ZERO + b"\xc0" + DROP),
    "bulk memory": function(ZERO * 3 + b"\xfc\x0b\0" + ZERO * 3 + b"\xfc\x0a\0\0", before=MEM),
    "memory.init": function(
        ZERO * 3 + b"\xfc\x08\0\0\xfc\x09\0", before=MEM + section(DATA_COUNT, b"\1"), after=section(DATA, vector([b"\1\3abc"]))
    ),
    "tables": function(
        b"\x41\0\x25\0\xd1\x1a\x41\0\xd0\x70\x26\0\xfc\x10\0\x1a\xd0\x70\x41\1\xfc\x0f\0\x1a\x41\0\xd0\x70\x41\0\xfc\x11\0", before=TAB
    ),
    "globals": function(b"\x23\0\x1a" + REAL + b"\x24\1", before=VAR),
    "ref.func that is exported": function(b"\xd2\0\x1a", before=section(EXPORT, vector([name("f") + b"\0\0"]))),
    "ref.func that is declared": function(b"\xd2\0\x1a", before=section(ELEM, vector([b"\3\0\1\0"]))),
    "call_indirect": function(ZERO + b"\x11\0\0", before=TAB),
    "constant of an earlier global": module(section(GLOBAL, bytes([2, I32, 0, 0x41, 0, 0x0B, I32, 0, 0x23, 0, 0x0B]))),
    "extended constants": module(section(GLOBAL, bytes([1, I64, 0, 0x42, 2, 0x42, 3, 0x7E, 0x42, 1, 0x7D, 0x0B]))),
    "element expressions": module(TAB, section(ELEM, vector([b"\4\x41\0\x0b\1\xd0\x70\x0b", b"\5\x6f\1\xd0\x6f\x0b"]))),
    "mutable global imported": module(section(IMPORT, vector([name("a") + name("b") + bytes([3, I64, 1])]))),
}

INVALID = {
    "result missing": (function(b"", results=bytes([I32])), "type mismatch: end: expected i32, but nothing"),
    "result of another type": (function(LONG, results=bytes([I32])), "type mismatch: end: expected i32, found i64"),
    "value too many": (function(ZERO), "type mismatch: values remaining"),
    "operand missing": (function(ZERO + ADD + DROP), "type mismatch: i32.add: expected i32, but nothing"),
    "operand of another type": (function(ZERO + LONG + ADD + DROP), "type mismatch: i32.add: expected i32, found i64"),
    "operand below the block": (function(ZERO + b"\x02\x40\x1a\x0b" + DROP), "type mismatch: drop"),
    "unreachable of a wrong type": (function(UNREACHABLE + LONG + ADD + DROP), "type mismatch: i32.add: expected i32, found i64"),
    "local": (function(b"\x20\1\x1a", params=bytes([I32])), "unknown local 1"),
    "local of another type": (function(LONG + b"\x21\0", params=bytes([I32])), "type mismatch: local.set"),
    "global": (function(b"\x23\2\x1a", before=VAR), "unknown global 2"),
    "immutable global": (function(ZERO + b"\x24\0", before=VAR), "immutable global 0"),
    "global of another type": (function(ZERO + b"\x24\1", before=VAR), "type mismatch: global.set"),
    "function": (function(b"\x10\1"), "unknown function 1"),
    "label": (function(b"\x0c\1"), "unknown label 1"),
    "huge label": (function(b"\x0c\xff\xff\xff\xff\x0f"), "unknown label 4294967295"),
    "br value": (function(b"\x02\x7f\x0c\0\x0b" + DROP), "type mismatch: br: expected i32"),
    "br_table arity": (function(b"\x02\x7f\x41\0\x41\0\x0e\1\0\1\x0b" + DROP), "type mismatch: br_table labels"),
    "br_table type": (function(b"\x02\x7f\x02\x7c\x44" + bytes(8) + b"\x41\0\x0e\1\0\1\x0b\x1a\x41\0\x0b\x1a"), "type mismatch: br_table"),
    "if without else": (function(ZERO + b"\x04\x7f\x41\0\x0b" + DROP), "type mismatch: if without else"),
    "else without if": (function(b"\x02\x40\x05\x0b"), "type mismatch: else without if"),
    "block type": (function(b"\x02\5\x0b"), "unknown type 5"),
    "no memory": (function(ZERO + b"\x28\2\0" + DROP), "unknown memory 0"),
    "no memory to grow": (function(ZERO + b"\x40\0" + DROP), "unknown memory 0"),
    "alignment": (function(ZERO + b"\x28\3\0" + DROP, before=MEM), "alignment must not be larger than natural: 2**3, natural 2**2"),
    "store": (function(ZERO + LONG + b"\x36\2\0", before=MEM), "type mismatch: i32.store: expected i32, found i64"),
    "no table": (function(ZERO + b"\x11\0\0"), "unknown table 0"),
    "call_indirect type": (function(ZERO + b"\x11\1\0", before=TAB), "unknown type 1"),
    "call_indirect of externrefs": (function(ZERO + b"\x11\0\0", before=EXTERN_TAB), "type mismatch: table of externref, expected funcref"),
    "undeclared function": (function(b"\xd2\0\x1a"), "undeclared function reference"),
    "select of references": (function(b"\xd0\x70\xd0\x70\x41\0\x1b\x1a"), "type mismatch: select"),
    "select of two types": (function(ZERO + LONG + ZERO + b"\x1b\x1a"), "type mismatch: select between i32 and i64"),
    "select arity": (function(ZERO * 3 + b"\x1c\2\x7f\x7f\x1a"), "invalid result arity"),
    "ref.is_null": (function(ZERO + b"\xd1\x1a"), "type mismatch: ref.is_null: expected a reference, found i32"),
    "table.set": (function(ZERO + b"\xd0\x6f\x26\0", before=TAB), "type mismatch: table.set: expected funcref, found externref"),
    "table.copy": (
        function(ZERO * 3 + b"\xfc\x0e\0\1", before=section(TABLE, bytes([2, FUNCREF, 0, 1, EXTERNREF, 0, 1]))),
        "type mismatch: table of externref",
    ),
    "table.init segment": (function(ZERO * 3 + b"\xfc\x0c\0\0", before=TAB), "unknown elem segment 0"),
    "data segment": (
        function(b"\xfc\x09\1", before=section(DATA_COUNT, b"\1"), after=section(DATA, vector([b"\1\0"]))),
        "unknown data segment 1",
    ),
    "conversion": (function(ZERO + b"\xfc\x02" + DROP), "type mismatch: i32.trunc_sat_f64_s: expected f64, found i32"),
    "memory size": (module(section(MEMORY, b"\1\0\x81\x80\4")), "memory size must be at most 65536 pages"),
    "limits": (module(section(MEMORY, b"\1\1\2\1")), "size minimum must not be greater than maximum: 2 > 1"),
    "export twice": (module(MEM, section(EXPORT, vector([name("m") + b"\2\0"] * 2))), "duplicate export name"),
    "export of nothing": (module(section(EXPORT, vector([name("m") + b"\2\0"]))), "unknown memory 0"),
    "import type": (module(section(IMPORT, vector([b"\0\0\0\0"]))), "unknown type 0"),
    "start with results": (
        module(
            section(TYPE, vector([functype(b"", bytes([I32]))])),
            section(FUNCTION, vector([leb(0)])),
            section(START, b"\0"),
            section(CODE, vector([body(ZERO)])),
        ),
        "start function 0",
    ),
    "constant of a call": (module(section(GLOBAL, bytes([1, I32, 0, 0x10, 0, 0x0B]))), "constant expression required: call"),
    "constant of a later global": (module(section(GLOBAL, bytes([1, I32, 0, 0x23, 0, 0x0B]))), "unknown global 0"),
    "constant of a mutable global": (
        module(section(GLOBAL, bytes([2, I32, 1, 0x41, 0, 0x0B, I32, 0, 0x23, 0, 0x0B]))),
        "constant expression required: global.get",
    ),
    "constant type": (
        module(section(GLOBAL, bytes([1, F32, 0, 0x41, 0, 0x0B]))),
        "type mismatch: constant expression gives i32, expected f32",
    ),
    "two constants": (module(section(GLOBAL, bytes([1, I32, 0, 0x41, 0, 0x41, 0, 0x0B]))), "type mismatch: constant expression gives 2"),
    "no constant": (module(section(GLOBAL, bytes([1, I32, 0, 0x0B]))), "type mismatch: constant expression gives 0"),
    "constant operands": (module(section(GLOBAL, bytes([1, I32, 0, 0x41, 0, 0x6A, 0x0B]))), "type mismatch: i32.add"),
    "segment without table": (module(section(ELEM, vector([b"\0\x41\0\x0b\0"]))), "unknown table 0"),
    "segment of another type": (module(EXTERN_TAB, section(ELEM, vector([b"\0\x41\0\x0b\0"]))), "type mismatch: elem segment of funcref"),
    "segment function": (module(TAB, section(ELEM, vector([b"\0\x41\0\x0b\1\0"]))), "unknown function 0"),
    "segment without memory": (module(section(DATA, vector([b"\0\x41\0\x0b\0"]))), "unknown memory 0"),
    "segment offset": (module(MEM, section(DATA, vector([b"\0\x42\0\x0b\0"]))), "type mismatch: constant expression gives i64"),
}


@pytest.mark.parametrize("data", VALID.values(), ids=VALID.keys())
def test_valid(decoder: Decoder, data: bytes) -> None:
    assert decoder.refusal(data) is None


@pytest.mark.parametrize(("data", "message"), INVALID.values(), ids=INVALID.keys())
def test_invalid(decoder: Decoder, data: bytes, message: str) -> None:
    refusal = decoder.refusal(data)
    assert refusal is not None
    assert refusal.message.startswith(message)
    assert refusal.feature is None
