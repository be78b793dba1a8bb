"""The binary format by hand: just enough to write modules that no assembler would make."""

from collections.abc import Iterable

HEADER = b"\0asm\1\0\0\0"
I32, I64, F32, F64, FUNCREF, EXTERNREF = 0x7F, 0x7E, 0x7D, 0x7C, 0x70, 0x6F
END = b"\x0b"
CUSTOM, TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEM, CODE, DATA, DATA_COUNT, TAG = range(14)


def leb(value: int) -> bytes:
    """Unsigned LEB128."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def vector(items: Iterable[bytes]) -> bytes:
    rows = list(items)
    return leb(len(rows)) + b"".join(rows)


def name(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return leb(len(raw)) + raw


def section(number: int, payload: bytes) -> bytes:
    return bytes([number]) + leb(len(payload)) + payload


def functype(params: bytes = b"", results: bytes = b"") -> bytes:
    return b"\x60" + leb(len(params)) + params + leb(len(results)) + results


def body(code: bytes, groups: Iterable[tuple[int, int]] = ()) -> bytes:
    """A function body: groups of (count, type) of locals, instructions without the last `end`."""
    inside = vector(leb(count) + bytes([kind]) for count, kind in groups) + code + END
    return leb(len(inside)) + inside


def module(*sections: bytes) -> bytes:
    return HEADER + b"".join(sections)


def function(
    code: bytes,
    params: bytes = b"",
    results: bytes = b"",
    groups: Iterable[tuple[int, int]] = (),
    *,
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """A module of one function; `before`: sections between the function and the code section, `after`: behind that."""
    return module(
        section(TYPE, vector([functype(params, results)])),
        section(FUNCTION, vector([leb(0)])),
        before,
        section(CODE, vector([body(code, groups)])),
        after,
    )
