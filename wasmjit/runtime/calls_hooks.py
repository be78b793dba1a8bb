"""Python callables that native code calls: set once, when `wasmjit.runtime.func` and the API are imported.

HOOK_TRAP(code, address, size, frames, store) -> exception to raise      frames: bytes as in runtime.traps; store: Store or None
HOOK_CALL_OPTIONS(func, args, kwargs) -> result                          a Func was called with keywords
HOOK_STORE_JOIN(store, func)                                             a Func of another store becomes a value of this one
HOOK_INSTANCE(address) -> Instance                                       the caller of a host function whose Python object is gone
HOOK_FUNCREF(object) -> Func, or None if it is no function               an object is to be a funcref value
HOOK_PROMOTE(mod, function, loop)                                        compile it: MOD_SYNC; or nobody takes requests, and some come
HOOK_COMPILE(mod, function)                                              compile it: it is about to run for the first time (MOD_OPT)
"""

from wasmjit.native.capi import Py_DecRef, Py_IncRef, PyErr_SetString, PyExc_RuntimeError
from wasmjit.native.lang import PyObject, export, fn, ptr, u32, var
from wasmjit.runtime.codes import HOOKS

CALLABLES = var("python_hooks", ptr[PyObject], HOOKS)


@export
def set_hook(which: u32, callable: ptr[PyObject]) -> ptr[PyObject]:
    """Let native code call `callable` for HOOK_* number `which`. Returns `callable`. RuntimeError: no such hook."""
    if which >= HOOKS:
        PyErr_SetString(PyExc_RuntimeError, b"no such hook")
        return ptr[PyObject](0)
    old = CALLABLES[which]
    Py_IncRef(callable)
    CALLABLES[which] = callable
    if old != 0:
        Py_DecRef(old)
    Py_IncRef(callable)
    return callable


@fn
def hook(which: u32) -> ptr[PyObject]:
    """The callable, borrowed; null with RuntimeError set when nothing was registered."""
    found = CALLABLES[which]
    if found == 0:
        PyErr_SetString(PyExc_RuntimeError, b"a hook that this call needs was never set")
    return found
