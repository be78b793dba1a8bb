"""Memory of a module: blocks that are freed with it."""

from wasmjit.native.lang import fn, ptr, sizeof, u8, u64
from wasmjit.native.libc import calloc, free, memcpy
from wasmjit.runtime.structs import Chunk, Mod

CHUNK = 1 << 14  # bytes of a shared block: small modules need one


@fn
def mod_alloc(mod: ptr[Mod], nbytes: u64) -> ptr[u8]:
    """Zeroed memory, 8-byte aligned, that lives as long as the module; 0 when there is none."""
    need = (nbytes + 7) & ~u64(7)
    chunk = mod.allocs
    if chunk == 0 or chunk.nbytes - chunk.used < need:
        size = need if need > CHUNK else u64(CHUNK)
        fresh = ptr[Chunk](calloc(1, size + u64(sizeof(Chunk))))
        if fresh == 0:
            return ptr[u8](0)
        fresh.nbytes = size
        fresh.next = chunk
        mod.allocs = fresh
        chunk = fresh
    place = chunk.data + chunk.used
    chunk.used += need
    return ptr[u8](place)


@fn
def mod_extend(mod: ptr[Mod], old: ptr[u8], nold: u64, nnew: u64, size: u64) -> ptr[u8]:
    """An array of `nnew` elements of `size` bytes that begins with the `nold` of `old`."""
    if nnew == nold:
        return old
    fresh = mod_alloc(mod, nnew * size)
    if fresh != 0 and nold != 0:
        memcpy(fresh, old, nold * size)
    return fresh


@fn
def mod_release(mod: ptr[Mod]) -> None:
    """Free every block of the module."""
    chunk = mod.allocs
    while chunk != 0:
        following = chunk.next
        free(ptr[u8](chunk))
        chunk = following
    mod.allocs = ptr[Chunk](0)
