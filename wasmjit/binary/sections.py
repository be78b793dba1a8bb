"""Sections of declarations: functions, tables, memories, globals, exports, start (spec 5.5.6 to 5.5.11)."""

from wasmjit.isa import FEATURES
from wasmjit.native.lang import addr, boolean, fn, ptr, sizeof, symbol, u8, u32, u64
from wasmjit.native.libc import calloc, free, memcmp
from wasmjit.runtime.structs import Code, Export, GlobalDecl, Limits, TableDecl

from .constexpr import check_const
from .errors import (
    ERR_CODE_COUNT,
    ERR_DUPLICATE_EXPORT,
    ERR_EXPORT_KIND,
    ERR_MEMORY,
    ERR_START,
    ERR_UNKNOWN_FUNC,
    ERR_UNKNOWN_GLOBAL,
    ERR_UNKNOWN_MEMORY,
    ERR_UNKNOWN_TABLE,
    WHAT_EXPORT,
    WHAT_MEMORY,
    WHAT_TABLE,
)
from .features import NEED_EXCEPTIONS, NEED_FUNCTION_REFERENCES, NEED_MULTI_MEMORY
from .imports import KIND_FUNC, KIND_GLOBAL, KIND_MEMORY, KIND_TABLE, KIND_TAG, read_global_type, read_type_index
from .reader import Reader, fail, fail_index, fail_with, need_feature, offset_of, read_byte, read_count, read_u32
from .signatures import hash_bytes
from .storage import mod_extend
from .types import Loader, read_limits, read_table_type
from .utf8 import read_name

BIT_MUTABLE_GLOBAL = 1 << FEATURES.index("mutable-global")
BIT_REFERENCE_TYPES = 1 << FEATURES.index("reference-types")

TABLE_WITH_INIT = 0x40


@fn
def decode_functions(ld: ptr[Loader]) -> boolean:
    r = ld.r
    mod = r.mod
    place = r.p
    count = read_count(r, 1)
    left = mod.nbytes - u64(offset_of(r, r.p))
    if u64(count) * 4 > left:  # a body takes three bytes: do not allocate for functions that cannot have one
        return fail_with(r, ERR_CODE_COUNT, place, u64(count), 0, 0)
    first = mod.nimport_funcs
    total = u64(first) + u64(count)
    mod.codes = ptr[Code](mod_extend(mod, ptr[u8](mod.codes), u64(first), total, sizeof(Code)))
    if mod.codes == 0 and total != 0:
        return fail_index(r, ERR_MEMORY, place, total * sizeof(Code))
    lazy = symbol("lazy_word")
    interpret = symbol("c2i")
    i: u32 = 0
    while i < count and r.error == 0:
        type_index = read_type_index(r)
        if r.error == 0:
            code = mod.codes[first + i]
            code.sig = mod.types[type_index]
            code.mod = mod
            code.index = first + i
            code.entry = lazy
            code.native = interpret
        i += 1
    mod.ncodes = first + count
    ld.bodies = count
    return r.error == 0


@fn
def decode_tables(ld: ptr[Loader]) -> boolean:
    r = ld.r
    mod = r.mod
    place = r.p
    count = read_count(r, 3)
    first = mod.ntables
    mod.tables = ptr[TableDecl](mod_extend(mod, ptr[u8](mod.tables), u64(first), u64(first) + u64(count), sizeof(TableDecl)))
    if mod.tables == 0 and count != 0:
        return fail_index(r, ERR_MEMORY, place, u64(count) * sizeof(TableDecl))
    mod.ntables = first + count
    if mod.ntables > 1:
        r.features |= BIT_REFERENCE_TYPES
    for i in range(first, mod.ntables):
        if r.p < r.end and r.p[0] == TABLE_WITH_INIT:
            return need_feature(r, r.p, NEED_FUNCTION_REFERENCES, WHAT_TABLE, TABLE_WITH_INIT)
        if not read_table_type(r, mod.tables[i]):
            return False
    return r.error == 0


@fn
def decode_memories(ld: ptr[Loader]) -> boolean:
    r = ld.r
    mod = r.mod
    place = r.p
    count = read_count(r, 2)
    if r.error != 0 or count == 0:
        return r.error == 0
    if mod.nmems + count > 1:
        return need_feature(r, place, NEED_MULTI_MEMORY, WHAT_MEMORY, 1)
    mod.mems = ptr[Limits](mod_extend(mod, ptr[u8](mod.mems), 0, 1, sizeof(Limits)))
    if mod.mems == 0:
        return fail_index(r, ERR_MEMORY, place, sizeof(Limits))
    mod.nmems = 1
    return read_limits(r, mod.mems[0], True)


@fn
def decode_globals(ld: ptr[Loader]) -> boolean:
    r = ld.r
    mod = r.mod
    place = r.p
    count = read_count(r, 3)
    first = mod.nglobals
    mod.globals = ptr[GlobalDecl](mod_extend(mod, ptr[u8](mod.globals), u64(first), u64(first) + u64(count), sizeof(GlobalDecl)))
    if mod.globals == 0 and count != 0:
        return fail_index(r, ERR_MEMORY, place, u64(count) * sizeof(GlobalDecl))
    i: u32 = 0
    while i < count and r.error == 0:
        decl = mod.globals[first + i]
        if read_global_type(r, decl):
            decl.init = offset_of(r, r.p)
            decl.own = i
            if check_const(ld, decl.type):
                mod.nglobals += 1  # later initializers may read it
        i += 1
    return r.error == 0


@fn
def check_export_index(r: ptr[Reader], place: ptr[u8], kind: u32, index: u32) -> boolean:
    mod = r.mod
    if kind == KIND_FUNC:
        return index < mod.ncodes or fail_index(r, ERR_UNKNOWN_FUNC, place, u64(index))
    if kind == KIND_TABLE:
        return index < mod.ntables or fail_index(r, ERR_UNKNOWN_TABLE, place, u64(index))
    if kind == KIND_MEMORY:
        return index < mod.nmems or fail_index(r, ERR_UNKNOWN_MEMORY, place, u64(index))
    if kind == KIND_GLOBAL:
        return index < mod.nglobals or fail_index(r, ERR_UNKNOWN_GLOBAL, place, u64(index))
    if kind == KIND_TAG:
        return need_feature(r, place - 1, NEED_EXCEPTIONS, WHAT_EXPORT, u64(kind))
    return fail_index(r, ERR_EXPORT_KIND, place - 1, u64(kind))


@fn
def read_export(ld: ptr[Loader], item: ptr[Export]) -> boolean:
    r = ld.r
    if not read_name(r, addr(item.name), addr(item.name_len)):
        return False
    kind = read_byte(r)
    place = r.p
    index = read_u32(r)
    if r.error != 0 or not check_export_index(r, place, kind, index):
        return False
    item.kind = kind
    item.index = index
    if kind == KIND_FUNC:
        ld.declared[index] = 1
    elif kind == KIND_GLOBAL and r.mod.globals[index].mutable != 0:
        r.features |= BIT_MUTABLE_GLOBAL
    return True


@fn
def find_duplicate(r: ptr[Reader], seen: ptr[u32], mask: u64) -> boolean:
    """Put the exports' names into the hash set of index + 1; fails at the first name that is there already."""
    mod = r.mod
    for i in range(mod.nexports):
        item = mod.exports[i]
        name = r.base + item.name
        slot = hash_bytes(u64(seen), name, u64(item.name_len)) & mask
        while seen[slot] != 0:
            other = mod.exports[seen[slot] - 1]
            if other.name_len == item.name_len and memcmp(r.base + other.name, name, u64(item.name_len)) == 0:
                return fail(r, ERR_DUPLICATE_EXPORT, name)
            slot = (slot + 1) & mask
        seen[slot] = i + 1
    return True


@fn
def check_duplicates(r: ptr[Reader], place: ptr[u8]) -> boolean:
    size: u64 = 4
    while size < u64(r.mod.nexports) * 2:
        size *= 2
    seen = ptr[u32](calloc(size, 4))
    if seen == 0:
        return fail_index(r, ERR_MEMORY, place, size * 4)
    find_duplicate(r, seen, size - 1)
    free(ptr[u8](seen))
    return r.error == 0


@fn
def decode_exports(ld: ptr[Loader]) -> boolean:
    r = ld.r
    mod = r.mod
    place = r.p
    count = read_count(r, 3)
    mod.exports = ptr[Export](mod_extend(mod, ptr[u8](0), 0, u64(count), sizeof(Export)))
    if mod.exports == 0 and count != 0:
        return fail_index(r, ERR_MEMORY, place, u64(count) * sizeof(Export))
    i: u32 = 0
    while i < count and r.error == 0:
        if read_export(ld, mod.exports[i]):
            mod.nexports += 1
        i += 1
    return r.error == 0 and check_duplicates(r, place)


@fn
def decode_start(ld: ptr[Loader]) -> boolean:
    r = ld.r
    mod = r.mod
    place = r.p
    index = read_u32(r)
    if r.error != 0:
        return False
    if index >= mod.ncodes:
        return fail_index(r, ERR_UNKNOWN_FUNC, place, u64(index))
    sig = mod.codes[index].sig
    if sig.nparams != 0 or sig.nresults != 0:
        return fail_index(r, ERR_START, place, u64(index))
    mod.start = index
    return True
