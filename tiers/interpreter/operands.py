"""Operands of the instruction at hand: where they can be taken from, and where its result goes."""

from wasmjit.native.lang import boolean, fn, i64, ptr, u32, u64

from .emit import ADD_SK, tr_emit, tr_fits, tr_put16, tr_put32
from .stack import tr_make_room, tr_materialize, tr_push_computed, tr_slot
from .state import CONSTANT, IN_INT, IN_LOCAL, IN_SLOT, IN_SUM, NOWHERE, Entry, Trans
from .tables import FLOAT_IN, FLOAT_OUT, NARROW

SS, SR, RS, SK, RK, KS, KR, RR, PS, PR, PK = range(11)  # operand combinations, in the order of forms.COMBOS and STORES
BY_SLOT, BY_ACCUMULATOR, BY_CONSTANT, BY_SUM = range(4)  # addresses of loads, in the order of forms.LOADS


@fn
def tr_immediate(entry: ptr[Entry], op: u32) -> boolean:
    """The constant fits the form's field: any float; an integer that is its low 32 bits sign-extended."""
    if entry.where != CONSTANT:
        return False
    if FLOAT_IN[op] or NARROW[op]:
        return True
    return tr_fits(entry.value)


@fn(inline=True)
def tr_place(t: ptr[Trans], entry: ptr[Entry], index: i64) -> u64:
    """Slot of an operand that is in one."""
    return entry.value if entry.where == IN_LOCAL else tr_slot(t, index)


@fn(inline=True)
def tr_in_slot(entry: ptr[Entry]) -> boolean:
    return entry.where == IN_SLOT or entry.where == IN_LOCAL


@fn
def tr_result(t: ptr[Trans], op: u32, form: u32, size: u64) -> u64:
    """Emit a computing instruction, its result in the accumulator, and push it. `form`: the one with a slot destination."""
    floating = u32(FLOAT_OUT[op])
    tr_make_room(t, floating)
    position = tr_emit(t, form + 1, size)
    tr_push_computed(t, floating, position, form, op)
    return position


@fn
def tr_add_up(t: ptr[Trans], index: i64) -> None:
    """Turn an IN_SUM operand into a value: in the accumulator when no operand is there, else in its slot."""
    entry = t.entries[index]
    if entry.where != IN_SUM:
        return
    if t.int_at != NOWHERE:
        tr_materialize(t, index)
        return
    value = entry.value
    t.lazy[value & 0xFFFFFFFF] -= 1
    position = tr_emit(t, ADD_SK + 1, 16)
    tr_put16(t, position + 10, value & 0xFFFFFFFF)
    tr_put32(t, position + 12, u32(value >> 32))
    entry.where = IN_INT
    t.int_at = index
    t.int_made = position
    t.int_form = ADD_SK
