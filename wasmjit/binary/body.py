"""Validation of one function body: its locals, and the loop over its instructions (spec 3.4.1, 5.4, 5.5.13).

A body's last byte is its `end`, which also ends any LEB128 number before it: so the loop reads opcodes and one-byte
immediates without looking for the end of the code.
"""

from wasmjit.native.lang import boolean, fn, i32, likely, load, ptr, u8, u16, u32, u64
from wasmjit.native.libc import memset
from wasmjit.runtime.structs import Code

from .control import check_structure
from .errors import (
    ERR_ALIGNMENT,
    ERR_BODY_END,
    ERR_END_EXPECTED,
    ERR_ILLEGAL_OPCODE,
    ERR_LOCALS,
    ERR_MEMOP_FLAGS,
    ERR_UNEXPECTED_END,
    ERR_UNKNOWN_LOCAL,
    ERR_UNKNOWN_MEMORY,
    WHAT_MEMORY,
)
from .features import NEED_MULTI_MEMORY
from .opcodes import (
    CLASS_BINARY,
    CLASS_DROP,
    CLASS_F32_CONST,
    CLASS_F64_CONST,
    CLASS_I32_CONST,
    CLASS_I64_CONST,
    CLASS_LOAD,
    CLASS_LOCAL_GET,
    CLASS_LOCAL_SET,
    CLASS_LOCAL_TEE,
    CLASS_NOP,
    CLASS_OTHER,
    CLASS_PREFIX,
    CLASS_STORE,
    CLASS_STRUCTURE,
    CLASS_UNARY,
    NFC,
    OPCODES,
    OPCODES_FC,
    PREFIX_FC,
    class_of,
    refuse_opcode,
)
from .operands import MAX_LOCALS, NO_TYPE, Validator, operands_reserve, pop_any, pop_type, push_frame, push_type
from .others import check_other
from .reader import fail, fail_index, fail_with, leb, need_feature, read_count, read_u32
from .types import F32, F64, I32, I64, read_valtype

END = 0x0B
MULTI_MEMORY = 0x40  # bit of a memarg's alignment


@fn
def decode_locals(v: ptr[Validator]) -> boolean:
    """The vector of locals in front of a body; parameters stand in v.locals already."""
    r = v.r
    groups = read_count(r, 2)
    for _ in range(groups):
        place = r.p
        count = read_u32(r)
        typed = read_valtype(r)
        if r.error != 0:
            return False
        total = u64(v.nlocals) + u64(count)
        if total > MAX_LOCALS:
            return fail_with(r, ERR_LOCALS, place, total, MAX_LOCALS, 0)
        memset(v.locals + v.nlocals, i32(typed), u64(count))
        v.nlocals = u32(total)
    return r.error == 0


@fn
def memarg(v: ptr[Validator], p: ptr[u8], natural: u32) -> ptr[u8]:
    """Check alignment and offset at p; the address behind them, 0 after an error."""
    r = v.r
    p = leb(r, p, 32, False)
    if p == 0:
        return p
    flags = u32(r.value)
    if flags >= MULTI_MEMORY * 2:
        fail_index(r, ERR_MEMOP_FLAGS, v.place, u64(flags))
        return ptr[u8](0)
    if flags >= MULTI_MEMORY:
        need_feature(r, v.place, NEED_MULTI_MEMORY, WHAT_MEMORY, 1)
        return ptr[u8](0)
    if flags > natural:
        fail_with(r, ERR_ALIGNMENT, v.place, u64(flags), u64(natural), 0)
        return ptr[u8](0)
    return leb(r, p, 32, False)


@fn
def check_prefix(v: ptr[Validator]) -> boolean:
    """An instruction of prefix 0xfc."""
    r = v.r
    code = read_u32(r)
    if r.error != 0:
        return False
    op = u32(PREFIX_FC) << 8 | code
    if code >= NFC:
        width = u64(8) if code < 256 else u64(32)
        return fail_index(r, ERR_ILLEGAL_OPCODE, v.place, u64(PREFIX_FC) << width | u64(code))
    v.op = op
    word = OPCODES_FC[code]
    r.features |= u32(1) << (u32(word >> 40) & 31)
    kind = class_of(word)
    if kind == CLASS_UNARY:
        return pop_type(v, u32(word >> 16) & 0xFF) and push_type(v, u32(word >> 8) & 0xFF)
    if kind == CLASS_OTHER:
        return check_other(v, op)
    return refuse_opcode(r, v.place, op)


@fn
def pop_pair(v: ptr[Validator], word: u64) -> boolean:
    """Operands of a binary instruction or a store, when they do not simply match."""
    return pop_type(v, u32(word >> 24) & 0xFF) and pop_type(v, u32(word >> 16) & 0xFF)


@fn
def check_rare(v: ptr[Validator], kind: u32, op: u32) -> boolean:
    """Classes that the loop does not handle itself; v.r.p stands behind the opcode byte."""
    if kind == CLASS_STRUCTURE:
        return check_structure(v, op)
    if kind == CLASS_OTHER:
        return check_other(v, op)
    if kind == CLASS_PREFIX:
        return check_prefix(v)
    return refuse_opcode(v.r, v.place, op)


@fn
def check_code(v: ptr[Validator]) -> boolean:
    """Check the instructions of a body. Cursor and operand pointer live in locals, and in `v` only around calls."""
    r = v.r
    p = r.p
    end = r.end
    sp = v.sp
    local_types = v.locals
    nlocals = v.nlocals
    has_memory = r.mod.nmems != 0
    used: u64 = 0
    while p < end:
        op = u32(p[0])
        v.place = p
        v.op = op
        p = p + 1
        word = OPCODES[op]
        used |= u64(1) << ((word >> 40) & 63)
        kind = class_of(word)
        if kind == CLASS_LOCAL_GET:
            index = u32(p[0])
            p = p + 1
            if index >= 0x80:
                p = leb(r, p - 1, 32, False)
                index = u32(r.value)
                if p == 0:
                    return False
            if index >= nlocals:
                return fail_index(r, ERR_UNKNOWN_LOCAL, v.place, u64(index))
            sp[0] = local_types[index]
            sp = sp + 1
        elif kind == CLASS_LOCAL_SET or kind == CLASS_LOCAL_TEE:
            index = u32(p[0])
            p = p + 1
            if index >= 0x80:
                p = leb(r, p - 1, 32, False)
                index = u32(r.value)
                if p == 0:
                    return False
            if index >= nlocals:
                return fail_index(r, ERR_UNKNOWN_LOCAL, v.place, u64(index))
            typed = local_types[index]
            if likely((sp - 1)[0] == typed):
                sp = sp - 1
            else:
                v.sp = sp
                if not pop_type(v, u32(typed)):
                    return False
                sp = v.sp
            if kind == CLASS_LOCAL_TEE:
                sp[0] = typed
                sp = sp + 1
        elif kind == CLASS_I32_CONST or kind == CLASS_I64_CONST:
            wide = kind == CLASS_I64_CONST
            p = p + 1
            if (p - 1)[0] >= 0x80:
                p = leb(r, p - 1, u32(64) if wide else u32(32), True)
                if p == 0:
                    return False
            sp[0] = u8(I64) if wide else u8(I32)
            sp = sp + 1
        elif kind == CLASS_LOAD or kind == CLASS_STORE:
            natural = u32(word >> 32) & 0xFF
            if p + 2 < end and load(u16, p) & 0x8080 == 0 and u32(p[0]) <= natural:
                p = p + 2
            else:
                p = memarg(v, p, natural)
                if p == 0:
                    return False
            if not has_memory:
                return fail_index(r, ERR_UNKNOWN_MEMORY, v.place, 0)
            if kind == CLASS_LOAD:
                if likely((sp - 1)[0] == I32):
                    (sp - 1)[0] = u8(word >> 8)
                else:
                    v.sp = sp
                    if not pop_type(v, I32):
                        return False
                    push_type(v, u32(word >> 8) & 0xFF)
                    sp = v.sp
            elif likely(load(u16, sp - 2) == u16(word >> 16)):
                sp = sp - 2
            else:
                v.sp = sp
                if not pop_pair(v, word):
                    return False
                sp = v.sp
        elif kind == CLASS_BINARY:
            if likely(load(u16, sp - 2) == u16(word >> 16)):
                sp = sp - 1
                (sp - 1)[0] = u8(word >> 8)
            else:
                v.sp = sp
                if not pop_pair(v, word):
                    return False
                push_type(v, u32(word >> 8) & 0xFF)
                sp = v.sp
        elif kind == CLASS_UNARY:
            if likely((sp - 1)[0] == u8(word >> 16)):
                (sp - 1)[0] = u8(word >> 8)
            else:
                v.sp = sp
                if not pop_type(v, u32(word >> 16) & 0xFF):
                    return False
                push_type(v, u32(word >> 8) & 0xFF)
                sp = v.sp
        elif kind == CLASS_F32_CONST or kind == CLASS_F64_CONST:
            size = u64(4) if kind == CLASS_F32_CONST else u64(8)
            if u64(end) - u64(p) < size:
                return fail(r, ERR_UNEXPECTED_END, end)
            p = p + size
            sp[0] = u8(F32) if kind == CLASS_F32_CONST else u8(F64)
            sp = sp + 1
        elif kind == CLASS_DROP:
            v.sp = sp
            if pop_any(v) == NO_TYPE:
                return False
            sp = v.sp
        elif kind != CLASS_NOP:
            r.p = p
            v.sp = sp
            if not check_rare(v, kind, op):
                return False
            p = r.p
            sp = v.sp
    r.p = p
    v.sp = sp
    r.features |= u32(used)
    return v.frame == v.frames or fail(r, ERR_BODY_END, end)


@fn
def validate_function(v: ptr[Validator], code: ptr[Code]) -> boolean:
    """Check the body of a defined function; `v` keeps its buffers for the next one."""
    r = v.r
    sig = code.sig
    r.p = r.base + code.body
    r.end = r.base + code.end
    v.place = r.p
    v.op = 0
    if r.p >= r.end or (r.end - 1)[0] != END:
        return fail(r, ERR_END_EXPECTED, r.end)
    for i in range(sig.nparams):
        v.locals[i] = sig.types[i]
    v.nlocals = sig.nparams
    v.frame = v.frames
    v.sp = v.stack
    if not decode_locals(v) or not operands_reserve(v, 0):
        return False
    results = sig.types + sig.nparams
    return push_frame(v, 0, results, 0, results, sig.nresults) and check_code(v)
