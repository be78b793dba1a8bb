"""Writing slot code: instructions, fields, places to fill in later."""

from wasmjit.native.lang import boolean, fn, i32, i64, load, ptr, sizeof, store, symbol, u8, u16, u32, u64
from wasmjit.native.libc import memset, realloc

from .forms import NUMBER
from .state import NOWHERE, Fixup, Label, Trans

ADD_SK, ADD2, COPY2 = NUMBER["i32.add@ssk"], NUMBER["add2"], NUMBER["copy2"]
COPY_SS, COPY_SR, COPY_SF, COPY_SK, COPY_S8 = (NUMBER[f"copy@{how}"] for how in ("ss", "sr", "sf", "sk", "sK"))
NO_SPACE, TOO_LARGE = 1, 2


@fn
def tr_reserve(t: ptr[Trans], size: u64) -> None:
    """Room for `size` more bytes of slot code; on failure error is set and the position goes back to 0, so that writing stays inside."""
    if t.pos + size <= t.cap:
        return
    cap = (t.pos + size) * 2
    grown = ptr[u8](0)
    if cap < 0x40000000:
        grown = realloc(t.buf, cap)
    if grown == 0:
        t.error = NO_SPACE
        t.pos = 0
        return
    t.buf = grown
    t.cap = cap


@fn
def tr_emit(t: ptr[Trans], form: u32, size: u64) -> u64:
    """Append an instruction with zeroed fields; its position."""
    tr_reserve(t, size)
    if t.error:
        return 0
    place = t.buf + t.pos
    table = symbol("handler_table")
    offset = load(i32, table + u64(form) * 4)
    memset(place, 0, size)
    store(u64, place, u64(table) + u64(i64(offset)))
    position = t.pos
    t.pos += size
    t.last = NOWHERE
    t.before = t.previous
    t.before_form = t.previous_form
    t.previous = i64(position)
    t.previous_form = form
    return position


@fn
def tr_take_back(t: ptr[Trans]) -> None:
    """Remove the instruction emitted last."""
    t.pos = u64(t.previous)
    t.previous = t.before
    t.previous_form = t.before_form
    t.before = NOWHERE
    t.last = NOWHERE


@fn
def tr_label_here(t: ptr[Trans]) -> None:
    """What comes next can be reached from elsewhere: nothing before it is changed any more."""
    t.last = NOWHERE
    t.previous = NOWHERE
    t.before = NOWHERE


@fn(inline=True)
def tr_put16(t: ptr[Trans], position: u64, value: u64) -> None:
    store(u16, t.buf + position, u16(value))


@fn(inline=True)
def tr_put32(t: ptr[Trans], position: u64, value: u32) -> None:
    store(u32, t.buf + position, value)


@fn(inline=True)
def tr_put64(t: ptr[Trans], position: u64, value: u64) -> None:
    store(u64, t.buf + position, value)


@fn
def tr_emit_sum(t: ptr[Trans], value: u64, slot: u64) -> None:
    """Add an IN_SUM operand up into a slot."""
    source = value & 0xFFFFFFFF
    if t.previous != NOWHERE and t.previous_form == ADD_SK:
        fields = load(u64, t.buf + u64(t.previous) + 8)
        tr_take_back(t)
        position = tr_emit(t, ADD2, 24)
        tr_put32(t, position + 8, u32(fields))
        tr_put16(t, position + 12, slot)
        tr_put16(t, position + 14, source)
        tr_put32(t, position + 16, u32(fields >> 32))
        tr_put32(t, position + 20, u32(value >> 32))
        return
    position = tr_emit(t, ADD_SK, 16)
    tr_put16(t, position + 8, slot)
    tr_put16(t, position + 10, source)
    tr_put32(t, position + 12, u32(value >> 32))


@fn
def tr_copy(t: ptr[Trans], slot: u64, source: u64) -> None:
    """Copy a slot; two copies in a row are one instruction."""
    if t.previous != NOWHERE and t.previous_form == COPY_SS:
        fields = load(u32, t.buf + u64(t.previous) + 8)
        tr_take_back(t)
        position = tr_emit(t, COPY2, 16)
        tr_put32(t, position + 8, fields)
        tr_put16(t, position + 12, slot)
        tr_put16(t, position + 14, source)
        return
    position = tr_emit(t, COPY_SS, 16)
    tr_put16(t, position + 8, slot)
    tr_put16(t, position + 10, source)


@fn(inline=True)
def tr_fits(value: u64) -> boolean:
    """The constant is its low 32 bits sign-extended: what a 4-byte field holds."""
    return i64(value) == i64(i32(u32(value)))


@fn
def tr_constant(t: ptr[Trans], value: u64, slot: u64) -> None:
    """Put a constant into a slot."""
    if tr_fits(value):
        position = tr_emit(t, COPY_SK, 16)
        tr_put32(t, position + 12, u32(value))
    else:
        position = tr_emit(t, COPY_S8, 24)
        tr_put64(t, position + 16, value)
    tr_put16(t, position + 8, slot)


@fn
def tr_new_fixup(t: ptr[Trans], head: i64, cell: u64, base: u64) -> i64:
    """Remember a field to fill; the new head of the list."""
    if t.free_fixup != NOWHERE:
        index = t.free_fixup
        t.free_fixup = t.fixups[index].next
    else:
        if t.nfixups == t.fixup_cap:
            cap = t.fixup_cap * 2 + 64
            grown = realloc(ptr[u8](t.fixups), cap * sizeof(Fixup))
            if grown == 0:
                t.error = NO_SPACE
                return head
            t.fixups = ptr[Fixup](grown)
            t.fixup_cap = cap
        index = i64(t.nfixups)
        t.nfixups += 1
    fixup = t.fixups[index]
    fixup.cell = cell
    fixup.base = base
    fixup.next = head
    return index


@fn
def tr_bind(t: ptr[Trans], head: i64) -> None:
    """The fields of the list lead to the current position."""
    tr_label_here(t)
    index = head
    while index != NOWHERE:
        fixup = t.fixups[index]
        if t.error == 0:
            tr_put32(t, fixup.cell, u32(t.pos - fixup.base))
        following = fixup.next
        fixup.next = t.free_fixup
        t.free_fixup = index
        index = following


@fn
def tr_new_label(t: ptr[Trans], kind: u32) -> ptr[Label]:
    if t.nlabels == t.label_cap:
        cap = t.label_cap * 2 + 64
        grown = realloc(ptr[u8](t.labels), cap * sizeof(Label))
        if grown == 0:
            t.error = NO_SPACE
            return t.labels[t.nlabels - 1]
        t.labels = ptr[Label](grown)
        t.label_cap = cap
    label = t.labels[t.nlabels]
    t.nlabels += 1
    memset(ptr[u8](label), 0, sizeof(Label))
    label.kind = kind
    label.fixups = NOWHERE
    label.other = NOWHERE
    return label
