"""What the crossings between interpreted and optimized code do to the context: see tiers/interpreter/crossing.py.

Optimized code that gives up leaves an `Exit`: the frames that the interpreter goes on with, in the profiled form of their
functions. The values of all of them stand in slots already; what is made here are the control records.
"""

from wasmjit.native.lang import array, boolean, fn, ptr, struct, symbol, u8, u32, u64, unlikely, void
from wasmjit.runtime.calls_host import host_call
from wasmjit.runtime.codes import TRACE_DEOPT, TRACE_OSR_EXIT, TRAP_STACK
from wasmjit.runtime.context import STACK_GUARD
from wasmjit.runtime.frames import NATIVE, RECORD, ControlRecord
from wasmjit.runtime.structs import Code, Ec, Inst, Sig
from wasmjit.runtime.tracering import trace_frame, tracing
from wasmjit.runtime.traps import trap
from wasmjit.runtime.unitinstall import profiled_make
from wasmjit.runtime.unitleave import unit_exit
from wasmjit.runtime.units import unit_of_pc

INTEGERS = 4  # parameters in registers
FLOATS = 8
LANDED = 600  # budget after an exit: a rare path was met, and the next loop header but few leads back to optimized code
F32 = 0x7D
F64 = 0x7C


@struct
class ExitFrame:
    function: u32  # its index
    slot: u32  # offset in its profiled form where it goes on: in all frames but the last behind the call
    base: u32  # its slot 0, counted from that of the first frame


@struct
class Exit:
    """Descriptor in a unit's read-only data."""

    number: u32  # among the unit's exits
    nframes: u32
    frames: array[ExitFrame, 0]  # outermost first


@fn(inline=True)
def spill(sig: ptr[Sig], sp: ptr[u64], registers: ptr[u64]) -> void:
    """Parameters that came in registers (integers, then floats) go to their slots; the others stand there."""
    integers: u32 = 0
    floats: u32 = INTEGERS
    i: u32 = 0
    while i < sig.nparams:
        if sig.types[i] == F32 or sig.types[i] == F64:
            if floats < INTEGERS + FLOATS:
                sp[i] = registers[floats]
            floats += 1
        else:
            if integers < INTEGERS:
                sp[i] = registers[integers]
            integers += 1
        i += 1


@fn(inline=True)
def caller_set(ec: ptr[Ec], here: ptr[u64]) -> void:
    """The innermost frame is the native caller of the function whose frame pointer is `here`."""
    ec.pc = ptr[u8](NATIVE)
    ec.native_fp = here[0]
    ec.native_pc = here[1] - 1


@fn(inline=True)
def crowded(ec: ptr[Ec], here: ptr[u64], sp: ptr[u64]) -> boolean:
    """Is there too little of the native stack, or less of the control stack than calls may take which the value stack has room for?"""
    left = u64(ec.vs_limit) - u64(sp)
    control = u64(ec.cs_base) + ec.cs_bytes - STACK_GUARD - u64(ec.cs_top)
    return u64(here) < ec.stack_limit or control < left * 2 + RECORD * 2


@fn(inline=True)
def sentinel_push(ec: ptr[Ec], here: ptr[u64]) -> void:
    record = ptr[ControlRecord](ec.cs_top)
    record.pc = u64(symbol("sentinel_word"))
    record.sp = here
    ec.cs_top = ec.cs_top + RECORD


@fn
def land_call(ec: ptr[Ec], inst: ptr[Inst], registers: ptr[u64], here: ptr[u64]) -> void:
    """Native code calls the interpreted function ec.callee of `inst`."""
    sp = ec.vs_top
    spill(ec.callee.sig, sp, registers)
    if unlikely(crowded(ec, here, sp)):
        caller_set(ec, here)
        trap(ec, TRAP_STACK)
    ec.inst = inst
    ec.mem0 = inst.mem0
    sentinel_push(ec, here)


@fn
def land_host(ec: ptr[Ec], inst: ptr[Inst], registers: ptr[u64], here: ptr[u64]) -> void:
    """Native code calls the host function ec.callee; what it raises is thrown."""
    ref = ec.callee
    sp = ec.vs_top
    spill(ref.sig, sp, registers)
    caller_set(ec, here)
    nslots = ref.sig.nparams
    if ref.sig.nresults > nslots:
        nslots = ref.sig.nresults
    top = sp + nslots
    if unlikely(top > ec.vs_limit):
        trap(ec, TRAP_STACK)
    ec.vs_top = top
    host_call(ec, ref, sp)
    ec.vs_top = sp


@fn(inline=True)
def forms_ready(ec: ptr[Ec], exit: ptr[Exit]) -> void:
    """Make the profiled forms that the exit's frames go on in, where there are none yet. The frame it is taken in is settled."""
    for i in range(exit.nframes):
        code = ec.inst.codes[exit.frames[i].function]
        if unlikely(code.profiled == 0):
            form_make(ec, code)


@fn(cold=True)
def form_make(ec: ptr[Ec], code: ptr[Code]) -> void:
    failed = profiled_make(code.mod, code.index)
    if failed != 0:
        ec.trap_addr = u64(code)
        trap(ec, u64(failed))


@fn
def land(ec: ptr[Ec], exit: ptr[Exit], root: ptr[u64], csp: ptr[u8]) -> void:
    """Optimized code gave up: push the records of the exit's frames, the first of which stands at `root`.

    The innermost one's slot pc, slot 0 and control stack come to ec.pc, ec.vs_top and ec.cs_top.
    """
    unit_exit(ec, ptr[u8](exit))
    codes = ec.inst.codes
    if ec.budget > LANDED:
        ec.budget = LANDED
    record = ptr[ControlRecord](csp)
    frame = exit.frames[0]
    last = exit.frames[u64(exit.nframes) - 1]
    code = codes[frame.function]
    sp = root + frame.base
    while u64(frame) != u64(last):
        record.pc = u64(code.profiled) + frame.slot
        record.sp = sp
        record = record + 1
        frame = frame + 1
        code = codes[frame.function]
        sp = root + frame.base
    ec.pc = code.profiled + frame.slot
    ec.vs_top = sp
    ec.cs_top = ptr[u8](record)
    if unlikely(sp + code.nframe > ec.vs_limit):
        trap(ec, TRAP_STACK)


@fn
def land_loop(ec: ptr[Ec], exit: ptr[Exit], root: ptr[u64], csp: ptr[u8]) -> void:
    """As `land`, for an entry at a loop of a function whose caller is interpreted."""
    forms_ready(ec, exit)
    if tracing():
        trace_exit(TRACE_OSR_EXIT, ec, exit, root)
    land(ec, exit, root, csp)


@fn(cold=True)
def trace_exit(kind: u32, ec: ptr[Ec], exit: ptr[Exit], root: ptr[u64]) -> void:
    """Note an exit of the outermost function for who traces, with the innermost frame."""
    unit = unit_of_pc(u64(exit))
    last = exit.frames[u64(exit.nframes) - 1]
    code = ec.inst.codes[exit.frames[0].function]
    slots = u64(ec.inst.codes[last.function].nframe)
    trace_frame(kind, code, u64(0) if unit == 0 else unit.blob, u64(exit.number), root + last.base, slots)


@fn
def land_body(ec: ptr[Ec], inst: ptr[Inst], exit: ptr[Exit], here: ptr[u64]) -> void:
    """As `land`, for the body of a function of `inst`, whose frames begin at ec.vs_top and whose caller is native."""
    ec.inst = inst
    ec.mem0 = inst.mem0
    caller_set(ec, here)
    forms_ready(ec, exit)
    sentinel_push(ec, here)
    if tracing():
        trace_exit(TRACE_DEOPT, ec, exit, ec.vs_top)
    land(ec, exit, ec.vs_top, ec.cs_top)
    if unlikely(crowded(ec, here, ec.vs_top)):
        trap(ec, TRAP_STACK)
