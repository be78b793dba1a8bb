"""Opcode indices of the instructions that the translator treats by name."""

from wasmjit.isa import BY_NAME

from .tables import opcode


def _op(name: str) -> int:
    return opcode(BY_NAME[name])


OP_UNREACHABLE, OP_NOP, OP_BLOCK, OP_LOOP, OP_IF, OP_ELSE, OP_END = map(_op, ("unreachable", "nop", "block", "loop", "if", "else", "end"))
OP_BR, OP_BR_IF, OP_BR_TABLE, OP_RETURN = map(_op, ("br", "br_if", "br_table", "return"))
OP_CALL, OP_CALL_INDIRECT, OP_DROP, OP_SELECT, OP_SELECT_T = map(_op, ("call", "call_indirect", "drop", "select", "select_t"))
OP_GET, OP_SET, OP_TEE, OP_GLOBAL_GET, OP_GLOBAL_SET = map(_op, ("local.get", "local.set", "local.tee", "global.get", "global.set"))
OP_I32, OP_I64, OP_F32, OP_F64 = map(_op, ("i32.const", "i64.const", "f32.const", "f64.const"))
OP_ADD, OP_SUB, OP_EQZ, OP_EQ, OP_NE = map(_op, ("i32.add", "i32.sub", "i32.eqz", "i32.eq", "i32.ne"))
OP_EQZ_64, OP_EQ_64 = map(_op, ("i64.eqz", "i64.eq"))
OP_NULL, OP_IS_NULL, OP_MEMORY_SIZE = map(_op, ("ref.null", "ref.is_null", "memory.size"))
