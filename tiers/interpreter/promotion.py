"""From samples to compile requests: what each sample of a function, on its entry or a loop, makes of it.

COLD -> PROFILING: warm, so new calls and loops of it, and of small functions that it calls, run in the profiled form for a while.
PROFILING -> REQUESTED: the window is over; mostly the fast form runs again until the compiled code is there.
COMPILED: a unit that is left too often is asked for again by whoever leaves it (`unitleave`); the code stays until there is other code.
Besides, a loop that is still interpreted for long gets a request of its own. If only a loop was compiled, calls are profiled soon, and so
go to REQUESTED once more.
Whoever compiles makes COMPILED or REFUSED of REQUESTED, or gives a function back in an earlier phase; `window` is then 0.

Which form runs is told by Code.entry alone. It is exchanged only if it is the other form: what optimized code put there stays.
"""

from wasmjit.native.lang import addr, atomic_cas, boolean, fn, load, ptr, u32, u64, var, void
from wasmjit.native.libc import usleep
from wasmjit.runtime.codes import (
    GIL_HELD,
    HOLDING,
    HOOK_PROMOTE,
    MOD_SYNC,
    MOD_TIERED,
    PHASE_COLD,
    PHASE_COMPILED,
    PHASE_PROFILING,
    PHASE_REFUSED,
    PHASE_REQUESTED,
    POINT_TARGETS,
    TRACE_REQUEST,
    TRACE_WARM,
)
from wasmjit.runtime.inspection import samples_of
from wasmjit.runtime.kept import kept_install, kept_waits
from wasmjit.runtime.safepoints import gil_ensure, gil_release, monotonic
from wasmjit.runtime.structs import Code, Ec, Loop
from wasmjit.runtime.tracering import trace_note, tracing
from wasmjit.runtime.units import Unit
from wasmjit.tiers.policy import BODY_AFTER, CALLEE_BYTES, CALLEES, REVISIT, SAMPLE_MOST, WINDOW_BYTES, YIELD_AFTER, YIELD_FOR

from .calls import CALLEE_FIELD
from .entry import tr_run_profiled
from .hooks import call_hook
from .requests import GIL_WANTED, requests_attended, requests_push
from .slotcode import slots_lock, slots_unlock

MICROSECOND = 1000  # ns
SPENT = var("interpreted", u64)  # ns, of all modules that may be compiled
SAMPLED = var("sampled_at", u64)  # CLOCK_MONOTONIC ns of their last sample
YIELDED = var("gil_yielded_at", u64)  # CLOCK_MONOTONIC ns


@fn
def promote(ec: ptr[Ec], code: ptr[Code], loop: ptr[Loop]) -> void:
    """A sample fell on a function's loop, or its entry if that is 0. The frame is settled: Python may run. May throw what Python raises."""
    code.window += 1
    mod = code.mod
    if kept_waits(code) and code.held & HOLDING == 0:
        kept_install(code, True)
    if mod.flags & MOD_TIERED == 0 or mod.warm == 0:
        return
    advance(ec, code, loop)
    now = monotonic()
    spend(now)
    if GIL_WANTED[0] != 0 and ec.gil == GIL_HELD and now - YIELDED[0] > YIELD_AFTER * MICROSECOND:
        gil_yield(ec)
    if mod.calling and SPENT[0] >= u64(mod.ready) * MICROSECOND:
        mod.calling = 0
        attendance(ec, code)


@fn
def spend(now: u64) -> void:
    """Count the time since the last sample, in which some thread interpreted."""
    since = now - SAMPLED[0]
    SAMPLED[0] = now
    if since > SAMPLE_MOST * MICROSECOND:  # also where another thread was here meanwhile, later
        since = SAMPLE_MOST * MICROSECOND
    SPENT[0] += since


@fn(cold=True)
def gil_yield(ec: ptr[Ec]) -> void:
    """Let the thread that compiles have the GIL. Calls shorter than a tick never let go of it, nor does a loop of Python that makes them
    but every 5 ms; and importing what compiles takes it hundreds of times."""
    gil_release(ec)
    usleep(YIELD_FOR)
    gil_ensure(ec)
    YIELDED[0] = monotonic()


@fn
def advance(ec: ptr[Ec], code: ptr[Code], loop: ptr[Loop]) -> void:
    """What the sample makes of the function."""
    mod = code.mod
    if code.phase == PHASE_COLD:
        if code.window >= mod.warm:
            window_begin(code)
            mod.calling = 1  # a request is likely to come, for which somebody can get ready meanwhile
    elif code.phase == PHASE_PROFILING:
        if code.held & HOLDING == 0:  # it was given back in this phase
            window_begin(code)
        elif code.window >= mod.window + longer(code):
            window_end(ec, code)
    elif code.phase == PHASE_REQUESTED:
        revisit(code)
    elif code.phase == PHASE_COMPILED and loop != 0 and loop.osr == 0:
        if (code.unit == 0 or loop.asked != code.unit) and code.window >= mod.warm + longer(code):
            loop.asked = code.unit
            code.window = 0
            request(ec, code, loop.wasm)
    elif code.phase == PHASE_COMPILED and code.unit == 0:
        if code.window >= BODY_AFTER and phase_pass(code, PHASE_COMPILED, PHASE_PROFILING):  # calls were not counted yet
            window_begin(code)


@fn
def revisit(code: ptr[Code]) -> void:
    """What waits for the compiler is profiled now and then: a program's phases are longer than a window."""
    turn = code.window % (REVISIT * code.mod.window)
    if turn == 0:
        enter_profiled(code)
    elif turn == code.mod.window and code.held == 0:
        enter_fast(code)


@fn
def longer(code: ptr[Code]) -> u32:
    """Samples that are waited for longer because the function is so."""
    return (code.end - code.body) // WINDOW_BYTES


@fn
def phase_pass(code: ptr[Code], old: u32, new: u32) -> boolean:
    """From one phase to another, unless somebody else has changed it."""
    return atomic_cas(addr(code.phase), old, new)


@fn
def enter_profiled(code: ptr[Code]) -> void:
    if code.profiled != 0:
        atomic_cas(ptr[u64](addr(code.entry)), u64(code.slots), u64(code.profiled))


@fn
def enter_fast(code: ptr[Code]) -> void:
    if code.profiled != 0:
        atomic_cas(ptr[u64](addr(code.entry)), u64(code.profiled), u64(code.slots))


@fn(cold=True)
def attendance(ec: ptr[Ec], code: ptr[Code]) -> None:
    """See that somebody takes requests out of the queue."""
    if code.mod.flags & MOD_SYNC == 0 and not requests_attended():
        call_hook(ec, HOOK_PROMOTE, code, 0)


@fn(cold=True)
def window_begin(code: ptr[Code]) -> void:
    """To PROFILING; REFUSED when there is no memory for the profiled form."""
    samples = code.window
    code.window = 0
    slots_lock()
    if code.profiled == 0 and tr_run_profiled(code) != 0:
        phase_pass(code, PHASE_COLD, PHASE_REFUSED)
    elif phase_pass(code, PHASE_COLD, PHASE_PROFILING) or code.phase == PHASE_PROFILING:
        enter_profiled(code)
        if code.held & HOLDING == 0:
            code.held |= HOLDING
            callees_hold(code, True)
            if tracing():
                trace_note(TRACE_WARM, code, u64(samples), code.mod.warm)
    slots_unlock()


@fn(cold=True)
def window_end(ec: ptr[Ec], code: ptr[Code]) -> void:
    """PROFILING -> REQUESTED, or COLD if the queue is full."""
    slots_lock()
    ended = code.held & HOLDING != 0 and phase_pass(code, PHASE_PROFILING, PHASE_REQUESTED)
    if ended:
        code.window = 0
        code.held -= HOLDING
        callees_hold(code, False)
        if code.held == 0:
            enter_fast(code)
        loop = code.loops
        while loop != 0:
            loop.asked = ptr[Unit](0)
            loop = loop.next
    slots_unlock()
    if ended:
        request(ec, code, hottest_loop(code))


@fn
def callees_hold(code: ptr[Code], hold: boolean) -> void:
    """Small functions that the code calls run in the profiled form while it does: what is inlined wants a profile too.

    The same ones are found at both ends of the window. Needs the lock.
    """
    found: u32 = 0
    k: u32 = 0
    while k < code.npoints and found < CALLEES:
        point = code.points[k]
        k += 1
        if point.after != 0 or point.kind == POINT_TARGETS:
            continue
        callee = ptr[Code](load(u64, code.profiled + u64(point.slot) + CALLEE_FIELD))  # 0: imported
        if callee == 0 or callee == code or callee.end - callee.body > CALLEE_BYTES:
            continue
        found += 1
        if hold:
            callee.held += 1
            if callee.profiled != 0 or tr_run_profiled(callee) == 0:
                enter_profiled(callee)
        else:
            callee.held -= 1
            if callee.held == 0 and callee.phase != PHASE_PROFILING:
                enter_fast(callee)


@fn
def hottest_loop(code: ptr[Code]) -> u32:
    """Offset of the loop with most samples, if they are more than those on the entry and it has no code yet, else 0."""
    found: u32 = 0
    most = code.hot
    loop = code.loops
    while loop != 0:
        if loop.hot > most:
            most = loop.hot
            found = loop.wasm if loop.unit == 0 else u32(0)
        loop = loop.next
    return found


@fn
def request(ec: ptr[Ec], code: ptr[Code], loop: u32) -> void:
    """Ask for optimized code of a function, which can be entered at a loop too."""
    samples = samples_of(code)
    if tracing():
        trace_note(TRACE_REQUEST, code, u64(loop), samples)
    if code.mod.flags & MOD_SYNC:
        call_hook(ec, HOOK_PROMOTE, code, loop)
    elif not requests_push(code.mod, code.index, loop, samples):
        phase_pass(code, PHASE_REQUESTED, PHASE_COLD)
    else:
        code.mod.calling = 1
