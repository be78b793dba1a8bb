"""What the translator knows of each opcode: tables made from the isa when the image is built.

Opcode index: the code itself, or 256 + code behind the prefix 0xfc.
"""

from collections.abc import Callable

from wasmjit.isa import BY_NAME, TABLE
from wasmjit.isa.row import Row
from wasmjit.native.lang import const, u8, u16

from .forms import COMMUTATIVE, INVERSE, LOAD_PAIRS, MIRROR, NUMBER, PAIRS, is_float, related, row_class

OPCODES = 512
SPECIAL, BINARY, COMPARE, UNARY, LOAD, STORE = range(6)
CLASSES = {"special": SPECIAL, "binary": BINARY, "compare": COMPARE, "unary": UNARY, "load": LOAD, "store": STORE}

# how the immediates of an opcode are skipped in code that is never reached
SKIP_NONE, SKIP_LEB, SKIP_LEB2, SKIP_F32, SKIP_F64, SKIP_TABLE, SKIP_TYPES = range(7)
SKIPS = {
    (): SKIP_NONE, ("f32",): SKIP_F32, ("f64",): SKIP_F64, ("labels",): SKIP_TABLE, ("valtypes",): SKIP_TYPES, ("memarg",): SKIP_LEB2,
    ("table_type",): SKIP_LEB2, ("data_mem",): SKIP_LEB2, ("elem_table",): SKIP_LEB2, ("table2",): SKIP_LEB2, ("mem2",): SKIP_LEB2,
}  # fmt: skip
FIRST = {"binary": "@sss", "compare": "@sss", "unary": "@ss", "load": "@ss", "store": "@ss"}


def opcode(row: Row) -> int:
    return row.code + (256 if row.prefix == 0xFC else 0)


def _column(value: Callable[[Row], int]) -> Callable[[], list[int]]:
    def make() -> list[int]:
        column = [0] * OPCODES
        for row in TABLE:
            column[opcode(row)] = value(row)
        return column

    return make


def _relation(table: dict[str, str]) -> Callable[[Row], int]:
    return lambda row: (
        opcode(BY_NAME[related(row, table)]) if row_class(row) == "compare" and (not is_float(row.params[0]) or table is MIRROR) else 0
    )


def _base(row: Row) -> int:
    kind = row_class(row)
    return NUMBER[row.name + FIRST[kind]] if kind in FIRST else 0


KLASS = const("op_class", u8, _column(lambda row: CLASSES[row_class(row)]))
BASE = const("op_base", u16, _column(_base))
BRANCH = const("op_branch", u16, _column(lambda row: NUMBER[f"br.{row.name}@ss"] if row_class(row) == "compare" else 0))
FLOAT_IN = const("op_float_in", u8, _column(lambda row: int(bool(row.params) and is_float(row.params[-1]))))
FLOAT_OUT = const("op_float_out", u8, _column(lambda row: int(bool(row.results) and is_float(row.results[0]))))
NARROW = const("op_narrow", u8, _column(lambda row: int(bool(row.params) and row.params[-1] == "i32")))
CANONICAL = const("op_canonical", u16, _column(lambda row: NUMBER[f"{row.results[0]}.canonical@sr"] if row.arithmetic else 0))
COMMUTES = const("op_commutes", u8, _column(lambda row: int(row.name in COMMUTATIVE and row_class(row) == "binary")))
INVERTED = const("op_inverted", u16, _column(_relation(INVERSE)))
MIRRORED = const("op_mirrored", u16, _column(_relation(MIRROR)))
IMMEDIATES = const("op_immediates", u8, _column(lambda row: SKIPS.get(tuple(row.imm), SKIP_LEB)))
STEP = const("op_step", u16, _column(lambda row: NUMBER.get(f"step_back.{row.name}@ss", 0)))
PAIR_FIRST = const("pair_first", u16, lambda: [opcode(first) for first, _ in PAIRS + LOAD_PAIRS])
PAIR_SECOND = const("pair_second", u16, lambda: [opcode(second) for _, second in PAIRS + LOAD_PAIRS])
PAIR_FORM = const(
    "pair_form",
    u16,
    lambda: [NUMBER[f"{a.name}+{b.name}@sssl"] for a, b in PAIRS] + [NUMBER[f"{a.name}+{b.name}@ssl"] for a, b in LOAD_PAIRS],
)
