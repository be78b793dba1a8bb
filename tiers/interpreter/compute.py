"""Translation of computations, loads and stores: which form fits the operands."""

from wasmjit.isa import BY_NAME
from wasmjit.native.lang import boolean, fn, i32, i64, load, ptr, u32, u64
from wasmjit.runtime.codes import GUARD_OFFSETS, MOD_CHECKED

from .emit import ADD_SK, tr_emit, tr_make_room, tr_materialize, tr_pop, tr_promote, tr_push, tr_push_computed, tr_put16, tr_put32, tr_put64, tr_slot, tr_take_back
from .forms import LOAD_PAIRS, PAIRS
from .state import CONSTANT, IN_INT, IN_LOCAL, IN_SLOT, IN_SUM, NOWHERE, Entry, Trans
from .tables import BASE, COMMUTES, COMPARE, FLOAT_IN, FLOAT_OUT, INVERTED, KLASS, LOAD, MIRRORED, NARROW, PAIR_FIRST, PAIR_FORM, PAIR_SECOND, opcode

SS, SR, RS, SK, RK, KS, KR, RR, PS, PR, PK = range(11)
SIDE_LEFT, SIDE_RIGHT, SIDE_CONSTANT, SIDE_LEFT_HELD, SIDE_RIGHT_HELD, SIDE_NONE = range(6)  # forms.PAIR_SIDES
PAIR_COUNT = len(PAIRS + LOAD_PAIRS)
BY_SLOT, BY_ACCUMULATOR, BY_CONSTANT, BY_SUM = range(4)  # addresses of loads, in the order of forms.LOADS
OP_ADD, OP_SUB, OP_IF, OP_BR_IF = (opcode(BY_NAME[name]) for name in ("i32.add", "i32.sub", "if", "br_if"))


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
    """Emit a computing instruction with its result in the accumulator of its class, and push it. `form`: the one with a slot destination."""
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
