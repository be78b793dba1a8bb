"""Tables and globals as Python makes and changes them (restricted Python).

Python reads and writes single values by address, through `value_get` and `value_set` of runtime.calls_types.
"""

from wasmjit.native.capi import PyCapsule_GetPointer, PyCapsule_New
from wasmjit.native.lang import PyObject, export, fn, fnptr, i64, ptr, sizeof, u8, u32, u64
from wasmjit.native.libc import calloc, free
from wasmjit.runtime.structs import GlobalBox, Table
from wasmjit.runtime.tables import table_extend, table_free, table_new


@export
def table_make(type: u32, least: u64, most: u64, limit: u64, flags: u32) -> ptr[Table]:
    """A table of `least` null elements; 0: beyond a limit, or no memory. The capsule of `table_owner` frees it. flags: TABLE_*."""
    table = table_new(type, least, most, limit)
    if table != 0:
        table.flags = flags
    return table


@export
def table_owner(table: ptr[Table]) -> ptr[PyObject]:
    """A capsule that lets go of the table when it dies."""
    return PyCapsule_New(ptr[u8](table), b"wasmjit.table", fnptr(table_capsule_free))


@fn
def table_capsule_free(capsule: ptr[PyObject]) -> None:
    table_free(ptr[Table](PyCapsule_GetPointer(capsule, b"wasmjit.table")))


@export
def table_size(table: ptr[Table]) -> u64:
    return table.size


@export
def table_most(table: ptr[Table]) -> u64:
    """The maximum: the declared one if flags have TABLE_MAX, else the largest there is."""
    return table.max


@export
def table_flags(table: ptr[Table]) -> u32:
    return table.flags


@export
def table_type(table: ptr[Table]) -> u32:
    """Element type as encoded."""
    return table.type


@export
def table_at(table: ptr[Table], index: u64) -> u64:
    """Address of an element, until the table grows; 0 beyond the last."""
    return u64(table.elems + index) if index < table.size else u64(0)


@export
def table_grow(table: ptr[Table], count: u64) -> i64:
    """Add null elements; the number before, or -1: beyond the maximum or limit, or no memory."""
    return table_extend(table, 0, count)


@export
def table_repeat(table: ptr[Table], index: u64) -> None:
    """Copy the element at `index` to all behind it."""
    i = index + 1
    while i < table.size:
        table.elems[i] = table.elems[index]
        i += 1


@export
def global_new() -> ptr[GlobalBox]:
    """A global with a zero value, whose address is that of its cell; 0: no memory. The capsule of `global_owner` frees it."""
    return ptr[GlobalBox](calloc(1, sizeof(GlobalBox)))


@export
def global_owner(box: ptr[GlobalBox]) -> ptr[PyObject]:
    """A capsule that frees the global when it dies."""
    return PyCapsule_New(ptr[u8](box), b"wasmjit.global", fnptr(global_capsule_free))


@fn
def global_capsule_free(capsule: ptr[PyObject]) -> None:
    free(PyCapsule_GetPointer(capsule, b"wasmjit.global"))
