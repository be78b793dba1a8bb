"""Where slot code lives: chunks owned by their module, and the way from a slot pc back to its function.

A chunk is a row of blocks {Code, bytes, slot code}. The registry of chunks is sorted by address. One lock guards the
translator and the registry: translation runs with the GIL released.
"""

from wasmjit.native.lang import (
    addr,
    array,
    export,
    fn,
    ptr,
    sizeof,
    struct,
    u8,
    u64,
    var,
)
from wasmjit.native.libc import free, malloc, memcpy, memmove, realloc
from wasmjit.runtime.locks import lock_drop, lock_take
from wasmjit.runtime.structs import Code, Loop, Mod, Point

from .requests import requests_forget

FIRST_CHUNK = 16 << 10  # bytes: a small module needs no more
LAST_CHUNK = 512 << 10


@struct
class Block:
    """One form of a function's slot code."""

    code: ptr[Code]
    nbytes: u64  # this header included
    slots: array[u8, 0]


@struct
class SlotChunk:
    next: ptr["SlotChunk"]  # of the same module, older
    nbytes: u64  # of data
    used: u64
    data: array[u8, 0]


@struct
class Registry:
    chunks: ptr[ptr[SlotChunk]]  # sorted by address
    count: u64
    cap: u64
    lock: u64


REGISTRY = var("slot_registry", Registry)


@fn
def slots_lock() -> None:
    lock_take(addr(REGISTRY.lock))


@fn
def slots_unlock() -> None:
    lock_drop(addr(REGISTRY.lock))


@fn
def chunk_rank(pc: u64) -> u64:
    """Number of chunks that begin at or below pc."""
    low: u64 = 0
    high = REGISTRY.count
    while low < high:
        middle = (low + high) // 2
        if u64(REGISTRY.chunks[middle]) <= pc:
            low = middle + 1
        else:
            high = middle
    return low


@fn
def chunk_new(mod: ptr[Mod], least: u64) -> ptr[SlotChunk]:
    size = u64(FIRST_CHUNK)
    if mod.slots != 0:
        size = mod.slots.nbytes * 2 if mod.slots.nbytes < LAST_CHUNK else u64(LAST_CHUNK)
    if size < least:
        size = least
    if REGISTRY.count == REGISTRY.cap:
        cap = REGISTRY.cap * 2 + 64
        grown = realloc(ptr[u8](REGISTRY.chunks), cap * 8)
        if grown == 0:
            return ptr[SlotChunk](0)
        REGISTRY.chunks = ptr[ptr[SlotChunk]](grown)
        REGISTRY.cap = cap
    chunk = ptr[SlotChunk](malloc(sizeof(SlotChunk) + size))
    if chunk == 0:
        return chunk
    chunk.nbytes = size
    chunk.used = 0
    chunk.next = mod.slots
    mod.slots = chunk
    rank = chunk_rank(u64(chunk))
    at = REGISTRY.chunks + rank
    memmove(ptr[u8](at + 1), ptr[u8](at), (REGISTRY.count - rank) * 8)
    at[0] = chunk
    REGISTRY.count += 1
    return chunk


@fn
def slots_store(code: ptr[Code], source: ptr[u8], nbytes: u64) -> ptr[u8]:
    """Copy finished slot code to its place; 0 when memory ran out. Needs the lock."""
    size = nbytes + sizeof(Block)
    chunk = code.mod.slots
    if chunk == 0 or chunk.nbytes - chunk.used < size:
        chunk = chunk_new(code.mod, size)
        if chunk == 0:
            return ptr[u8](0)
    block = ptr[Block](chunk.data + chunk.used)
    block.code = code
    block.nbytes = size
    memcpy(block.slots, source, nbytes)
    chunk.used += size
    return block.slots


@fn
def code_of_pc(pc: ptr[u8]) -> ptr[Code]:
    """The function whose slot code holds pc; 0 if there is none."""
    slots_lock()
    found = ptr[Code](0)
    rank = chunk_rank(u64(pc))
    if rank > 0:
        chunk = REGISTRY.chunks[rank - 1]
        block = ptr[Block](chunk.data)
        end = u64(chunk.data) + chunk.used
        while u64(block) < end and found == 0:
            following = u64(block) + block.nbytes
            if u64(pc) < following and u64(pc) >= u64(block.slots):
                found = block.code
            block = ptr[Block](following)
    slots_unlock()
    return found


@fn
def loops_free(first: ptr[Loop]) -> None:
    loop = first
    while loop != 0:
        after = loop.next
        free(ptr[u8](loop))
        loop = after


@export
def slots_free(mod: ptr[Mod]) -> None:
    """Give back the slot code of a module that nobody runs any more, and what was asked for it."""
    requests_forget(mod)
    slots_lock()
    chunk = mod.slots
    while chunk != 0:
        rank = chunk_rank(u64(chunk))
        at = REGISTRY.chunks + (rank - 1)
        memmove(ptr[u8](at), ptr[u8](at + 1), (REGISTRY.count - rank) * 8)
        REGISTRY.count -= 1
        block = ptr[Block](chunk.data)
        end = u64(chunk.data) + chunk.used
        while u64(block) < end:
            code = block.code  # the second form of a function finds nothing left
            loops_free(code.loops)
            free(ptr[u8](code.points))
            code.loops = ptr[Loop](0)
            code.points = ptr[Point](0)
            block = ptr[Block](u64(block) + block.nbytes)
        following = chunk.next
        free(ptr[u8](chunk))
        chunk = following
    mod.slots = ptr[SlotChunk](0)
    slots_unlock()
