"""Hotness without counters in the code: back edges and calls spend a budget, and where it runs out a sample falls.

The budget is a register; weights are proportional to cost, so samples are proportional to time. What the samples mean is
policy's business (`wasmjit.tiers.policy`); here is the hook that it installs.
"""

from wasmjit.native.capi import Py_BuildValue, Py_DecRef, PyList_Append, PyList_New
from wasmjit.native.lang import PyObject, call, export, fn, i64, load, ptr, u8, u32, u64, var, void
from wasmjit.runtime.safepoints import safepoint
from wasmjit.runtime.structs import Code, Ec, Loop, Mod

from .branches import LOOP_FIELD

CODE_FIELD = 16  # where `enter` holds its Code

HOOK = var("hot_hook", u64, 1)  # address of hook(ec, Code, Loop or 0), called when samples reach THRESHOLD
THRESHOLD = var("hot_threshold", u64, 1)


@fn
def sample(ec: ptr[Ec], code: ptr[Code], loop: ptr[Loop], hot: u32) -> void:
    if HOOK[0] != 0 and u64(hot) == THRESHOLD[0]:
        call(void, ptr[u8](HOOK[0]), ec, code, loop)


@fn
def settle_frame(ec: ptr[Ec], code: ptr[Code], pc: ptr[u8], sp: ptr[u64], csp: ptr[u8]) -> void:
    """What a safepoint and everything it may run needs to know of the frame."""
    ec.pc = pc
    ec.vs_top = sp + code.nframe
    ec.cs_top = csp


@fn(cold=True)
def safepoint_loop(ec: ptr[Ec], pc: ptr[u8], header: ptr[u8], sp: ptr[u64], csp: ptr[u8]) -> i64:
    """The budget ran out at a backward branch at pc; the frame is that of its loop header. Returns the new budget."""
    loop = ptr[Loop](load(u64, pc + LOOP_FIELD))
    loop.hot += 1
    settle_frame(ec, loop.code, header, sp, csp)
    sample(ec, loop.code, loop, loop.hot)
    return safepoint(ec)


@fn(cold=True)
def safepoint_enter(ec: ptr[Ec], pc: ptr[u8], again: ptr[u8], sp: ptr[u64], csp: ptr[u8]) -> i64:
    """The budget ran out at a function's entry, which runs again afterwards."""
    code = ptr[Code](load(u64, pc + CODE_FIELD))
    code.hot += 1
    settle_frame(ec, code, again, sp, csp)
    sample(ec, code, ptr[Loop](0), code.hot)
    return safepoint(ec)


@export
def hot_hook_set(hook: u64, threshold: u64) -> void:
    """Install hook(ec, Code, Loop or 0): called in the running thread, GIL held or not, when a place has `threshold` samples."""
    THRESHOLD[0] = threshold
    HOOK[0] = hook


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
