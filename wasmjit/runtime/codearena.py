"""The address space of optimized code: one reservation a process, cut in slots of SLOT bytes, made at the first install.

One range compare tells whether an address is in optimized code, and the word of its slot whose code that is. Signal handlers
look there without a lock: a word changes in one piece, and nobody asks for a place where no thread can be.

Code is copied into fresh pages while they are writable, then they become executable: never both. Whole slots change
protection together, so that neighbours remain one mapping of the kernel's. Pages that are given back are new, zeroed ones
when they are used again, which is what makes a processor look at their contents anew.
"""

from wasmjit.native.lang import addr, atomic_load, atomic_store, boolean, fn, i32, ptr, struct, u8, u64, var, void
from wasmjit.native.libc import memcpy, mmap, mprotect
from wasmjit.runtime.context import MAP_FAILED
from wasmjit.runtime.platform import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_NORESERVE,
    MAP_PRIVATE,
    PROT_EXEC,
    PROT_NONE,
    PROT_READ,
    PROT_WRITE,
)

LARGEST = 4 << 30
SMALLEST = 16 << 20
SLOT = 64 << 10  # the largest page of the platforms
TAKEN = 1  # word of a slot that is being filled, or was lost


@struct
class CodeArena:
    base: u64  # 0: not reserved
    end: u64
    owners: ptr[u64]  # a word a slot: 0 free, TAKEN, or the owner of the code in it
    low: u64  # no slot below this one is free


CODE = var("code_arena", CodeArena)


@fn(cold=True)
def code_reserve() -> boolean:
    """Reserve the range if that was not done; False: no address space. Needs the units' lock."""
    if CODE.base != 0:
        return True
    private: i32 = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    size: u64 = LARGEST
    while size >= SMALLEST:
        words = size // SLOT * 8
        base = u64(mmap(ptr[u8](0), size + words, PROT_NONE, private, -1, 0))
        if base != MAP_FAILED:
            if mprotect(ptr[u8](base), words, PROT_READ | PROT_WRITE) != 0:
                return False
            CODE.owners = ptr[u64](base)
            CODE.base = (base + words + SLOT - 1) // SLOT * SLOT
            atomic_store(addr(CODE.end), (base + words + size) // SLOT * SLOT)
            return True
        size = size // 2
    return False


@fn(inline=True)
def in_code(pc: u64) -> boolean:
    """Is this an address of the range? What is there may be free."""
    return pc >= CODE.base and pc < CODE.end


@fn
def code_owner(pc: u64) -> u64:
    """The owner of the code at an address, 0: none. Callable anywhere."""
    if not in_code(pc):
        return 0
    owner = atomic_load(CODE.owners + (pc - CODE.base) // SLOT)
    return 0 if owner == TAKEN else owner


@fn
def code_slots(nbytes: u64) -> u64:
    return (nbytes + SLOT - 1) // SLOT


@fn
def code_find(count: u64) -> u64:
    """Index of the first of `count` free slots in a row; the number of slots if there are none."""
    most = (CODE.end - CODE.base) // SLOT
    at = CODE.low
    found: u64 = 0
    while at < most and found < count:
        found = found + 1 if CODE.owners[at] == 0 else u64(0)
        at += 1
    return at - count if found == count else most


@fn
def code_put(code: ptr[u8], nbytes: u64) -> u64:
    """Copy code to where it can run; its address, 0: no room, no memory, or the system forbids it. Needs the units' lock.

    Nobody owns it yet: `code_mark` follows.
    """
    if nbytes == 0 or not code_reserve():
        return 0
    count = code_slots(nbytes)
    index = code_find(count)
    base = CODE.base + index * SLOT
    if base >= CODE.end:
        return 0
    code_mark(base, nbytes, TAKEN)
    if index == CODE.low:
        CODE.low = index + count
    place = ptr[u8](base)
    if mprotect(place, count * SLOT, PROT_READ | PROT_WRITE) == 0:
        memcpy(place, code, nbytes)
        if mprotect(place, count * SLOT, PROT_READ | PROT_EXEC) == 0:
            return base
    code_give(base, nbytes)
    return 0


@fn
def code_mark(base: u64, nbytes: u64, owner: u64) -> void:
    """Say whose the code at `base` is: an address."""
    first = (base - CODE.base) // SLOT
    for i in range(code_slots(nbytes)):
        atomic_store(CODE.owners + (first + i), owner)


@fn
def code_give(base: u64, nbytes: u64) -> void:
    """Give the place of code back, in which no thread can be any more. Needs the units' lock."""
    flags: i32 = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED
    code_mark(base, nbytes, TAKEN)
    if u64(mmap(ptr[u8](base), code_slots(nbytes) * SLOT, PROT_NONE, flags, -1, 0)) == MAP_FAILED:
        return  # out of mappings: the slots are lost rather than handed out executable
    code_mark(base, nbytes, 0)
    index = (base - CODE.base) // SLOT
    if index < CODE.low:
        CODE.low = index
