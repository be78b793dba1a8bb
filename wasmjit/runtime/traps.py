"""Traps: the throw to the innermost activation, with the backtrace that runtime.frames captures.

Only frames of the innermost activation count: an outer activation of the thread shows up when the error passes through it.
"""

from wasmjit.native.capi import PyBytes_FromStringAndSize, PyErr_Occurred, PyErr_SetString, PyExc_RuntimeError
from wasmjit.native.lang import PyObject, extern, fn, i64, ptr, u8, u64, void
from wasmjit.runtime.codes import TRAP_COMPILE, TRAP_MEMORY, TRAP_PYTHON
from wasmjit.runtime.frames import backtrace
from wasmjit.runtime.structs import Act, Ec

DISORDER = b"wasm activations left out of order: a greenlet was switched inside a call"


@extern(noreturn=True)
def rt_throw(ec: ptr[Ec], code: u64) -> void:
    """Leave the innermost activation: its `enter` returns `code` (runtime.platform). Captures nothing."""
    ...


@fn(cold=True, noreturn=True)
def trap(ec: ptr[Ec], code: u64) -> void:
    """Trap with a TRAP_* code. The handler has set ec.pc and ec.cs_top. Callable with the GIL held or released."""
    ec.trap = code
    if code != TRAP_COMPILE:  # its address is that of the Code
        ec.trap_addr = 0
    ec.trap_size = 0
    backtrace(ec)
    rt_throw(ec, code)


@fn(cold=True, noreturn=True)
def trap_memory(ec: ptr[Ec], address: u64, size: u64) -> void:
    """Out-of-bounds access of `size` bytes at effective address `address`, found by a check in code. As `trap`."""
    ec.trap = TRAP_MEMORY
    ec.trap_addr = address
    ec.trap_size = size
    backtrace(ec)
    rt_throw(ec, TRAP_MEMORY)


@fn(cold=True, noreturn=True)
def trap_fault(ec: ptr[Ec]) -> void:
    """Where the fault handler resumes: outside the signal, on the stack below all that ran. It has set pc, cs_top, trap_addr."""
    ec.trap = TRAP_MEMORY
    ec.trap_size = 0
    backtrace(ec)
    rt_throw(ec, TRAP_MEMORY)


@fn(cold=True, noreturn=True)
def throw_python(ec: ptr[Ec]) -> void:
    """A Python exception is set (so the GIL is held): it leaves the innermost activation with TRAP_PYTHON."""
    ec.trap = TRAP_PYTHON
    ec.trap_addr = 0
    ec.trap_size = 0
    backtrace(ec)
    rt_throw(ec, TRAP_PYTHON)


@fn(cold=True, noreturn=True)
def disorder(ec: ptr[Ec], act: ptr[Act]) -> void:
    """Python code that ran inside activation `act` came back and found ec.cs_top changed: leave `act` with an exception.

    Every activation takes control stack, so another one is innermost now: something switched native stacks. The records of
    others may lie in the switcher's heap, so none is touched: `act` is changed to restore what is now. The GIL is held; an
    exception that is set passes.
    """
    act.prev = ec.act
    act.vs_top = ec.vs_top
    act.cs_top = ec.cs_top
    act.inst = ec.inst
    act.mem0 = ec.mem0
    act.pc = ec.pc
    act.native_pc = ec.native_pc
    act.native_fp = ec.native_fp
    ec.act = act
    ec.pc = ptr[u8](0)  # no backtrace
    if PyErr_Occurred() == 0:
        PyErr_SetString(PyExc_RuntimeError, DISORDER)
    throw_python(ec)


@fn(cold=True)
def trap_frames(ec: ptr[Ec]) -> ptr[PyObject]:
    """The captured backtrace as bytes: 16 a frame (two little-endian u64), laid out as runtime.frames says. New reference or null."""
    return PyBytes_FromStringAndSize(ptr[u8](ec.frames), i64(ec.nframes * 16))
