"""Calls from Python: the store's lock, the entry, results and errors; and the path that fits every signature.

Specialised entries (runtime.calls_entries) join at `call_finish`.
"""

from wasmjit.native.capi import (
    PyBytes_FromStringAndSize,
    PyDict_New,
    PyDict_SetItem,
    PyErr_CheckSignals,
    PyErr_Fetch,
    PyErr_Format,
    PyErr_NoMemory,
    PyErr_Restore,
    PyErr_SetObject,
    PyErr_SetString,
    PyEval_RestoreThread,
    PyEval_SaveThread,
    PyExc_RuntimeError,
    PyExc_TypeError,
    PyFloat_FromDouble,
    PyLong_FromLongLong,
    PyLong_FromUnsignedLongLong,
    PyObject_CallFunctionObjArgs,
    PyObject_GetAttrString,
    PyTuple_GetItem,
    PyTuple_New,
    PyTuple_SetItem,
    PyTuple_Size,
    Py_DecRef,
    Py_IncRef,
)
from wasmjit.native.lang import PyObject, alloca, boolean, export, f64, fn, from_bits, i32, i64, likely, ptr, u8, u32, u64, unlikely, var
from wasmjit.native.libc import free, malloc, usleep
from wasmjit.runtime.calls_boxes import store_sweep
from wasmjit.runtime.calls_hooks import hook
from wasmjit.runtime.calls_numbers import type_of
from wasmjit.runtime.calls_object import func_data, is_func
from wasmjit.runtime.calls_types import F32, F64, I32, I64, type_name, width
from wasmjit.runtime.calls_values import box, box_number, none, unbox
from wasmjit.runtime.codes import HOOK_CALL_OPTIONS, HOOK_TRAP, STORE_ERROR, STORE_SWEEP, TRAP_PYTHON, TRAP_STACK, TRAP_TIMEOUT
from wasmjit.runtime.context import held_ec
from wasmjit.runtime.entry import enter
from wasmjit.runtime.safepoints import monotonic
from wasmjit.runtime.structs import Ec, FuncRef, Sig, StoreData
from wasmjit.runtime.traps import trap_frames

COUNT_MASK = (1 << 63) - 1  # without PY_VECTORCALL_ARGUMENTS_OFFSET
WAIT_FIRST, WAIT_MOST = 20, 1000  # microseconds between two looks at a store that another thread is in

OUTSIDE = var("store_outside", StoreData)  # for host functions called by Python: they belong to no store, any thread enters


@fn(inline=True)
def store_of(ref: ptr[FuncRef]) -> ptr[StoreData]:
    if ref.inst == 0:
        return OUTSIDE
    return ref.inst.store


@fn(inline=True)
def store_enter(ec: ptr[Ec], store: ptr[StoreData]) -> boolean:
    """Take the store for this thread, once more if it has it. Waits for another thread. False: an exception is set. GIL held."""
    if unlikely(store.owner != ec):
        if unlikely(store.owner != 0) and not store_wait(ec, store):
            return False
        store.owner = ec
    store.depth += 1
    return True


@fn(inline=True)
def store_leave(store: ptr[StoreData]) -> None:
    depth = store.depth - 1
    store.depth = depth
    if likely(depth == 0):
        store.owner = ptr[Ec](0)
    elif unlikely(depth == STORE_SWEEP):
        store_leave_sweeping(store)


@fn(cold=True)
def store_leave_sweeping(store: ptr[StoreData]) -> None:
    """The last activation left, and boxes wait for a sweep. An exception that is set stays."""
    store.depth = 0
    store.owner = ptr[Ec](0)
    kind = alloca(ptr[PyObject])
    value = alloca(ptr[PyObject])
    traceback = alloca(ptr[PyObject])
    PyErr_Fetch(kind, value, traceback)
    store_sweep(store)
    PyErr_Restore(kind[0], value[0], traceback[0])


@fn(cold=True)
def store_wait(ec: ptr[Ec], store: ptr[StoreData]) -> boolean:
    """Wait until no other thread is inside: the GIL is released, signals and the deadline are looked at."""
    if store == OUTSIDE:
        return True
    if store.flags & STORE_ERROR:
        PyErr_SetString(PyExc_RuntimeError, b"another thread is inside the store (Config(concurrent=\"error\"))")
        return False
    pause: u32 = WAIT_FIRST
    while store.owner != 0:
        state = PyEval_SaveThread()
        usleep(pause)
        PyEval_RestoreThread(state)
        if PyErr_CheckSignals() != 0:
            return False
        if ec.deadline != 0 and monotonic() >= ec.deadline:
            trap_raise(ec, TRAP_TIMEOUT, 0, 0, store)
            return False
        if pause < WAIT_MOST:
            pause = pause * 2
    return True


@fn(cold=True)
def trap_raise(ec: ptr[Ec], code: u64, address: u64, size: u64, store: ptr[StoreData]) -> None:
    """Set the exception of a trap, with ec.frames as its backtrace."""
    make = hook(HOOK_TRAP)
    if make == 0:
        return
    owner = store.py
    if owner == 0:
        owner = none()
    else:
        Py_IncRef(owner)
    a = PyLong_FromUnsignedLongLong(code)
    b = PyLong_FromUnsignedLongLong(address)
    c = PyLong_FromUnsignedLongLong(size)
    frames = trap_frames(ec)
    error = ptr[PyObject](0)
    if a != 0 and b != 0 and c != 0 and frames != 0:
        error = PyObject_CallFunctionObjArgs(make, a, b, c, frames, owner, ptr[PyObject](0))
    drop(a)
    drop(b)
    drop(c)
    drop(frames)
    Py_DecRef(owner)
    if error != 0:
        PyErr_SetObject(type_of(error), error)
        Py_DecRef(error)


@fn
def drop(object: ptr[PyObject]) -> None:
    """Py_XDECREF."""
    if object != 0:
        Py_DecRef(object)


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


@fn(cold=True)
def call_odd(func: ptr[PyObject], args: ptr[ptr[PyObject]], flags: u64, names: ptr[PyObject]) -> ptr[PyObject]:
    """A call with keywords or a wrong number of arguments."""
    count = i64(flags & COUNT_MASK)
    if names != 0:
        return call_keywords(func, args, count, names)
    name = PyObject_GetAttrString(func, b"_name")
    if name == 0:
        return name
    nparams = func_data(func).sig.nparams
    if nparams == 1:
        PyErr_Format(PyExc_TypeError, b"%U() takes 1 argument (%zd given)", name, count)
    else:
        PyErr_Format(PyExc_TypeError, b"%U() takes %u arguments (%zd given)", name, nparams, count)
    Py_DecRef(name)
    return ptr[PyObject](0)


@fn
def call_keywords(func: ptr[PyObject], args: ptr[ptr[PyObject]], count: i64, names: ptr[PyObject]) -> ptr[PyObject]:
    """Hand a call with keywords to Python: HOOK_CALL_OPTIONS."""
    options = hook(HOOK_CALL_OPTIONS)
    if options == 0:
        return ptr[PyObject](0)
    result = ptr[PyObject](0)
    positional = PyTuple_New(count)
    keywords = PyDict_New()
    if positional != 0 and keywords != 0:
        failed = False
        for i in range(count):
            Py_IncRef(args[i])
            PyTuple_SetItem(positional, i, args[i])
        for i in range(PyTuple_Size(names)):
            if PyDict_SetItem(keywords, PyTuple_GetItem(names, i), args[count + i]) != 0:
                failed = True
                break
        if not failed:
            result = PyObject_CallFunctionObjArgs(options, func, positional, keywords, ptr[PyObject](0))
    drop(positional)
    drop(keywords)
    return result


@fn
def raw_type(type: u32) -> u32:
    """The integer type of a numeric type's bits; 0 for references."""
    if type == F32:
        return I32
    if type == F64:
        return I64
    return type if type > F64 else 0


@fn
def unbox_arguments(sig: ptr[Sig], args: ptr[ptr[PyObject]], sp: ptr[u64], store: ptr[StoreData], func: ptr[PyObject], raw: boolean) -> boolean:
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
    passed = unbox_arguments(sig, args, sp, store_of(ref), func, raw)
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
