"""Translation of local.set, local.tee and select."""

from wasmjit.native.lang import fn, ptr, u32, u64

from .emit import COPY_SF, COPY_SR, tr_constant, tr_copy, tr_emit, tr_emit_sum, tr_put16
from .forms import NUMBER
from .opcodes import OP_SELECT
from .operands import tr_add_up, tr_in_slot, tr_place
from .stack import tr_make_room, tr_materialize, tr_pop, tr_push, tr_push_computed, tr_retarget, tr_settle_local
from .state import CONSTANT, IN_FLOAT, IN_INT, IN_LOCAL, IN_SUM, NOWHERE, Trans

SELECT = NUMBER["select@ss"]


@fn
def tr_set_local(t: ptr[Trans], local: u64) -> None:
    """Pop into a local; the instruction that computed the operand writes it there itself where it can."""
    index = t.height - 1
    last = t.last
    entry = tr_pop(t)
    where = entry.where
    value = entry.value
    if where == IN_LOCAL and value == local:
        return
    if t.lazy[local] > 0:
        before = t.pos
        tr_settle_local(t, local)
        if t.pos != before:
            last = NOWHERE
    if where == IN_SUM:
        tr_emit_sum(t, value, local)
        return
    if where == CONSTANT:
        tr_constant(t, value, local)
        return
    if last != NOWHERE and (where == IN_INT or where == IN_FLOAT):
        tr_retarget(t, u64(last), t.last_form, local)
        return
    if where == IN_INT or where == IN_FLOAT:
        position = tr_emit(t, u32(COPY_SR) if where == IN_INT else u32(COPY_SF), 16)
        tr_put16(t, position + 8, local)
    else:
        tr_copy(t, local, tr_place(t, entry, index))


@fn
def tr_tee_local(t: ptr[Trans], local: u64) -> None:
    floating = t.entries[t.height - 1].floating
    tr_set_local(t, local)
    tr_push(t, IN_LOCAL, floating, local)


@fn
def tr_select(t: ptr[Trans]) -> None:
    condition = t.height - 1
    tr_add_up(t, condition)
    if t.entries[condition].where == CONSTANT:
        tr_materialize(t, condition)
    left = t.height - 3
    right = t.height - 2
    if not tr_in_slot(t.entries[left]):
        tr_materialize(t, left)
    if not tr_in_slot(t.entries[right]):
        tr_materialize(t, right)
    floating = t.entries[left].floating
    c = tr_pop(t)
    b = tr_pop(t)
    a = tr_pop(t)
    tr_make_room(t, floating)
    form = u32(SELECT) + (u32(0) if tr_in_slot(c) else u32(3))
    position = tr_emit(t, form + (u32(2) if floating else u32(1)), 16)
    tr_put16(t, position + 10, tr_place(t, a, left))
    tr_put16(t, position + 12, tr_place(t, b, right))
    tr_put16(t, position + 14, tr_place(t, c, condition))
    tr_push_computed(t, floating, position, form, OP_SELECT)
