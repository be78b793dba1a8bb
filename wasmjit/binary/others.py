"""Validation of globals, select, references, tables and bulk memory (spec 3.3.2 to 3.3.7)."""

from wasmjit.isa import BY_NAME
from wasmjit.native.lang import boolean, fn, ptr, u32, u64

from .errors import (
    ERR_DATA_COUNT_MISSING,
    ERR_IMMUTABLE_GLOBAL,
    ERR_SEGMENT_TYPE,
    ERR_SELECT_ARITY,
    ERR_SELECT_TYPE,
    ERR_TABLE_TYPE,
    ERR_UNDECLARED_FUNC,
    ERR_UNKNOWN_DATA,
    ERR_UNKNOWN_ELEM,
    ERR_UNKNOWN_FUNC,
    ERR_UNKNOWN_GLOBAL,
    ERR_UNKNOWN_MEMORY,
    ERR_UNKNOWN_TABLE,
    WHAT_MEMORY,
)
from .features import NEED_MULTI_MEMORY
from .opcodes import PREFIX_FC, refuse_opcode
from .operands import NO_TYPE, UNKNOWN, Validator, pop_any, pop_reference, pop_type, push_type
from .reader import fail, fail_index, fail_with, need_feature, read_byte, read_u32
from .types import F64, FUNCREF, I32, read_reftype, read_valtype


def _code(name: str) -> int:
    row = BY_NAME[name]
    return (row.prefix << 8 if row.prefix else 0) | row.code


GLOBAL_GET = _code("global.get")
GLOBAL_SET = _code("global.set")
SELECT = _code("select")
SELECT_TYPED = _code("select_t")
REF_NULL = _code("ref.null")
REF_IS_NULL = _code("ref.is_null")
REF_FUNC = _code("ref.func")
TABLE_GET = _code("table.get")
TABLE_SET = _code("table.set")
TABLE_SIZE = _code("table.size")
TABLE_GROW = _code("table.grow")
TABLE_FILL = _code("table.fill")
TABLE_COPY = _code("table.copy")
TABLE_INIT = _code("table.init")
ELEM_DROP = _code("elem.drop")
MEMORY_SIZE = _code("memory.size")
MEMORY_GROW = _code("memory.grow")
MEMORY_FILL = _code("memory.fill")
MEMORY_COPY = _code("memory.copy")
MEMORY_INIT = _code("memory.init")
DATA_DROP = _code("data.drop")


@fn
def pop_numbers(v: ptr[Validator], count: u32) -> boolean:
    """Pop i32 operands: addresses, offsets, lengths."""
    for _ in range(count):
        if not pop_type(v, I32):
            return False
    return True


@fn
def on_global(v: ptr[Validator], op: u32) -> boolean:
    r = v.r
    place = r.p
    index = read_u32(r)
    if r.error != 0:
        return False
    if index >= r.mod.nglobals:
        return fail_index(r, ERR_UNKNOWN_GLOBAL, place, u64(index))
    decl = r.mod.globals[index]
    if op == GLOBAL_GET:
        return push_type(v, decl.type)
    if decl.mutable == 0:
        return fail_index(r, ERR_IMMUTABLE_GLOBAL, place, u64(index))
    return pop_type(v, decl.type)


@fn
def on_select(v: ptr[Validator]) -> boolean:
    """Select without a type: of two equal numbers."""
    if not pop_type(v, I32):
        return False
    first = pop_any(v)
    second = pop_any(v)
    if first == NO_TYPE or second == NO_TYPE:
        return False
    result = second if first == UNKNOWN else first
    same = first == second or first == UNKNOWN or second == UNKNOWN
    if not same or (result != UNKNOWN and result < F64):
        return fail_with(v.r, ERR_SELECT_TYPE, v.place, u64(second), u64(first), 0)
    return push_type(v, result)


@fn
def on_select_typed(v: ptr[Validator]) -> boolean:
    r = v.r
    place = r.p
    count = read_u32(r)
    if r.error == 0 and count != 1:
        return fail_index(r, ERR_SELECT_ARITY, place, u64(count))
    typed = read_valtype(r)
    return r.error == 0 and pop_type(v, I32) and pop_type(v, typed) and pop_type(v, typed) and push_type(v, typed)


@fn
def on_ref_func(v: ptr[Validator]) -> boolean:
    r = v.r
    place = r.p
    index = read_u32(r)
    if r.error != 0:
        return False
    if index >= r.mod.ncodes:
        return fail_index(r, ERR_UNKNOWN_FUNC, place, u64(index))
    if v.loader.declared[index] == 0:
        return fail_index(r, ERR_UNDECLARED_FUNC, place, u64(index))
    return push_type(v, FUNCREF)


@fn
def table_element_type(v: ptr[Validator]) -> u32:
    """Element type of the table that an index names; 0 after an error."""
    r = v.r
    place = r.p
    index = read_u32(r)
    if r.error == 0 and index >= r.mod.ntables:
        fail_index(r, ERR_UNKNOWN_TABLE, place, u64(index))
    return u32(0) if r.error != 0 else r.mod.tables[index].type


@fn
def elem_type(v: ptr[Validator]) -> u32:
    """Type of the element segment that an index names; 0 after an error."""
    r = v.r
    place = r.p
    index = read_u32(r)
    if r.error == 0 and index >= r.mod.nelems:
        fail_index(r, ERR_UNKNOWN_ELEM, place, u64(index))
    return u32(0) if r.error != 0 else r.mod.elems[index].type


@fn
def read_data_index(v: ptr[Validator]) -> boolean:
    """A data segment's index: its section comes behind the code, so its count must have been announced."""
    r = v.r
    place = r.p
    index = read_u32(r)
    if r.error != 0:
        return False
    if v.loader.has_data_count == 0:
        return fail(r, ERR_DATA_COUNT_MISSING, v.place)
    return index < v.loader.data_count or fail_index(r, ERR_UNKNOWN_DATA, place, u64(index))


@fn
def memory_exists(v: ptr[Validator]) -> boolean:
    return v.r.mod.nmems != 0 or fail_index(v.r, ERR_UNKNOWN_MEMORY, v.place, 0)


@fn
def read_memory(v: ptr[Validator]) -> boolean:
    r = v.r
    place = r.p
    index = read_byte(r)  # one zero byte, until there are several memories
    if r.error != 0:
        return False
    if index != 0:
        return need_feature(r, place, NEED_MULTI_MEMORY, WHAT_MEMORY, u64(index))
    return memory_exists(v)


@fn
def on_table_copy(v: ptr[Validator]) -> boolean:
    place = v.r.p
    to = table_element_type(v)
    source = table_element_type(v)
    if v.r.error != 0:
        return False
    if to != source:
        return fail_with(v.r, ERR_TABLE_TYPE, place, u64(to), u64(source), 0)
    return pop_numbers(v, 3)


@fn
def on_table_init(v: ptr[Validator]) -> boolean:
    place = v.r.p
    if v.r.mod.ntables == 0:
        return fail_index(v.r, ERR_UNKNOWN_TABLE, v.place, 0)
    source = elem_type(v)
    to = table_element_type(v)
    if v.r.error != 0:
        return False
    if to != source:
        return fail_with(v.r, ERR_SEGMENT_TYPE, place, u64(to), u64(source), 0)
    return pop_numbers(v, 3)


@fn
def check_table(v: ptr[Validator], op: u32) -> boolean:
    """Instructions whose only immediate is a table."""
    typed = table_element_type(v)
    if v.r.error != 0:
        return False
    if op == TABLE_GET:
        return pop_type(v, I32) and push_type(v, typed)
    if op == TABLE_SET:
        return pop_type(v, typed) and pop_type(v, I32)
    if op == TABLE_SIZE:
        return push_type(v, I32)
    if op == TABLE_GROW:
        return pop_type(v, I32) and pop_type(v, typed) and push_type(v, I32)
    return pop_type(v, I32) and pop_type(v, typed) and pop_type(v, I32)  # table.fill


@fn
def check_prefixed(v: ptr[Validator], op: u32) -> boolean:
    """Instructions of prefix 0xfc but conversions; op: prefix << 8 | code."""
    if op == MEMORY_COPY:
        return read_memory(v) and read_memory(v) and pop_numbers(v, 3)
    if op == MEMORY_FILL:
        return read_memory(v) and pop_numbers(v, 3)
    if op == MEMORY_INIT:
        return memory_exists(v) and read_data_index(v) and read_memory(v) and pop_numbers(v, 3)
    if op == DATA_DROP:
        return read_data_index(v)
    if op == TABLE_COPY:
        return on_table_copy(v)
    if op == TABLE_INIT:
        return on_table_init(v)
    if op == ELEM_DROP:
        elem_type(v)
        return v.r.error == 0
    if op == TABLE_GROW or op == TABLE_SIZE or op == TABLE_FILL:
        return check_table(v, op)
    return refuse_opcode(v.r, v.place, op)


@fn
def check_other(v: ptr[Validator], op: u32) -> boolean:
    """Check an instruction of CLASS_OTHER; its opcode has been read."""
    if op == GLOBAL_GET or op == GLOBAL_SET:
        return on_global(v, op)
    if op == SELECT:
        return on_select(v)
    if op == MEMORY_SIZE:
        return read_memory(v) and push_type(v, I32)
    if op == MEMORY_GROW:
        return read_memory(v) and pop_type(v, I32) and push_type(v, I32)
    if op >> 8 == PREFIX_FC:
        return check_prefixed(v, op)
    if op == SELECT_TYPED:
        return on_select_typed(v)
    if op == REF_NULL:
        typed = read_reftype(v.r)
        return v.r.error == 0 and push_type(v, typed)
    if op == REF_IS_NULL:
        return pop_reference(v) and push_type(v, I32)
    if op == REF_FUNC:
        return on_ref_func(v)
    if op == TABLE_GET or op == TABLE_SET:
        return check_table(v, op)
    return refuse_opcode(v.r, v.place, op)
