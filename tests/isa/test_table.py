"""What holds of every row of the instruction table."""

import ast

import pytest

from wasmjit.isa import BY_NAME, BY_OPCODE, FEATURES, TABLE, Row, features_of_opcode
from wasmjit.native import lang

INDICES = {"label", "labels", "func", "type", "table", "table_type", "table2", "local", "global", "mem", "mem2", "data", "data_mem", "elem"}
IMMEDIATES = INDICES | {"elem_table", "blocktype", "memarg", "reftype", "valtypes", "i32", "i64", "f32", "f64"}
KINDS = {"const", "numeric", "compare", "load", "store", "control", "call", "variable", "parametric", "table", "memory", "ref"}
TRAPS = {"divide", "overflow", "conversion"}
SIZES = {"u8": 1, "i8": 1, "u16": 2, "i16": 2, "u32": 4, "i32": 4, "f32": 4, "u64": 8, "f64": 8}

everywhere = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)


def test_names_and_opcodes_are_unique() -> None:
    assert len(BY_NAME) == len(BY_OPCODE) == len(TABLE)


def test_all_opcodes_of_version_2_but_vectors() -> None:
    single = {*range(0x00, 0x06), 0x0B, *range(0x0C, 0x12), *range(0x1A, 0x1D), *range(0x20, 0x27), *range(0x28, 0xC5), 0xD0, 0xD1, 0xD2}
    assert set(BY_OPCODE) == {(0, code) for code in single} | {(0xFC, code) for code in range(18)}


@everywhere
def test_row_uses_known_words(row: Row) -> None:
    assert set(row.imm) <= IMMEDIATES
    assert row.kind in KINDS
    assert row.feature in FEATURES
    assert {trap for _, trap in row.checks} <= TRAPS
    assert {*row.params, *row.results} <= {"i32", "i64", "f32", "f64", "ref", "any"}


@everywhere
def test_meaning_uses_its_operands_and_the_language(row: Row) -> None:
    if row.kind == "load":
        names = {"m"}
    elif row.kind == "store":
        names = {"v"}
    else:
        names = set("abc"[: len(row.params)])
    used = set()
    for text in (row.meaning, *(condition for condition, _ in row.checks)):
        if text:
            used |= {node.id for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)}
    assert used <= names | set(lang.__all__)
    if row.meaning:
        assert names <= used


@everywhere
def test_what_has_a_meaning(row: Row) -> None:
    assert bool(row.meaning) == (row.kind in ("numeric", "compare", "load", "store") or row.name == "ref.is_null")


@everywhere
def test_access(row: Row) -> None:
    size, kind = row.access
    assert bool(size) == (row.kind in ("load", "store"))
    if size:
        assert SIZES[kind] == size
        assert row.imm == ("memarg",)
        assert row.traps and row.memory and not row.pure


@everywhere
def test_pure_rows_cannot_trap(row: Row) -> None:
    assert not (row.pure and row.traps)


def test_opcodes_of_later_features() -> None:
    later = {
        (0, 0x06): "legacy-exceptions",
        (0, 0x12): "tail-call",
        (0, 0x14): "function-references",
        (0, 0x1F): "exceptions",
        (0, 0x27): None,
        (0, 0xC5): None,
        (0, 0xE0): "stack-switching",
        (0xFB, 0): "gc",
        (0xFC, 0x13): "wide-arithmetic",
        (0xFC, 0x17): None,
        (0xFD, 0): "simd",
        (0xFD, 0x100): "relaxed-simd",
        (0xFE, 3): "threads",
    }
    assert {opcode: features_of_opcode(*opcode) for opcode in later} == later
