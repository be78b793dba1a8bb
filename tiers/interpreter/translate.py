"""The translator: a validated body to slot code, one pass.

Operands stay where they are (a local, a constant, an accumulator) until something needs them in their canonical slot:
labels, calls, and whatever writes the local they stand in.
"""

from wasmjit.native.lang import fn, i64, load, ptr, u8, u32, u64

from .blocks import tr_else, tr_end, tr_if, tr_open
from .branches import tr_br, tr_br_if, tr_br_table, tr_return
from .calls import tr_call, tr_call_indirect, tr_called, tr_global
from .compute import (
    tr_binary,
    tr_canonical,
    tr_equal_zero,
    tr_load,
    tr_store,
    tr_unary,
)
from .emit import tr_emit, tr_new_label, tr_put16, tr_put64
from .flow import enter_weight, flow_begin
from .forms import NUMBER
from .leb import tr_leb, tr_opcode, tr_signed, tr_skip_immediates
from .locals import tr_select, tr_set_local, tr_tee_local
from .opcodes import (
    OP_BLOCK,
    OP_BR,
    OP_BR_IF,
    OP_BR_TABLE,
    OP_CALL,
    OP_CALL_INDIRECT,
    OP_DROP,
    OP_ELSE,
    OP_END,
    OP_EQ,
    OP_EQ_64,
    OP_EQZ,
    OP_EQZ_64,
    OP_F32,
    OP_F64,
    OP_GET,
    OP_GLOBAL_GET,
    OP_GLOBAL_SET,
    OP_I32,
    OP_I64,
    OP_IF,
    OP_IS_NULL,
    OP_LOOP,
    OP_NOP,
    OP_NULL,
    OP_RETURN,
    OP_SELECT,
    OP_SELECT_T,
    OP_SET,
    OP_TEE,
    OP_UNREACHABLE,
)
from .points import tr_block_start
from .stack import tr_flush, tr_is_float, tr_pop, tr_push
from .state import BLOCK, CONSTANT, FUNCTION, IN_LOCAL, LOOP, NOWHERE, Trans
from .tables import BINARY, COMPARE, KLASS, LOAD, STORE, UNARY

ENTER0, ENTERN = NUMBER["enter0"], NUMBER["entern"]
UNREACHABLE = NUMBER["unreachable"]


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
    tr_put64(t, position + 16, u64(code))
    label = tr_new_label(t, FUNCTION)
    label.sig = sig
    label.nresults = sig.nresults
    flow_begin(t)
    label.entry = u32(t.chance)
    tr_block_start(t)


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
        tr_equal_zero(t, OP_EQ_64)
    elif op != OP_NOP:
        tr_called(t, op)


@fn
def tr_live(t: ptr[Trans], op: u32) -> u32:
    """One reached instruction; whether what follows is not reached."""
    klass = KLASS[op]
    if klass == BINARY or klass == COMPARE:
        tr_binary(t, op)
        tr_canonical(t, op)
    elif op == OP_EQZ:
        tr_equal_zero(t, OP_EQ)
    elif op == OP_EQZ_64:
        tr_equal_zero(t, OP_EQ_64)
    elif klass == UNARY and op != OP_IS_NULL:
        tr_unary(t, op)
        tr_canonical(t, op)
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
            label = t.labels[t.nlabels - 1]
            last = t.nlabels == 1
            if label.dead or (last and dead == 0 and label.fixups == NOWHERE and t.profile == 0):
                t.nlabels -= 1  # nobody branches to it: operands need not come to their slots
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
        tr_put16(t, 14, enter_weight(t))
