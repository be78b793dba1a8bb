"""Operations that restricted Python has beside its operators. Here is what they do under CPython; the compiler has one row for each."""

import _thread
import ctypes
import math
from collections.abc import Callable
from typing import Any

from .pointers import Pointer, ptr, read_memory, resolve, size_of, write_memory
from .values import boolean, f32, f64, u32, u64

_VARARGS = 4  # inspect.CO_VARARGS: that module is slow to import


class Intrinsic:
    """An operation; it takes `least` to `most` arguments, None: any number."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name, self.function, self.__doc__ = function.__name__, function, function.__doc__
        count = function.__code__.co_argcount
        self.least = count - len(function.__defaults__ or ())
        self.most = None if function.__code__.co_flags & _VARARGS else count

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)


def _unsigned(x: Any) -> int:
    bits: int = x.bits
    return int(x) & ((1 << bits) - 1)


@Intrinsic
def sizeof(kind: Any) -> Any:
    """Bytes of a type, a literal."""
    return size_of(kind)


@Intrinsic
def offsetof(kind: Any, field: str) -> Any:
    """Byte offset of a struct's field, a literal."""
    return resolve(kind).fields[field][1]


@Intrinsic
def alloca(kind: Any, count: int = 1) -> Any:
    """Pointer to uninitialized memory of the calling function's frame; count is a constant."""
    memory = ctypes.create_string_buffer(size_of(kind) * int(count) + 16)
    return ptr[kind]((ctypes.addressof(memory) + 15) & ~15, memory)


@Intrinsic
def addr(place: Any) -> Any:
    """Pointer to a place; under CPython only struct elements and fields have one."""
    if isinstance(place, Pointer):
        return place
    raise TypeError("addr() of a scalar does not run under CPython")


@Intrinsic
def fnptr(function: Any) -> Any:
    """Address of a restricted or extern function."""
    raise TypeError("fnptr() does not run under CPython")


@Intrinsic
def symbol(name: str) -> Any:
    """Address of a symbol of the image or of an extern."""
    raise TypeError("symbol() does not run under CPython")


@Intrinsic
def call(result: Any, function: Any, *arguments: Any) -> Any:
    """Call through a pointer, C convention, parameter types those of the arguments."""
    raise TypeError("call() does not run under CPython")


@Intrinsic
def clz(x: Any) -> Any:
    """Leading zero bits; the width for 0."""
    return type(x)(x.bits - _unsigned(x).bit_length())


@Intrinsic
def ctz(x: Any) -> Any:
    """Trailing zero bits; the width for 0."""
    bits = _unsigned(x)
    return type(x)((bits & -bits).bit_length() - 1 if bits else x.bits)


@Intrinsic
def popcnt(x: Any) -> Any:
    """Bits that are 1."""
    return type(x)(_unsigned(x).bit_count())


@Intrinsic
def rotl(x: Any, n: Any) -> Any:
    """Rotate left by n modulo the width."""
    n = int(n) % x.bits
    return type(x)(_unsigned(x) << n | _unsigned(x) >> (x.bits - n))


@Intrinsic
def rotr(x: Any, n: Any) -> Any:
    """Rotate right by n modulo the width."""
    return rotl(x, x.bits - int(n) % x.bits)


@Intrinsic
def bswap(x: Any) -> Any:
    """Bytes reversed."""
    return type(x)(int.from_bytes(_unsigned(x).to_bytes(x.size, "little"), "big"))


def _rounding(function: Callable[[float], int]) -> Callable[[Any], Any]:
    def rounded(x: Any) -> Any:
        value = float(x)
        if not math.isfinite(value) or abs(value) >= 2.0**52:
            return type(x)(value)
        return type(x)(math.copysign(function(value), value))

    return rounded


_ceil, _floor, _trunc, _nearest = _rounding(math.ceil), _rounding(math.floor), _rounding(math.trunc), _rounding(round)


@Intrinsic
def ceil(x: Any) -> Any:
    return _ceil(x)


@Intrinsic
def floor(x: Any) -> Any:
    return _floor(x)


@Intrinsic
def trunc(x: Any) -> Any:
    return _trunc(x)


@Intrinsic
def nearest(x: Any) -> Any:
    """Round to the nearest integer, ties to even."""
    return _nearest(x)


@Intrinsic
def sqrt(x: Any) -> Any:
    value = float(x)
    return type(x)(math.nan if value < 0 else math.sqrt(value) if not math.isnan(value) else value)


@Intrinsic
def fabs(x: Any) -> Any:
    return x.from_raw(x.raw & ~(1 << (x.bits - 1)))


@Intrinsic
def copysign(x: Any, y: Any) -> Any:
    sign = 1 << (x.bits - 1)
    return x.from_raw((x.raw & ~sign) | (y.raw & sign))


def _extreme(x: Any, y: Any, sign: int) -> Any:
    a, b = float(x), float(y)
    if math.isnan(a) or math.isnan(b):
        return type(x)(math.nan)
    if a == b:
        return x if math.copysign(1, a) * sign >= math.copysign(1, b) * sign else y
    return x if a * sign > b * sign else y


@Intrinsic
def fminimum(x: Any, y: Any) -> Any:
    """The lesser; NaN if either is; -0 below +0 (IEEE 754-2019 minimum)."""
    return _extreme(x, y, -1)


@Intrinsic
def fmaximum(x: Any, y: Any) -> Any:
    """The greater; NaN if either is; +0 above -0 (IEEE 754-2019 maximum)."""
    return _extreme(x, y, 1)


@Intrinsic
def bits(x: Any) -> Any:
    """The bits of a float as u32 or u64."""
    return (u32 if x.bits == 32 else u64)(x.raw)


@Intrinsic
def from_bits(x: Any) -> Any:
    """The float with these bits: u32 gives f32, u64 gives f64."""
    return (f32 if x.bits == 32 else f64).from_raw(_unsigned(x))


@Intrinsic
def isnan(x: Any) -> Any:
    return boolean(math.isnan(float(x)))


@Intrinsic
def load(kind: Any, p: Any) -> Any:
    """Read a value at any alignment."""
    return read_memory(kind, int(p))


@Intrinsic
def store(kind: Any, p: Any, value: Any) -> None:
    """Write a value at any alignment."""
    write_memory(kind, int(p), value)


@Intrinsic
def vload(kind: Any, p: Any) -> Any:
    """Volatile read at any alignment: neither removed nor merged."""
    return read_memory(kind, int(p))


@Intrinsic
def vstore(kind: Any, p: Any, value: Any) -> None:
    """Volatile write at any alignment."""
    write_memory(kind, int(p), value)


@Intrinsic
def atomic_load(p: Any) -> Any:
    """Sequentially consistent read of p[0]."""
    return p[0]


@Intrinsic
def atomic_store(p: Any, value: Any) -> None:
    """Sequentially consistent write of p[0]."""
    p[0] = value


@Intrinsic
def atomic_store_release(p: Any, value: Any) -> None:
    """Write of p[0] that publishes everything written before it."""
    p[0] = value


@Intrinsic
def atomic_add(p: Any, value: Any) -> Any:
    """Add to p[0]; the value before."""
    old = p[0]
    p[0] = old + value
    return old


@Intrinsic
def atomic_cas(p: Any, old: Any, new: Any) -> Any:
    """Replace p[0] if it is `old`; whether it was."""
    same = int(p[0]) == int(old)
    if same:
        p[0] = new
    return boolean(same)


@Intrinsic
def barrier() -> None:
    """The compiler moves no memory access across it."""


@Intrinsic
def thread_pointer() -> Any:
    """A number that differs between the threads that live now, in a register: the base of thread-local storage."""
    return u64(_thread.get_ident())


@Intrinsic
def unreachable() -> None:
    """Never reached: undefined behaviour when it is."""
    raise RuntimeError("unreachable() was reached")


@Intrinsic
def likely(x: Any) -> Any:
    return boolean(x)


@Intrinsic
def unlikely(x: Any) -> Any:
    return boolean(x)

