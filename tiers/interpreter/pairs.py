"""Two computations in one instruction: the second takes back the first, whose result it uses."""

from wasmjit.native.lang import boolean, fn, load, ptr, u32, u64

from .emit import tr_put16, tr_put32, tr_take_back
from .forms import LOAD_PAIRS, PAIRS
from .operands import BY_ACCUMULATOR, BY_SUM, RS, SK, SR, tr_immediate, tr_in_slot, tr_place, tr_result
from .stack import tr_pop, tr_promote
from .state import CONSTANT, IN_SLOT, NOWHERE, Trans
from .tables import BASE, COMMUTES, FLOAT_IN, KLASS, LOAD, PAIR_FIRST, PAIR_FORM, PAIR_SECOND

SIDE_LEFT, SIDE_RIGHT, SIDE_CONSTANT, SIDE_LEFT_HELD, SIDE_RIGHT_HELD, SIDE_NONE = range(6)  # forms.PAIR_SIDES
PAIR_COUNT = len(PAIRS + LOAD_PAIRS)


@fn
def tr_pair_find(first: u32, second: u32) -> u64:
    """Number of a pair of forms.PAIRS + LOAD_PAIRS; PAIR_COUNT when there is none."""
    pair: u64 = 0
    while pair < PAIR_COUNT and (u32(PAIR_FIRST[pair]) != first or u32(PAIR_SECOND[pair]) != second):
        pair += 1
    return pair


@fn
def tr_pair_side(t: ptr[Trans], op: u32, how: u32, is_load: boolean) -> u32:
    """Where the other operand of a pair's second computation is: SIDE_*, or SIDE_NONE when no form has it there."""
    left = t.height - 2
    right = t.height - 1
    floating = FLOAT_IN[op] != 0
    computed = t.float_at if floating else t.int_at
    if computed != left and computed != right:
        return SIDE_NONE
    at = left if computed == right else right
    c = t.entries[at]
    swapped = computed == left and not COMMUTES[op]
    if c.where == CONSTANT:
        if is_load or floating or not tr_immediate(c, op) or (computed == right and not COMMUTES[op]):
            return SIDE_NONE
        return SIDE_CONSTANT
    if not tr_in_slot(c):
        return SIDE_NONE
    uses = how == BY_ACCUMULATOR and not floating if is_load else how == SR or how == RS
    if c.where == IN_SLOT and t.demoted_at == at and not uses:
        return u32(SIDE_RIGHT_HELD) if swapped else u32(SIDE_LEFT_HELD)
    return u32(SIDE_RIGHT) if swapped else u32(SIDE_LEFT)


@fn
def tr_pair(t: ptr[Trans], op: u32) -> boolean:
    """Make one instruction of the computation or load just emitted and this one, which takes its result, where there is such a pair."""
    first = t.last_op
    pair = tr_pair_find(first, op)
    if pair == PAIR_COUNT:
        return False
    is_load = KLASS[first] == LOAD
    how = (t.last_form - u32(BASE[first])) // 2
    if how > BY_SUM or (how == SK and not is_load and FLOAT_IN[first] != 0):  # four operand combinations, four kinds of address
        return False
    side = tr_pair_side(t, op, how, is_load)
    if side == SIDE_NONE:
        return False
    floating = u32(FLOAT_IN[op])
    computed = t.float_at if floating else t.int_at
    at = t.height - 2 if computed == t.height - 1 else t.height - 1
    c = t.entries[at]
    constant = c.value
    slot = tr_place(t, c, at)
    fields = load(u64, t.buf + u64(t.last) + 8)
    addend: u32 = 0
    if is_load and how == BY_SUM:
        addend = load(u32, t.buf + u64(t.last) + 16)
    tr_take_back(t)
    t.entries[computed].where = CONSTANT  # it is nowhere now
    if side >= SIDE_LEFT_HELD:
        tr_promote(t, at, floating)
    elif floating:
        t.float_at = NOWHERE
    else:
        t.int_at = NOWHERE
    tr_pop(t)
    tr_pop(t)
    if is_load:
        order = how * 8 + (side if side < SIDE_CONSTANT else side - 1) * 2
    else:
        order = how * 10 + side * 2
    wide = is_load or how == SK or side == SIDE_CONSTANT
    position = tr_result(t, op, u32(PAIR_FORM[pair]) + order, u64(24) if wide else u64(16))
    t.last_op = 0  # no pair begins with a pair
    tr_put16(t, position + 10, slot)
    tr_put16(t, position + 12, (fields >> 16) & 0xFFFF)
    if is_load or how == SK:
        tr_put32(t, position + 16, u32(fields >> 32))
    else:
        tr_put16(t, position + 14, (fields >> 32) & 0xFFFF)
    if side == SIDE_CONSTANT:
        tr_put32(t, position + 20, u32(constant))
    elif is_load:
        tr_put32(t, position + 20, addend)
    return True
