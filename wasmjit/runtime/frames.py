"""Which functions are running in the innermost activation: the backtrace of a trap.

`ec.frames` then holds `ec.nframes` pairs, innermost first: (Code | FRAME_* of codes.py, place). The place of an interpreted frame
is a byte offset in the function's slot code, in its profiled form with FRAME_PROFILED: the innermost one's that of the trapping
instruction, the others' inside the call instruction (return pc - 1). That of an optimized frame (FRAME_OPTIMIZED) is the offset in
the binary; one that was inlined into the next has FRAME_INLINED too. Of a deep stack the innermost FRAMES_INNER and the outermost
FRAMES_OUTER are kept, with a pair (0, number of frames left out) between.

Interpreted frames leave records on the control stack. Above a sentinel's record there may be others, which belong to the interpreter
that native code ran: the record holds the frame pointer of the function that ran it, from which the native frames are found
along frame pointers. They end where a return address lies in no unit: in the handler that called optimized code.
"""

from wasmjit.native.lang import alloca, boolean, extern, fn, load, ptr, struct, symbol, u8, u64, unlikely, void
from wasmjit.runtime.codes import FRAME_INLINED, FRAME_OPTIMIZED, FRAME_PROFILED, FRAMES_INNER, FRAMES_OUTER
from wasmjit.runtime.structs import Code, Ec
from wasmjit.runtime.units import unit_depth, unit_frames, unit_of_pc, unit_site

RECORD = 16  # bytes of a control record
NATIVE = 1  # ec.pc while the innermost frame is optimized code


@struct
class ControlRecord:
    """A frame's return, on the control stack."""

    pc: u64
    sp: ptr[u64]


@struct
class Walk:
    ec: ptr[Ec]
    seen: u64  # frames met
    total: u64  # frames that there are, 0 in a first walk, which counts them


@extern
def code_of_pc(pc: ptr[u8]) -> ptr[Code]:
    """The function whose slot code holds pc, 0 if there is none (interpreter)."""
    ...


@fn
def frame_put(ec: ptr[Ec], code: u64, place: u64) -> void:
    at = ec.frames + ec.nframes * 2
    at[0] = code
    at[1] = place
    ec.nframes += 1


@fn
def frame_met(walk: ptr[Walk]) -> boolean:
    """Count one more frame; is it one to keep? A first walk keeps what there is room for."""
    n = walk.seen
    walk.seen += 1
    if walk.total == 0:
        return n < FRAMES_INNER + FRAMES_OUTER
    if n == FRAMES_INNER:
        frame_put(walk.ec, 0, walk.total - FRAMES_INNER - FRAMES_OUTER)
    return n < FRAMES_INNER or n >= walk.total - FRAMES_OUTER


@fn
def walk_slots(walk: ptr[Walk], pc: ptr[u8], back: u64) -> void:
    """The interpreted frame at slot pc; `back` is subtracted from its offset."""
    if not frame_met(walk):
        return
    code = code_of_pc(pc)
    if code == 0:
        return
    place = u64(pc) - back
    if place - u64(code.profiled) < u64(code.nprofiled):
        frame_put(walk.ec, u64(code) | FRAME_PROFILED, place - u64(code.profiled))
    else:
        frame_put(walk.ec, u64(code), place - u64(code.slots))


@fn
def walk_native(walk: ptr[Walk], pc: u64, fp: u64) -> void:
    """The optimized frames from that with frame pointer fp outwards. pc lies in its call or access."""
    least = fp
    unit = unit_of_pc(pc)
    while unit != 0:
        site = unit_site(unit, pc)
        if site != 0:
            frame = unit_frames(unit, site)
            left = unit_depth(unit, site)
            while left > 0:
                left -= 1
                if frame_met(walk):
                    flags: u64 = FRAME_OPTIMIZED | FRAME_INLINED if left > 0 else FRAME_OPTIMIZED
                    frame_put(walk.ec, u64(unit.mod.codes[frame.function]) | flags, u64(frame.wasm))
                frame = frame + 1
        if unlikely(fp < least or fp >= u64(walk.ec.act)):
            return
        pc = load(u64, ptr[u8](fp) + 8) - 1
        least = fp + 1
        fp = load(u64, ptr[u8](fp))
        unit = unit_of_pc(pc)


@fn
def walk_frames(walk: ptr[Walk]) -> void:
    ec = walk.ec
    restore = u64(symbol("restore_word"))
    sentinel = u64(symbol("sentinel_word"))
    if u64(ec.pc) == NATIVE:
        walk_native(walk, ec.native_pc, ec.native_fp)
    else:
        walk_slots(walk, ec.pc, 0)
    bottom = ec.act.cs_entry + RECORD  # the activation's own sentinel stands below
    at = ec.cs_top
    while at > bottom:
        at = at - RECORD
        record = ptr[ControlRecord](at)
        if record.pc == sentinel:
            walk_native(walk, record.sp[1] - 1, record.sp[0])
        elif record.pc != restore:
            walk_slots(walk, ptr[u8](record.pc), 1)


@fn(cold=True)
def backtrace(ec: ptr[Ec]) -> void:
    """Fill ec.frames from ec.pc and the control records of the innermost activation, down to its sentinel."""
    ec.nframes = 0
    if ec.act == 0 or ec.pc == 0:
        return
    walk = alloca(Walk)
    walk.ec = ec
    walk.seen = 0
    walk.total = 0
    walk_frames(walk)
    if walk.seen > FRAMES_INNER + FRAMES_OUTER:
        ec.nframes = 0
        walk.total = walk.seen
        walk.seen = 0
        walk_frames(walk)
