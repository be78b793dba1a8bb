"""Asking Python to compile, from inside wasm."""

from wasmjit.native.capi import Py_DecRef, PyObject_CallFunction
from wasmjit.native.lang import fn, ptr, u32, void
from wasmjit.runtime.calls_hooks import CALLABLES
from wasmjit.runtime.codes import GIL_HELD, HOOK_PROMOTE
from wasmjit.runtime.safepoints import gil_ensure, gil_release
from wasmjit.runtime.structs import Code, Ec
from wasmjit.runtime.traps import disorder, throw_python


@fn(cold=True)
def call_hook(ec: ptr[Ec], which: u32, code: ptr[Code], loop: u32) -> void:
    """Call HOOK_PROMOTE(mod, function, loop) or HOOK_COMPILE(mod, function) if it is set. The frame is settled as for a safepoint.

    Takes the GIL for it. What the hook raises goes through wasm, as from a safepoint: handlers of signals run here too.
    """
    if CALLABLES[which] == 0:
        return
    act = ec.act
    records = ec.cs_top
    held = ec.gil == GIL_HELD
    gil_ensure(ec)
    if which == HOOK_PROMOTE:
        result = PyObject_CallFunction(CALLABLES[which], b"KII", code.mod, code.index, loop)
    else:
        result = PyObject_CallFunction(CALLABLES[which], b"KI", code.mod, code.index)
    if ec.cs_top != records:
        disorder(ec, act)
    if result == 0:
        throw_python(ec)
    Py_DecRef(result)
    if not held:
        gil_release(ec)
