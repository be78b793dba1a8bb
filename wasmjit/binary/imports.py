"""The import section (spec 5.5.5). It is read twice: to count, then to fill arrays of the right size."""

from wasmjit.isa import FEATURES
from wasmjit.native.lang import addr, alloca, boolean, fn, ptr, sizeof, symbol, u32, u64
from wasmjit.runtime.structs import Code, GlobalDecl, Import, Limits, Mod, TableDecl

from .errors import ERR_IMPORT_KIND, ERR_MEMORY, ERR_MUTABILITY, ERR_UNKNOWN_TYPE, WHAT_IMPORT, WHAT_MEMORY
from .features import NEED_EXCEPTIONS, NEED_MULTI_MEMORY
from .reader import Reader, fail_index, need_feature, read_byte, read_count, read_u32
from .storage import mod_alloc
from .types import Loader, read_limits, read_table_type, read_valtype
from .utf8 import read_name

KIND_FUNC = 0
KIND_TABLE = 1
KIND_MEMORY = 2
KIND_GLOBAL = 3
KIND_TAG = 4

BIT_MUTABLE_GLOBAL = 1 << FEATURES.index("mutable-global")
BIT_REFERENCE_TYPES = 1 << FEATURES.index("reference-types")


@fn
def read_type_index(r: ptr[Reader]) -> u32:
    place = r.p
    index = read_u32(r)
    if r.error == 0 and index >= r.mod.ntypes:
        fail_index(r, ERR_UNKNOWN_TYPE, place, u64(index))
    return index


@fn
def read_global_type(r: ptr[Reader], decl: ptr[GlobalDecl]) -> boolean:
    decl.type = read_valtype(r)
    place = r.p
    decl.mutable = read_byte(r)
    if r.error != 0:
        return False
    return decl.mutable <= 1 or fail_index(r, ERR_MUTABILITY, place, u64(decl.mutable))


@fn
def import_func(r: ptr[Reader]) -> boolean:
    mod = r.mod
    type_index = read_type_index(r)
    if r.error == 0 and mod.codes != 0:
        code = mod.codes[mod.ncodes]
        code.sig = mod.types[type_index]
        code.mod = mod
        code.index = mod.ncodes
        code.native = symbol("c2i")
    mod.ncodes += 1
    return r.error == 0


@fn
def import_table(r: ptr[Reader]) -> boolean:
    mod = r.mod
    table = mod.tables[mod.ntables] if mod.tables != 0 else alloca(TableDecl)
    mod.ntables += 1
    if mod.ntables > 1:
        r.features |= BIT_REFERENCE_TYPES
    return read_table_type(r, table)


@fn
def import_memory(r: ptr[Reader]) -> boolean:
    mod = r.mod
    place = r.p
    limits = mod.mems[mod.nmems] if mod.mems != 0 else alloca(Limits)
    mod.nmems += 1
    if mod.nmems > 1:
        return need_feature(r, place, NEED_MULTI_MEMORY, WHAT_MEMORY, 1)
    return read_limits(r, limits, True)


@fn
def import_global(r: ptr[Reader]) -> boolean:
    mod = r.mod
    decl = mod.globals[mod.nglobals] if mod.globals != 0 else alloca(GlobalDecl)
    mod.nglobals += 1
    decl.init = 0
    if not read_global_type(r, decl):
        return False
    if decl.mutable != 0:
        r.features |= BIT_MUTABLE_GLOBAL
    return True


@fn
def read_import(r: ptr[Reader], item: ptr[Import]) -> boolean:
    """Read an import, count it in its index space, and store its type once the space's array is there."""
    mod = r.mod
    if not read_name(r, addr(item.module), addr(item.module_len)) or not read_name(r, addr(item.name), addr(item.name_len)):
        return False
    place = r.p
    kind = read_byte(r)
    if r.error != 0:
        return False
    item.kind = kind
    if kind == KIND_FUNC:
        item.index = mod.ncodes
        return import_func(r)
    if kind == KIND_TABLE:
        item.index = mod.ntables
        return import_table(r)
    if kind == KIND_MEMORY:
        item.index = mod.nmems
        return import_memory(r)
    if kind == KIND_GLOBAL:
        item.index = mod.nglobals
        return import_global(r)
    if kind == KIND_TAG:
        return need_feature(r, place, NEED_EXCEPTIONS, WHAT_IMPORT, u64(kind))
    return fail_index(r, ERR_IMPORT_KIND, place, u64(kind))


@fn
def alloc_imported(mod: ptr[Mod], count: u32) -> boolean:
    """Make the arrays of what the first reading counted, and count anew."""
    mod.imports = ptr[Import](mod_alloc(mod, u64(count) * sizeof(Import)))
    mod.codes = ptr[Code](mod_alloc(mod, u64(mod.ncodes) * sizeof(Code)))
    mod.tables = ptr[TableDecl](mod_alloc(mod, u64(mod.ntables) * sizeof(TableDecl)))
    mod.mems = ptr[Limits](mod_alloc(mod, u64(mod.nmems) * sizeof(Limits)))
    mod.globals = ptr[GlobalDecl](mod_alloc(mod, u64(mod.nglobals) * sizeof(GlobalDecl)))
    mod.ncodes = 0
    mod.ntables = 0
    mod.nmems = 0
    mod.nglobals = 0
    return mod.imports != 0 and mod.codes != 0 and mod.tables != 0 and mod.mems != 0 and mod.globals != 0


@fn
def decode_imports(ld: ptr[Loader]) -> boolean:
    r = ld.r
    mod = r.mod
    place = r.p
    count = read_count(r, 4)
    start = r.p
    counted = alloca(Import)
    i: u32 = 0
    while i < count and r.error == 0:
        read_import(r, counted)
        i += 1
    if r.error != 0:
        return False
    if not alloc_imported(mod, count):
        return fail_index(r, ERR_MEMORY, place, u64(count) * sizeof(Import))
    mod.nimports = count
    r.p = start
    for j in range(count):
        read_import(r, mod.imports[j])
    mod.nimport_funcs = mod.ncodes
    mod.nimport_tables = mod.ntables
    mod.nimport_mems = mod.nmems
    mod.nimport_globals = mod.nglobals
    return r.error == 0
