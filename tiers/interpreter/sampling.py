"""Hotness without counters in the code: back edges and calls spend a budget, and where it runs out a sample falls.

The budget is a register; weights are proportional to cost, so samples are proportional to time. What they lead to is decided in
promotion.py; here the thread goes on where that says: in the same form, the other form, or optimized code.
"""

from wasmjit.native.capi import Py_BuildValue, Py_DecRef, PyList_Append, PyList_New
from wasmjit.native.lang import PyObject, addr, atomic_load, export, fn, i64, load, ptr, symbol, u8, u16, u32, u64
from wasmjit.runtime.codes import TRACE_OSR_ENTER
from wasmjit.runtime.safepoints import safepoint
from wasmjit.runtime.structs import Code, Ec, Loop, Mod
from wasmjit.runtime.tracering import trace_note, tracing
from wasmjit.tiers.policy import EXIT_BYTES, LEFT_SAMPLE

from .branches import LOOP_FIELD, WEIGHT_FIELD
from .flow import MAX_WEIGHT
from .promotion import promote

CODE_FIELD = 16  # where `enter` holds its Code


@fn
def settle_frame(ec: ptr[Ec], code: ptr[Code], pc: ptr[u8], sp: ptr[u64], csp: ptr[u8]) -> None:
    """What a safepoint and everything it may run needs to know of the frame."""
    ec.pc = pc
    ec.vs_top = sp + code.nframe
    ec.cs_top = csp


@fn(cold=True)
def safepoint_loop(ec: ptr[Ec], pc: ptr[u8], header: ptr[u8], sp: ptr[u64], csp: ptr[u8]) -> i64:
    """The budget ran out at a backward branch at pc; the frame is that of its loop header. Returns the new budget.

    ec.pc says where the frame goes on.
    """
    loop = ptr[Loop](load(u64, pc + LOOP_FIELD))
    code = loop.code
    loop.hot += 1
    settle_frame(ec, code, header, sp, csp)
    promote(ec, code, loop)
    weight = u32(load(u16, pc + WEIGHT_FIELD))
    budget = safepoint(ec) - (i64(weight // 2) if weight <= MAX_WEIGHT else 0)  # what it took below zero, on average
    osr = atomic_load(ptr[u64](addr(loop.osr)))
    if osr != 0:
        if tracing():
            trace_note(TRACE_OSR_ENTER, code, u64(loop.wasm), 0)
        ec.osr = ptr[u8](osr)
        ec.pc = symbol("osr_word")
    elif code.profiled != 0 and code.entry == code.profiled:
        ec.pc = code.profiled + loop.profiled
    else:
        ec.pc = code.slots + loop.header
    return budget


@fn(cold=True)
def safepoint_enter(ec: ptr[Ec], pc: ptr[u8], again: ptr[u8], sp: ptr[u64], csp: ptr[u8]) -> i64:
    """The budget ran out at a function's entry, which runs again afterwards, in whatever is its code then."""
    code = ptr[Code](load(u64, pc + CODE_FIELD))
    code.hot += 1
    settle_frame(ec, code, again, sp, csp)
    promote(ec, code, ptr[Loop](0))
    budget = safepoint(ec)
    ec.pc = ptr[u8](atomic_load(ptr[u64](addr(code.entry))))
    return budget


@export
def tier_thresholds(mod: ptr[Mod], warm: u32, window: u32, exits: u32, ready: u32) -> None:
    """Samples until a function of the module is profiled (0: never), and samples of that; exits until a unit is given up;
    microseconds of interpretation, of all modules, until somebody is called who compiles."""
    mod.warm = warm
    mod.window = window
    mod.exits = exits
    mod.ready = ready
    mod.exit_bytes = EXIT_BYTES
    mod.exit_sample = LEFT_SAMPLE


@export
def mod_samples(mod: ptr[Mod]) -> ptr[PyObject]:
    """List of (function index, offset of the loop in the binary or 0 for the entry, samples) of every place that has some."""
    found = PyList_New(0)
    if found == 0:
        return found
    for i in range(mod.nimport_funcs, mod.ncodes):
        code = mod.codes[i]
        if code.hot and not sample_append(found, i, 0, code.hot):
            Py_DecRef(found)
            return ptr[PyObject](0)
        loop = code.loops
        while loop != 0:
            if loop.hot and not sample_append(found, i, loop.wasm, loop.hot):
                Py_DecRef(found)
                return ptr[PyObject](0)
            loop = loop.next
    return found


@fn
def sample_append(found: ptr[PyObject], index: u32, wasm: u32, hot: u32) -> u32:
    item = Py_BuildValue(b"III", index, wasm, hot)
    if item == 0:
        return 0
    failed = PyList_Append(found, item)
    Py_DecRef(item)
    return u32(failed == 0)
