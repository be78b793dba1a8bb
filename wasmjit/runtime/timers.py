"""The timer of a thread that runs optimized code: it sends SIGURG to that thread every PERIOD while `ec.ticking` is set.

System calls and not the C library's functions: not every C library has those that the process could look up.
"""

from wasmjit.native.lang import addr, alloca, boolean, fn, i32, i64, ptr, store, u8, u64, void, vstore
from wasmjit.native.libc import memset, pthread_sigmask, syscall
from wasmjit.runtime.platform import (
    CLOCK_MONOTONIC,
    SIG_UNBLOCK,
    SIGEV_THREAD_ID,
    SIGEVENT_BYTES,
    SIGEVENT_NOTIFY,
    SIGEVENT_SIGNAL,
    SIGEVENT_THREAD,
    SIGSET_BYTES,
    SIGURG,
    SYS_GETTID,
    SYS_TIMER_CREATE,
    SYS_TIMER_DELETE,
    SYS_TIMER_SETTIME,
)
from wasmjit.runtime.structs import Ec

PERIOD = 4_000_000  # ns: Ctrl-C is answered within two, and a tick costs some microseconds
MARK = int.from_bytes(b"wjticks\0", "little")  # sigval of these timers


@fn(cold=True)
def timer_make(ec: ptr[Ec]) -> boolean:
    """Make the calling thread's timer, not running. False: the system has none left."""
    event = alloca(u8, SIGEVENT_BYTES)
    made = alloca(i32)
    memset(event, 0, SIGEVENT_BYTES)
    store(u64, event, MARK)
    store(i32, event + SIGEVENT_SIGNAL, SIGURG)
    store(i32, event + SIGEVENT_NOTIFY, SIGEV_THREAD_ID)
    store(i32, event + SIGEVENT_THREAD, i32(syscall(SYS_GETTID)))
    if syscall(SYS_TIMER_CREATE, i64(CLOCK_MONOTONIC), event, made) != 0:
        return False
    ec.timer = u64(made[0]) + 1
    return True


@fn
def timer_period(ec: ptr[Ec], period: u64) -> boolean:
    """Let the thread's timer tick, not at all for 0."""
    spec = alloca(u64, 4)  # struct itimerspec: interval, first time
    spec[0] = 0
    spec[1] = period
    spec[2] = 0
    spec[3] = period
    return syscall(SYS_TIMER_SETTIME, i64(ec.timer - 1), i64(0), spec, i64(0)) == 0


@fn
def timer_unblock() -> void:
    """Let the calling thread have the signal."""
    ours = alloca(u64, SIGSET_BYTES // 8)
    memset(ptr[u8](ours), 0, SIGSET_BYTES)
    ours[0] = 1 << (SIGURG - 1)
    pthread_sigmask(SIG_UNBLOCK, ptr[u8](ours), ptr[u8](0))


@fn(cold=True)
def timer_start(ec: ptr[Ec]) -> void:
    """Begin to tick in the calling thread; ec.ticking stays 0 if that cannot be. Threads may have been made with all signals blocked."""
    timer_unblock()
    if ec.timer != 0 or timer_make(ec):
        if timer_period(ec, PERIOD):
            vstore(u64, addr(ec.ticking), 1)


@fn
def timer_stop(ec: ptr[Ec]) -> void:
    """End ticking. Callable in a signal handler."""
    timer_period(ec, 0)
    vstore(u64, addr(ec.ticking), 0)


@fn
def timer_end(ec: ptr[Ec]) -> void:
    """The thread ends: give its timer back."""
    if ec.timer != 0:
        syscall(SYS_TIMER_DELETE, i64(ec.timer - 1))
    ec.timer = 0
    ec.ticking = 0
