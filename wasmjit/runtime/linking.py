"""Finding exports, and import matching (spec 4.5.2; restricted Python).

What Python found is compared with what the module asks for, by address. Functions match by signature, which is one address
for equal ones; memories and tables by limits and type. Globals are compared by Python, which knows a Global object's type.
"""

from wasmjit.native.capi import PyErr_Clear, PyErr_Occurred, PyList_GetItem, PyLong_AsUnsignedLongLong, PyUnicode_AsUTF8AndSize
from wasmjit.native.lang import PyObject, alloca, boolean, export, fn, i64, ptr, u64
from wasmjit.native.libc import memcmp
from wasmjit.runtime.codes import MEM_64, MEM_GUARD, MEM_MAX, MEM_SHARED, MOD_CHECKED, TABLE_MAX
from wasmjit.runtime.structs import FuncRef, Limits, Mem, Mod, Table

HAS_MAX, SHARED, WIDE = 1, 2, 4  # limits flags as encoded
FUNC, TABLE, MEMORY = 0, 1, 2

MATCHED = 0xFFFF_FFFF_FFFF_FFFF


@export
def link_check(mod: ptr[Mod], imports: ptr[PyObject], first: u64) -> u64:
    """The first import at or after `first` that does not match; MATCHED if all do. `imports`: list of addresses, 0 is skipped."""
    funcs: u64 = 0
    tables: u64 = 0
    mems: u64 = 0
    i: u64 = 0
    while i < mod.nimports:
        item = PyList_GetItem(imports, i64(i))
        address: u64 = 0
        if item != 0:
            address = PyLong_AsUnsignedLongLong(item)
        if address == 0xFFFF_FFFF_FFFF_FFFF or item == 0:
            if PyErr_Occurred() != 0:
                PyErr_Clear()
            return i
        kind = mod.imports[i].kind
        fits = True
        if kind == FUNC:
            if address != 0:
                fits = ptr[FuncRef](address).sig == mod.codes[funcs].sig
            funcs += 1
        elif kind == TABLE:
            if address != 0:
                decl = mod.tables[tables]
                table = ptr[Table](address)
                fits = table.type == decl.type and within(decl.limits, table.size, table.max, table.flags & TABLE_MAX != 0)
            tables += 1
        elif kind == MEMORY:
            if address != 0:
                fits = memory_fits(mod, mod.mems[mems], ptr[Mem](address))
            mems += 1
        if i >= first and not fits:
            return i
        i += 1
    return MATCHED


@fn
def within(decl: ptr[Limits], size: u64, most: u64, declared: boolean) -> boolean:
    """Do size and maximum match the limits? `declared`: something with this maximum has one in its type."""
    if size < decl.min:
        return False
    return decl.flags & HAS_MAX == 0 or (declared and most <= decl.max)


@fn
def memory_fits(mod: ptr[Mod], decl: ptr[Limits], mem: ptr[Mem]) -> boolean:
    if mod.flags & MOD_CHECKED == 0 and mem.flags & MEM_GUARD == 0:
        return False  # its code relies on the guard
    if (decl.flags & SHARED != 0) != (mem.flags & MEM_SHARED != 0):
        return False
    if (decl.flags & WIDE != 0) != (mem.flags & MEM_64 != 0):
        return False
    return within(decl, mem.pages, mem.max_pages, mem.flags & MEM_MAX != 0)


@export
def export_find(mod: ptr[Mod], name: ptr[PyObject]) -> i64:
    """The export called so: kind << 32 | index in its index space; -1 if there is none, or `name` is no str."""
    size = alloca(i64)
    text = PyUnicode_AsUTF8AndSize(name, size)
    if text == 0:
        PyErr_Clear()
        return -1
    i: u64 = 0
    while i < mod.nexports:
        item = mod.exports[i]
        if i64(u64(item.name_len)) == size[0] and memcmp(mod.bytes + item.name, text, u64(size[0])) == 0:
            return i64(u64(item.kind) << 32 | u64(item.index))
        i += 1
    return -1
