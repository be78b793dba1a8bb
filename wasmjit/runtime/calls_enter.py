"""Calls from Python: entry, results and errors; and the path that fits every signature.

Entries for few numbers (runtime.calls_entries) join at `call_finish`.
"""

from wasmjit.native.capi import (
    Py_DecRef,
    PyErr_Format,
    PyErr_NoMemory,
    PyExc_TypeError,
    PyFloat_FromDouble,
    PyLong_FromLongLong,
    PyLong_FromUnsignedLongLong,
    PyTuple_GetItem,
    PyTuple_New,
    PyTuple_SetItem,
    PyTuple_Size,
)
from wasmjit.native.lang import PyObject, alloca, boolean, export, f64, fn, from_bits, i32, i64, likely, ptr, u8, u32, u64, unlikely
from wasmjit.native.libc import free, malloc
from wasmjit.runtime.calls_object import func_data, is_func
from wasmjit.runtime.calls_refused import COUNT_MASK, call_odd, trap_raise
from wasmjit.runtime.calls_store import store_enter, store_leave, store_of
from wasmjit.runtime.calls_types import F32, F64, I32, I64, type_name, width
from wasmjit.runtime.calls_values import box, box_number, none, unbox
from wasmjit.runtime.codes import TRAP_PYTHON, TRAP_STACK
from wasmjit.runtime.context import held_ec
from wasmjit.runtime.entry import enter
from wasmjit.runtime.structs import Ec, FuncRef, Sig


@fn(cold=True)
def call_failed(ec: ptr[Ec], ref: ptr[FuncRef], code: u64) -> ptr[PyObject]:
    """`enter` returned a trap: make it the exception, leave the store. Null."""
    store = store_of(ref)
    if code != TRAP_PYTHON:
        trap_raise(ec, code, ec.trap_addr, ec.trap_size, store)
    store_leave(store_of(ref))
    return ptr[PyObject](0)


@fn(cold=True)
def call_overflow(ec: ptr[Ec], func: ptr[PyObject]) -> ptr[PyObject]:
    """The value stack has no room for the arguments. Null, StackOverflow set."""
    ec.nframes = 0
    trap_raise(ec, TRAP_STACK, 0, 0, store_of(func_data(func).ref))
    return ptr[PyObject](0)


@fn
def call_finish(func: ptr[PyObject], ec: ptr[Ec], sp: ptr[u64]) -> ptr[PyObject]:
    """Run a function of numeric results whose arguments stand at sp."""
    data = func_data(func)
    ref = data.ref
    if unlikely(not store_enter(ec, ref.inst.store)):
        return ptr[PyObject](0)
    code = enter(ec, ref, sp)
    if unlikely(code != 0):
        return call_failed(ec, ref, code)
    value = sp[0]
    store_leave(ref.inst.store)  # read again: host functions may have joined it to another one
    kind = data.result
    if kind == I32:
        return PyLong_FromLongLong(i64(i32(value)))
    if kind == I64:
        return PyLong_FromLongLong(i64(value))
    if kind == F64:
        return PyFloat_FromDouble(from_bits(value))
    if kind == F32:
        return PyFloat_FromDouble(f64(from_bits(u32(value))))
    if data.sig.nresults == 0:
        return none()
    return box_numbers(data.sig, ec, sp)


@fn
def box_numbers(sig: ptr[Sig], ec: ptr[Ec], sp: ptr[u64]) -> ptr[PyObject]:
    """A tuple of numeric results."""
    count = i64(sig.nresults)
    types = sig.types + sig.nparams
    ec.vs_top = sp + count  # a new tuple may start the garbage collector, and that any code
    results = PyTuple_New(count)
    ec.vs_top = sp
    if results == 0:
        return results
    i: i64 = 0
    while i < count:
        value = box_number(u32(types[i]), sp[i])
        if value == 0:
            Py_DecRef(results)
            return value
        PyTuple_SetItem(results, i, value)
        i += 1
    return results


@fn
def raw_type(type: u32) -> u32:
    """The integer type of a numeric type's bits; 0 for references."""
    if type == F32:
        return I32
    if type == F64:
        return I64
    return type if type > F64 else 0


@fn
def unbox_arguments(func: ptr[PyObject], args: ptr[ptr[PyObject]], sp: ptr[u64], raw: boolean) -> boolean:
    """Write arguments to the slots from sp on. False: an exception is set."""
    sig = func_data(func).sig
    store = store_of(func_data(func).ref)
    at = sp
    for i in range(sig.nparams):
        type = u32(sig.types[i])
        if not unbox(raw_type(type) if raw else type, args[i], at, store, func, i64(i)):
            return False
        at = at + width(type)
    return True


@fn
def box_result(type: u32, at: ptr[u64], owner: ptr[PyObject], raw: boolean) -> ptr[PyObject]:
    if not raw:
        return box(type, at, owner)
    if raw_type(type) == I32:
        return PyLong_FromUnsignedLongLong(u64(u32(at[0])))
    return PyLong_FromUnsignedLongLong(at[0])


@fn
def box_results(sig: ptr[Sig], sp: ptr[u64], owner: ptr[PyObject], raw: boolean) -> ptr[PyObject]:
    """None, the one result, or a tuple of them."""
    types = sig.types + sig.nparams
    if sig.nresults == 0:
        return none()
    if sig.nresults == 1:
        return box_result(u32(types[0]), sp, owner, raw)
    results = PyTuple_New(i64(sig.nresults))
    if results == 0:
        return results
    at = sp
    for i in range(sig.nresults):
        type = u32(types[i])
        value = box_result(type, at, owner, raw)
        if value == 0:
            Py_DecRef(results)
            return value
        PyTuple_SetItem(results, i64(i), value)
        at = at + width(type)
    return results


@fn
def call_slots(func: ptr[PyObject], args: ptr[ptr[PyObject]], raw: boolean) -> ptr[PyObject]:
    """Call a function of any signature with as many arguments as it takes. `raw`: numbers are given and returned as their bits.

    The store is taken first: handles of externref arguments must not be swept. Arguments and results are kept below
    ec.vs_top while conversions may run Python code that calls wasm.
    """
    data = func_data(func)
    sig = data.sig
    ref = data.ref
    ec = held_ec()
    if unlikely(ec == 0):
        return PyErr_NoMemory()
    sp = ec.vs_top
    top = sp + data.slots
    if unlikely(top > ec.vs_limit):
        return call_overflow(ec, func)
    if unlikely(not store_enter(ec, store_of(ref))):
        return ptr[PyObject](0)
    ec.vs_top = top
    passed = unbox_arguments(func, args, sp, raw)
    ec.vs_top = sp
    result = ptr[PyObject](0)
    if likely(passed):
        code = enter(ec, ref, sp)
        if unlikely(code != 0):
            return call_failed(ec, ref, code)
        ec.vs_top = top
        result = box_results(sig, sp, data.owner, raw)
        ec.vs_top = sp
    store_leave(store_of(ref))
    return result


@fn
def call_any(func: ptr[PyObject], args: ptr[ptr[PyObject]], flags: u64, names: ptr[PyObject]) -> ptr[PyObject]:
    """Vectorcall of any signature, and of host functions."""
    if unlikely(names != 0 or (flags & COUNT_MASK) != u64(func_data(func).sig.nparams)):
        return call_odd(func, args, flags, names)
    return call_slots(func, args, False)


@export
def func_call_raw(func: ptr[PyObject], bits: ptr[PyObject]) -> ptr[PyObject]:
    """Call a Func with a tuple of its arguments' bits as integers; results likewise, unsigned. TypeError: references, wrong count."""
    if not is_func(func) or func_data(func).ref == 0:
        return PyErr_Format(PyExc_TypeError, b"a Func is expected")
    sig = func_data(func).sig
    for i in range(sig.nparams + sig.nresults):
        if raw_type(u32(sig.types[i])) == 0:
            return PyErr_Format(PyExc_TypeError, b"call_raw() takes numbers: %s has no bits to show", type_name(u32(sig.types[i])))
    count = PyTuple_Size(bits)
    if count != i64(sig.nparams):
        return call_odd(func, ptr[ptr[PyObject]](0), u64(count), ptr[PyObject](0))
    few = alloca(ptr[PyObject], 16)
    args = few
    if count > 16:
        args = ptr[ptr[PyObject]](malloc(u64(count) * 8))
        if args == 0:
            return PyErr_NoMemory()
    for k in range(count):
        args[k] = PyTuple_GetItem(bits, k)  # borrowed: the tuple holds them
    result = call_slots(func, args, True)
    if args != few:
        free(ptr[u8](args))
    return result
