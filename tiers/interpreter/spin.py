"""Locks of native code: held for short, taken with the GIL held or not; nobody who holds one may want the GIL."""

from wasmjit.native.lang import atomic_cas, atomic_load, atomic_store, fn, ptr, u64
from wasmjit.native.libc import getpid, usleep

PAUSE = 20  # microseconds between two tries


@fn
def spin_lock(lock: ptr[u64]) -> None:
    """Take a lock: a word that is 0 or the number of the process that holds it. One that another thread left at a fork is taken over."""
    me = u64(getpid())
    while not atomic_cas(lock, 0, me):
        holder = atomic_load(lock)
        if holder != 0 and holder != me and atomic_cas(lock, holder, me):
            return
        usleep(PAUSE)


@fn
def spin_unlock(lock: ptr[u64]) -> None:
    atomic_store(lock, 0)
