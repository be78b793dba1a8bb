"""Translation of computations, loads and stores: which form fits the operands."""

from wasmjit.native.lang import boolean, fn, i32, i64, load, ptr, u16, u32, u64
from wasmjit.runtime.codes import GUARD_OFFSETS, MOD_CHECKED

from .emit import tr_emit, tr_materialize, tr_pop, tr_push, tr_put16, tr_put32, tr_put64, tr_slot
from .state import CONSTANT, IN_FLOAT, IN_INT, IN_LOCAL, IN_SLOT, NOWHERE, Entry, Trans
from .tables import BASE, COMMUTES, COMPARE, FLOAT_IN, FLOAT_OUT, INVERTED, KLASS, MIRRORED, NARROW

SS, SR, RS, SK, RK, KS, KR = range(7)
RR = 7


@fn
def tr_immediate(entry: ptr[Entry], op: u32) -> boolean:
    """The constant fits the form's field: any float; an integer that is its low 32 bits sign-extended."""
    if entry.where != CONSTANT:
        return False
    if FLOAT_IN[op] or NARROW[op]:
        return True
    return i64(entry.value) == i64(i32(u32(entry.value)))


@fn(inline=True)
def tr_place(t: ptr[Trans], entry: ptr[Entry], index: i64) -> u64:
    """Slot of an operand that is in one."""
    return entry.value if entry.where == IN_LOCAL else tr_slot(t, index)


@fn(inline=True)
def tr_in_slot(entry: ptr[Entry]) -> boolean:
    return entry.where == IN_SLOT or entry.where == IN_LOCAL


@fn
def tr_result(t: ptr[Trans], op: u32, form: u32, size: u64) -> u64:
    """Emit a computing instruction with its result in the accumulator where that is free, else in the canonical slot, and push it.

    `form` is the one with a slot destination.
    """
    floating = u32(FLOAT_OUT[op])
    free = t.float_at == NOWHERE if floating else t.int_at == NOWHERE
    if free:
        position = tr_emit(t, form + 1, size)
        tr_push(t, IN_FLOAT if floating else IN_INT, floating, 0)
    else:
        position = tr_emit(t, form, size)
        tr_put16(t, position + 8, tr_slot(t, t.height))
        tr_push(t, IN_SLOT, floating, 0)
    t.last = i64(position)
    t.last_op = op
    t.last_form = form
    return position


@fn
def tr_binary(t: ptr[Trans], opcode: u32) -> None:
    op = opcode
    left = t.height - 2
    right = t.height - 1
    a = t.entries[left]
    b = t.entries[right]
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
def tr_equal_zero(t: ptr[Trans], equal: u32) -> None:
    """i32.eqz, i64.eqz, ref.is_null: an integer comparison just made is turned round, anything else compared with 0."""
    top = t.entries[t.height - 1]
    in_place = top.where == IN_INT or top.where == IN_SLOT
    if in_place and t.last != NOWHERE and KLASS[t.last_op] == COMPARE and INVERTED[t.last_op] != 0:
        inverse = u32(INVERTED[t.last_op])
        in_accumulator = u32(1) if top.where == IN_INT else u32(0)
        position = u64(t.last)
        form = u32(BASE[inverse]) + (t.last_form - u32(BASE[t.last_op]))
        size = t.pos - position
        fields = load(u64, t.buf + position + 8)
        t.pos = position
        tr_emit(t, form + in_accumulator, size)
        tr_put64(t, position + 8, fields)
        t.last = i64(position)
        t.last_op = inverse
        t.last_form = form
        return
    tr_push(t, CONSTANT, 0, 0)
    tr_binary(t, equal)


@fn
def tr_unary(t: ptr[Trans], op: u32) -> None:
    index = t.height - 1
    if t.entries[index].where == CONSTANT:
        tr_materialize(t, index)
    a = tr_pop(t)
    slot = tr_place(t, a, index)
    in_slot = tr_in_slot(a)
    position = tr_result(t, op, u32(BASE[op]) + (u32(0) if in_slot else u32(2)), 16)
    if in_slot:
        tr_put16(t, position + 10, slot)


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
    how: u32 = 0
    if tr_address(t, index, offset):
        offset += u64(u32(t.entries[index].value))
        how = 2
    a = tr_pop(t)
    slot = tr_place(t, a, index)
    if how == 0 and not tr_in_slot(a):
        how = 1
    position = tr_result(t, op, u32(BASE[op]) + 6 * tr_is_checked(t, offset) + 2 * how, 16)
    if how == 0:
        tr_put16(t, position + 10, slot)
    tr_put32(t, position + 12, u32(offset))


@fn
def tr_store(t: ptr[Trans], op: u32, static: u64) -> None:
    offset = static
    left = t.height - 2
    right = t.height - 1
    constant_address = tr_address(t, left, offset)
    b = t.entries[right]
    if b.where == CONSTANT and (constant_address or FLOAT_IN[op] != 0 or not tr_immediate(b, op)):
        tr_materialize(t, right)
    if constant_address:
        offset += u64(u32(t.entries[left].value))
    tr_pop(t)
    tr_pop(t)
    a = t.entries[left]
    combo: u32 = SS
    if constant_address:
        combo = u32(KS) if tr_in_slot(b) else u32(KR)
    elif b.where == CONSTANT:
        combo = u32(SK) if tr_in_slot(a) else u32(RK)
    elif tr_in_slot(a):
        combo = u32(SS) if tr_in_slot(b) else u32(SR)
    else:
        combo = u32(RS) if tr_in_slot(b) else u32(RR)
    size = u64(24) if combo == SK or combo == RK else u64(16)
    position = tr_emit(t, u32(BASE[op]) + 8 * tr_is_checked(t, offset) + combo, size)
    tr_put16(t, position + 8, tr_place(t, a, left))
    tr_put16(t, position + 10, tr_place(t, b, right))
    tr_put32(t, position + 12, u32(offset))
    if size == 24:
        tr_put32(t, position + 16, u32(b.value))


__all__ = ["u16"]
