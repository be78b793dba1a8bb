"""Validation of blocks, branches and calls (spec 3.3.8)."""

from wasmjit.isa import BY_NAME
from wasmjit.native.lang import boolean, fn, ptr, u8, u32, u64
from wasmjit.native.libc import memcmp
from wasmjit.runtime.structs import Sig

from .errors import (
    ERR_BLOCK_TYPE,
    ERR_BODY_TAIL,
    ERR_ELSE_WITHOUT_IF,
    ERR_IF_WITHOUT_ELSE,
    ERR_LABEL_ARITY,
    ERR_TABLE_TYPE,
    ERR_TYPE_HEIGHT,
    ERR_UNKNOWN_FUNC,
    ERR_UNKNOWN_LABEL,
    ERR_UNKNOWN_TABLE,
    ERR_UNKNOWN_TYPE,
)
from .opcodes import refuse_opcode
from .operands import (
    POLYMORPHIC,
    UNKNOWN,
    Frame,
    Validator,
    pop_sig_params,
    pop_type,
    pop_types,
    push_frame,
    push_sig_results,
    push_types,
    set_unreachable,
    type_error,
)
from .reader import fail, fail_index, fail_with, read_count, read_signed, read_u32, remaining
from .types import ACCEPTED, BIT_MULTI_VALUE, BIT_REFERENCE_TYPES, FUNCREF, I32, TYPE_NEEDS, refuse_type

BLOCK = BY_NAME["block"].code
LOOP = BY_NAME["loop"].code
IF = BY_NAME["if"].code
ELSE = BY_NAME["else"].code
END = BY_NAME["end"].code
BR = BY_NAME["br"].code
BR_IF = BY_NAME["br_if"].code
BR_TABLE = BY_NAME["br_table"].code
RETURN = BY_NAME["return"].code
CALL = BY_NAME["call"].code
CALL_INDIRECT = BY_NAME["call_indirect"].code
UNREACHABLE = BY_NAME["unreachable"].code

EMPTY = 0x40


@fn
def enter_typed(v: ptr[Validator], op: u32, index: u64) -> boolean:
    """A block whose type is a function type."""
    mod = v.r.mod
    if index >= u64(mod.ntypes):
        return fail_index(v.r, ERR_UNKNOWN_TYPE, v.place, index)
    sig = mod.types[index]
    v.r.features |= BIT_MULTI_VALUE
    if not pop_sig_params(v, sig):
        return False
    return push_frame(v, op, sig.types, sig.nparams, sig.types + sig.nparams, sig.nresults)


@fn
def enter_block(v: ptr[Validator], op: u32) -> boolean:
    r = v.r
    place = r.p
    if op == IF and not pop_type(v, I32):
        return False
    byte = u32(place[0])
    if byte == EMPTY:
        r.p = place + 1
        return push_frame(v, op, place, 0, place, 0)
    if byte & 0xC0 == EMPTY:  # a negative number: one value type, which stands in the code itself
        if TYPE_NEEDS[byte] != ACCEPTED:
            return refuse_type(r, place, byte, ERR_BLOCK_TYPE)
        r.p = place + 1
        return push_frame(v, op, place, 0, place, 1)
    index = read_signed(r, 33)
    if r.error != 0:
        return False
    if index < 0:
        return fail(r, ERR_BLOCK_TYPE, place)
    return enter_typed(v, op, u64(index))


@fn
def close_block(v: ptr[Validator]) -> boolean:
    """Check the operands at the end of a block and drop its floor."""
    frame = v.frame
    if frame.nresults != 0 and not pop_types(v, frame.results, frame.nresults):
        return False
    floor = v.stack + frame.floor
    if v.sp != floor + 1:
        return fail(v.r, ERR_TYPE_HEIGHT, v.place)
    v.sp = floor
    return True


@fn
def on_end(v: ptr[Validator]) -> boolean:
    frame = v.frame
    if not close_block(v):
        return False
    if frame.op == IF:
        same = frame.nparams == frame.nresults and memcmp(frame.params, frame.results, u64(frame.nparams)) == 0
        if not same:
            return fail(v.r, ERR_IF_WITHOUT_ELSE, v.place)
    v.frame = frame - 1
    if frame.op == 0 and v.r.p != v.r.end:
        return fail_index(v.r, ERR_BODY_TAIL, v.r.p, remaining(v.r))
    return frame.nresults == 0 or push_types(v, frame.results, frame.nresults)


@fn
def on_else(v: ptr[Validator]) -> boolean:
    frame = v.frame
    if frame.op != IF:
        return fail(v.r, ERR_ELSE_WITHOUT_IF, v.place)
    if not close_block(v):
        return False
    v.frame = frame - 1
    return push_frame(v, ELSE, frame.params, frame.nparams, frame.results, frame.nresults)


@fn(inline=True)
def label_types(frame: ptr[Frame]) -> ptr[u8]:
    return frame.params if frame.op == LOOP else frame.results


@fn(inline=True)
def label_arity(frame: ptr[Frame]) -> u32:
    return frame.nparams if frame.op == LOOP else frame.nresults


@fn
def read_label(v: ptr[Validator]) -> ptr[Frame]:
    """The frame that a label index names; 0 after an error."""
    place = v.r.p
    depth = u64(read_u32(v.r))
    frame = v.frame - depth
    if v.r.error == 0 and (depth > 0xFFFFFF or frame <= v.frames):
        fail_index(v.r, ERR_UNKNOWN_LABEL, place, depth)
    return ptr[Frame](0) if v.r.error != 0 else frame


@fn
def on_br(v: ptr[Validator]) -> boolean:
    frame = read_label(v)
    return frame != 0 and pop_types(v, label_types(frame), label_arity(frame)) and set_unreachable(v)


@fn
def on_br_if(v: ptr[Validator]) -> boolean:
    frame = read_label(v)
    if frame == 0 or not pop_type(v, I32):
        return False
    arity = label_arity(frame)
    if arity == 0:
        return True
    types = label_types(frame)
    return pop_types(v, types, arity) and push_types(v, types, arity)


@fn
def peek_types(v: ptr[Validator], types: ptr[u8], count: u32) -> boolean:
    """Whether the top operands are of these types, without popping."""
    if memcmp(v.sp - count, types, u64(count)) == 0:
        return True
    p = v.sp
    i = count
    while i != 0:
        i -= 1
        p = p - 1
        found = u32(p[0])
        if found == POLYMORPHIC:
            return True
        if found != u32(types[i]) and found != UNKNOWN:
            return type_error(v, u32(types[i]), found)
    return True


@fn
def check_target(v: ptr[Validator], frame: ptr[Frame], arity: u32) -> boolean:
    """A target of br_table; arity: that of the first target."""
    if frame.checked == v.serial:
        return True
    frame.checked = v.serial
    if label_arity(frame) != arity:
        return fail_with(v.r, ERR_LABEL_ARITY, v.place, u64(arity), u64(label_arity(frame)), 0)
    return peek_types(v, label_types(frame), arity)


@fn
def on_br_table(v: ptr[Validator]) -> boolean:
    r = v.r
    if not pop_type(v, I32):
        return False
    count = read_count(r, 1)
    v.serial += 1
    frame = read_label(v)
    if frame == 0:
        return False
    arity = label_arity(frame)
    if not check_target(v, frame, arity):
        return False
    for _ in range(count):
        frame = read_label(v)
        if frame == 0 or not check_target(v, frame, arity):
            return False
    return set_unreachable(v)


@fn
def on_return(v: ptr[Validator]) -> boolean:
    body = v.frames[1]
    return pop_types(v, body.results, body.nresults) and set_unreachable(v)


@fn
def apply_sig(v: ptr[Validator], sig: ptr[Sig]) -> boolean:
    return pop_sig_params(v, sig) and push_sig_results(v, sig)


@fn
def on_call(v: ptr[Validator]) -> boolean:
    r = v.r
    place = r.p
    index = read_u32(r)
    if r.error != 0:
        return False
    if index >= r.mod.ncodes:
        return fail_index(r, ERR_UNKNOWN_FUNC, place, u64(index))
    return apply_sig(v, r.mod.codes[index].sig)


@fn
def on_call_indirect(v: ptr[Validator]) -> boolean:
    r = v.r
    mod = r.mod
    place = r.p
    index = read_u32(r)
    if r.error == 0 and index >= mod.ntypes:
        return fail_index(r, ERR_UNKNOWN_TYPE, place, u64(index))
    place = r.p
    table = read_u32(r)
    if r.error != 0:
        return False
    if table >= mod.ntables:
        return fail_index(r, ERR_UNKNOWN_TABLE, place, u64(table))
    if mod.tables[table].type != FUNCREF:
        return fail_with(r, ERR_TABLE_TYPE, place, FUNCREF, u64(mod.tables[table].type), 0)
    if table != 0 or r.p != place + 1:
        r.features |= BIT_REFERENCE_TYPES
    return pop_type(v, I32) and apply_sig(v, mod.types[index])


@fn
def check_structure(v: ptr[Validator], op: u32) -> boolean:
    """Check an instruction of CLASS_STRUCTURE; its opcode byte has been read."""
    if op == END:
        return on_end(v)
    if op == BLOCK or op == LOOP or op == IF:
        return enter_block(v, op)
    if op == BR_IF:
        return on_br_if(v)
    if op == BR:
        return on_br(v)
    if op == CALL:
        return on_call(v)
    if op == ELSE:
        return on_else(v)
    if op == RETURN:
        return on_return(v)
    if op == BR_TABLE:
        return on_br_table(v)
    if op == CALL_INDIRECT:
        return on_call_indirect(v)
    if op == UNREACHABLE:
        return set_unreachable(v)
    return refuse_opcode(v.r, v.place, op)
