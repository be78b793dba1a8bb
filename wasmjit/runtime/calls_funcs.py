"""Func objects and funcref values: one from the other, and what a Func tells about its function."""

from wasmjit.native.capi import (
    Py_DecRef,
    Py_IncRef,
    PyBytes_FromStringAndSize,
    PyErr_SetString,
    PyExc_RuntimeError,
    PyExc_TypeError,
    PyObject_CallFunctionObjArgs,
    PyTuple_New,
    PyTuple_SetItem,
)
from wasmjit.native.lang import PyObject, export, fn, i64, ptr, symbol
from wasmjit.runtime.calls_hooks import hook
from wasmjit.runtime.calls_object import func_data, func_new, is_func
from wasmjit.runtime.codes import HOOK_FUNCREF, HOOK_STORE_JOIN
from wasmjit.runtime.structs import FuncRef, Mod, StoreData


@fn
def func_box(ref: ptr[FuncRef], owner: ptr[PyObject]) -> ptr[PyObject]:
    """A Func for a funcref value that is not null. `owner` is used for host functions; others know their store."""
    if ref.inst != 0:
        owner = ref.inst.store.py
    if owner == 0:
        PyErr_SetString(PyExc_RuntimeError, b"a host function outside any store has no Func")
        return ptr[PyObject](0)
    return func_new(ref, owner)


@fn(cold=True)
def func_from(object: ptr[PyObject]) -> ptr[PyObject]:
    """The Func of an object that is none but stands for one (HostFunc), or None: a new reference. Null: an exception is set."""
    make = hook(HOOK_FUNCREF)
    if make == 0:
        return make
    return PyObject_CallFunctionObjArgs(make, object, ptr[PyObject](0))


@fn
def func_unbox(func: ptr[PyObject], store: ptr[StoreData]) -> ptr[FuncRef]:
    """The funcref value of a Func that goes into `store`; stores are joined if it belongs to another one.

    Nothing is joined when `store` is 0 or has no Python object: a table without a store, a host function called by Python.
    Null: an exception is set.
    """
    data = func_data(func)
    ref = data.ref
    if ref == 0:
        PyErr_SetString(PyExc_RuntimeError, b"the function's store is gone")
        return ref
    if store == 0 or store.py == 0 or data.owner == store.py:
        return ref
    if ref.inst != 0 and ref.inst.store == store:
        return ref
    join = hook(HOOK_STORE_JOIN)
    if join == 0:
        return ptr[FuncRef](0)
    done = PyObject_CallFunctionObjArgs(join, store.py, func, ptr[PyObject](0))
    if done == 0:
        return ptr[FuncRef](0)
    Py_DecRef(done)
    return ref


@export
def func_ref(object: ptr[PyObject]) -> ptr[FuncRef]:
    """The FuncRef address of a Func, 0 for any other object."""
    if not is_func(object):
        return ptr[FuncRef](0)
    return func_data(object).ref


@export
def func_owner(func: ptr[PyObject]) -> ptr[PyObject]:
    """The Python object that keeps a Func's function alive: its Store. None for any other object."""
    owner = ptr[PyObject](symbol("_Py_NoneStruct"))
    if is_func(func) and func_data(func).owner != 0:
        owner = func_data(func).owner
    Py_IncRef(owner)
    return owner


@export
def func_host(object: ptr[PyObject]) -> ptr[PyObject]:
    """The Python callable behind a Func of a host function; None for wasm functions and other objects."""
    found = ptr[PyObject](symbol("_Py_NoneStruct"))
    ref = func_ref(object)
    if ref != 0 and ref.inst == 0 and ref.host != 0:
        found = ref.host.callable
    Py_IncRef(found)
    return found


@export
def func_index(object: ptr[PyObject]) -> i64:
    """Index of a wasm function in its module; -1 for host functions and other objects."""
    ref = func_ref(object)
    if ref == 0 or ref.inst == 0:
        return -1
    return i64(ref.code.index)


@export
def func_mod(object: ptr[PyObject]) -> ptr[Mod]:
    """The Mod address of a wasm function's module, else 0."""
    ref = func_ref(object)
    if ref == 0 or ref.inst == 0:
        return ptr[Mod](0)
    return ref.code.mod


@export
def func_types(object: ptr[PyObject]) -> ptr[PyObject]:
    """(params, results) of a Func: bytes, a value type each. TypeError: no Func, or one whose store is gone."""
    if func_ref(object) == 0:
        PyErr_SetString(PyExc_TypeError, b"a Func is expected")
        return ptr[PyObject](0)
    sig = func_data(object).sig
    both = PyTuple_New(2)
    params = PyBytes_FromStringAndSize(sig.types, i64(sig.nparams))
    results = PyBytes_FromStringAndSize(sig.types + sig.nparams, i64(sig.nresults))
    if both == 0 or params == 0 or results == 0:
        return ptr[PyObject](0)
    PyTuple_SetItem(both, 0, params)
    PyTuple_SetItem(both, 1, results)
    return both
