"""Safepoints: where long-running wasm looks at signals, its deadline and requests of other threads, and lets go of the GIL.

Interpreter handlers call `safepoint` when their budget is used up. It reads the clock; a *full* safepoint comes TICK after the
last one, or at once when `ec.interrupt` is set. A full safepoint takes the GIL only where Python may have something to say: on
the main thread (signals) or after an interrupt. It always ends with the GIL released: host calls and exits take it again.

Beside busy Python threads getting the GIL takes long, so the main thread should not ask for it in vain. Whether Ctrl-C was
pressed CPython up to 3.12 tells without (what its readline module uses); other signals then wait for SELDOM. Later ones do
not: then it is asked for as often as SIGNAL_LATENCY wants.
"""

from wasmjit.native.capi import PyErr_CheckSignals, PyErr_SetInterruptEx, PyEval_RestoreThread, PyEval_SaveThread
from wasmjit.native.lang import (
    addr,
    alloca,
    atomic_store,
    boolean,
    call,
    export,
    f64,
    fn,
    i32,
    i64,
    likely,
    ptr,
    u8,
    u64,
    unlikely,
    var,
    vload,
    void,
    vstore,
)
from wasmjit.native.libc import clock_gettime, dlsym, getpid, syscall
from wasmjit.runtime.codes import GIL_HELD, GIL_RELEASED, TRAP_NONE, TRAP_TERMINATED, TRAP_TIMEOUT
from wasmjit.runtime.context import BUDGET, THREADS, current_ec
from wasmjit.runtime.ending import ended
from wasmjit.runtime.platform import CLOCK_MONOTONIC, SYS_GETTID
from wasmjit.runtime.structs import Ec
from wasmjit.runtime.timers import timer_start
from wasmjit.runtime.traps import disorder, throw_python, trap

MILLISECOND = 1_000_000
SECOND = 1_000_000_000
TICK = 2 * MILLISECOND
# Getting the GIL takes 5 ms and more for each busy Python thread. Asking again after TICK would leave wasm a quarter of the time;
# waiting longer must not hold up a signal: the pause and the acquisition after it stay below this together. Where the acquisition
# alone takes that long, wasm gets as much time as it waits.
SIGNAL_LATENCY = 14 * MILLISECOND
SELDOM = 100 * MILLISECOND
FAST_GIL = MILLISECOND
SIGINT = 2
LONGEST = 1e9  # seconds: a longer timeout is none


INTERRUPTED = var("python_interrupted", u64)  # _PyOS_InterruptOccurred(PyThreadState *) of CPython, 0: it has none


@fn
def signals_init() -> None:
    INTERRUPTED[0] = u64(dlsym(ptr[u8](0), b"_PyOS_InterruptOccurred"))


@fn
def monotonic() -> u64:
    """CLOCK_MONOTONIC in nanoseconds."""
    now = alloca(u64, 2)
    clock_gettime(CLOCK_MONOTONIC, ptr[u8](now))
    return now[0] * SECOND + now[1]


@fn
def safepoint(ec: ptr[Ec]) -> i64:
    """Returns the new budget. Precondition: ec.pc, ec.vs_top and ec.cs_top describe the caller's frame; Python may run.

    Does not return on a timeout (TRAP_TIMEOUT), when another thread ended the call (TRAP_TERMINATED), or a signal handler raised
    (TRAP_PYTHON).
    """
    now = monotonic()
    if unlikely(now >= ec.next_tick or vload(u64, addr(ec.interrupt)) != 0):
        safepoint_full(ec, now)
    ec.noise = ec.noise * 6364136223846793005 + 1442695040888963407
    return BUDGET - (BUDGET // 4) + i64((ec.noise >> 33) % (BUDGET // 2))  # else all samples of a loop that calls may fall on the callee


@fn(cold=True)
def safepoint_full(ec: ptr[Ec], now: u64) -> void:
    asked = vload(u64, addr(ec.interrupt))
    if asked != 0:
        atomic_store(addr(ec.interrupt), 0)  # before anything is looked at that another thread writes before it sets this
    limits_check(ec, now)
    main = in_main_thread()
    if asked == 0 and main and ec.gil != GIL_HELD and now < ec.next_signals and not interrupted(ec):
        tick_schedule(ec, now + TICK)
        return
    if asked != 0 or main:
        gil_ensure(ec)
        act = ec.act
        records = ec.cs_top
        outside = python_begin(ec)
        failed = PyErr_CheckSignals()
        python_end(ec, outside)
        if ec.cs_top != records:
            disorder(ec, act)
        if failed != 0:
            throw_python(ec)
    gil_release(ec)
    later = monotonic()
    waited = later - now
    pause: u64 = TICK
    if waited > FAST_GIL and INTERRUPTED[0] != 0:
        ec.next_signals = later + SELDOM
    elif waited + TICK >= SIGNAL_LATENCY:
        pause = waited
    elif waited > FAST_GIL:
        pause = SIGNAL_LATENCY - waited
    tick_schedule(ec, later + pause)


@fn
def in_main_thread() -> boolean:
    """Is this Python's main thread? Asked each time: a fork makes the forking thread the main one."""
    return i64(getpid()) == syscall(SYS_GETTID)


@fn(inline=True)
def python_begin(ec: ptr[Ec]) -> u64:
    """Python is called from the innermost activation: its ticks are for nobody. Returns what `python_end` takes."""
    before = ec.in_host | vload(u64, addr(ec.ticking))  # an activation's address is even
    vstore(u64, addr(ec.in_host), u64(ec.act))
    return before


@fn(inline=True)
def python_end(ec: ptr[Ec], before: u64) -> boolean:
    """That has come back. The timer was stopped by a tick meanwhile: it runs again, and True is returned."""
    vstore(u64, addr(ec.in_host), before & ~1)
    if likely(before & 1 <= vload(u64, addr(ec.ticking))):
        return False
    timer_start(ec)
    return True


@fn
def interrupted(ec: ptr[Ec]) -> boolean:
    """Was Ctrl-C pressed? The GIL is released. Asking clears what PyErr_CheckSignals looks for: it is set again."""
    if call(i32, ptr[u8](INTERRUPTED[0]), ec.tstate) == 0:
        return False
    PyErr_SetInterruptEx(SIGINT)
    return True


@fn
def call_over(ec: ptr[Ec], now: u64) -> u64:
    """Why this thread's calls must end: TRAP_TERMINATED, another thread wants it; TRAP_TIMEOUT, the deadline has passed; TRAP_NONE."""
    if ended(ec):
        return TRAP_TERMINATED
    if ec.deadline != 0 and now >= ec.deadline:
        return TRAP_TIMEOUT
    return TRAP_NONE


@fn(cold=True)
def limits_check(ec: ptr[Ec], now: u64) -> void:
    """Does not return when `call_over` says why. Precondition: as of `safepoint`."""
    code = call_over(ec, now)
    if code == TRAP_TERMINATED:
        atomic_store(addr(ec.interrupt), 1)  # host functions that catch it do not get far
    if code != TRAP_NONE:
        trap(ec, code)


@fn
def tick_schedule(ec: ptr[Ec], when: u64) -> void:
    """Next full safepoint at `when`, or at the deadline if that is earlier."""
    if ec.deadline != 0 and ec.deadline < when:
        ec.next_tick = ec.deadline
    else:
        ec.next_tick = when


@fn
def gil_ensure(ec: ptr[Ec]) -> void:
    """Take the GIL if this thread has released it: before any use of the CPython API from inside wasm."""
    if ec.gil != GIL_HELD:
        PyEval_RestoreThread(ec.tstate)
        ec.gil = GIL_HELD


@fn
def gil_release(ec: ptr[Ec]) -> void:
    """Release the GIL if this thread holds it. Nothing may be borrowed across."""
    if ec.gil == GIL_HELD:
        ec.tstate = PyEval_SaveThread()
        ec.gil = GIL_RELEASED


@export
def deadline_push(seconds: f64) -> u64:
    """Begin a timeout on this thread, in seconds from now; an enclosing earlier one stays. Returns what `deadline_pop` takes."""
    ec = current_ec()
    if ec == 0:
        return 0
    previous = ec.deadline
    if seconds < LONGEST:
        deadline = monotonic()
        if seconds > 0.0:
            deadline += u64(seconds * f64(SECOND))
        if previous == 0 or deadline < previous:
            ec.deadline = deadline
            tick_schedule(ec, ec.next_tick)
    return previous


@export
def deadline_pop(previous: u64) -> void:
    """End the timeout begun by the `deadline_push` that returned `previous`."""
    ec = current_ec()
    if ec != 0:
        ec.deadline = previous


@export
def deadline_remaining() -> f64:
    """Seconds until this thread's deadline, 0 if it has passed, 1e9 if there is none: how long a host function may sleep."""
    ec = current_ec()
    if ec == 0 or ec.deadline == 0:
        return LONGEST
    now = monotonic()
    if now >= ec.deadline:
        return 0.0
    return f64(ec.deadline - now) / f64(SECOND)


@export
def interrupt_all() -> void:
    """Make every thread inside wasm run a full safepoint soon."""
    ec = THREADS.list
    while ec != 0:
        atomic_store(addr(ec.interrupt), 1)
        ec = ec.link
