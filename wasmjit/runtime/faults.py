"""The handler of SIGSEGV and SIGBUS: turns faults of wasm on linear memories into traps, and hands on everything else.

A trap is: a fault raised by the kernel, at a pc in the image's code or in optimized code, on an address in the memory arena, by
a thread inside wasm whose registers look like an interpreter's or those of optimized code. The handler notes slot pc and control
stack, or pc and frame pointer, from the registers, sets the context to resume in `trap_fault` below all that runs, and
returns: no wasm code runs inside the signal.

Others install handlers too, before or after us, each calling the one it found. So the handlers that we found form a stack,
newest last: each nested arrival of a fault in one thread goes one further down, the last to the default action, and two
libraries that call each other do not loop. `fault_assert`, called for every instance made, puts us in front again.

`faulthandler`, enabled after that, reports the next trap as a crash. But then it puts back the handler that it found, ours, and
raises the signal anew: finding the context of the trap under such a signal we let it pass, so that the access is made again.
"""

from wasmjit.native.capi import PyInterpreterState_Get, PyInterpreterState_Main
from wasmjit.native.lang import (
    addr,
    alloca,
    array,
    atomic_cas,
    atomic_store,
    boolean,
    call,
    export,
    fn,
    fnptr,
    i32,
    load,
    ptr,
    store,
    struct,
    u8,
    u64,
    var,
    void,
)
from wasmjit.native.libc import memcpy, memmove, memset, pthread_getspecific, pthread_kill, pthread_self, sigaction
from wasmjit.runtime.arena import ARENA
from wasmjit.runtime.codearena import in_code
from wasmjit.runtime.codes import RESERVATION
from wasmjit.runtime.context import THREADS, context_init
from wasmjit.runtime.frames import NATIVE, RECORD
from wasmjit.runtime.platform import (
    ENTRY_SP_BIAS,
    REG_ARG0,
    REG_CSP,
    REG_EC,
    REG_FAULT,
    REG_FP,
    REG_PC,
    REG_SLOT_PC,
    REG_SP,
    SA_NODEFER,
    SA_ONSTACK,
    SA_SIGINFO,
    SI_TKILL,
    SIG_DFL,
    SIG_IGN,
    SIGACTION_BYTES,
    SIGACTION_FLAGS,
    SIGACTION_MASK,
    SIGBUS,
    SIGINFO_ADDR,
    SIGINFO_CODE,
    SIGSEGV,
    UC_STACK,
    UC_STACK_SIZE,
)
from wasmjit.runtime.safepoints import signals_init
from wasmjit.runtime.structs import Ec
from wasmjit.runtime.traps import trap_fault

RAISER = 8 << 10  # bytes of stack that a handler takes which raises the signal it was called for
CONTEXT_BYTES = 512  # of a ucontext_t that are read
RED_ZONE = 128  # bytes below the stack pointer that functions may use
DEPTH = 8  # handlers of others that are remembered for one signal
FORWARDING = 16  # threads that may be handing on a fault at once
FLAGS = SA_SIGINFO | SA_ONSTACK | SA_NODEFER
SIGNALS = (SIGSEGV, SIGBUS)


@struct
class Previous:
    """Handlers found installed for one signal, oldest first: struct sigaction each."""

    count: u64
    actions: array[u8, SIGACTION_BYTES * DEPTH]


@struct
class Forward:
    """A thread inside handlers of others."""

    thread: u64  # pthread_self(), 0: free
    level: u64  # how many were entered


DEFAULT = var("fault_default", u64, SIGACTION_BYTES // 8)  # struct sigaction of SIG_DFL
PREVIOUS = var("fault_previous", Previous, len(SIGNALS))
FORWARDS = var("fault_forwards", Forward, FORWARDING)
TEXT = var("fault_text", u64, 2)  # first and last + 1 address of the code whose faults can be traps


@fn
def fault_handler(signal: i32, info: ptr[u8], context: ptr[u8]) -> void:
    """The signal handler (SA_SIGINFO)."""
    if not fault_is_trap(info, context) and not fault_comes_again(info, context):
        fault_forward(signal, info, context)


@fn
def fault_is_trap(info: ptr[u8], context: ptr[u8]) -> boolean:
    """Recognise a trap, and set the context to resume in `trap_fault`."""
    if load(i32, info + SIGINFO_CODE) <= 0:  # sent by kill() or raise()
        return False
    address = load(u64, info + SIGINFO_ADDR)
    ec = ptr[Ec](pthread_getspecific(THREADS.key))
    if address < ARENA.base or address >= ARENA.end or not in_wasm(ec, context):
        return False
    pc = load(u64, context + REG_PC)
    if in_code(pc):
        ec.pc = ptr[u8](NATIVE)
        ec.native_pc = pc
        ec.native_fp = load(u64, context + REG_FP)
    else:
        ec.pc = ptr[u8](load(u64, context + REG_SLOT_PC))
        ec.cs_top = ptr[u8](load(u64, context + REG_CSP))
    ec.trap_addr = (address - ARENA.base) % RESERVATION
    store(u64, context + REG_PC, u64(fnptr(trap_fault)))
    # below everything that runs: the backtrace reads the frames of optimized code, the innermost and those around interpreted ones
    store(u64, context + REG_SP, ((load(u64, context + REG_SP) - RED_ZONE) & ~u64(15)) - ENTRY_SP_BIAS)
    store(u64, context + REG_ARG0, u64(ec))
    return True


@fn
def in_wasm(ec: ptr[Ec], context: ptr[u8]) -> boolean:
    """Do the registers look like those of an interpreter or of optimized code that runs the innermost activation?"""
    if ec == 0 or ec.act == 0:
        return False
    pc = load(u64, context + REG_PC)
    if in_code(pc):
        fp = load(u64, context + REG_FP)
        return fp >= load(u64, context + REG_SP) and fp < u64(ec.act) and fp >= ec.native_lo
    if pc < TEXT[0] or pc >= TEXT[1] or load(u64, context + REG_EC) != u64(ec):
        return False
    csp = load(u64, context + REG_CSP)
    return csp >= u64(ec.act.cs_entry) + RECORD and csp <= u64(ec.cs_base) + ec.cs_bytes


@fn
def fault_comes_again(info: ptr[u8], context: ptr[u8]) -> boolean:
    """Has a handler of this thread's, called for a trap, raised the signal for us? Looks for the trap's context above its frame."""
    ec = ptr[Ec](pthread_getspecific(THREADS.key))
    if load(i32, info + SIGINFO_CODE) != SI_TKILL or ec == 0 or ec.act == 0:
        return False
    at = load(u64, context + REG_SP)
    end = at + RAISER
    stack = load(u64, context + UC_STACK)  # the alternate signal stack
    stack_end = stack + load(u64, context + UC_STACK_SIZE)
    if at < stack or at >= stack_end:
        stack_end = u64(ec.act)  # not on it: wasm runs above
    if end > stack_end - CONTEXT_BYTES:
        end = stack_end - CONTEXT_BYTES
    while at < end:
        address = load(u64, ptr[u8](at) + REG_FAULT)
        if address >= ARENA.base and address < ARENA.end and in_wasm(ec, ptr[u8](at)):
            return True
        at += 8
    return False


@fn
def fault_forward(signal: i32, info: ptr[u8], context: ptr[u8]) -> void:
    """A fault that is none of ours: for the handlers found, in the end for the default action."""
    previous = PREVIOUS[0]
    if signal == SIGBUS:
        previous = PREVIOUS[1]
    action = forward(previous, signal, info, context)
    if action != 0:
        sigaction(signal, action, ptr[u8](0))  # a fault comes again on return
        if load(i32, info + SIGINFO_CODE) <= 0 and load(u64, action) == SIG_DFL:
            pthread_kill(pthread_self(), signal)  # a signal that was sent does not


@fn
def forward(previous: ptr[Previous], signal: i32, info: ptr[u8], context: ptr[u8]) -> ptr[u8]:
    """Call the handler that was there before, the one before that if this thread is in it already.

    Where that is none, the action to take instead is returned, else 0.
    """
    here = forward_enter()
    level = here.level
    action = ptr[u8](DEFAULT)
    if level < previous.count:
        action = addr(previous.actions[(previous.count - 1 - level) * SIGACTION_BYTES])
    handler = load(u64, action)
    if handler != SIG_DFL and handler != SIG_IGN:
        here.level = level + 1
        if load(i32, action + SIGACTION_FLAGS) & SA_SIGINFO != 0:
            call(void, ptr[u8](handler), signal, info, context)
        else:
            call(void, ptr[u8](handler), signal)
        here.level = level
        action = ptr[u8](0)
    if level == 0:
        atomic_store(addr(here.thread), 0)
    return action


@fn
def forward_enter() -> ptr[Forward]:
    """This thread's entry in FORWARDS, claimed if it has none. With more threads crashing at once than entries, one waits."""
    me = pthread_self()
    i: u64 = 0
    while i < FORWARDING:
        if FORWARDS[i].thread == me:
            return FORWARDS[i]
        i += 1
    i = 0
    while True:
        if atomic_cas(addr(FORWARDS[i].thread), 0, me):
            return FORWARDS[i]
        i = (i + 1) % FORWARDING


@fn
def handler_install(signal: i32, previous: ptr[Previous], handler: u64, flags: i32, mask: u64) -> boolean:
    """Make our handler of a signal the one that is called first; another one found there is remembered. Cheap if it is.

    mask: what else is blocked while it runs, bit N - 1 for signal N.
    """
    found = alloca(u8, SIGACTION_BYTES)
    if sigaction(signal, ptr[u8](0), found) != 0:
        return False
    if load(u64, found) == handler:
        return True
    previous_push(previous, found)
    action = alloca(u8, SIGACTION_BYTES)
    memset(action, 0, SIGACTION_BYTES)
    store(u64, action, handler)
    store(u64, action + SIGACTION_MASK, mask)
    store(i32, action + SIGACTION_FLAGS, flags)
    return sigaction(signal, action, ptr[u8](0)) == 0


@fn
def previous_push(previous: ptr[Previous], action: ptr[u8]) -> void:
    """Remember a handler as the newest; one that is known already moves up, the oldest is forgotten if there are too many."""
    kept: u64 = 0
    i: u64 = 0
    handler = load(u64, action)
    while i < previous.count:
        old = addr(previous.actions[i * SIGACTION_BYTES])
        if load(u64, old) != handler and not (i == 0 and previous.count == DEPTH):
            memmove(addr(previous.actions[kept * SIGACTION_BYTES]), old, SIGACTION_BYTES)
            kept += 1
        i += 1
    memcpy(addr(previous.actions[kept * SIGACTION_BYTES]), action, SIGACTION_BYTES)
    previous.count = kept + 1


@export
def fault_assert() -> boolean:
    """Put our handlers in front of what was installed since the last time. Called with the GIL held, for every instance made."""
    handler = u64(fnptr(fault_handler))
    return handler_install(SIGSEGV, PREVIOUS[0], handler, FLAGS, 0) and handler_install(SIGBUS, PREVIOUS[1], handler, FLAGS, 0)


@export
def interpreter_is_main() -> boolean:
    """False in a sub-interpreter."""
    return PyInterpreterState_Get() == PyInterpreterState_Main()


@export
def runtime_init(text: u64, text_end: u64) -> boolean:
    """Start the runtime, once a process: [text, text_end) is the image's code. False: no thread key or no signal handler left."""
    TEXT[0] = text
    TEXT[1] = text_end
    signals_init()
    return context_init() and fault_assert()
