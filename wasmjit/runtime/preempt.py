"""Preemption: safepoints of optimized code, which has no polls.

While a thread runs optimized code a timer sends it a signal every few milliseconds. If that finds it in a unit, the safepoint is
run right there, on the thread's own stack below the interrupted frame: it may run Python, let go of the GIL, or throw, which
leaves the signal's frame behind like any other. So signals are let through again before, and no throw has to set right what is
blocked; until then they are blocked, or a flood of ours would pile up frames. Returning, the kernel restores the registers, all of them.

A signal for the process goes to its main thread, but a thread that the kernel just tells of a tick takes it if it comes first. Python
runs handlers in the main thread only, and what that waits in is not interrupted then. So a tick in another thread keeps off what came
with it until the main thread has it. The main thread may not want it: then this one must have it, or it would wait at each tick for
nothing. Ticks come before any signal for the process: while one always is there already, code gets nowhere.

The code may have been interrupted anywhere. A function that has no frame yet, or none any more, counts as not called. What the code
may have been about to write to the context (callee, instance) is put back, and slots above the frame, where arguments and results may
be on their way, are stepped over.

A tick that falls into what optimized code has called is made up for when that returns to it.

In a host function, and outside of wasm, the timer is stopped at its first tick: system calls are interrupted once at most. Who
called the host function starts it again.

Others may use SIGURG: what is no tick of ours is handed to the handlers found, before us or after us.
"""

from wasmjit.native.lang import (
    alloca,
    boolean,
    call,
    extern,
    fn,
    fnptr,
    i32,
    i64,
    load,
    ptr,
    u8,
    u64,
    var,
    void,
)
from wasmjit.native.libc import dlsym, pthread_getspecific, pthread_sigmask, sigpending, usleep
from wasmjit.runtime.codearena import in_code
from wasmjit.runtime.context import THREADS, current_ec
from wasmjit.runtime.faults import Previous, forward, handler_install
from wasmjit.runtime.frameless import frameless_return
from wasmjit.runtime.frames import NATIVE
from wasmjit.runtime.platform import (
    REG_FP,
    REG_PC,
    SA_RESTART,
    SA_SIGINFO,
    SI_TIMER,
    SIG_BLOCK,
    SIG_SETMASK,
    SIGINFO_CODE,
    SIGINFO_VALUE,
    SIGSET_BYTES,
    SIGURG,
    UC_SIGMASK,
)
from wasmjit.runtime.safepoints import MILLISECOND, in_main_thread, monotonic, safepoint
from wasmjit.runtime.structs import Ec
from wasmjit.runtime.timers import MARK, timer_make, timer_start, timer_stop
from wasmjit.runtime.units import unit_of_pc

FLAGS = SA_SIGINFO | SA_RESTART  # not on the alternate stack: what runs may take long and be left by a throw
OURS = 1 << (SIGURG - 1)
# blocked while a tick is looked at: all but those that code itself causes (ill, trap, abrt, bus, fpe, segv, sys), and the C library's own
MASK = (1 << 64) - 1 - sum(1 << (number - 1) for number in (4, 5, 6, 7, 8, 11, 31, 32, 33))
KEPT_OFF = 100  # times that a tick waits for another thread to take a signal, which may have to wait for a processor,
KEPT_OFF_US = 100  # so many microseconds each
LET_THROUGH = 100 * MILLISECOND  # after waiting in vain, nothing is kept off for so long
ABOVE = 4608  # slots above ec.vs_top that may be in use: the largest exit's (4096), arguments, results
HEADROOM_LEFT = 4  # a tick is left out when more than this part of the headroom below ec.stack_limit is used

STARTED = var("preempt_started", u64)
OTHERS = var("preempt_others", Previous)


@extern
def __errno_location() -> ptr[i32]: ...


@fn
def preempt_handler(signal: i32, info: ptr[u8], context: ptr[u8]) -> void:
    """The signal handler (SA_SIGINFO)."""
    error = __errno_location()
    before = error[0]
    if load(i32, info + SIGINFO_CODE) != SI_TIMER or load(u64, info + SIGINFO_VALUE) != MARK:
        forward(OTHERS, signal, info, context)  # without a handler it is ignored
    else:
        ec = ptr[Ec](pthread_getspecific(THREADS.key))
        if ec != 0:
            preempt_tick(ec, context)
    error[0] = before


@fn
def preempt_tick(ec: ptr[Ec], context: ptr[u8]) -> void:
    if ec.act == 0 or ec.in_host == u64(ec.act):
        timer_stop(ec)
        return
    pc = load(u64, context + REG_PC)
    if in_code(pc):
        caller = frameless_return(pc, context)
        preempt_here(ec, pc if caller == 0 else caller - 1, load(u64, context + REG_FP), context)
    else:
        ec.missed = 1
    if not in_main_thread():
        signals = alloca(u64, SIGSET_BYTES // 8)
        signals[0] = MASK
        pthread_sigmask(SIG_BLOCK, ptr[u8](signals), ptr[u8](0))
        keep_off(ec, context)


@fn
def keep_off(ec: ptr[Ec], context: ptr[u8]) -> void:
    """Leave signals that are there for the process, and would be let through with the mask of before, to another thread."""
    pending = alloca(u64, SIGSET_BYTES // 8)
    ours = load(u64, context + UC_SIGMASK) | OURS
    left: i64 = KEPT_OFF
    while left > 0:
        if sigpending(ptr[u8](pending)) != 0 or pending[0] & ~ours == 0:
            return
        if monotonic() < ec.let_through:
            return
        usleep(KEPT_OFF_US)
        left -= 1
    ec.let_through = monotonic() + LET_THROUGH


@fn(cold=True)
def preempt_late(ec: ptr[Ec]) -> void:
    """Optimized code called the runtime, which is about to return: a tick came meanwhile, or before."""
    preempt_here(ec, ec.native_pc, ec.native_fp, ptr[u8](0))


@fn
def preempt_here(ec: ptr[Ec], pc: u64, fp: u64, context: ptr[u8]) -> void:
    """A safepoint in optimized code, as if it had called the runtime at pc; none if too little is left of a stack for that.

    context: of the signal whose handler this is, 0: of none.
    """
    ec.missed = 0
    here = u64(alloca(u8))
    if here < ec.stack_limit - (ec.stack_limit - ec.native_lo) // HEADROOM_LEFT:
        return
    if ec.vs_top > ec.vs_limit:  # it is code of a signal handler that runs, on what is left of a full stack
        return
    unit = unit_of_pc(pc)
    if unit != 0:
        unit.ticks += 1
    top = ec.vs_top
    inst = ec.inst
    mem0 = ec.mem0
    callee = ec.callee
    slot_pc = ec.pc
    native_pc = ec.native_pc
    native_fp = ec.native_fp
    osr = ec.osr
    ec.pc = ptr[u8](NATIVE)
    ec.native_pc = pc
    ec.native_fp = fp
    if fp < here or fp >= u64(ec.act):  # not set up yet: the register is still the interpreter's
        ec.native_fp = u64(ec.act)
    ec.vs_top = top + ABOVE
    if context != 0:
        if not in_main_thread():
            keep_off(ec, context)
        pthread_sigmask(SIG_SETMASK, context + UC_SIGMASK, ptr[u8](0))
    safepoint(ec)
    ec.vs_top = top
    ec.inst = inst
    ec.mem0 = mem0
    ec.callee = callee
    ec.pc = slot_pc
    ec.native_pc = native_pc
    ec.native_fp = native_fp
    ec.osr = osr


@fn
def preempt_assert() -> boolean:
    """Make our handler the one that is called first. Cheap if it is."""
    return handler_install(SIGURG, OTHERS, u64(fnptr(preempt_handler)), FLAGS, MASK)


@fn(cold=True)
def preempt_start() -> boolean:
    """Called before a unit is installed. False: this process can have no timers, so that optimized code could not be interrupted."""
    if not preempt_assert():
        return False
    if STARTED[0] == 0:
        ec = current_ec()
        if ec == 0 or (ec.timer == 0 and not timer_make(ec)) or not fork_watch():
            return False
        STARTED[0] = 1
    return True


@fn
def fork_watch() -> boolean:
    """Have `forked` called in children. Not every C library has the standard's function for others to look up."""
    register = dlsym(ptr[u8](0), b"__register_atfork")
    nothing = ptr[u8](0)
    if register != 0:
        return call(i32, register, nothing, nothing, fnptr(forked), nothing) == 0
    register = dlsym(ptr[u8](0), b"pthread_atfork")
    return register != 0 and call(i32, register, nothing, nothing, fnptr(forked)) == 0


@fn
def forked() -> void:
    """In the child of a fork: timers are not inherited."""
    ec = THREADS.list
    while ec != 0:
        ec.timer = 0
        ec.ticking = 0
        ec = ec.link


@fn(cold=True)
def preempt_arm(ec: ptr[Ec]) -> void:
    """Optimized code is about to run in this thread and ec.ticking is 0."""
    if preempt_assert():
        timer_start(ec)
