"""Translation of computations, loads and stores: which form fits the operands."""

from wasmjit.native.lang import boolean, fn, i64, load, ptr, u32, u64
from wasmjit.runtime.codes import GUARD_OFFSETS, MOD_CANONICAL, MOD_CHECKED

from .emit import tr_emit, tr_put16, tr_put32, tr_put64, tr_take_back
from .opcodes import OP_ADD, OP_BR_IF, OP_IF, OP_SUB
from .operands import (
    BY_ACCUMULATOR,
    BY_CONSTANT,
    BY_SLOT,
    BY_SUM,
    KR,
    KS,
    PK,
    PR,
    PS,
    RK,
    RR,
    RS,
    SK,
    SR,
    SS,
    tr_add_up,
    tr_immediate,
    tr_in_slot,
    tr_place,
    tr_result,
)  # fmt: skip
from .pairs import tr_pair
from .stack import tr_materialize, tr_pop, tr_push
from .state import CONSTANT, IN_INT, IN_LOCAL, IN_SUM, NOWHERE, Trans
from .tables import BASE, CANONICAL, COMMUTES, COMPARE, FLOAT_IN, INVERTED, KLASS, MIRRORED


@fn
def tr_sum(t: ptr[Trans], negative: boolean) -> boolean:
    """i32.add and i32.sub of a local, or a sum, and a constant are put off: loads and stores take them as their address."""
    a = t.entries[t.height - 2]
    b = t.entries[t.height - 1]
    if b.where != CONSTANT or (a.where != IN_LOCAL and a.where != IN_SUM):
        return False
    addend = u32(b.value)
    if negative:
        addend = 0 - addend
    value = (a.value & 0xFFFFFFFF) | u64(u32(a.value >> 32) + addend) << 32
    tr_pop(t)
    tr_pop(t)
    tr_push(t, IN_SUM, 0, value)
    return True


@fn
def tr_binary(t: ptr[Trans], opcode: u32) -> None:
    op = opcode
    if (op == OP_ADD and tr_sum(t, False)) or (op == OP_SUB and tr_sum(t, True)):
        return
    left = t.height - 2
    right = t.height - 1
    tr_add_up(t, right)
    tr_add_up(t, left)
    a = t.entries[left]
    b = t.entries[right]
    if t.last != NOWHERE and tr_pair(t, op):
        return
    if a.where == CONSTANT and b.where == CONSTANT:
        tr_materialize(t, left)
    swap = False
    if a.where == CONSTANT:
        if KLASS[op] == COMPARE:
            op = u32(MIRRORED[op])
            swap = True
        elif COMMUTES[op]:
            swap = True
        if not tr_immediate(a, op):
            tr_materialize(t, left)
    elif b.where == CONSTANT and not tr_immediate(b, op):
        tr_materialize(t, right)
    tr_pop(t)
    tr_pop(t)
    x = a
    y = b
    xi = left
    yi = right
    if swap:
        x = b
        y = a
        xi = right
        yi = left
    floating = FLOAT_IN[op] != 0
    combo: u32 = SS
    if y.where == CONSTANT:
        combo = u32(SK) if tr_in_slot(x) else u32(RK)
    elif x.where == CONSTANT:
        combo = u32(KS) if tr_in_slot(y) else u32(KR)
    elif not tr_in_slot(x):
        combo = RS
    elif not tr_in_slot(y):
        combo = SR
    first = tr_place(t, x, xi)
    second = u32(tr_place(t, y, yi))
    constant = y.value
    if combo == KS or combo == KR:
        first = tr_place(t, y, yi)
        constant = x.value
    if combo >= SK:
        second = u32(constant)
    position = tr_result(t, op, u32(BASE[op]) + 2 * combo, u64(24) if floating and combo >= SK else u64(16))
    tr_put16(t, position + 10, first)
    if floating and combo >= SK:
        tr_put64(t, position + 16, constant)
    else:
        tr_put32(t, position + 12, second)


@fn
def tr_branches_next(t: ptr[Trans]) -> boolean:
    """The instruction that comes next is br_if or if."""
    return t.bytes[t.p] == OP_BR_IF or t.bytes[t.p] == OP_IF


@fn
def tr_equal_zero(t: ptr[Trans], equal: u32) -> None:
    """i32.eqz, i64.eqz, ref.is_null: an integer comparison just made is turned round, anything else compared with 0."""
    top = t.entries[t.height - 1]
    if top.where == IN_INT and t.last != NOWHERE and KLASS[t.last_op] == COMPARE and INVERTED[t.last_op] == 0 and tr_branches_next(t):
        t.negate = 1 - t.negate
        return
    if top.where == IN_INT and t.last != NOWHERE and KLASS[t.last_op] == COMPARE and INVERTED[t.last_op] != 0:
        inverse = u32(INVERTED[t.last_op])
        position = u64(t.last)
        form = u32(BASE[inverse]) + (t.last_form - u32(BASE[t.last_op]))
        size = t.pos - position
        fields = load(u64, t.buf + position + 8)
        tr_take_back(t)
        tr_emit(t, form + 1, size)
        tr_put64(t, position + 8, fields)
        t.last = i64(position)
        t.last_op = inverse
        t.last_form = form
        t.int_form = form
        return
    tr_push(t, CONSTANT, 0, 0)
    tr_binary(t, equal)


@fn
def tr_unary(t: ptr[Trans], op: u32) -> None:
    index = t.height - 1
    tr_add_up(t, index)
    if t.entries[index].where == CONSTANT:
        tr_materialize(t, index)
    a = tr_pop(t)
    slot = tr_place(t, a, index)
    in_slot = tr_in_slot(a)
    position = tr_result(t, op, u32(BASE[op]) + (u32(0) if in_slot else u32(2)), 16)
    if in_slot:
        tr_put16(t, position + 10, slot)


@fn
def tr_canonical(t: ptr[Trans], op: u32) -> None:
    """Behind a computation: where NaNs are canonical, the result of arithmetic passes through an instruction that makes it so."""
    form = u32(CANONICAL[op])
    if t.mod.flags & MOD_CANONICAL == 0 or form == 0:
        return
    position = tr_emit(t, form + 1, 16)
    t.float_made = position
    t.float_form = form
    t.last = i64(position)
    t.last_op = 0  # no pair begins with it
    t.last_form = form


@fn
def tr_address(t: ptr[Trans], index: i64, offset: u64) -> boolean:
    """Whether the address operand is a constant that the offset field can take over; other constants go to their slot."""
    entry = t.entries[index]
    if entry.where != CONSTANT:
        return False
    if u64(u32(entry.value)) + offset < 0x100000000:
        return True
    tr_materialize(t, index)
    return False


@fn(inline=True)
def tr_is_checked(t: ptr[Trans], offset: u64) -> u32:
    return u32(1) if (t.mod.flags & MOD_CHECKED) != 0 or offset >= GUARD_OFFSETS else u32(0)


@fn
def tr_load(t: ptr[Trans], op: u32, static: u64) -> None:
    offset = static
    index = t.height - 1
    how = u32(BY_SLOT)
    if tr_address(t, index, offset):
        offset += u64(u32(t.entries[index].value))
        how = BY_CONSTANT
    a = tr_pop(t)
    slot = tr_place(t, a, index)
    addend = u32(a.value >> 32)
    if a.where == IN_SUM:
        how = BY_SUM
        slot = a.value & 0xFFFFFFFF
    elif how == BY_SLOT and not tr_in_slot(a):
        how = BY_ACCUMULATOR
    position = tr_result(t, op, u32(BASE[op]) + 8 * tr_is_checked(t, offset) + 2 * how, u64(24) if how == BY_SUM else u64(16))
    tr_put32(t, position + 12, u32(offset))
    if how == BY_SLOT or how == BY_SUM:
        tr_put16(t, position + 10, slot)
    if how == BY_SUM:
        tr_put32(t, position + 16, addend)


@fn
def tr_store(t: ptr[Trans], op: u32, static: u64) -> None:
    offset = static
    left = t.height - 2
    right = t.height - 1
    constant_address = tr_address(t, left, offset)
    a = t.entries[left]
    b = t.entries[right]
    tr_add_up(t, right)
    if b.where == CONSTANT and (a.where == CONSTANT or FLOAT_IN[op] != 0 or not tr_immediate(b, op)):
        tr_materialize(t, right)
    if constant_address:
        offset += u64(u32(a.value))
    tr_pop(t)
    tr_pop(t)
    combo: u32 = SS
    if constant_address:
        combo = u32(KS) if tr_in_slot(b) else u32(KR)
    elif a.where == IN_SUM:
        combo = u32(PK) if b.where == CONSTANT else u32(PS) if tr_in_slot(b) else u32(PR)
    elif b.where == CONSTANT:
        combo = u32(SK) if tr_in_slot(a) else u32(RK)
    elif tr_in_slot(a):
        combo = u32(SS) if tr_in_slot(b) else u32(SR)
    else:
        combo = u32(RS) if tr_in_slot(b) else u32(RR)
    wide = combo == SK or combo == RK or combo >= PS
    position = tr_emit(t, u32(BASE[op]) + 11 * tr_is_checked(t, offset) + combo, u64(24) if wide else u64(16))
    tr_put16(t, position + 8, (a.value & 0xFFFFFFFF) if a.where == IN_SUM else tr_place(t, a, left))
    tr_put16(t, position + 10, tr_place(t, b, right))
    tr_put32(t, position + 12, u32(offset))
    if wide:
        tr_put32(t, position + 16, u32(a.value >> 32) if a.where == IN_SUM else u32(b.value))
    if combo == PK:
        tr_put32(t, position + 20, u32(b.value))
