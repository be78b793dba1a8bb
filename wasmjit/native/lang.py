"""Restricted Python: the typed subset that `wasmjit.native.compiler` turns into LLVM IR and CPython runs with the same results.

Types i8..i64, u8..u64, f32, f64, boolean, void, ptr[T], structs and array[T, n] fields. Integers wrap; `//` and `%`
truncate; widths of one signedness mix, signs do not; literals take the other side's type. There are no bounds checks.
Statements: assignment (a local's type is its annotation or that of its first value), if, while, for over range, break,
continue, return, pass. A struct element or field evaluates to the pointer to it. A local has one type and is assigned on
every way to where it is read; a loop's variable is the loop's own.
"""

from .declare import Function, const, export, extern, extern_data, fn, var
from .intrinsics import (
    addr,
    alloca,
    atomic_add,
    atomic_cas,
    atomic_load,
    atomic_store,
    atomic_store_release,
    barrier,
    bits,
    bswap,
    call,
    ceil,
    clz,
    copysign,
    ctz,
    fabs,
    floor,
    fmaximum,
    fminimum,
    fnptr,
    from_bits,
    isnan,
    likely,
    load,
    nearest,
    offsetof,
    popcnt,
    rotl,
    rotr,
    sizeof,
    sqrt,
    store,
    symbol,
    thread_pointer,
    trunc,
    unlikely,
    unreachable,
    vload,
    vstore,
)
from .pointers import PyObject, array, ptr, struct
from .values import boolean, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, void

__all__ = [
    "Function", "PyObject", "addr", "alloca", "array", "atomic_add", "atomic_cas", "atomic_load", "atomic_store",
    "atomic_store_release", "barrier", "bits", "boolean", "bswap", "call", "ceil", "clz", "const", "copysign", "ctz", "export",
    "extern", "extern_data", "f32", "f64", "fabs", "floor", "fmaximum", "fminimum", "fn", "fnptr", "from_bits", "i16", "i32", "i64",
    "i8", "isnan", "likely", "load", "nearest", "offsetof", "popcnt", "ptr", "rotl", "rotr", "sizeof", "sqrt", "store", "struct",
    "symbol", "thread_pointer", "trunc", "u16", "u32", "u64", "u8", "unlikely", "unreachable", "var", "vload", "void", "vstore",
]  # fmt: skip
