"""The store's lock: one thread at a time is inside a store, the same thread as often as it likes.

`owner` and `depth` change only while the GIL is held; they are the lock. A store that limits the stack has, while idle, NOBODY
as its owner, and a bit in its depth: both send it the slow ways, so that the others pay nothing for it.
"""

from wasmjit.native.capi import (
    PyErr_CheckSignals,
    PyErr_Fetch,
    PyErr_Restore,
    PyErr_SetString,
    PyEval_RestoreThread,
    PyEval_SaveThread,
    PyExc_RuntimeError,
)
from wasmjit.native.lang import PyObject, alloca, boolean, export, fn, likely, ptr, u8, u32, u64, unlikely, var
from wasmjit.native.libc import usleep
from wasmjit.runtime.calls_boxes import store_sweep
from wasmjit.runtime.calls_refused import trap_raise
from wasmjit.runtime.codes import STORE_ERROR, STORE_LIMITED, STORE_SWEEP, TRAP_NONE
from wasmjit.runtime.instances import StoreBox
from wasmjit.runtime.safepoints import call_over, monotonic
from wasmjit.runtime.structs import Ec, FuncRef, StoreData

WAIT_FIRST, WAIT_MOST = 20, 1000  # microseconds between two looks at a store that another thread is in

OUTSIDE = var("store_outside", StoreData)  # for host functions called by Python: they belong to no store, any thread enters
NOBODY = var("store_nobody", Ec)


@fn(inline=True)
def store_of(ref: ptr[FuncRef]) -> ptr[StoreData]:
    if ref.inst == 0:
        return OUTSIDE
    return ref.inst.store


@fn(inline=True)
def store_enter(ec: ptr[Ec], store: ptr[StoreData]) -> boolean:
    """Take the store for this thread, once more if it has it. Waits for another thread. False: an exception is set. GIL held."""
    if unlikely(store.owner != ec):
        if unlikely(store.owner != 0):
            return store_enter_late(ec, store)
        store.owner = ec
    store.depth += 1
    return True


@fn(inline=True)
def store_leave(store: ptr[StoreData]) -> None:
    depth = store.depth - 1
    store.depth = depth
    if likely(depth == 0):
        store.owner = ptr[Ec](0)
    elif unlikely(u32(depth) == 0):
        store_leave_last(store)


@fn(cold=True)
def store_leave_last(store: ptr[StoreData]) -> None:
    """The last activation left, the stack was limited or boxes wait for a sweep. An exception that is set stays."""
    sweep = store.depth & STORE_SWEEP != 0
    store.depth = store.depth & STORE_LIMITED
    if store.depth != 0:
        stack_unlimit(store)
    store.owner = store_idle(store)
    if not sweep:
        return
    kind = alloca(ptr[PyObject])
    value = alloca(ptr[PyObject])
    traceback = alloca(ptr[PyObject])
    PyErr_Fetch(kind, value, traceback)
    store_sweep(store)
    PyErr_Restore(kind[0], value[0], traceback[0])


@fn
def store_idle(store: ptr[StoreData]) -> ptr[Ec]:
    """Owner of the store when no thread is inside."""
    return NOBODY if store.depth & STORE_LIMITED != 0 else ptr[Ec](0)


@fn(cold=True)
def store_enter_late(ec: ptr[Ec], store: ptr[StoreData]) -> boolean:
    """`store_enter` of a store that another thread is in, or that limits the stack. It may join another one while we wait."""
    if store != OUTSIDE:
        if store.owner != NOBODY and not store_wait(ec, store):
            return False
        while store.into != 0:
            store = store.into
        stack_limit(ec, store)
    store.owner = ec
    store.depth += 1
    return True


@fn
def stack_unlimit(store: ptr[StoreData]) -> None:
    """The thread inside gets back what it had when it came."""
    ec = store.owner
    if ec.vs_limit < store.vs_limit:
        ec.vs_limit = store.vs_limit
    if ec.code_limit > store.code_limit:
        ec.code_limit = store.code_limit


@fn(cold=True)
def stack_limit(ec: ptr[Ec], store: ptr[StoreData]) -> None:
    """The thread enters a store, which may limit how much calls inside of each other take: of its value stack, of the native one."""
    if store.stack == 0:
        return
    store.vs_limit = ec.vs_limit
    store.code_limit = ec.code_limit
    limit = ptr[u64](u64(ec.vs_top) + store.stack)
    if limit < ec.vs_limit:
        ec.vs_limit = limit
    lowest = u64(alloca(u8)) - store.stack
    if lowest > ec.code_limit:
        ec.code_limit = lowest


@export
def store_limit_stack(box: ptr[StoreBox], bytes: u64) -> None:
    """Let calls inside of each other use at most `bytes` (rounded up to 8, 1 at least) of either stack; the smallest limit set holds."""
    store_limit(box.data, (bytes + 7) & ~7 if bytes != 0 else u64(8))


@fn
def store_limit(store: ptr[StoreData], bytes: u64) -> None:
    if store.stack != 0 and store.stack <= bytes:
        return
    store_limit_end(store)
    store.stack = bytes
    store.depth = store.depth | STORE_LIMITED
    if store.owner == 0:
        store.owner = NOBODY
    else:
        stack_limit(store.owner, store)


@fn
def store_limit_end(store: ptr[StoreData]) -> None:
    """The store limits the stack no more."""
    if store.depth & STORE_LIMITED:
        if store.owner == NOBODY:
            store.owner = ptr[Ec](0)
        else:
            stack_unlimit(store)
        store.depth = store.depth & ~STORE_LIMITED
    store.stack = 0


@fn(cold=True)
def store_wait(ec: ptr[Ec], store: ptr[StoreData]) -> boolean:
    """Wait until no other thread is inside: the GIL is released; signals, the deadline and requests to end are looked at."""
    if store.flags & STORE_ERROR:
        PyErr_SetString(PyExc_RuntimeError, b'another thread is inside the store (Config(concurrent="error"))')
        return False
    pause: u32 = WAIT_FIRST
    while True:
        while store.into != 0:
            store = store.into
        if store.owner == store_idle(store) or store.owner == ec:
            return True
        state = PyEval_SaveThread()
        usleep(pause)
        PyEval_RestoreThread(state)
        if PyErr_CheckSignals() != 0:
            return False
        code = call_over(ec, monotonic())
        if code != TRAP_NONE:
            ec.nframes = 0
            trap_raise(ec, code, 0, 0, store)
            return False
        if pause < WAIT_MOST:
            pause = pause * 2
