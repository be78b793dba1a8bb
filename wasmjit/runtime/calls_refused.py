"""Calls from Python that end in an error or go to Python: traps, wrong numbers of arguments, keywords."""

from wasmjit.native.capi import (
    Py_DecRef,
    Py_IncRef,
    PyDict_New,
    PyDict_SetItem,
    PyErr_Format,
    PyErr_SetObject,
    PyExc_TypeError,
    PyLong_FromUnsignedLongLong,
    PyObject_CallFunctionObjArgs,
    PyObject_GetAttrString,
    PyTuple_GetItem,
    PyTuple_New,
    PyTuple_SetItem,
    PyTuple_Size,
)
from wasmjit.native.lang import PyObject, fn, i64, ptr, u64
from wasmjit.runtime.calls_hooks import hook
from wasmjit.runtime.calls_numbers import type_of
from wasmjit.runtime.calls_object import func_data
from wasmjit.runtime.calls_values import none
from wasmjit.runtime.codes import HOOK_CALL_OPTIONS, HOOK_TRAP
from wasmjit.runtime.structs import Ec, StoreData
from wasmjit.runtime.traps import trap_frames

COUNT_MASK = (1 << 63) - 1  # without PY_VECTORCALL_ARGUMENTS_OFFSET


@fn
def drop(object: ptr[PyObject]) -> None:
    """Py_XDECREF."""
    if object != 0:
        Py_DecRef(object)


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
