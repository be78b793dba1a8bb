"""Translation of branches: conditions fused with the comparison before them, values moved to where the label wants them."""

from wasmjit.native.lang import boolean, fn, i64, load, ptr, u16, u32, u64

from .emit import ADD_SK, tr_bind, tr_copy, tr_emit, tr_fits, tr_new_fixup, tr_put16, tr_put32, tr_put64, tr_take_back
from .flow import flow_branch, flow_take, loop_weight
from .forms import NUMBER
from .leb import tr_leb
from .opcodes import OP_NE
from .operands import SK, SS, tr_add_up, tr_in_slot, tr_place
from .points import tr_block_start
from .stack import tr_flush, tr_materialize, tr_pop, tr_slot
from .state import CONSTANT, IN_FLOAT, IN_INT, LOOP, NOWHERE, Label, Trans
from .tables import BASE, BRANCH, COMPARE, FLOAT_IN, INVERTED, KLASS, STEP

JMP, JMP_BACK, RET = NUMBER["jmp"], NUMBER["jmp_back"], NUMBER["ret"]
BRNZ, BRZ, BR_TABLE = NUMBER["brnz@s"], NUMBER["brz@s"], NUMBER["br_table@s"]
RETURN_S, RETURN_R, RETURN_F, RETURN_K = (NUMBER[f"ret@{how}"] for how in "srfk")
IN_ACCUMULATOR = 1  # Condition.combo of a value in the accumulator
WEIGHT_FIELD, LOOP_FIELD = 10, 24  # where every backward branch holds its weight and its Loop


@fn
def tr_take_condition(t: ptr[Trans]) -> None:
    """Pop the condition into t.condition; the comparison that computed it, when nothing came between, is taken back to be fused."""
    c = t.condition
    c.negated = t.negate
    t.negate = 0
    top = t.entries[t.height - 1]
    if t.last != NOWHERE and KLASS[t.last_op] == COMPARE and top.where == IN_INT:
        position = t.buf + u64(t.last)
        op = t.last_op
        c.op = op
        c.combo = (t.last_form - u32(BASE[op])) // 2
        c.a = u32(load(u16, position + 10))
        c.b = load(u32, position + 12)
        if FLOAT_IN[op] != 0 and c.combo >= SK:
            c.constant = load(u64, position + 16)
        tr_take_back(t)
        tr_pop(t)
        return
    index = t.height - 1
    tr_add_up(t, index)
    if t.entries[index].where == CONSTANT:
        tr_materialize(t, index)
    entry = tr_pop(t)
    c.op = 0
    c.combo = u32(0) if tr_in_slot(entry) else u32(IN_ACCUMULATOR)
    c.a = u32(tr_place(t, entry, index))


@fn
def tr_aim(t: ptr[Trans], label: ptr[Label], position: u64, rel: u64) -> None:
    """Fill or note the distance field of a branch to the label; backward ones get weight and Loop too."""
    if label.kind == LOOP:
        tr_put16(t, position + WEIGHT_FIELD, loop_weight(t, label))
        tr_put32(t, position + rel, u32(label.header - position))
        tr_put64(t, position + LOOP_FIELD, u64(label.loop))
    else:
        label.fixups = tr_new_fixup(t, label.fixups, position + rel, position)


@fn
def tr_emit_condition(t: ptr[Trans], wanted: boolean, back: boolean) -> u64:
    """The branch taken when the condition is `wanted`; its distance, at condition.rel, is open."""
    c = t.condition
    sense = wanted != (c.negated != 0)
    backward = u32(1) if back else u32(0)
    c.rel = 16
    if back and sense and tr_can_step(t):
        return tr_emit_step(t)
    if c.op == 0:
        c.rel = 12
        form = u32(BRNZ) if sense else u32(BRZ)
        position = tr_emit(t, form + 2 * c.combo + backward, u64(32) if back else u64(16))
        tr_put16(t, position + 8, u64(c.a))
        return position
    op = c.op
    if FLOAT_IN[op]:
        form = u32(BRANCH[op]) + 4 * c.combo + (u32(0) if sense else u32(2)) + backward
    else:
        if not sense:
            op = u32(INVERTED[op])
        form = u32(BRANCH[op]) + 2 * c.combo + backward
    wide = FLOAT_IN[op] != 0 and c.combo >= SK
    constant = u64(32) if back else u64(24)
    position = tr_emit(t, form, constant + (u64(8) if wide else u64(0)))
    tr_put16(t, position + 8, u64(c.a))
    tr_put32(t, position + 12, c.b)
    if wide:
        tr_put64(t, position + constant, c.constant)
    return position


@fn
def tr_can_step(t: ptr[Trans]) -> boolean:
    """The instruction before adds a constant to the very slot that the condition compares, as i32."""
    c = t.condition
    if t.previous == NOWHERE or t.previous_form != ADD_SK:
        return False
    if c.op == 0:
        if c.combo != 0:
            return False
    elif STEP[c.op] == 0 or (c.combo != SS and c.combo != SK) or (c.combo == SS and (c.b & 0xFFFF) == c.a):
        return False
    fields = load(u32, t.buf + u64(t.previous) + 8)
    return (fields & 0xFFFF) == c.a and fields >> 16 == c.a


@fn
def tr_emit_step(t: ptr[Trans]) -> u64:
    """Addition, comparison and backward branch in one."""
    c = t.condition
    addend = load(u32, t.buf + u64(t.previous) + 12)
    tr_take_back(t)
    form = u32(STEP[OP_NE]) + 1
    operand: u32 = 0
    if c.op != 0:
        form = u32(STEP[c.op]) + (u32(1) if c.combo == SK else u32(0))
        operand = c.b
    position = tr_emit(t, form, 32)
    tr_put16(t, position + 8, u64(c.a))
    tr_put32(t, position + 12, operand)
    tr_put32(t, position + 20, addend)
    return position


@fn
def tr_arity(label: ptr[Label]) -> i64:
    """Operands that a branch to the label takes along."""
    return i64(label.nparams) if label.kind == LOOP else i64(label.nresults)


@fn
def tr_settle(t: ptr[Trans], count: i64) -> None:
    """The top operands into their canonical slots."""
    index = t.height - count
    while index < t.height:
        tr_materialize(t, index)
        index += 1


@fn
def tr_move(t: ptr[Trans], count: i64, target: u64) -> None:
    """Copy the settled top operands to the slots from `target` on, which lie below theirs."""
    index = i64(0)
    while index < count:
        source = tr_slot(t, t.height - count + index)
        if source != target + u64(index):
            tr_copy(t, target + u64(index), source)
        index += 1


@fn
def tr_jump(t: ptr[Trans], label: ptr[Label]) -> None:
    back = label.kind == LOOP
    position = tr_emit(t, u32(JMP_BACK) if back else u32(JMP), u64(32) if back else u64(16))
    tr_aim(t, label, position, 12)


@fn
def tr_br(t: ptr[Trans], label: ptr[Label]) -> None:
    count = tr_arity(label)
    tr_settle(t, count)
    tr_move(t, count, tr_slot(t, i64(label.height)))
    tr_jump(t, label)
    flow_take(t, label, t.chance, True)


@fn
def tr_br_if(t: ptr[Trans], label: ptr[Label]) -> None:
    tr_take_condition(t)
    if t.profile:
        tr_flush(t)
    count = tr_arity(label)
    tr_settle(t, count)
    if count == 0 or t.height - count == i64(label.height):
        position = tr_emit_condition(t, True, label.kind == LOOP)
        tr_aim(t, label, position, t.condition.rel)
        flow_branch(t, label)
        tr_block_start(t)
        return
    position = tr_emit_condition(t, False, False)
    skip = tr_new_fixup(t, NOWHERE, position + t.condition.rel, position)
    tr_move(t, count, tr_slot(t, i64(label.height)))
    tr_jump(t, label)
    flow_branch(t, label)
    tr_bind(t, skip)
    tr_block_start(t)


@fn
def tr_needs_stub(t: ptr[Trans], label: ptr[Label]) -> boolean:
    """A table entry is a plain distance; back edges and moved values need code of their own."""
    count = tr_arity(label)
    return label.kind == LOOP or (count > 0 and t.height - count != i64(label.height))


@fn
def tr_br_table(t: ptr[Trans]) -> None:
    index = t.height - 1
    tr_add_up(t, index)
    if t.entries[index].where == CONSTANT:
        tr_materialize(t, index)
    entry = tr_pop(t)
    in_slot = tr_in_slot(entry)
    slot = tr_place(t, entry, index)
    targets = tr_leb(t)
    first = t.p
    default = targets
    k: u64 = 0
    depth: u64 = 0
    while k <= targets:
        depth = tr_leb(t)
        k += 1
    tr_settle(t, tr_arity(t.labels[t.nlabels - 1 - depth]))
    end = t.p
    size = (16 + 4 * (targets + 1) + 7) & ~u64(7)
    position = tr_emit(t, u32(BR_TABLE) + (u32(0) if in_slot else u32(1)), size)
    tr_put16(t, position + 8, slot)
    tr_put32(t, position + 12, u32(default))
    share = t.chance // (targets + 1)
    t.serial += 1
    t.p = first
    k = 0
    while k <= targets and t.error == 0:
        label = t.labels[t.nlabels - 1 - tr_leb(t)]
        cell = position + 16 + 4 * k
        if not tr_needs_stub(t, label):
            label.fixups = tr_new_fixup(t, label.fixups, cell, position)
        else:
            if label.stub_serial != t.serial:
                label.stub_serial = t.serial
                label.stub = t.pos
                count = tr_arity(label)
                tr_move(t, count, tr_slot(t, i64(label.height)))
                tr_jump(t, label)
            tr_put32(t, cell, u32(label.stub - position))
        flow_take(t, label, share, True)
        k += 1
    t.p = end


@fn
def tr_return(t: ptr[Trans]) -> None:
    """The function's results to slots 0.., and back to the caller."""
    count = i64(t.code.sig.nresults)
    if count == 1:
        index = t.height - 1
        tr_add_up(t, index)
        entry = t.entries[index]
        if entry.where == CONSTANT and tr_fits(entry.value):
            position = tr_emit(t, RETURN_K, 16)
            tr_put32(t, position + 12, u32(entry.value))
        elif entry.where == IN_INT or entry.where == IN_FLOAT:
            tr_emit(t, u32(RETURN_R) if entry.where == IN_INT else u32(RETURN_F), 16)
        else:
            if entry.where == CONSTANT:
                tr_materialize(t, index)
            position = tr_emit(t, RETURN_S, 16)
            tr_put16(t, position + 10, tr_place(t, entry, index))
        return
    tr_settle(t, count)
    tr_move(t, count, 0)
    tr_emit(t, RET, 8)
