"""Traps: capture of the backtrace, and the throw to the innermost activation.

`ec.frames` then holds `ec.nframes` pairs (Code address, byte offset in its slot code), innermost first. The innermost
offset is that of the trapping instruction; the others lie inside the call instruction (return pc - 1). Of a deep stack
the innermost FRAMES_INNER and the outermost FRAMES_OUTER are kept, with a pair (0, number of frames left out) between.
Only frames of the innermost activation count: an outer activation of the thread shows up when the error passes through it.
"""

from wasmjit.native.capi import PyBytes_FromStringAndSize, PyErr_Occurred, PyErr_SetString, PyExc_RuntimeError
from wasmjit.native.lang import PyObject, extern, fn, i64, ptr, symbol, u8, u64, void
from wasmjit.runtime.codes import TRAP_COMPILE, TRAP_MEMORY, TRAP_PYTHON
from wasmjit.runtime.structs import Act, Code, Ec

FRAMES_INNER = 64
FRAMES_OUTER = 64
FRAMES_BYTES = (FRAMES_INNER + 1 + FRAMES_OUTER) * 16
RECORD = 16  # bytes of a control record
NATIVE = 1  # ec.pc while the innermost frame is optimized code
DISORDER = b"wasm activations left out of order: a greenlet was switched inside a call"


@extern(noreturn=True)
def rt_throw(ec: ptr[Ec], code: u64) -> void:
    """Leave the innermost activation: its `enter` returns `code` (runtime.platform). Captures nothing."""
    ...


@extern
def code_of_pc(pc: ptr[u8]) -> ptr[Code]:
    """The function whose slot code holds pc, 0 if there is none (interpreter)."""
    ...


@fn
def frame_push(ec: ptr[Ec], pc: ptr[u8], back: u64) -> void:
    """Append the frame at slot pc; `back` is subtracted from its offset."""
    code = code_of_pc(pc)
    if code != 0:
        at = ec.frames + ec.nframes * 2
        at[0] = u64(code)
        at[1] = u64(pc) - u64(code.slots) - back
        ec.nframes += 1


@fn
def frames_between(low: ptr[u8], high: ptr[u8]) -> u64:
    """Calls among the control records in [low, high)."""
    count: u64 = 0
    restore = u64(symbol("restore_word"))
    at = low
    while at < high:
        if ptr[u64](at)[0] != restore:
            count += 1
        at = at + RECORD
    return count


@fn(cold=True)
def backtrace(ec: ptr[Ec]) -> void:
    """Fill ec.frames from ec.pc and the control records of the innermost activation, down to its sentinel."""
    ec.nframes = 0
    if ec.act == 0:
        return
    if ec.pc == 0:
        return
    restore = u64(symbol("restore_word"))
    bottom = ec.act.cs_entry + RECORD  # the sentinel's record stands below
    frame_push(ec, ec.pc, 0)
    at = ec.cs_top
    inner: u64 = 1
    while at > bottom and inner < FRAMES_INNER:
        at = at - RECORD
        pc = ptr[ptr[u8]](at)[0]
        if u64(pc) != restore:
            frame_push(ec, pc, 1)
            inner += 1
    low = at
    outer: u64 = 0
    while low > bottom and outer < FRAMES_OUTER:  # are there more than fit?
        low = low - RECORD
        if u64(ptr[ptr[u8]](low)[0]) != restore:
            outer += 1
    if low > bottom:
        high = at
        low = bottom
        outer = 0
        while outer < FRAMES_OUTER:
            if u64(ptr[ptr[u8]](low)[0]) != restore:
                outer += 1
            low = low + RECORD
        left_out = frames_between(low, high)
        if left_out != 0:
            gap = ec.frames + ec.nframes * 2
            gap[0] = 0
            gap[1] = left_out
            ec.nframes += 1
        at = low
    while at > bottom:
        at = at - RECORD
        pc = ptr[ptr[u8]](at)[0]
        if u64(pc) != restore:
            frame_push(ec, pc, 1)


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
    """Where the fault handler resumes: outside the signal, on the stack below the activation. It has set pc, cs_top, trap_addr."""
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
    """The captured backtrace as bytes: 16 a frame (two little-endian u64), laid out as the module says. New reference or null."""
    return PyBytes_FromStringAndSize(ptr[u8](ec.frames), i64(ec.nframes * 16))
