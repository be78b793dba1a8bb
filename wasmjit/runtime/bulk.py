"""memory.fill, copy, init and data.drop (core spec 4.4.7): bounds first, then bytes. Instance is ec.inst; results are trap codes.

Long operations go in chunks with a safepoint after each, so callers set ec.pc, ec.vs_top and ec.cs_top as for any safepoint.
"""

from wasmjit.native.lang import addr, boolean, fn, i32, ptr, u8, u32, u64, void
from wasmjit.native.libc import memmove, memset
from wasmjit.runtime.codes import TRAP_MEMORY, TRAP_NONE
from wasmjit.runtime.safepoints import safepoint
from wasmjit.runtime.structs import Ec

CHUNK = 1 << 20  # bytes: 0.2 ms, but memory that was never touched may take 2; up to 16 MiB larger chunks are not faster
POLLED = 16 << 10  # bytes: from here on a safepoint after each operation, for which the interpreter's budget counts only 1


@fn
def outside(at: u64, n: u64, size: u64) -> boolean:
    """Does [at, at + n) leave [0, size)?"""
    return n > size or at > size - n


@fn(inline=True)
def bulk_poll(ec: ptr[Ec], n: u64) -> void:
    """The safepoint behind an operation on n bytes."""
    if n >= POLLED:
        safepoint(ec)


@fn
def copy_chunks(ec: ptr[Ec], to: ptr[ptr[u8]], d: u64, source: ptr[ptr[u8]], s: u64, n: u64) -> void:
    """Copy n bytes at offsets of two bases, which may overlap. The bases are read again after each safepoint: tables move."""
    if n <= CHUNK:
        memmove(to[0] + d, source[0] + s, n)
        bulk_poll(ec, n)
        return
    left = n
    if to[0] + d <= source[0] + s:
        at: u64 = 0
        while left > CHUNK:
            memmove(to[0] + d + at, source[0] + s + at, CHUNK)
            at += CHUNK
            left -= CHUNK
            safepoint(ec)
        memmove(to[0] + d + at, source[0] + s + at, left)
    else:
        while left > CHUNK:
            left -= CHUNK
            memmove(to[0] + d + left, source[0] + s + left, CHUNK)
            safepoint(ec)
        memmove(to[0] + d, source[0] + s, left)
    safepoint(ec)


@fn
def mem_fill(ec: ptr[Ec], memidx: u32, d: u64, v: u32, n: u64) -> u32:
    """memory.fill: n bytes of value v from d on."""
    mem = ec.inst.mems[memidx]
    if outside(d, n, mem.nbytes):
        return TRAP_MEMORY
    at = mem.base + d
    left = n
    while left > CHUNK:
        memset(at, i32(v & 0xFF), CHUNK)
        at = at + CHUNK
        left -= CHUNK
        safepoint(ec)
    memset(at, i32(v & 0xFF), left)
    bulk_poll(ec, n)
    return TRAP_NONE


@fn
def mem_copy(ec: ptr[Ec], dstmem: u32, srcmem: u32, d: u64, s: u64, n: u64) -> u32:
    """memory.copy: n bytes from s of one memory to d of another or the same."""
    to = ec.inst.mems[dstmem]
    source = ec.inst.mems[srcmem]
    if outside(d, n, to.nbytes) or outside(s, n, source.nbytes):
        return TRAP_MEMORY
    copy_chunks(ec, addr(to.base), d, addr(source.base), s, n)
    return TRAP_NONE


@fn
def mem_init(ec: ptr[Ec], memidx: u32, seg: u32, d: u64, s: u64, n: u64) -> u32:
    """memory.init: n bytes from s of a data segment to d."""
    inst = ec.inst
    mem = inst.mems[memidx]
    data = inst.mod.datas + seg
    size: u64 = 0
    if inst.data_dropped[seg] == 0:
        size = u64(data.nbytes)
    if outside(d, n, mem.nbytes) or outside(s, n, size):
        return TRAP_MEMORY
    copy_chunks(ec, addr(mem.base), d, addr(inst.mod.bytes), u64(data.bytes) + s, n)
    return TRAP_NONE


@fn
def data_drop(ec: ptr[Ec], seg: u32) -> void:
    """data.drop: the segment has length 0 from now on."""
    ec.inst.data_dropped[seg] = 1
