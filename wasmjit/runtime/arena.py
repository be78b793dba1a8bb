"""The address space of guarded linear memories: one reservation a process, cut in slots of RESERVATION bytes.

One range compare tells the fault handler whether an address belongs to a linear memory, and its slot gives the base. Free
slots form a lock-free stack, so that neither a fork nor a thread that holds the GIL can be caught by a lock.
"""

from wasmjit.native.lang import addr, atomic_cas, atomic_load, atomic_store, fn, i32, ptr, struct, u8, u32, u64, var, void
from wasmjit.native.libc import mmap
from wasmjit.runtime.codes import RESERVATION
from wasmjit.runtime.context import MAP_FAILED
from wasmjit.runtime.platform import MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, PROT_NONE

LARGEST = 40 << 40  # bytes: 10 000 memories
SMALLEST = 64 << 30
SLOTS = LARGEST // RESERVATION
UNTRIED, TRYING, DONE = 0, 1, 2
HIGH = 32  # shift of the tag in `free`


@struct
class Arena:
    base: u64  # 0: no address space
    end: u64
    count: u64  # slots
    fresh: u64  # slots that have been handed out at least once: the first ones
    free: u64  # index + 1 of the top of the stack of free slots, and in the high half a tag that changes with each change
    state: u64


ARENA = var("memory_arena", Arena)
BELOW = var("memory_arena_below", u32, SLOTS)  # index + 1 of the slot under this one in the stack of free slots


@fn
def arena_slots() -> u64:
    """Guarded memories that may live at once in this process; 0: it cannot have any (address space limit). Reserves at first."""
    while atomic_load(addr(ARENA.state)) != DONE:
        if atomic_cas(addr(ARENA.state), UNTRIED, TRYING):
            arena_reserve()
            atomic_store(addr(ARENA.state), DONE)
    return ARENA.count


@fn(cold=True)
def arena_reserve() -> void:
    """Reserve as much address space as the process may have."""
    size: u64 = LARGEST
    while size >= SMALLEST:
        base = u64(mmap(ptr[u8](0), size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))
        if base != MAP_FAILED:
            ARENA.base = base
            ARENA.count = size // RESERVATION
            ARENA.end = base + ARENA.count * RESERVATION
            return
        size = size // 2


@fn
def arena_take() -> u64:
    """Base of a slot, all of it inaccessible; 0 if none is free."""
    count = arena_slots()
    while True:
        top = atomic_load(addr(ARENA.free))
        index = u64(u32(top))
        if index == 0:
            break
        under = u64(BELOW[index - 1])
        if atomic_cas(addr(ARENA.free), top, ((top >> HIGH) + 1) << HIGH | under):
            return ARENA.base + (index - 1) * RESERVATION
    while True:
        fresh = atomic_load(addr(ARENA.fresh))
        if fresh >= count:
            return 0
        if atomic_cas(addr(ARENA.fresh), fresh, fresh + 1):
            return ARENA.base + fresh * RESERVATION


@fn
def arena_give(base: u64, used: u64) -> void:
    """Give a slot back, of which the first `used` bytes are accessible. Its pages go to the system."""
    if used != 0:
        flags: i32 = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED
        if u64(mmap(ptr[u8](base), used, PROT_NONE, flags, -1, 0)) == MAP_FAILED:
            return  # out of mappings: the slot is lost rather than handed out accessible
    index = (base - ARENA.base) // RESERVATION
    while True:
        top = atomic_load(addr(ARENA.free))
        BELOW[index] = u32(top)
        if atomic_cas(addr(ARENA.free), top, ((top >> HIGH) + 1) << HIGH | (index + 1)):
            return
