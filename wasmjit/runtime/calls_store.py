"""The store's lock: one thread at a time is inside a store, the same thread as often as it likes.

`owner` and `depth` change only while the GIL is held; they are the lock.
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
from wasmjit.native.lang import PyObject, alloca, boolean, fn, likely, ptr, u32, unlikely, var
from wasmjit.native.libc import usleep
from wasmjit.runtime.calls_boxes import store_sweep
from wasmjit.runtime.calls_refused import trap_raise
from wasmjit.runtime.codes import STORE_ERROR, STORE_SWEEP, TRAP_TIMEOUT
from wasmjit.runtime.safepoints import monotonic
from wasmjit.runtime.structs import Ec, FuncRef, StoreData

WAIT_FIRST, WAIT_MOST = 20, 1000  # microseconds between two looks at a store that another thread is in

OUTSIDE = var("store_outside", StoreData)  # for host functions called by Python: they belong to no store, any thread enters


@fn(inline=True)
def store_of(ref: ptr[FuncRef]) -> ptr[StoreData]:
    if ref.inst == 0:
        return OUTSIDE
    return ref.inst.store


@fn(inline=True)
def store_enter(ec: ptr[Ec], store: ptr[StoreData]) -> boolean:
    """Take the store for this thread, once more if it has it. Waits for another thread. False: an exception is set. GIL held."""
    if unlikely(store.owner != ec):
        if unlikely(store.owner != 0) and not store_wait(ec, store):
            return False
        store.owner = ec
    store.depth += 1
    return True


@fn(inline=True)
def store_leave(store: ptr[StoreData]) -> None:
    depth = store.depth - 1
    store.depth = depth
    if likely(depth == 0):
        store.owner = ptr[Ec](0)
    elif unlikely(depth == STORE_SWEEP):
        store_leave_sweeping(store)


@fn(cold=True)
def store_leave_sweeping(store: ptr[StoreData]) -> None:
    """The last activation left, and boxes wait for a sweep. An exception that is set stays."""
    store.depth = 0
    store.owner = ptr[Ec](0)
    kind = alloca(ptr[PyObject])
    value = alloca(ptr[PyObject])
    traceback = alloca(ptr[PyObject])
    PyErr_Fetch(kind, value, traceback)
    store_sweep(store)
    PyErr_Restore(kind[0], value[0], traceback[0])


@fn(cold=True)
def store_wait(ec: ptr[Ec], store: ptr[StoreData]) -> boolean:
    """Wait until no other thread is inside: the GIL is released, signals and the deadline are looked at."""
    if store == OUTSIDE:
        return True
    if store.flags & STORE_ERROR:
        PyErr_SetString(PyExc_RuntimeError, b'another thread is inside the store (Config(concurrent="error"))')
        return False
    pause: u32 = WAIT_FIRST
    while store.owner != 0:
        state = PyEval_SaveThread()
        usleep(pause)
        PyEval_RestoreThread(state)
        if PyErr_CheckSignals() != 0:
            return False
        if ec.deadline != 0 and monotonic() >= ec.deadline:
            ec.nframes = 0
            trap_raise(ec, TRAP_TIMEOUT, 0, 0, store)
            return False
        if pause < WAIT_MOST:
            pause = pause * 2
    return True
