"""Element and data segments (spec 5.5.12 to 5.5.14)."""

from wasmjit.isa import FEATURES
from wasmjit.native.lang import boolean, fn, ptr, sizeof, u8, u32, u64
from wasmjit.runtime.structs import Data, Elem

from .constexpr import check_const
from .errors import (
    ERR_DATA_COUNT,
    ERR_DATA_FLAGS,
    ERR_ELEM_FLAGS,
    ERR_ELEM_KIND,
    ERR_LENGTH,
    ERR_MEMORY,
    ERR_SEGMENT_TYPE,
    ERR_UNKNOWN_FUNC,
    ERR_UNKNOWN_MEMORY,
    ERR_UNKNOWN_TABLE,
)
from .reader import Reader, fail_index, fail_with, offset_of, read_byte, read_count, read_u32, remaining
from .storage import mod_extend
from .types import FUNCREF, I32, Loader, read_reftype

ACTIVE = 0
PASSIVE = 1
DECLARATIVE = 2

# bits of an element segment's flags
NOT_ACTIVE = 1
INDEXED = 2  # active: a table index is given; otherwise: declarative
EXPRESSIONS = 4

BIT_BULK_MEMORY = 1 << FEATURES.index("bulk-memory")


@fn
def check_funcs(ld: ptr[Loader], count: u32) -> boolean:
    """A vector of function indices, without its length."""
    r = ld.r
    for _ in range(count):
        place = r.p
        index = read_u32(r)
        if r.error != 0:
            return False
        if index >= r.mod.ncodes:
            return fail_index(r, ERR_UNKNOWN_FUNC, place, u64(index))
        ld.declared[index] = 1
    return True


@fn
def read_elem_offset(ld: ptr[Loader], elem: ptr[Elem], flags: u32, place: ptr[u8]) -> boolean:
    """Table and offset of an active segment."""
    r = ld.r
    elem.table = 0
    if flags & INDEXED != 0:
        place = r.p
        elem.table = read_u32(r)
    if r.error != 0:
        return False
    if elem.table >= r.mod.ntables:
        return fail_index(r, ERR_UNKNOWN_TABLE, place, u64(elem.table))
    elem.offset = offset_of(r, r.p)
    return check_const(ld, I32)


@fn
def read_elem_type(r: ptr[Reader], elem: ptr[Elem], flags: u32) -> boolean:
    """Type of the items: given, unless the segment is active with an implied table."""
    elem.type = FUNCREF
    if flags & (NOT_ACTIVE | INDEXED) == 0:
        return True
    place = r.p
    if flags & EXPRESSIONS != 0:
        elem.type = read_reftype(r)
        return r.error == 0
    kind = read_byte(r)
    if r.error == 0 and kind != 0:
        return fail_index(r, ERR_ELEM_KIND, place, u64(kind))
    return r.error == 0


@fn
def read_elem(ld: ptr[Loader], elem: ptr[Elem]) -> boolean:
    r = ld.r
    place = r.p
    flags = read_u32(r)
    if r.error != 0:
        return False
    if flags > 7:
        return fail_index(r, ERR_ELEM_FLAGS, place, u64(flags))
    if flags != 0:
        r.features |= BIT_BULK_MEMORY
    if flags & NOT_ACTIVE != 0:
        elem.mode = PASSIVE if flags & INDEXED == 0 else u32(DECLARATIVE)
    elif not read_elem_offset(ld, elem, flags, place):
        return False
    if not read_elem_type(r, elem, flags):
        return False
    if elem.mode == ACTIVE and r.mod.tables[elem.table].type != elem.type:
        return fail_with(r, ERR_SEGMENT_TYPE, place, u64(r.mod.tables[elem.table].type), u64(elem.type), 0)
    elem.exprs = (flags & EXPRESSIONS) >> 2
    elem.count = read_count(r, 1 + elem.exprs)
    elem.items = offset_of(r, r.p)
    if elem.exprs == 0:
        check_funcs(ld, elem.count)
    else:
        i: u32 = 0
        while i < elem.count and check_const(ld, elem.type):
            i += 1
    elem.end = offset_of(r, r.p)
    return r.error == 0


@fn
def decode_elems(ld: ptr[Loader]) -> boolean:
    r = ld.r
    mod = r.mod
    place = r.p
    count = read_count(r, 2)
    mod.elems = ptr[Elem](mod_extend(mod, ptr[u8](0), 0, u64(count), sizeof(Elem)))
    if mod.elems == 0 and count != 0:
        return fail_index(r, ERR_MEMORY, place, u64(count) * sizeof(Elem))
    while mod.nelems < count and read_elem(ld, mod.elems[mod.nelems]):
        mod.nelems += 1
    return r.error == 0


@fn
def decode_data_count(ld: ptr[Loader]) -> boolean:
    ld.data_count = read_u32(ld.r)
    ld.has_data_count = 1
    ld.r.features |= BIT_BULK_MEMORY
    return ld.r.error == 0


@fn
def read_data(ld: ptr[Loader], data: ptr[Data]) -> boolean:
    r = ld.r
    place = r.p
    flags = read_u32(r)
    if r.error != 0:
        return False
    if flags > 2:
        return fail_index(r, ERR_DATA_FLAGS, place, u64(flags))
    if flags == 1:
        data.mode = PASSIVE
        r.features |= BIT_BULK_MEMORY
    else:
        if flags == 2:
            place = r.p
            data.memory = read_u32(r)
            if r.error != 0:
                return False
        if data.memory >= r.mod.nmems:
            return fail_index(r, ERR_UNKNOWN_MEMORY, place, u64(data.memory))
        data.offset = offset_of(r, r.p)
        if not check_const(ld, I32):
            return False
    place = r.p
    data.nbytes = read_u32(r)
    if u64(data.nbytes) > remaining(r):
        return fail_with(r, ERR_LENGTH, place, u64(data.nbytes), remaining(r), 0)
    data.bytes = offset_of(r, r.p)
    r.p = r.p + data.nbytes
    return r.error == 0


@fn
def decode_datas(ld: ptr[Loader]) -> boolean:
    r = ld.r
    mod = r.mod
    place = r.p
    count = read_count(r, 2)
    if r.error == 0 and ld.has_data_count != 0 and count != ld.data_count:
        return fail_with(r, ERR_DATA_COUNT, place, u64(ld.data_count), u64(count), 0)
    mod.datas = ptr[Data](mod_extend(mod, ptr[u8](0), 0, u64(count), sizeof(Data)))
    if mod.datas == 0 and count != 0:
        return fail_index(r, ERR_MEMORY, place, u64(count) * sizeof(Data))
    while mod.ndatas < count and read_data(ld, mod.datas[mod.ndatas]):
        mod.ndatas += 1
    return r.error == 0
