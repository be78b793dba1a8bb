"""Translation of calls, globals and the instructions that run as C functions."""

from collections.abc import Callable

from wasmjit.isa import BY_NAME
from wasmjit.isa.row import Row
from wasmjit.native.lang import boolean, const, fn, i64, offsetof, ptr, u8, u16, u32, u64
from wasmjit.runtime.codes import POINT_PLAIN
from wasmjit.runtime.structs import Inst, Sig

from .emit import tr_emit, tr_put16, tr_put32, tr_put64
from .forms import CALLED, NUMBER
from .leb import tr_leb
from .opcodes import OP_MEMORY_SIZE
from .operands import tr_add_up, tr_in_slot, tr_place
from .points import tr_note_targets, tr_point
from .stack import tr_flush, tr_is_float, tr_make_room, tr_materialize, tr_pop, tr_push_computed, tr_push_slot, tr_slot, tr_truncate
from .state import CONSTANT, IN_INT, Trans
from .tables import OPCODES, opcode

CALL, CALL_IMPORT, CALL_INDIRECT = NUMBER["call"], NUMBER["call_import"], NUMBER["call_indirect@s"]
GLOBAL_GET, GLOBAL_GET_FAR = NUMBER["global_get@s"], NUMBER["global_get_far@s"]
GLOBAL_SET, GLOBAL_SET_FAR = NUMBER["global_set@s"], NUMBER["global_set_far@s"]
MEMORY_SIZE = NUMBER["memory_size@s"]
CALLEE_FIELD = 16  # where a direct call holds its Code; 0 in calls of imports
TWO_INDICES = ("data_mem", "elem_table", "table2", "mem2")


def _called(value: Callable[[str, Row], int]) -> Callable[[], list[int]]:
    def make() -> list[int]:
        column = [0] * OPCODES
        for name in CALLED:
            row = BY_NAME[name.replace("_", ".", 1)]
            column[opcode(row)] = value(name, row)
        return column

    return make


FORM = const("called_form", u16, _called(lambda name, row: NUMBER[name]))
POPS = const("called_pops", u8, _called(lambda name, row: len(row.params)))
PUSHES = const("called_pushes", u8, _called(lambda name, row: len(row.results)))
INDICES = const("called_indices", u8, _called(lambda name, row: 2 if row.imm[0] in TWO_INDICES else len(row.imm)))


@fn
def tr_push_results(t: ptr[Trans], sig: ptr[Sig]) -> None:
    k: u32 = 0
    while k < sig.nresults:
        kind = u32(sig.types[sig.nparams + k])
        tr_push_slot(t, tr_is_float(kind))
        k += 1


@fn
def tr_call(t: ptr[Trans], index: u64) -> None:
    callee = t.mod.codes[index]
    sig = callee.sig
    tr_flush(t)
    first = t.height - i64(sig.nparams)
    imported = index < u64(t.mod.nimport_funcs)
    tr_point(t, 0, POINT_PLAIN)
    position = tr_emit(t, u32(CALL_IMPORT) if imported else u32(CALL), 24)
    tr_put16(t, position + 8, tr_slot(t, first))
    if imported:
        tr_put32(t, position + 12, u32(index))
    else:
        tr_put64(t, position + CALLEE_FIELD, u64(callee))
    tr_truncate(t, first)
    tr_push_results(t, sig)
    tr_point(t, 1, POINT_PLAIN)


@fn
def tr_call_indirect(t: ptr[Trans]) -> None:
    sig = t.mod.types[tr_leb(t)]
    table = tr_leb(t)
    index = t.height - 1
    tr_add_up(t, index)
    if t.entries[index].where == CONSTANT or t.profile != 0:
        tr_materialize(t, index)
    entry = tr_pop(t)
    in_slot = tr_in_slot(entry)
    slot = tr_place(t, entry, index)
    tr_flush(t)
    first = t.height - i64(sig.nparams)
    if t.profile:
        tr_note_targets(t, slot, table)
    position = tr_emit(t, u32(CALL_INDIRECT) + (u32(0) if in_slot else u32(1)), 24)
    tr_put16(t, position + 8, tr_slot(t, first))
    tr_put16(t, position + 10, slot)
    tr_put32(t, position + 12, u32(table))
    tr_put64(t, position + 16, u64(sig))
    tr_truncate(t, first)
    tr_push_results(t, sig)
    tr_point(t, 1, POINT_PLAIN)


@fn
def tr_global(t: ptr[Trans], index: u64, write: boolean) -> None:
    declared = t.mod.globals[index]
    floating = tr_is_float(declared.type)
    far = index < u64(t.mod.nimport_globals)
    place = u32(index) if far else u32(offsetof(Inst, "cells")) + 16 * declared.own
    if write:
        top = t.height - 1
        tr_add_up(t, top)
        entry = t.entries[top]
        if entry.where == CONSTANT:
            tr_materialize(t, top)
        how = u32(0) if tr_in_slot(entry) else u32(1) if entry.where == IN_INT else u32(2)
        tr_pop(t)
        position = tr_emit(t, (u32(GLOBAL_SET_FAR) if far else u32(GLOBAL_SET)) + how, 16)
        tr_put16(t, position + 10, tr_place(t, entry, top))
        tr_put32(t, position + 12, place)
        return
    tr_fetch(t, u32(GLOBAL_GET_FAR) if far else u32(GLOBAL_GET), floating, place)


@fn
def tr_fetch(t: ptr[Trans], form: u32, floating: u32, place: u32) -> None:
    """Emit and push what only has a destination and a number: forms slot, integer, float accumulator in this order."""
    tr_make_room(t, floating)
    position = tr_emit(t, form + (u32(2) if floating else u32(1)), 16)
    tr_put32(t, position + 12, place)
    tr_push_computed(t, floating, position, form, 0)


@fn
def tr_called(t: ptr[Trans], op: u32) -> None:
    if op == OP_MEMORY_SIZE:
        tr_fetch(t, MEMORY_SIZE, 0, u32(tr_leb(t)))
        return
    tr_flush(t)
    x: u64 = 0
    y: u64 = 0
    if INDICES[op] > 0:
        x = tr_leb(t)
    if INDICES[op] > 1:
        y = tr_leb(t)
    top = tr_slot(t, t.height) + 1
    first = t.height - i64(POPS[op])
    position = tr_emit(t, u32(FORM[op]), 24)
    tr_put16(t, position + 8, tr_slot(t, first))
    tr_put16(t, position + 10, top)
    tr_put32(t, position + 12, u32(x))
    tr_put32(t, position + 16, u32(y))
    tr_truncate(t, first)
    if PUSHES[op]:
        tr_push_slot(t, 0)
