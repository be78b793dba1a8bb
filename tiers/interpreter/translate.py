"""The translator: a validated body to slot code, one pass.

Operands stay where they are (a local, a constant, an accumulator) until something needs them in their canonical slot:
labels, calls, and whatever writes the local they stand in.
"""

from wasmjit.isa import BY_NAME
from wasmjit.native.lang import addr, fn, i32, i64, load, offsetof, ptr, sizeof, u8, u32, u64
from wasmjit.native.libc import malloc, memset
from wasmjit.runtime.structs import Inst, Loop, Sig

from .branches import tr_arity, tr_br, tr_br_if, tr_br_table, tr_emit_condition, tr_return, tr_settle, tr_take_condition
from .calls import tr_call, tr_call_indirect, tr_called, tr_global
from .compute import tr_add_up, tr_binary, tr_equal_zero, tr_in_slot, tr_load, tr_place, tr_store, tr_unary
from .emit import (
    COPY_SF, COPY_SR, NO_SPACE, tr_constant, tr_copy, tr_emit_sum, tr_make_room, tr_push_computed, tr_bind, tr_emit, tr_flush, tr_label_here, tr_materialize, tr_new_fixup, tr_new_label, tr_pop,
    tr_push, tr_push_slot, tr_put16, tr_put32, tr_put64, tr_retarget, tr_settle_local, tr_slot, tr_truncate,
)  # fmt: skip
from .forms import NUMBER
from .leb import tr_leb, tr_opcode, tr_signed, tr_skip_immediates
from .state import BLOCK, CONSTANT, FUNCTION, IF, IN_FLOAT, IN_INT, IN_LOCAL, IN_SUM, LOOP, NOWHERE, Label, Trans
from .tables import BINARY, COMPARE, KLASS, LOAD, STORE, UNARY, opcode

ENTER0, ENTERN = NUMBER["enter0"], NUMBER["entern"]
UNREACHABLE, JMP, SELECT = NUMBER["unreachable"], NUMBER["jmp"], NUMBER["select@ss"]
ENTER_WEIGHT = 6  # a call costs about as much as this many slot instructions


def _op(name: str) -> int:
    return opcode(BY_NAME[name])


OP_UNREACHABLE, OP_NOP, OP_BLOCK, OP_LOOP, OP_IF, OP_ELSE, OP_END = (_op(n) for n in ("unreachable", "nop", "block", "loop", "if", "else", "end"))
OP_BR, OP_BR_IF, OP_BR_TABLE, OP_RETURN = (_op(n) for n in ("br", "br_if", "br_table", "return"))
OP_CALL, OP_CALL_INDIRECT, OP_DROP, OP_SELECT, OP_SELECT_T = (_op(n) for n in ("call", "call_indirect", "drop", "select", "select_t"))
OP_GET, OP_SET, OP_TEE, OP_GLOBAL_GET, OP_GLOBAL_SET = (_op(n) for n in ("local.get", "local.set", "local.tee", "global.get", "global.set"))
OP_I32, OP_I64, OP_F32, OP_F64 = (_op(n) for n in ("i32.const", "i64.const", "f32.const", "f64.const"))
OP_I32_EQZ, OP_I64_EQZ, OP_I32_EQ, OP_I64_EQ = (_op(n) for n in ("i32.eqz", "i64.eqz", "i32.eq", "i64.eq"))
OP_NULL, OP_IS_NULL = _op("ref.null"), _op("ref.is_null")


@fn
def tr_is_float(kind: u32) -> u32:
    return u32(1) if kind == 0x7D or kind == 0x7C else u32(0)


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
def tr_open(t: ptr[Trans], kind: u32, dead: u32) -> None:
    """Begin a block, loop or if: its parameters are settled, everything is canonical."""
    label = tr_new_label(t, kind)
    tr_block_type(t, label)
    label.dead = dead
    if dead:
        return
    label.height = u32(t.height) - label.nparams
    if kind == LOOP:
        tr_label_here(t)
        label.header = t.pos
        if t.record:
            loop = ptr[Loop](malloc(sizeof(Loop)))
            if loop == 0:
                t.error = NO_SPACE
                return
            loop.code = t.code
            loop.next = t.loops
            loop.wasm = u32(t.at)
            loop.hot = 0
            t.loops = loop
            label.loop = loop


@fn
def tr_if(t: ptr[Trans]) -> None:
    tr_take_condition(t)
    tr_flush(t)
    position = tr_emit_condition(t, False, False)
    cell = position + t.condition.rel
    tr_open(t, IF, 0)
    label = t.labels[t.nlabels - 1]
    label.other = tr_new_fixup(t, NOWHERE, cell, position)


@fn
def tr_else(t: ptr[Trans], dead: u32) -> None:
    label = t.labels[t.nlabels - 1]
    if dead == 0:
        tr_flush(t)
        position = tr_emit(t, JMP, 16)
        label.fixups = tr_new_fixup(t, label.fixups, position + 12, position)
    tr_truncate(t, i64(label.height))
    tr_bind(t, label.other)
    label.other = NOWHERE
    label.kind = BLOCK
    k: u32 = 0
    while k < label.nparams:
        tr_push_slot(t, tr_is_float(u32(label.sig.types[k])))
        k += 1


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
    t.nlabels -= 1
    k: u32 = 0
    while k < label.nresults:
        tr_push_slot(t, tr_is_float(tr_result_type(label, k)))
        k += 1
    return u32(0) if reached else u32(1)


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


@fn
def tr_prologue(t: ptr[Trans]) -> None:
    """Locals and their types; the frame's size is filled in at the end."""
    code = t.code
    sig = code.sig
    k: u64 = 0
    while k < u64(sig.nparams):
        t.types[k] = u8(tr_is_float(u32(sig.types[k])))
        k += 1
    groups = tr_leb(t)
    while groups > 0:
        count = tr_leb(t)
        kind = tr_is_float(u32(t.bytes[t.p]))
        t.p += 1
        while count > 0:
            t.types[k] = u8(kind)
            k += 1
            count -= 1
        groups -= 1
    t.nlocals = k
    t.base = k if k > 2 else u64(2)  # every call leaves 16 bytes of value stack at least: the control stack cannot overflow first
    zeroed = k - u64(sig.nparams)
    position = tr_emit(t, u32(ENTER0) + u32(zeroed) if zeroed <= 4 else u32(ENTERN), 24)
    tr_put16(t, position + 10, zeroed)
    tr_put16(t, position + 12, u64(sig.nparams))
    tr_put16(t, position + 14, ENTER_WEIGHT)
    tr_put64(t, position + 16, u64(code))
    label = tr_new_label(t, FUNCTION)
    label.sig = sig
    label.nresults = sig.nresults


@fn
def tr_control(t: ptr[Trans], op: u32) -> u32:
    """Instructions of structure; whether what follows is not reached."""
    if op == OP_BLOCK or op == OP_LOOP:
        tr_flush(t)
        tr_open(t, LOOP if op == OP_LOOP else BLOCK, 0)
        return 0
    if op == OP_IF:
        tr_if(t)
        return 0
    if op == OP_BR_IF:
        tr_br_if(t, t.labels[t.nlabels - 1 - tr_leb(t)])
        return 0
    if op == OP_BR:
        label = t.labels[t.nlabels - 1 - tr_leb(t)]
        if label.kind == FUNCTION:
            tr_return(t)
        else:
            tr_br(t, label)
        return 1
    if op == OP_BR_TABLE:
        tr_br_table(t)
        return 1
    if op == OP_RETURN:
        tr_return(t)
        return 1
    if op == OP_UNREACHABLE:
        tr_emit(t, UNREACHABLE, 8)
        return 1
    return 0


@fn
def tr_simple(t: ptr[Trans], op: u32) -> None:
    """Variables, constants and the rest that is neither computation nor structure."""
    if op == OP_GET:
        local = tr_leb(t)
        tr_push(t, IN_LOCAL, u32(t.types[local]), local)
    elif op == OP_SET:
        tr_set_local(t, tr_leb(t))
    elif op == OP_TEE:
        tr_tee_local(t, tr_leb(t))
    elif op == OP_I32:
        tr_push(t, CONSTANT, 0, u64(tr_signed(t)))
    elif op == OP_I64:
        tr_push(t, CONSTANT, 0, u64(tr_signed(t)))
    elif op == OP_F32:
        tr_push(t, CONSTANT, 1, u64(load(u32, t.bytes + t.p)))
        t.p += 4
    elif op == OP_F64:
        tr_push(t, CONSTANT, 1, load(u64, t.bytes + t.p))
        t.p += 8
    elif op == OP_CALL:
        tr_call(t, tr_leb(t))
    elif op == OP_CALL_INDIRECT:
        tr_call_indirect(t)
    elif op == OP_GLOBAL_GET or op == OP_GLOBAL_SET:
        tr_global(t, tr_leb(t), op == OP_GLOBAL_SET)
    elif op == OP_DROP:
        tr_pop(t)
    elif op == OP_SELECT:
        tr_select(t)
    elif op == OP_SELECT_T:
        tr_skip_immediates(t, op)
        tr_select(t)
    elif op == OP_NULL:
        tr_skip_immediates(t, op)
        tr_push(t, CONSTANT, 0, 0)
    elif op == OP_IS_NULL:
        tr_equal_zero(t, OP_I64_EQ)
    elif op != OP_NOP:
        tr_called(t, op)


@fn
def tr_live(t: ptr[Trans], op: u32) -> u32:
    """One reached instruction; whether what follows is not reached."""
    klass = KLASS[op]
    if klass == BINARY or klass == COMPARE:
        tr_binary(t, op)
    elif op == OP_I32_EQZ:
        tr_equal_zero(t, OP_I32_EQ)
    elif op == OP_I64_EQZ:
        tr_equal_zero(t, OP_I64_EQ)
    elif klass == UNARY and op != OP_IS_NULL:
        tr_unary(t, op)
    elif klass == LOAD or klass == STORE:
        tr_leb(t)
        offset = tr_leb(t)
        if klass == LOAD:
            tr_load(t, op, offset)
        else:
            tr_store(t, op, offset)
    elif op <= OP_RETURN and op != OP_NOP:
        return tr_control(t, op)
    else:
        tr_simple(t, op)
    return 0


@fn
def tr_function(t: ptr[Trans]) -> None:
    """Translate the body from t.p to its end; t.error is set on failure. Stops early where translate_locate wants."""
    tr_prologue(t)
    dead: u32 = 0
    while t.nlabels > 0 and t.error == 0:
        if t.want != NOWHERE and i64(t.pos) > t.want:
            t.found = t.at
            return
        t.at = t.p
        op = tr_opcode(t)
        if op == OP_END:
            last = t.nlabels == 1
            if t.labels[t.nlabels - 1].dead:
                t.nlabels -= 1
            else:
                dead = tr_end(t, dead)
            if last and dead == 0:
                tr_return(t)
        elif op == OP_ELSE and t.labels[t.nlabels - 1].dead == 0:
            tr_else(t, dead)
            dead = 0
        elif dead:
            if op == OP_BLOCK or op == OP_LOOP or op == OP_IF:
                tr_open(t, BLOCK, 1)
            else:
                tr_skip_immediates(t, op)
        else:
            dead = tr_live(t, op)
            if dead:
                t.last = NOWHERE
    t.found = t.at
    if t.error == 0:
        tr_put16(t, 8, t.base + u64(t.top) + 1)


__all__ = ["Inst", "Sig", "addr", "memset", "offsetof", "tr_arity", "tr_settle"]
