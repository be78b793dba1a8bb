"""Vectorcall functions made for a number of parameters each: up to five numbers, and numeric results.

They keep arguments in registers until all are unboxed, so nothing that a conversion runs can disturb them. Types are
branched on: a call site sees one order of branches, which costs less than the functions for all lists of types would.
"""

from wasmjit.native.capi import PyErr_NoMemory, PyErr_Occurred
from wasmjit.native.lang import PyObject, fn, fnptr, ptr, u8, u32, u64, unlikely
from wasmjit.runtime.calls_enter import call_any, call_finish
from wasmjit.runtime.calls_object import func_data
from wasmjit.runtime.calls_refused import COUNT_MASK, call_odd
from wasmjit.runtime.calls_types import F64
from wasmjit.runtime.calls_values import FAILED, unbox_number
from wasmjit.runtime.context import held_ec
from wasmjit.runtime.structs import FuncRef

MOST = 5
MOST_RESULTS = 16


def entry(count):  # type: ignore[no-untyped-def]
    """The vectorcall function for `count` parameters."""

    @fn(symbol=f"call_{count}")
    def call_numbers(func: ptr[PyObject], args: ptr[ptr[PyObject]], flags: u64, names: ptr[PyObject]) -> ptr[PyObject]:
        if unlikely(names != 0 or (flags & COUNT_MASK) != count):
            return call_odd(func, args, flags, names)
        types = func_data(func).types
        a: u64 = 0
        b: u64 = 0
        c: u64 = 0
        d: u64 = 0
        e: u64 = 0
        if count > 0:
            a = unbox_number(u32(types[0]), args[0], func, 0)
            if unlikely(a == FAILED) and PyErr_Occurred() != 0:
                return ptr[PyObject](0)
        if count > 1:
            b = unbox_number(u32(types[1]), args[1], func, 1)
            if unlikely(b == FAILED) and PyErr_Occurred() != 0:
                return ptr[PyObject](0)
        if count > 2:
            c = unbox_number(u32(types[2]), args[2], func, 2)
            if unlikely(c == FAILED) and PyErr_Occurred() != 0:
                return ptr[PyObject](0)
        if count > 3:
            d = unbox_number(u32(types[3]), args[3], func, 3)
            if unlikely(d == FAILED) and PyErr_Occurred() != 0:
                return ptr[PyObject](0)
        if count > 4:
            e = unbox_number(u32(types[4]), args[4], func, 4)
            if unlikely(e == FAILED) and PyErr_Occurred() != 0:
                return ptr[PyObject](0)
        ec = held_ec()
        if unlikely(ec == 0):
            return PyErr_NoMemory()
        sp = ec.vs_top  # there is room for so few: SLACK in runtime.context
        if count > 0:
            sp[0] = a
        if count > 1:
            sp[1] = b
        if count > 2:
            sp[2] = c
        if count > 3:
            sp[3] = d
        if count > 4:
            sp[4] = e
        return call_finish(func, ec, sp)

    return call_numbers


call_0, call_1, call_2, call_3, call_4, call_5 = map(entry, range(MOST + 1))


@fn
def call_entry(ref: ptr[FuncRef]) -> ptr[u8]:
    """The vectorcall function for a function."""
    sig = ref.sig
    if ref.host != 0 or sig.nresults > MOST_RESULTS:
        return fnptr(call_any)
    for i in range(sig.nparams + sig.nresults):
        if u32(sig.types[i]) < F64:
            return fnptr(call_any)
    if sig.nparams == 0:
        return fnptr(call_0)
    if sig.nparams == 1:
        return fnptr(call_1)
    if sig.nparams == 2:
        return fnptr(call_2)
    if sig.nparams == 3:
        return fnptr(call_3)
    if sig.nparams == 4:
        return fnptr(call_4)
    if sig.nparams == 5:
        return fnptr(call_5)
    return fnptr(call_any)
