"""Constant expressions (spec 3.3.10 with the extended-const and earlier-global rules of 3.0).

Evaluators may rely on at most CONST_DEPTH operands at a time.
"""

from wasmjit.isa import BY_NAME, FEATURES
from wasmjit.native.lang import alloca, boolean, fn, ptr, u8, u32, u64

from .errors import (
    ERR_CONST_COUNT,
    ERR_CONST_DEPTH,
    ERR_CONST_TYPE,
    ERR_NOT_CONSTANT,
    ERR_TYPE,
    ERR_TYPE_EMPTY,
    ERR_UNKNOWN_FUNC,
    ERR_UNKNOWN_GLOBAL,
)
from .opcodes import CLASS_ILLEGAL, CLASS_NEEDS, CLASS_PREFIX, NFC, OPCODES, OPCODES_FC, class_of, refuse_opcode
from .reader import Reader, fail_index, fail_with, read_byte, read_signed, read_u32, skip
from .types import F32, F64, FUNCREF, I32, I64, Loader, read_reftype

CONST_DEPTH = 1024

END = BY_NAME["end"].code
I32_CONST = BY_NAME["i32.const"].code
I64_CONST = BY_NAME["i64.const"].code
F32_CONST = BY_NAME["f32.const"].code
F64_CONST = BY_NAME["f64.const"].code
REF_NULL = BY_NAME["ref.null"].code
REF_FUNC = BY_NAME["ref.func"].code
GLOBAL_GET = BY_NAME["global.get"].code
I32_ADD, I32_SUB, I32_MUL = (BY_NAME[f"i32.{name}"].code for name in ("add", "sub", "mul"))
I64_ADD, I64_SUB, I64_MUL = (BY_NAME[f"i64.{name}"].code for name in ("add", "sub", "mul"))

BIT_EXTENDED_CONST = 1 << FEATURES.index("extended-const")
BIT_REFERENCE_TYPES = 1 << FEATURES.index("reference-types")


@fn
def const_global(r: ptr[Reader], place: ptr[u8]) -> u32:
    """Type of the immutable, earlier global that global.get reads; 0 after an error."""
    index = read_u32(r)
    if r.error != 0:
        return u32(0)
    if index >= r.mod.nglobals:
        fail_index(r, ERR_UNKNOWN_GLOBAL, place, u64(index))
        return u32(0)
    if r.mod.globals[index].mutable != 0:
        fail_index(r, ERR_NOT_CONSTANT, place, GLOBAL_GET)
        return u32(0)
    return r.mod.globals[index].type


@fn
def const_func(ld: ptr[Loader], place: ptr[u8]) -> u32:
    r = ld.r
    index = read_u32(r)
    if r.error != 0:
        return u32(0)
    if index >= r.mod.ncodes:
        fail_index(r, ERR_UNKNOWN_FUNC, place, u64(index))
        return u32(0)
    ld.declared[index] = 1
    r.features |= BIT_REFERENCE_TYPES
    return u32(FUNCREF)


@fn
def const_push(ld: ptr[Loader], place: ptr[u8], op: u32) -> u32:
    """Type of what an instruction without operands pushes; 0 when it is not such an instruction, or after an error."""
    r = ld.r
    if op == I32_CONST:
        read_signed(r, 32)
        return u32(I32)
    if op == I64_CONST:
        read_signed(r, 64)
        return u32(I64)
    if op == F32_CONST:
        skip(r, 4)
        return u32(F32)
    if op == F64_CONST:
        skip(r, 8)
        return u32(F64)
    if op == REF_NULL:
        r.features |= BIT_REFERENCE_TYPES
        return read_reftype(r)
    if op == REF_FUNC:
        return const_func(ld, place)
    if op == GLOBAL_GET:
        return const_global(r, place)
    return u32(0)


@fn
def const_binary(op: u32) -> u32:
    """Operand type of an arithmetic instruction that is constant; 0 for others."""
    if op == I32_ADD or op == I32_SUB or op == I32_MUL:
        return u32(I32)
    if op == I64_ADD or op == I64_SUB or op == I64_MUL:
        return u32(I64)
    return u32(0)


@fn(cold=True)
def refuse_constant(r: ptr[Reader], place: ptr[u8], op: u32) -> boolean:
    kind = class_of(OPCODES[op])
    shown = op
    if kind == CLASS_PREFIX:
        code = read_u32(r)
        if r.error != 0:
            return False
        if code < NFC:
            shown = op << 8 | code
            kind = class_of(OPCODES_FC[code])
    if kind == CLASS_ILLEGAL or kind == CLASS_NEEDS:
        return refuse_opcode(r, place, shown)
    return fail_index(r, ERR_NOT_CONSTANT, place, u64(shown))


@fn
def check_const(ld: ptr[Loader], expected: u32) -> boolean:
    """Check the expression at the cursor up to its `end`; it must give one value of the type."""
    r = ld.r
    stack = alloca(u8, CONST_DEPTH)
    depth: u32 = 0
    while True:
        place = r.p
        op = read_byte(r)
        if r.error != 0:
            return False
        if op == END:
            break
        operand = const_binary(op)
        if operand != 0:
            for back in range(u32(1), u32(3)):
                if depth < back:
                    return fail_with(r, ERR_TYPE_EMPTY, place, u64(operand), 0, u64(op))
                if u32(stack[depth - back]) != operand:
                    return fail_with(r, ERR_TYPE, place, u64(operand), u64(stack[depth - back]), u64(op))
            depth -= 1
            r.features |= BIT_EXTENDED_CONST
            continue
        pushed = const_push(ld, place, op)
        if r.error != 0:
            return False
        if pushed == 0:
            return refuse_constant(r, place, op)
        if depth == CONST_DEPTH:
            return fail_index(r, ERR_CONST_DEPTH, place, CONST_DEPTH)
        stack[depth] = u8(pushed)
        depth += 1
    if depth != 1:
        return fail_index(r, ERR_CONST_COUNT, r.p - 1, u64(depth))
    if u32(stack[0]) != expected:
        return fail_with(r, ERR_CONST_TYPE, r.p - 1, u64(expected), u64(stack[0]), 0)
    return True
