"""Values of test scripts: from what `wasm-tools json-from-wast` writes to arguments, and whether results are what a script expects.

Numbers are compared by their bits. A float may be expected as `nan:canonical` or `nan:arithmetic` (spec 4.3.3): any sign, and a
payload of exactly, or at least, its highest bit.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Value = dict[str, Any]

WIDTHS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64, "f32": 32, "f64": 64}
FORMATS = {"i32": ("<i", "<I"), "i64": ("<q", "<Q"), "f32": ("<f", "<I"), "f64": ("<d", "<Q")}
QUIET = {32: 0x7FC0_0000, 64: 0x7FF8_0000_0000_0000}  # canonical NaN: exponent, and the highest bit of the payload
NULLS = ("refnull", "nullref", "nullfuncref", "nullexternref", "nullexnref", "nullcontref")


class HostReference:
    """What the script's `(ref.extern N)` stands for: N itself, as an object that is nothing else."""

    __slots__ = ("number",)

    def __init__(self, number: str) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HostReference) and other.number == self.number

    def __hash__(self) -> int:
        return hash(self.number)

    def __repr__(self) -> str:
        return f"(ref.extern {self.number})"


def bits_of(value: Value) -> int:
    """The bits of a number or vector, unsigned. Lanes stand lowest first."""
    if value["type"] != "v128":
        return int(value["value"])
    width = WIDTHS[value["lane_type"]]
    return sum((int(lane) & ((1 << width) - 1)) << (width * i) for i, lane in enumerate(value["value"]))


def is_number(kind: str) -> bool:
    """Whether values of the type have bits."""
    return kind in FORMATS or kind == "v128"


def argument(value: Value) -> Any:
    """The object for a value, where a function has references among its parameters or results."""
    kind = value["type"]
    if kind in FORMATS:
        return number(kind, int(value["value"]))
    text = value.get("value")
    return None if text == "null" or kind in NULLS else HostReference(str(text))


def number(kind: str, bits: int) -> int | float:
    """The Python number of these bits."""
    as_number, as_bits = FORMATS[kind]
    result: int | float = struct.unpack(as_number, struct.pack(as_bits, bits & ((1 << WIDTHS[kind]) - 1)))[0]
    return result


def raw(kind: str, value: Any) -> Any:
    """The bits of a Python number; references stay what they are."""
    if kind not in FORMATS:
        return value
    as_number, as_bits = FORMATS[kind]
    return struct.unpack(as_bits, struct.pack(as_number, value))[0]


def matches(result: Any, expected: Value) -> bool:
    """Whether a result, in bits or as a reference, is the expected value."""
    kind = expected["type"]
    if kind == "either":
        return any(matches(result, one) for one in expected["values"])
    if kind == "v128":
        width = WIDTHS[expected["lane_type"]]
        lanes = ((result >> (width * i)) & ((1 << width) - 1) for i in range(128 // width))
        return all(_bits_match(lane, text, width) for lane, text in zip(lanes, expected["value"], strict=True))
    if kind in FORMATS:
        return isinstance(result, int) and _bits_match(result, expected["value"], WIDTHS[kind])
    text = expected.get("value")
    if kind in NULLS or text == "null":
        return result is None
    if text is not None:
        return bool(result == HostReference(text))
    return result is not None


def _bits_match(bits: int, text: str, width: int) -> bool:
    if text == "nan:canonical":
        return bits & ~(1 << (width - 1)) == QUIET[width]
    if text == "nan:arithmetic":
        return bits & QUIET[width] == QUIET[width]
    return bits == int(text) & ((1 << width) - 1)


def show(result: Any) -> str:
    """A result for a message: bits in hexadecimal."""
    return f"{result:#x}" if isinstance(result, int) else repr(result)


def show_expected(expected: Value) -> str:
    """An expected value for a message."""
    kind, text = expected["type"], expected.get("value")
    if kind == "either":
        return " or ".join(map(show_expected, expected["values"]))
    if kind in FORMATS and not str(text).startswith("nan:"):
        text = f"{int(text or 0) & ((1 << WIDTHS[kind]) - 1):#x}"
    return kind if text is None else f"{kind} {text}"
