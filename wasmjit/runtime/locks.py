"""Locks of native code: held for short, taken with the GIL held or not; nobody who holds one may want the GIL."""

from wasmjit.native.lang import atomic_cas, atomic_load, atomic_store, fn, ptr, u64, void
from wasmjit.native.libc import getpid, usleep


@fn
def lock_take(lock: ptr[u64]) -> void:
    """The word is 0 or the process that holds it. One left by another thread at a fork is taken over: its process is not ours."""
    me = u64(getpid())
    while not atomic_cas(lock, 0, me):
        holder = atomic_load(lock)
        if holder != 0 and holder != me and atomic_cas(lock, holder, me):
            return
        usleep(20)


@fn
def lock_drop(lock: ptr[u64]) -> void:
    atomic_store(lock, 0)
