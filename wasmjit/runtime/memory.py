"""Linear memories: made, grown, released (core spec 4.2.8, 4.4.7).

A guarded memory takes a slot of the arena: any 32-bit index plus a static offset below GUARD_OFFSETS lands in memory or
guard. A checked one reserves what it may grow to. Both grow by mprotect: `base` never moves.
"""

from wasmjit.native.lang import addr, alloca, atomic_add, export, fn, i64, ptr, sizeof, u8, u32, u64, void
from wasmjit.native.libc import calloc, free, getrlimit, mmap, mprotect, munmap
from wasmjit.runtime.arena import arena_give, arena_slots, arena_take
from wasmjit.runtime.codes import MEM_GUARD, PAGE, RESERVATION
from wasmjit.runtime.context import MAP_FAILED
from wasmjit.runtime.platform import MAP_ANONYMOUS, MAP_NORESERVE, MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE, RLIMIT_AS
from wasmjit.runtime.structs import Ec, Mem

MEM_OUT_OF_MEMORY = 0
MEM_NO_ADDRESSES = 1
PAGE_SHIFT = 16
RLIM_INFINITY = 0xFFFF_FFFF_FFFF_FFFF
SHARE = 8


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
        base = mem_reserve(mem, least * PAGE)
    if base == 0:
        free(ptr[u8](mem))
        return MEM_NO_ADDRESSES
    mem.base = ptr[u8](base)
    if mem_grow(ptr[Ec](0), mem, least) < 0:
        mem_release(mem)
        return MEM_OUT_OF_MEMORY
    return u64(mem)


@fn
def address_space(size: u64) -> u64:
    """Address of `size` inaccessible bytes; 0 if there is no room."""
    base = u64(mmap(ptr[u8](0), size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))
    return base if base != MAP_FAILED else u64(0)


@fn
def mem_reserve(mem: ptr[Mem], least: u64) -> u64:
    """Reserve for a checked memory, of which `least` bytes are used at once, what it may grow to. Returns its base or 0.

    Where the process's address space is limited it gets, beyond `least`, at most one part in SHARE of what is left: that is
    tried by reserving SHARE times as much and giving the rest back.
    """
    size = mem.limit & ~(PAGE - 1)
    if mem.max_pages < size >> PAGE_SHIFT:
        size = mem.max_pages << PAGE_SHIFT
    if size < PAGE:
        size = PAGE
    rlimit = alloca(u64, 2)
    if getrlimit(RLIMIT_AS, ptr[u8](rlimit)) == 0 and rlimit[0] != RLIM_INFINITY:
        while size > least:
            base = address_space(size * SHARE) if size <= rlimit[0] // SHARE else u64(0)
            if base != 0:
                munmap(ptr[u8](base + size), size * (SHARE - 1))
                mem.reserved = size
                return base
            size = (size // 2) & ~(PAGE - 1)
        size = least if least != 0 else u64(PAGE)
    mem.reserved = size
    return address_space(size)


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
def mem_grow_at(ec: ptr[Ec], index: u32, delta: u64) -> i64:
    """`mem_grow` of the running instance's memory of this index."""
    return mem_grow(ec, ec.inst.mems[index], delta)


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
