"""Function signatures, interned in the process: equal ones are one address, so a call's check compares two words.

The table is guarded by the GIL, which a fork never finds half-way. It grows with the number of signatures and shrinks
with their references; its hash is seeded with an address, because types come from strangers.
"""

from wasmjit.native.lang import boolean, fn, ptr, sizeof, struct, u8, u32, u64, var
from wasmjit.native.libc import calloc, free, malloc, memcmp, memcpy
from wasmjit.runtime.structs import Sig

FIRST_BUCKETS = 64
PRIME = 0x9E3779B97F4A7C15


@struct
class SigTable:
    buckets: ptr[ptr[Sig]]
    size: u64  # a power of two
    count: u64


SIGNATURES = var("signatures", SigTable)


@fn
def hash_bytes(seed: u64, p: ptr[u8], count: u64) -> u64:
    h = seed
    for i in range(count):
        h = (h ^ u64(p[i])) * PRIME
        h ^= h >> 29
    return h


@fn
def sig_rehash(table: ptr[SigTable]) -> boolean:
    """Make the table, or double it."""
    size = table.size * 2 if table.size != 0 else u64(FIRST_BUCKETS)
    buckets = ptr[ptr[Sig]](calloc(size, 8))
    if buckets == 0:
        return table.size != 0
    for i in range(table.size):
        sig = table.buckets[i]
        while sig != 0:
            following = sig.next
            slot = sig.hash & (size - 1)
            sig.next = buckets[slot]
            buckets[slot] = sig
            sig = following
    free(ptr[u8](table.buckets))
    table.buckets = buckets
    table.size = size
    return True


@fn
def sig_intern(params: ptr[u8], nparams: u32, results: ptr[u8], nresults: u32) -> ptr[Sig]:
    """A new reference to the signature of these value type bytes; 0 when memory ran out. Needs the GIL."""
    table = SIGNATURES
    if table.count >= table.size and not sig_rehash(table):
        return ptr[Sig](0)
    h = hash_bytes(hash_bytes(u64(table) + u64(nparams), params, u64(nparams)), results, u64(nresults))
    slot = h & (table.size - 1)
    sig = table.buckets[slot]
    while sig != 0:
        if sig.hash == h and sig.nparams == nparams and sig.nresults == nresults:
            if memcmp(sig.types, params, u64(nparams)) == 0 and memcmp(sig.types + nparams, results, u64(nresults)) == 0:
                sig.refs += 1
                return sig
        sig = sig.next
    sig = ptr[Sig](malloc(u64(sizeof(Sig)) + u64(nparams) + u64(nresults)))
    if sig == 0:
        return sig
    sig.hash = h
    sig.refs = 1
    sig.nparams = nparams
    sig.nresults = nresults
    memcpy(sig.types, params, u64(nparams))
    memcpy(sig.types + nparams, results, u64(nresults))
    sig.next = table.buckets[slot]
    table.buckets[slot] = sig
    table.count += 1
    return sig


@fn
def sig_drop(sig: ptr[Sig]) -> None:
    """Give up a reference. Needs the GIL."""
    sig.refs -= 1
    if sig.refs != 0:
        return
    table = SIGNATURES
    slot = sig.hash & (table.size - 1)
    before = table.buckets[slot]
    if before == sig:
        table.buckets[slot] = sig.next
    else:
        while before.next != sig:
            before = before.next
        before.next = sig.next
    table.count -= 1
    free(ptr[u8](sig))
