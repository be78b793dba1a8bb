"""Malformed modules: each is refused at the offset and with the text of the specification's suite."""

import pytest

from tests.binary.conftest import Decoder
from tests.binary.encode import (
    CODE,
    CUSTOM,
    DATA,
    DATA_COUNT,
    ELEM,
    EXPORT,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    HEADER,
    I32,
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

ONE_TYPE = section(TYPE, vector([functype()]))
ONE_FUNCTION = section(FUNCTION, vector([leb(0)]))
ONE_MEMORY = section(MEMORY, b"\x01\x00\x01")
ONE_TABLE = section(TABLE, bytes([1, FUNCREF, 0, 1]))

CASES = {
    "empty": (b"", 0, "unexpected end"),
    "magic": (b"\x7fELF\2\1\1\0", 0, "magic header not detected: this looks like an ELF binary"),
    "text": (b"(module)", 0, "magic header not detected: this looks like WebAssembly text"),
    "version cut": (b"\0asm\1", 5, "unexpected end"),
    "version": (b"\0asm\2\0\0\0", 4, "unknown binary version"),
    "component": (b"\0asm\x0d\0\1\0", 4, "unknown binary version 0x1000d: this looks like a WebAssembly component"),
    "section id": (module(b"\x0e\x00"), 8, "malformed section id 14"),
    "section without size": (module(b"\x01"), 9, "unexpected end"),
    "section longer than the file": (module(b"\x01\x05\x01"), 9, "length out of bounds"),
    "section too long": (module(section(TYPE, vector([functype()]) + b"\0")), 14, "section size mismatch"),
    "section too short": (module(section(TYPE, b"\x01\x60\x00")), 13, "unexpected end"),
    "sections out of order": (module(section(FUNCTION, b"\0"), section(TYPE, b"\0")), 11, "unexpected content after last section"),
    "section twice": (module(section(TYPE, b"\0"), section(TYPE, b"\0")), 11, "unexpected content after last section"),
    "data after the end": (module(section(TYPE, b"\0"), b"\0"), 12, "unexpected end"),
    "custom without name": (module(b"\0\0"), 10, "unexpected end"),
    "custom name too long": (module(section(CUSTOM, b"\x05abc")), 11, "unexpected end"),
    "custom name": (module(section(CUSTOM, name(b"\xff"))), 11, "malformed UTF-8 encoding"),
    "overlong number": (module(section(TYPE, b"\x80\x80\x80\x80\x80\x00")), 10, "integer representation too long"),
    "unused bits": (module(section(TYPE, b"\x80\x80\x80\x80\x10")), 10, "integer too large"),
    "lying count": (module(section(TYPE, b"\xff\xff\xff\xff\x0f")), 10, "unexpected end of section or function"),
    "type form": (module(section(TYPE, b"\x01\x40\0\0")), 11, "malformed type form 0x40"),
    "value type": (module(section(TYPE, b"\x01\x60\x01\x00\x00")), 13, "malformed value type 0x00"),
    "import kind": (module(section(IMPORT, vector([b"\0\0\x05\0"]))), 13, "malformed import kind 5"),
    "import name": (module(section(IMPORT, vector([name(b"\xc0\x80") + b"\0\0"]))), 12, "malformed UTF-8 encoding"),
    "limits flags": (module(section(MEMORY, b"\x01\x10\x00")), 11, "malformed limits flags 0x10"),
    "reference type": (module(section(TABLE, bytes([1, I32, 0, 0]))), 11, "malformed reference type 0x7f"),
    "mutability": (module(section(GLOBAL, bytes([1, I32, 2, 0x41, 0, 0x0B]))), 12, "malformed mutability 2"),
    "constant without end": (module(section(GLOBAL, bytes([1, I32, 0, 0x41, 0]))), 15, "unexpected end"),
    "constant opcode": (module(section(GLOBAL, bytes([1, I32, 0, 0xFF, 0x0B]))), 13, "illegal opcode 0xff"),
    "export kind": (module(section(EXPORT, vector([b"\0\x07\0"]))), 12, "malformed export kind 7"),
    "functions without bodies": (module(ONE_TYPE, ONE_FUNCTION), 16, "function and code section have inconsistent lengths"),
    "bodies without functions": (module(section(CODE, vector([body(b"")]))), 10, "function and code section have inconsistent lengths"),
    "body longer than the section": (module(ONE_TYPE, ONE_FUNCTION, section(CODE, b"\x01\x7f\x00")), 21, "length out of bounds"),
    "elem flags": (module(ONE_TABLE, section(ELEM, b"\x01\x08\0")), 17, "malformed elements segment flags 8"),
    "elem kind": (module(section(ELEM, b"\x01\x01\x02\0")), 12, "malformed element kind 2"),
    "data flags": (module(ONE_MEMORY, section(DATA, b"\x01\x03\0")), 16, "malformed data segment flags 3"),
    "data too long": (module(section(DATA, b"\x01\x01\x05abc")), 12, "length out of bounds"),
    "data count": (
        module(section(DATA_COUNT, b"\x02"), section(DATA, vector([b"\x01\0"]))),
        13,
        "data count and data section have inconsistent lengths",
    ),
    "data count without data": (module(section(DATA_COUNT, b"\x01")), 11, "data count and data section have inconsistent lengths"),
    "start cut": (module(section(START, b"")), 10, "unexpected end"),
    "body without end": (module(ONE_TYPE, ONE_FUNCTION, section(CODE, b"\x01\x02\0\x01")), 24, "END opcode expected"),
    "block not closed": (function(b"\x02\x40"), 26, "unexpected end of section or function"),
    "code behind the end": (function(b"\x0b\x01"), 24, "section size mismatch"),
    "opcode": (function(b"\xff"), 23, "illegal opcode 0xff"),
    "prefixed opcode": (function(b"\xfc\x7f"), 23, "illegal opcode 0xfc7f"),
    "constant cut": (function(b"\x44\0\0"), 27, "unexpected end"),
    "overlong constant": (function(b"\x41\x80\x80\x80\x80\x80\0\x1a"), 24, "integer representation too long"),
    "constant bits": (function(b"\x41\x80\x80\x80\x80\x40\x1a"), 24, "integer too large"),
    "constant of 64 bits": (function(b"\x42" + b"\x80" * 9 + b"\x02\x1a"), 24, "integer too large"),
    "alignment flags": (function(b"\x41\0\x28\x80\x01\0\x1a", before=ONE_MEMORY), 30, "malformed memop flags"),
    "block type": (function(b"\x02\x41\x0b"), 24, "malformed block type"),
    "data index without count": (function(b"\xfc\x09\x00"), 23, "data count section required"),
}


@pytest.mark.parametrize(("data", "offset", "message"), CASES.values(), ids=CASES.keys())
def test_refused_with_offset_and_text(decoder: Decoder, data: bytes, offset: int, message: str) -> None:
    refusal = decoder.refusal(data)
    assert refusal is not None
    assert refusal.message.startswith(message)
    assert refusal.offset == offset
    assert refusal.feature is None


@pytest.mark.parametrize(
    "raw", [b"a" * 20, "\u00e9\u20ac\U0001f600".encode(), b"\0", b"\xf4\x8f\xbf\xbf", b"\xed\x9f\xbf", b"12345678\xc2\x80", b"\xe0\xa0\x80"]
)
def test_names_that_are_utf8(decoder: Decoder, raw: bytes) -> None:
    with decoder.load(module(section(CUSTOM, name(raw)))) as mod:
        assert decoder.natives.mod_customs(mod)[0][0] == raw.decode()


@pytest.mark.parametrize(
    "raw",
    [b"\x80", b"\xc1\xbf", b"\xc2", b"\xe0\x9f\x80", b"\xed\xa0\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80"]
    + [b"1234567\xe2\x82", b"12345678\xf0\x9f\x98", b"\xe2\x28\xa1"],
)
def test_names_that_are_not(decoder: Decoder, raw: bytes) -> None:
    refusal = decoder.refusal(module(section(CUSTOM, name(raw))))
    assert refusal is not None and refusal.message == "malformed UTF-8 encoding"
    assert refusal.offset >= len(HEADER)
