"""Linear memories: made, grown, released (core spec 4.2.8, 4.4.7).

A guarded memory takes a slot of the arena: any 32-bit index plus a static offset below GUARD_OFFSETS lands in memory or
guard. A checked one reserves what it may grow to. Both grow by mprotect: `base` never moves.
"""

from wasmjit.native.lang import addr, alloca, atomic_add, export, fn, i64, ptr, sizeof, u8, u32, u64, void
from wasmjit.native.libc import calloc, free, getrlimit, mmap, mprotect, munmap
from wasmjit.runtime.arena import arena_give, arena_slots, arena_take
from wasmjit.runtime.codes import MEM_64, MEM_GUARD, PAGE, RESERVATION
from wasmjit.runtime.context import MAP_FAILED
from wasmjit.runtime.platform import MAP_ANONYMOUS, MAP_NORESERVE, MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE, RLIMIT_AS
from wasmjit.runtime.structs import Ec, Mem

MEM_OUT_OF_MEMORY = 0
MEM_NO_ADDRESSES = 1
PAGE_SHIFT = 16
PAGES_32 = 1 << 16
PAGES_64 = 1 << 48
RLIM_INFINITY = 0xFFFF_FFFF_FFFF_FFFF
SHARE = 8  # of a limited address space one checked memory reserves at most this part beyond its minimum


@fn
def mem_new(least: u64, most: u64, limit: u64, flags: u32) -> u64:
    """Make a memory of `least` pages with one reference. Returns the address of its Mem, or a code:

    MEM_OUT_OF_MEMORY (0): no pages, or `least` is above `most` or `limit`. MEM_NO_ADDRESSES (1): no address space; collecting
    garbage may help, else a checked memory does (flags without MEM_GUARD). most: pages; limit: bytes that may be accessible.
    """
    if least > most or least > limit >> PAGE_SHIFT:
        return MEM_OUT_OF_MEMORY
    mem = ptr[Mem](calloc(1, sizeof(Mem)))
    if mem == 0:
        return MEM_OUT_OF_MEMORY
    mem.max_pages = most
    mem.limit = limit
    mem.flags = flags
    mem.page_shift = PAGE_SHIFT
    mem.refs = 1
    base: u64 = 0
    if flags & MEM_GUARD:
        base = arena_take()
        mem.reserved = RESERVATION
    else:
        mem.reserved = mem_reservation(least, most, limit)
        base = u64(mmap(ptr[u8](0), mem.reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))
        while base == MAP_FAILED and mem.reserved // 2 >= least * PAGE + PAGE:
            mem.reserved = (mem.reserved // 2) & ~(PAGE - 1)
            base = u64(mmap(ptr[u8](0), mem.reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))
        if base == MAP_FAILED:
            base = 0
    if base == 0:
        free(ptr[u8](mem))
        return MEM_NO_ADDRESSES
    mem.base = ptr[u8](base)
    if mem_grow(ptr[Ec](0), mem, least) < 0:
        mem_release(mem)
        return MEM_OUT_OF_MEMORY
    return u64(mem)


@fn
def mem_reservation(least: u64, most: u64, limit: u64) -> u64:
    """Bytes of address space for a checked memory: what it may grow to, less where the process's address space is limited."""
    size = limit
    if most < size >> PAGE_SHIFT:
        size = most * PAGE
    rlimit = alloca(u64, 2)
    if getrlimit(RLIMIT_AS, ptr[u8](rlimit)) == 0 and rlimit[0] != RLIM_INFINITY and size > rlimit[0] // SHARE:
        size = rlimit[0] // SHARE
    size = size & ~(PAGE - 1)
    if size < least * PAGE:
        size = least * PAGE
    if size == 0:
        size = PAGE
    return size


@fn
def mem_grow(ec: ptr[Ec], mem: ptr[Mem], delta: u64) -> i64:
    """Grow by `delta` pages. Returns the size in pages before, or -1: beyond the maximum, the limit, or no memory."""
    before = mem.pages
    if delta > mem.max_pages - before:
        return -1
    room = mem.limit
    if mem.flags & MEM_GUARD == 0 and mem.reserved < room:
        room = mem.reserved
    if delta > (room - mem.nbytes) >> mem.page_shift:
        return -1
    added = delta << mem.page_shift
    if added != 0:
        if mprotect(mem.base + mem.nbytes, added, PROT_READ | PROT_WRITE) != 0:
            return -1
        mem.nbytes += added
        mem.pages = before + delta
    return i64(before)


@fn
def mem_retain(mem: ptr[Mem]) -> void:
    """One more holder: a Memory object, a view, an instance."""
    atomic_add(addr(mem.refs), 1)


@fn
def mem_release(mem: ptr[Mem]) -> void:
    """One holder less; the last one gives pages and addresses back."""
    if atomic_add(addr(mem.refs), -1) != 1:
        return
    if mem.flags & MEM_GUARD:
        arena_give(u64(mem.base), mem.nbytes)
    else:
        munmap(mem.base, mem.reserved)
    free(ptr[u8](mem))


@export
def memory_slots() -> u64:
    """Guarded memories that may live at once in this process; 0: address space is limited, use checked ones."""
    return arena_slots()


@export
def memory_new(least: u64, most: u64, limit: u64, flags: u32) -> u64:
    """`mem_new` for Python: a Mem address, 0 out of memory, 1 out of address space."""
    return mem_new(least, most, limit, flags)


@export
def memory_grow(mem: ptr[Mem], delta: u64) -> i64:
    """`mem_grow` for Python: pages before, or -1."""
    return mem_grow(ptr[Ec](0), mem, delta)


@export
def memory_retain(mem: ptr[Mem]) -> void:
    mem_retain(mem)


@export
def memory_release(mem: ptr[Mem]) -> void:
    mem_release(mem)


__all__ = ["MEM_64", "PAGES_32", "PAGES_64", "mem_grow", "mem_new", "mem_release", "mem_retain"]
