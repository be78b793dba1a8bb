"""Translation of blocks, loops and ifs: labels, and what stands on the stack at them."""

from wasmjit.native.lang import fn, i64, ptr, sizeof, u32
from wasmjit.native.libc import calloc
from wasmjit.runtime.structs import Loop

from .branches import JMP, tr_emit_condition, tr_take_condition
from .emit import NO_SPACE, tr_bind, tr_emit, tr_label_here, tr_new_fixup, tr_new_label
from .flow import flow_else, flow_end, flow_open
from .leb import tr_signed
from .points import tr_block_start
from .stack import tr_flush, tr_is_float, tr_push_slot, tr_truncate
from .state import BLOCK, IF, LOOP, NOWHERE, Label, Trans


@fn
def tr_block_type(t: ptr[Trans], label: ptr[Label]) -> None:
    """Read a block type into the label."""
    first = u32(t.bytes[t.p])
    if first == 0x40:
        t.p += 1
    elif first > 0x40 and first < 0x80:
        t.p += 1
        label.single = first
        label.nresults = 1
    else:
        sig = t.mod.types[tr_signed(t)]
        label.sig = sig
        label.nparams = sig.nparams
        label.nresults = sig.nresults


@fn
def tr_result_type(label: ptr[Label], index: u32) -> u32:
    if label.sig == 0:
        return label.single
    return u32(label.sig.types[label.sig.nparams + index])


@fn
def tr_loop(t: ptr[Trans]) -> ptr[Loop]:
    """The Loop of the loop that begins here: made by the first form, found by the second, which meets the same ones in the same order."""
    if t.profile:
        loop = t.loop
        loop.profiled = u32(t.pos)
        t.loop = loop.next
        return loop
    loop = ptr[Loop](calloc(1, sizeof(Loop)))
    if loop == 0:
        t.error = NO_SPACE
        return loop
    loop.code = t.code
    loop.wasm = u32(t.at)
    loop.header = u32(t.pos)
    if t.loops == 0:
        t.loops = loop
    else:
        t.loop.next = loop
    t.loop = loop
    return loop


@fn
def tr_open(t: ptr[Trans], kind: u32, dead: u32) -> None:
    """Begin a block, loop or if: its parameters are settled, everything is canonical."""
    label = tr_new_label(t, kind)
    tr_block_type(t, label)
    label.dead = dead
    if dead:
        return
    label.height = u32(t.height) - label.nparams
    flow_open(t, label)
    if kind == LOOP:
        tr_label_here(t)
        label.header = t.pos
        if t.record:
            label.loop = tr_loop(t)
        tr_block_start(t)


@fn
def tr_if(t: ptr[Trans]) -> None:
    tr_take_condition(t)
    tr_flush(t)
    position = tr_emit_condition(t, False, False)
    cell = position + t.condition.rel
    tr_open(t, IF, 0)
    label = t.labels[t.nlabels - 1]
    label.other = tr_new_fixup(t, NOWHERE, cell, position)
    tr_block_start(t)


@fn
def tr_else(t: ptr[Trans], dead: u32) -> None:
    label = t.labels[t.nlabels - 1]
    if dead == 0:
        tr_flush(t)
        position = tr_emit(t, JMP, 16)
        label.fixups = tr_new_fixup(t, label.fixups, position + 12, position)
    flow_else(t, label, dead)
    tr_truncate(t, i64(label.height))
    tr_bind(t, label.other)
    label.other = NOWHERE
    label.kind = BLOCK
    k: u32 = 0
    while k < label.nparams:
        tr_push_slot(t, tr_is_float(u32(label.sig.types[k])))
        k += 1
    tr_block_start(t)


@fn
def tr_end(t: ptr[Trans], dead: u32) -> u32:
    """Close the innermost label; whether what follows is still not reached."""
    label = t.labels[t.nlabels - 1]
    reached = dead == 0 or label.fixups != NOWHERE or label.other != NOWHERE
    if dead == 0:
        tr_flush(t)
    tr_truncate(t, i64(label.height))
    tr_bind(t, label.fixups)
    tr_bind(t, label.other)
    if reached:
        flow_end(t, label, dead)
    t.nlabels -= 1
    k: u32 = 0
    while k < label.nresults:
        tr_push_slot(t, tr_is_float(tr_result_type(label, k)))
        k += 1
    if reached:
        tr_block_start(t)
    return u32(0) if reached else u32(1)
