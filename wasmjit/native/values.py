"""Scalar types of restricted Python.

Each type is a class: the compiler reads it as a type, CPython uses its instances as fixed-width values, so that a
restricted function gives the same under both. Integers wrap and divide as C's do, floats are kept as their bits, so
that NaN payloads survive.
"""

import math
import struct as _struct
from typing import Any


class Scalar:
    """Base of all scalar types; `size` in bytes, `ir` the LLVM type."""

    size = 0
    ir = ""


class void(Scalar):
    ir = "void"


def _wider(a: type, b: type) -> type:
    if a.signed is not b.signed:  # type: ignore[attr-defined]
        raise TypeError(f"{a.__name__} with {b.__name__}: cast one of them")
    return a if a.bits >= b.bits else b  # type: ignore[attr-defined]


def _operator(function: Any) -> Any:
    def method(self: Any, other: Any) -> Any:
        kind = type(self)
        if isinstance(other, Int):
            kind = _wider(kind, type(other))
        elif not isinstance(other, int) or isinstance(other, bool):
            return NotImplemented
        return kind(function(int(self), int(other), kind.bits))

    return method


def _reflected(function: Any) -> Any:
    def method(self: Any, other: Any) -> Any:
        return type(self)(function(int(other), int(self), self.bits)) if isinstance(other, int) else NotImplemented

    return method


def _divide(a: int, b: int, bits: int) -> int:
    quotient = abs(a) // abs(b)
    return -quotient if (a < 0) != (b < 0) else quotient


def _remainder(a: int, b: int, bits: int) -> int:
    return a - b * _divide(a, b, bits)


def _shift(sign: int) -> Any:
    def function(a: int, b: int, bits: int) -> int:
        if not 0 <= b < bits:
            raise ValueError(f"shift count {b} of a {bits} bit integer")
        return a << b if sign > 0 else a >> b

    return function


class Int(int, Scalar):
    """A fixed-width integer: arithmetic wraps, `//` and `%` truncate."""

    bits = 0
    signed = False

    def __new__(cls, value: Any = 0) -> "Int":
        value = int(value) & ((1 << cls.bits) - 1)
        if cls.signed and value >> (cls.bits - 1):
            value -= 1 << cls.bits
        return int.__new__(cls, value)

    __add__ = _operator(lambda a, b, n: a + b)
    __sub__ = _operator(lambda a, b, n: a - b)
    __mul__ = _operator(lambda a, b, n: a * b)
    __and__ = _operator(lambda a, b, n: a & b)
    __or__ = _operator(lambda a, b, n: a | b)
    __xor__ = _operator(lambda a, b, n: a ^ b)
    __floordiv__ = _operator(_divide)
    __mod__ = _operator(_remainder)
    __lshift__ = _operator(_shift(1))
    __rshift__ = _operator(_shift(-1))
    __radd__ = _reflected(lambda a, b, n: a + b)
    __rsub__ = _reflected(lambda a, b, n: a - b)
    __rmul__ = _reflected(lambda a, b, n: a * b)
    __rand__ = _reflected(lambda a, b, n: a & b)
    __ror__ = _reflected(lambda a, b, n: a | b)
    __rxor__ = _reflected(lambda a, b, n: a ^ b)
    __rfloordiv__ = _reflected(_divide)
    __rmod__ = _reflected(_remainder)
    __rlshift__ = _reflected(_shift(1))
    __rrshift__ = _reflected(_shift(-1))

    def __invert__(self) -> "Int":
        return type(self)(~int(self))

    def __neg__(self) -> "Int":
        return type(self)(-int(self))


def _integer(name: str, bits: int, signed: bool) -> Any:
    return type(name, (Int,), {"bits": bits, "signed": signed, "size": bits // 8, "ir": f"i{bits}"})


i8, i16, i32, i64 = (_integer(f"i{n}", n, True) for n in (8, 16, 32, 64))
u8, u16, u32, u64 = (_integer(f"u{n}", n, False) for n in (8, 16, 32, 64))


class boolean(Int):
    """The result of a comparison; stored as one byte."""

    bits, signed, size, ir = 1, False, 1, "i1"

    def __new__(cls, value: Any = 0) -> "boolean":
        return int.__new__(cls, bool(value))


def _round(value: float, code: str) -> bytes:
    try:
        return _struct.pack("<" + code, value)
    except OverflowError:
        return _struct.pack("<" + code, math.copysign(math.inf, value))


def _integer_to_float(value: int, precision: int) -> float:
    """Round once, to nearest even: through a float of 53 bits an f32 would be rounded twice."""
    magnitude = abs(value)
    excess = magnitude.bit_length() - precision
    if excess > 0:
        kept, rest, half = magnitude >> excess, magnitude & ((1 << excess) - 1), 1 << (excess - 1)
        magnitude = (kept + (rest > half or (rest == half and kept & 1))) << excess
    return float(-magnitude if value < 0 else magnitude)


class Float(Scalar):
    """An IEEE 754 number kept as its bits."""

    bits = 0
    precision = 0
    code = word = ""
    __slots__ = ("raw",)

    def __init__(self, value: Any = 0.0) -> None:
        if isinstance(value, Float) and value.bits == self.bits:
            self.raw: int = value.raw
            return
        if isinstance(value, int):
            value = _integer_to_float(int(value), self.precision)
        number = float(value)
        raw = int.from_bytes(_round(number, self.code), "little")
        self.raw = raw | 1 << (self.precision - 2) if number != number else raw  # what is computed never signals

    @classmethod
    def from_raw(cls, raw: int) -> Any:
        self = cls.__new__(cls)
        self.raw = int(raw)
        return self

    def __float__(self) -> float:
        return float(_struct.unpack("<" + self.code, self.raw.to_bytes(self.size, "little"))[0])

    def __int__(self) -> int:
        return math.trunc(float(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({float(self)!r})"

    def _compute(self, other: Any, function: Any, reflected: bool = False) -> Any:
        if isinstance(other, Float) and type(other) is not type(self):
            raise TypeError(f"{type(self).__name__} with {type(other).__name__}: cast one of them")
        a, b = float(self), self._number(other)
        return type(self)(function(b, a) if reflected else function(a, b))

    def _number(self, other: Any) -> float:
        """The other operand; a literal takes this one's type."""
        return float(other if isinstance(other, Float) else type(self)(other))

    def __add__(self, other: Any) -> Any:
        return self._compute(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Any:
        return self._compute(other, lambda a, b: a - b)

    def __mul__(self, other: Any) -> Any:
        return self._compute(other, lambda a, b: a * b)

    def __truediv__(self, other: Any) -> Any:
        return self._compute(other, _float_divide)

    def __radd__(self, other: Any) -> Any:
        return self._compute(other, lambda a, b: a + b, True)

    def __rsub__(self, other: Any) -> Any:
        return self._compute(other, lambda a, b: a - b, True)

    def __rmul__(self, other: Any) -> Any:
        return self._compute(other, lambda a, b: a * b, True)

    def __rtruediv__(self, other: Any) -> Any:
        return self._compute(other, _float_divide, True)

    def __neg__(self) -> Any:
        return self.from_raw(self.raw ^ (1 << (self.bits - 1)))

    def __eq__(self, other: Any) -> Any:
        return boolean(float(self) == self._number(other))

    def __ne__(self, other: Any) -> Any:
        return boolean(float(self) != self._number(other))

    def __lt__(self, other: Any) -> Any:
        return boolean(float(self) < self._number(other))

    def __le__(self, other: Any) -> Any:
        return boolean(float(self) <= self._number(other))

    def __gt__(self, other: Any) -> Any:
        return boolean(float(self) > self._number(other))

    def __ge__(self, other: Any) -> Any:
        return boolean(float(self) >= self._number(other))

    __hash__ = None  # type: ignore[assignment]


def _float_divide(a: float, b: float) -> float:
    if b != 0:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)


class f32(Float):
    bits, size, ir, precision, code = 32, 4, "float", 24, "f"


class f64(Float):
    bits, size, ir, precision, code = 64, 8, "double", 53, "d"
