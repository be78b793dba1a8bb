"""Entering wasm from native code, and leaving it from any depth.

`enter` is assembler (runtime.platform): it pushes an `Act` on the native stack, puts the sentinel record on the control
stack, runs the function until the interpreter returns through the sentinel, and restores from the Act what every exit
restores: ec.act, vs_top, cs_top, inst, mem0, pc, and the GIL. Throwing sets the stack pointer to ec.act and joins that path.
"""

from wasmjit.native.capi import PyErr_SetString, PyExc_RuntimeError
from wasmjit.native.lang import extern, fn, ptr, u8, u32, u64, void
from wasmjit.runtime.codes import GIL_HELD, TRAP_PYTHON, TRAP_STACK
from wasmjit.runtime.frames import RECORD
from wasmjit.runtime.safepoints import gil_ensure
from wasmjit.runtime.structs import Ec, FuncRef
from wasmjit.runtime.traps import DISORDER, rt_throw


@extern
def enter(ec: ptr[Ec], ref: ptr[FuncRef], sp: ptr[u64]) -> u64:
    """Call a function: arguments at sp[0..] (sp must be ec.vs_top), results come to sp[0..]. Returns 0 or a TRAP_* code.

    The GIL is held on call and on return. With TRAP_PYTHON the error indicator is set; for other codes ec.trap,
    trap_addr, trap_size and frames describe the trap until the next one. Host functions are called directly.
    """
    ...


@extern
def host_call(ec: ptr[Ec], ref: ptr[FuncRef], sp: ptr[u64]) -> void: ...


@fn(cold=True)
def enter_overflow(ec: ptr[Ec]) -> u64:
    """`enter` found less native stack than a call needs: nothing was entered, no activation exists."""
    ec.trap = TRAP_STACK
    ec.trap_addr = 0
    ec.trap_size = 0
    ec.nframes = 0
    if ec.gil != GIL_HELD:
        gil_ensure(ec)
    return TRAP_STACK


@fn(cold=True)
def enter_host(ec: ptr[Ec], ref: ptr[FuncRef], sp: ptr[u64]) -> void:
    """A host function called from native code: no wasm frame of this activation exists, its instance is the caller's."""
    nslots: u32 = ref.sig.nparams
    if ref.sig.nresults > nslots:
        nslots = ref.sig.nresults
    top = sp + nslots
    if top > ec.vs_limit:
        ec.trap = TRAP_STACK
        ec.nframes = 0
        rt_throw(ec, TRAP_STACK)
    ec.vs_top = top
    ec.cs_top = ec.cs_top + RECORD
    ec.pc = ptr[u8](0)
    if ec.act.prev == 0:
        ec.inst = 0
        ec.mem0 = 0
    host_call(ec, ref, sp)


@fn(cold=True)
def enter_disorder(ec: ptr[Ec]) -> u64:
    """`enter` is about to return from an activation that is not the innermost one: nothing is restored."""
    if ec.gil != GIL_HELD:
        gil_ensure(ec)
    PyErr_SetString(PyExc_RuntimeError, DISORDER)
    return TRAP_PYTHON
