"""What the validator does for each opcode: tables made from the instruction table when the image is built.

An entry is one word, so that the validator reads all of it at once:
    bits 0..7    class, CLASS_*
    bits 8..15   type pushed
    bits 16..31  operand types as they lie on the type stack: of a unary instruction bits 16..23, of a binary one the
                 deeper in 16..23 and the upper in 24..31
    bits 32..39  log2 of the natural alignment; CLASS_NEEDS: the feature of features.REFUSED
    bits 40..47  bit number of the feature in isa.FEATURES
"""

from typing import Any

from wasmjit.isa import FEATURES, TABLE, features_of_opcode
from wasmjit.native.lang import boolean, const, fn, ptr, u8, u32, u64

from . import features
from .errors import ERR_ILLEGAL_OPCODE, WHAT_OPCODE
from .reader import Reader, fail_index, leb, need_feature

CLASS_ILLEGAL = 0
CLASS_NEEDS = 1  # known, of a feature that is refused
CLASS_UNARY = 2  # one operand, one result, no immediate
CLASS_BINARY = 3  # two operands, one result, no immediate
CLASS_LOAD = 4  # memarg, address; pushes
CLASS_STORE = 5  # memarg, address and value
CLASS_I32_CONST = 6
CLASS_I64_CONST = 7
CLASS_F32_CONST = 8
CLASS_F64_CONST = 9
CLASS_LOCAL_GET = 10
CLASS_LOCAL_SET = 11
CLASS_LOCAL_TEE = 12
CLASS_DROP = 13
CLASS_NOP = 14
CLASS_PREFIX = 15  # 0xfc: a second table
CLASS_STRUCTURE = 16  # blocks, branches, calls: control.py
CLASS_OTHER = 17  # globals, select, references, tables, bulk memory: others.py

PREFIX_FC = 0xFC
PREFIX_FD = 0xFD
NFC = 0x20  # entries of the table of prefix 0xfc

_TYPES = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C}
_CONSTANTS = {"i32": CLASS_I32_CONST, "i64": CLASS_I64_CONST, "f32": CLASS_F32_CONST, "f64": CLASS_F64_CONST}
_NAMED = {
    "local.get": CLASS_LOCAL_GET,
    "local.set": CLASS_LOCAL_SET,
    "local.tee": CLASS_LOCAL_TEE,
    "drop": CLASS_DROP,
    "nop": CLASS_NOP,
}


def _class(row: Any) -> int:
    if row.name in _NAMED:
        return _NAMED[row.name]
    if row.kind == "const":
        return _CONSTANTS[row.imm[0]]
    if row.imm == ("memarg",):
        return CLASS_LOAD if row.results else CLASS_STORE
    if row.kind in ("control", "call"):
        return CLASS_STRUCTURE
    plain = not row.imm and len(row.results) == 1 and all(t in _TYPES for t in (*row.params, *row.results))
    if plain and row.kind in ("numeric", "compare") and len(row.params) in (1, 2):
        return (CLASS_UNARY, CLASS_BINARY)[len(row.params) - 1]
    return CLASS_OTHER


def _word(row: Any) -> int:
    kind = _class(row)
    word = kind | FEATURES.index(row.feature) << 40
    if kind in (CLASS_UNARY, CLASS_BINARY, CLASS_LOAD, CLASS_STORE):
        for shift, name in zip((16, 24), row.params, strict=False):
            word |= _TYPES[name] << shift
        if row.results:
            word |= _TYPES[row.results[0]] << 8
    if kind in (CLASS_LOAD, CLASS_STORE):
        word |= (row.access[0].bit_length() - 1) << 32
    return word


def _refused(prefix: int, code: int) -> int:
    name = features_of_opcode(prefix, code)
    return CLASS_ILLEGAL if name is None else CLASS_NEEDS | features.REFUSED.index(name) << 32


def _opcodes() -> list[int]:
    table = [_refused(0, code) for code in range(256)]
    for row in TABLE:
        if not row.prefix:
            table[row.code] = _word(row)
    table[PREFIX_FC] = CLASS_PREFIX
    return table


def _prefixed() -> list[int]:
    table = [_refused(PREFIX_FC, code) for code in range(NFC)]
    for row in TABLE:
        if row.prefix == PREFIX_FC:
            table[row.code] = _word(row)
    return table


OPCODES = const("validator_opcodes", u64, _opcodes)
OPCODES_FC = const("validator_opcodes_fc", u64, _prefixed)


@fn
def class_of(word: u64) -> u32:
    return u32(word & 0xFF)


@fn(cold=True)
def refuse_opcode(r: ptr[Reader], place: ptr[u8], op: u32) -> boolean:
    """Record an opcode that is of a refused feature, or of none; op: the first byte, prefix << 8 | code of prefix 0xfc."""
    word = OPCODES[op] if op < 256 else OPCODES_FC[op & 0xFF]
    shown = u64(op)
    if class_of(word) != CLASS_NEEDS:
        return fail_index(r, ERR_ILLEGAL_OPCODE, place, shown)
    need = (word >> 32) & 0xFF
    if op < 256 and op >= 0xFB and leb(r, place + 1, 32, False) != 0:
        shown = u64(op) << 8 | r.value
        if op == PREFIX_FD and r.value >= 0x100:
            need = features.NEED_RELAXED_SIMD
            shown = u64(op) << 16 | r.value
    return need_feature(r, place, need, WHAT_OPCODE, shown)
