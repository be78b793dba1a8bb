"""The abstract operand stack: where each operand is, and how it gets into its canonical slot."""

from wasmjit.native.lang import fn, i32, i64, load, ptr, store, symbol, u32, u64

from .emit import TOO_LARGE, tr_constant, tr_copy, tr_emit_sum, tr_put16
from .state import CONSTANT, IN_FLOAT, IN_INT, IN_LOCAL, IN_SLOT, IN_SUM, NOWHERE, Entry, Trans

MAX_SLOTS = 65534  # locals and operands of a frame: its size and every slot number are 16-bit fields


@fn(inline=True)
def tr_slot(t: ptr[Trans], index: i64) -> u64:
    """Canonical slot of an operand."""
    return t.base + u64(index)


@fn
def tr_retarget(t: ptr[Trans], position: u64, form: u32, slot: u64) -> None:
    """Make an instruction put its result into a slot: `form` is its form that does."""
    table = symbol("handler_table")
    store(u64, t.buf + position, u64(table) + u64(i64(load(i32, table + u64(form) * 4))))
    tr_put16(t, position + 8, slot)


@fn
def tr_demote(t: ptr[Trans], index: i64) -> None:
    """An operand leaves its accumulator: what computed it writes its slot instead. Nothing has read either since."""
    entry = t.entries[index]
    slot = tr_slot(t, index)
    if entry.where == IN_INT:
        tr_retarget(t, t.int_made, t.int_form, slot)
        t.int_at = NOWHERE
    else:
        tr_retarget(t, t.float_made, t.float_form, slot)
        t.float_at = NOWHERE
    entry.where = IN_SLOT
    t.last = NOWHERE


@fn
def tr_push_computed(t: ptr[Trans], floating: u32, position: u64, form: u32, op: u32) -> None:
    """Push the result of the instruction just emitted, which stays in its accumulator; who was there has been sent away."""
    if floating:
        t.float_made = position
        t.float_form = form
        tr_push(t, IN_FLOAT, 1, 0)
    else:
        t.int_made = position
        t.int_form = form
        tr_push(t, IN_INT, 0, 0)
    t.last = i64(position)
    t.last_op = op
    t.last_form = form


@fn
def tr_make_room(t: ptr[Trans], floating: u32) -> None:
    """Free the accumulator of a class: the newest value is used first, so the older one goes."""
    t.demoted_at = t.float_at if floating else t.int_at
    t.demoted_made = t.float_made if floating else t.int_made
    t.demoted_form = t.float_form if floating else t.int_form
    if t.demoted_at != NOWHERE:
        tr_demote(t, t.demoted_at)


@fn
def tr_promote(t: ptr[Trans], index: i64, floating: u32) -> None:
    """Undo the last demotion: the instruction that asked for it is taken back."""
    tr_retarget(t, t.demoted_made, t.demoted_form + 1, 0)
    t.entries[index].where = IN_FLOAT if floating else IN_INT
    if floating:
        t.float_at = index
        t.float_made = t.demoted_made
        t.float_form = t.demoted_form
    else:
        t.int_at = index
        t.int_made = t.demoted_made
        t.int_form = t.demoted_form
    t.demoted_at = NOWHERE


@fn
def tr_push(t: ptr[Trans], where: u32, floating: u32, value: u64) -> None:
    entry = t.entries[t.height]
    entry.where = where
    entry.floating = floating
    entry.value = value
    if where == IN_INT:
        t.int_at = t.height
    elif where == IN_FLOAT:
        t.float_at = t.height
    elif where == IN_LOCAL or where == IN_SUM:
        t.lazy[value & 0xFFFFFFFF] += 1
    elif where == IN_SLOT:
        if t.canonical == t.height:
            t.canonical += 1
    t.height += 1
    if t.height > t.top:
        t.top = t.height
        if t.base + u64(t.top) > MAX_SLOTS:
            t.error = TOO_LARGE
            t.height -= 1
            t.top = t.height


@fn
def tr_is_float(kind: u32) -> u32:
    """Whether a value type byte is f32 or f64."""
    return u32(1) if kind == 0x7D or kind == 0x7C else u32(0)


@fn
def tr_push_slot(t: ptr[Trans], floating: u32) -> None:
    tr_push(t, IN_SLOT, floating, 0)


@fn
def tr_release(t: ptr[Trans], entry: ptr[Entry], index: i64) -> None:
    """The entry leaves the place it was in."""
    if entry.where == IN_INT:
        if t.int_at == index:
            t.int_at = NOWHERE
    elif entry.where == IN_FLOAT:
        if t.float_at == index:
            t.float_at = NOWHERE
    elif entry.where == IN_LOCAL or entry.where == IN_SUM:
        t.lazy[entry.value & 0xFFFFFFFF] -= 1


@fn
def tr_pop(t: ptr[Trans]) -> ptr[Entry]:
    """The top operand; what the pointer shows stays as it is until the next push."""
    t.height -= 1
    t.last = NOWHERE
    if t.canonical > t.height:
        t.canonical = t.height
    entry = t.entries[t.height]
    tr_release(t, entry, t.height)
    return entry


@fn
def tr_truncate(t: ptr[Trans], height: i64) -> None:
    while t.height > height:
        tr_pop(t)
    t.last = NOWHERE


@fn
def tr_materialize(t: ptr[Trans], index: i64) -> None:
    """Put an operand into its canonical slot."""
    entry = t.entries[index]
    if entry.where == IN_SLOT:
        return
    slot = tr_slot(t, index)
    if entry.where == IN_LOCAL:
        tr_copy(t, slot, entry.value)
    elif entry.where == CONSTANT:
        tr_constant(t, entry.value, slot)
    elif entry.where == IN_SUM:
        tr_emit_sum(t, entry.value, slot)
    else:
        tr_demote(t, index)
        return
    tr_release(t, entry, index)
    entry.where = IN_SLOT


@fn
def tr_flush(t: ptr[Trans]) -> None:
    """All operands into their slots: the canonical frame."""
    index = t.canonical
    while index < t.height:
        tr_materialize(t, index)
        index += 1
    t.canonical = t.height


@fn
def tr_settle_local(t: ptr[Trans], local: u64) -> None:
    """Before a local is written: operands that still stand in it are copied out. Looks from the top down: costs as much as their pushes."""
    index = t.height - 1
    while t.lazy[local] > 0 and index >= 0:
        entry = t.entries[index]
        if (entry.where == IN_LOCAL or entry.where == IN_SUM) and (entry.value & 0xFFFFFFFF) == local:
            tr_materialize(t, index)
        index -= 1
