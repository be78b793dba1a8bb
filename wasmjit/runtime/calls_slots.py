"""Calls by tiers written in Python: arguments and results are slots, as between wasm functions (restricted Python)."""

from wasmjit.native.capi import PyErr_NoMemory
from wasmjit.native.lang import PyObject, export, ptr, u8, u64
from wasmjit.native.libc import memcpy
from wasmjit.runtime.calls_refused import trap_raise
from wasmjit.runtime.calls_store import store_of
from wasmjit.runtime.calls_types import slots_of
from wasmjit.runtime.calls_values import none
from wasmjit.runtime.codes import TRAP_PYTHON, TRAP_STACK
from wasmjit.runtime.context import held_ec
from wasmjit.runtime.entry import enter
from wasmjit.runtime.structs import FuncRef, Inst


@export
def call_slots_of(ref: ptr[FuncRef], caller: ptr[Inst], slots: ptr[u64]) -> ptr[PyObject]:
    """Call a function as code of the instance `caller` does, from inside an activation of its store.

    Arguments stand at slots[0..], results come there. Returns None, or raises what the function does.
    """
    ec = held_ec()
    if ec == 0:
        return PyErr_NoMemory()
    sp = ec.vs_top
    count = slots_of(ref.sig)
    if sp + count > ec.vs_limit:
        ec.nframes = 0
        trap_raise(ec, TRAP_STACK, 0, 0, store_of(ref))
        return ptr[PyObject](0)
    memcpy(ptr[u8](sp), ptr[u8](slots), count * 8)
    inst = ec.inst
    mem0 = ec.mem0
    ec.inst = caller
    ec.mem0 = caller.mem0
    code = enter(ec, ref, sp)
    ec.inst = inst
    ec.mem0 = mem0
    if code != 0:
        if code != TRAP_PYTHON:
            trap_raise(ec, code, ec.trap_addr, ec.trap_size, store_of(ref))
        return ptr[PyObject](0)
    memcpy(ptr[u8](slots), ptr[u8](sp), count * 8)
    return none()
