"""Tables: table.grow, fill, copy, init and elem.drop (core spec 4.4.6). Instance is ec.inst; results are trap codes.

Elements are 64-bit references, 0 null. `elems` moves when a table grows: nobody keeps it across a safepoint or call. What it was stays
allocated as long as the table; as arrays grow by half, that is at most twice as much.
"""

from wasmjit.native.lang import addr, atomic_add, fn, i64, ptr, sizeof, u8, u32, u64, void
from wasmjit.native.libc import calloc, free, malloc, memcpy
from wasmjit.runtime.bulk import CHUNK, bulk_poll, copy_chunks, outside
from wasmjit.runtime.codes import TRAP_NONE, TRAP_TABLE
from wasmjit.runtime.constexpr import elem_values
from wasmjit.runtime.safepoints import safepoint
from wasmjit.runtime.structs import Ec, Table

CHUNK_ELEMENTS = CHUNK // 8


@fn
def table_new(type: u32, least: u64, most: u64, limit: u64) -> ptr[Table]:
    """Make a table of `least` null elements, with one reference; 0 when memory ran out or `least` is above `most` or `limit`."""
    table = ptr[Table](calloc(1, sizeof(Table)))
    if table == 0:
        return table
    table.max = most
    table.limit = limit
    table.type = type
    table.refs = 1
    if table_extend(table, 0, least) < 0:
        free(ptr[u8](table))
        return ptr[Table](0)
    return table


@fn
def table_retain(table: ptr[Table]) -> void:
    """One more holder."""
    atomic_add(addr(table.refs), 1)


@fn
def table_free(table: ptr[Table]) -> void:
    """One holder less; the last one frees the table. 0 does nothing."""
    if table == 0 or atomic_add(addr(table.refs), -1) != 1:
        return
    elems_free(table.elems)
    free(ptr[u8](table))


@fn
def elems_free(elems: ptr[u64]) -> void:
    """Free an array of elements and those that it replaced: the word before each is the address of the one before it."""
    while elems != 0:
        block = elems - 1
        elems = ptr[u64](block[0])
        free(ptr[u8](block))


@fn
def table_extend(table: ptr[Table], ref: u64, n: u64) -> i64:
    """Grow by n elements with value `ref`. Returns the size before, or -1: beyond the maximum, the limit, or no memory."""
    before = table.size
    most = table.max
    if table.limit < most:
        most = table.limit
    if most < before or n > most - before:
        return -1
    after = before + n
    if after > table.capacity:
        capacity = table.capacity + table.capacity // 2
        if capacity < after:
            capacity = after
        if capacity > most:
            capacity = most
        if capacity >> 60:
            return -1
        block = ptr[u64](malloc((capacity + 1) * 8))
        if block == 0:
            return -1
        block[0] = u64(table.elems)  # kept: optimized code may be interrupted after it has read the address, and Python grow the table
        memcpy(ptr[u8](block + 1), ptr[u8](table.elems), before * 8)
        table.elems = block + 1
        table.capacity = capacity
    i = before
    while i < after:
        table.elems[i] = ref
        i += 1
    table.size = after
    return i64(before)


@fn
def tab_grow(ec: ptr[Ec], tab: u32, ref: u64, n: u64) -> i64:
    """table.grow: elements before, or -1."""
    before = table_extend(ec.inst.tables[tab], ref, n)
    safepoint(ec)
    return before


@fn
def tab_fill(ec: ptr[Ec], tab: u32, i: u64, ref: u64, n: u64) -> u32:
    """table.fill: n elements from i on become ref."""
    table = ec.inst.tables[tab]
    if outside(i, n, table.size):
        return TRAP_TABLE
    at: u64 = 0
    while at < n:
        start = at
        end = n
        if end - at > CHUNK_ELEMENTS:
            end = at + CHUNK_ELEMENTS
        while at < end:
            table.elems[i + at] = ref
            at += 1
        bulk_poll(ec, (end - start) * 8)
    return TRAP_NONE


@fn
def tab_copy(ec: ptr[Ec], dst: u32, src: u32, d: u64, s: u64, n: u64) -> u32:
    """table.copy: n elements from s of one table to d of another or the same."""
    to = ec.inst.tables[dst]
    source = ec.inst.tables[src]
    if outside(d, n, to.size) or outside(s, n, source.size):
        return TRAP_TABLE
    copy_chunks(ec, ptr[ptr[u8]](addr(to.elems)), d * 8, ptr[ptr[u8]](addr(source.elems)), s * 8, n * 8)
    return TRAP_NONE


@fn
def tab_init(ec: ptr[Ec], tab: u32, seg: u32, d: u64, s: u64, n: u64) -> u32:
    """table.init: n items from s of an element segment to d."""
    inst = ec.inst
    table = inst.tables[tab]
    size: u64 = 0
    if inst.elem_dropped[seg] == 0:
        size = u64(inst.mod.elems[seg].count)
    if outside(d, n, table.size) or outside(s, n, size):
        return TRAP_TABLE
    code = elem_values(inst, seg, s, n, table.elems + d)
    bulk_poll(ec, (s + n) * 8)  # items before the first one are read too
    return code


@fn
def elem_drop(ec: ptr[Ec], seg: u32) -> void:
    """elem.drop: the segment has length 0 from now on."""
    ec.inst.elem_dropped[seg] = 1
