"""Constant expressions: initial values of globals, offsets and items of segments (core spec 3.3.10, extended-const).

The binary has been validated: types agree, indices are in range, every expression ends, and at most CONST_DEPTH operands
stand at a time. So nothing here fails.
"""

from wasmjit.binary.constexpr import CONST_DEPTH
from wasmjit.native.lang import alloca, fn, i64, load, ptr, u8, u32, u64
from wasmjit.runtime.codes import TRAP_NONE
from wasmjit.runtime.structs import Inst

I32_CONST, I64_CONST, F32_CONST, F64_CONST = 0x41, 0x42, 0x43, 0x44
I32_ADD, I32_SUB, I32_MUL, I64_ADD, I64_SUB, I64_MUL = 0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E
GLOBAL_GET, REF_NULL, REF_FUNC, END = 0x23, 0xD0, 0xD2, 0x0B


@fn
def leb_unsigned(code: ptr[u8], pos: ptr[u32]) -> u32:
    """Unsigned LEB128 at code[pos[0]]; pos[0] moves behind it."""
    value: u32 = 0
    shift: u32 = 0
    while True:
        byte = u32(code[pos[0]])
        pos[0] += 1
        value = value | (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        shift += 7


@fn
def leb_signed(code: ptr[u8], pos: ptr[u32]) -> i64:
    """Signed LEB128 of up to 64 bits at code[pos[0]]; pos[0] moves behind it."""
    value: u64 = 0
    shift: u64 = 0
    while True:
        byte = u64(code[pos[0]])
        pos[0] += 1
        value = value | (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if byte & 0x40 != 0 and shift < 64:
                value = value | ~u64(0) << shift
            return i64(value)


@fn
def const_expr(inst: ptr[Inst], offset: u32, out: ptr[u64]) -> u32:
    """Evaluate the expression at an offset of the binary to out[0]. Returns the offset behind its `end`.

    i32 and f32 results are zero-extended to 64 bits; funcref results are FuncRef addresses. inst.refs, and inst.globals of
    the globals that it reads, are set.
    """
    code = inst.mod.bytes
    pos = alloca(u32)
    pos[0] = offset
    stack = alloca(u64, CONST_DEPTH)
    depth: u32 = 0
    while True:
        op = u32(code[pos[0]])
        pos[0] += 1
        if op == END:
            out[0] = stack[0]
            return pos[0]
        if op == I32_CONST:
            stack[depth] = u64(leb_signed(code, pos)) & 0xFFFF_FFFF
        elif op == I64_CONST:
            stack[depth] = u64(leb_signed(code, pos))
        elif op == F32_CONST:
            stack[depth] = u64(load(u32, code + pos[0]))
            pos[0] += 4
        elif op == F64_CONST:
            stack[depth] = load(u64, code + pos[0])
            pos[0] += 8
        elif op == GLOBAL_GET:
            stack[depth] = inst.globals[leb_unsigned(code, pos)].lo
        elif op == REF_NULL:
            leb_signed(code, pos)
            stack[depth] = 0
        elif op == REF_FUNC:
            stack[depth] = u64(inst.refs[leb_unsigned(code, pos)])
        else:
            depth -= 2
            stack[depth] = const_operation(op, stack[depth], stack[depth + 1])
        depth += 1


@fn
def const_operation(op: u32, a: u64, b: u64) -> u64:
    """add, sub or mul of i32 or i64."""
    result = a * b
    if op == I32_ADD or op == I64_ADD:
        result = a + b
    elif op == I32_SUB or op == I64_SUB:
        result = a - b
    if op <= I32_MUL:
        result = result & 0xFFFF_FFFF
    return result


@fn
def const_eval(inst: ptr[Inst], offset: u32) -> u64:
    """The value of the expression at an offset of the binary; see `const_expr`."""
    value = alloca(u64)
    const_expr(inst, offset, value)
    return value[0]


@fn
def elem_values(inst: ptr[Inst], seg: u32, first: u64, n: u64, dst: ptr[u64]) -> u32:
    """Evaluate n items of an element segment, from item `first` on, to dst[0..]; within the segment's count. TRAP_NONE.

    Takes time in proportion to first + n: items have no fixed size.
    """
    elem = inst.mod.elems[seg]
    code = inst.mod.bytes
    pos = alloca(u32)
    pos[0] = elem.items
    value = alloca(u64)
    i: u64 = 0
    while i < first + n:
        if elem.exprs != 0:
            pos[0] = const_expr(inst, pos[0], value)
        else:
            value[0] = u64(inst.refs[leb_unsigned(code, pos)])
        if i >= first:
            dst[i - first] = value[0]
        i += 1
    return TRAP_NONE
