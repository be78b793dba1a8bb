"""Every handler of the interpreter by number: what the translator writes and the handler generator makes.

A slot instruction is an 8-byte handler address and its fields at fixed places, so that one form can be turned into
another by its number alone:

    computing   [d u16 @8][a u16 @10][b u16 or imm i32 @12]            16 bytes; with an 8-byte constant @16: 24
    load        [d u16 @8][a u16 @10][offset u32 @12]                  16; with an addend i32 @16: 24
    store       [a u16 @8][v u16 @10][offset u32 @12]                  16; with an addend or immediate value i32 @16: 24; both: value @20
    branch      [a u16 @8][weight u16 @10][b or imm @12][rel i32 @16]  24; backward: [Loop @24] 32; then a float constant 8 more

Operands: s a slot, r the accumulator of the operand's class (integer and reference, or float), k a constant.
"""

from typing import NamedTuple

from wasmjit.isa import BY_NAME, CANONICAL_NAN, TABLE
from wasmjit.isa.row import Row

COMBOS = ("ss", "sr", "rs", "sk", "rk", "ks", "kr")
UNARY = ("s", "r")
FLOATS = ("f32", "f64")
COMMUTATIVE = frozenset(f"{t}.{n}" for t in ("i32", "i64", "f32", "f64") for n in ("add", "mul", "and", "or", "xor", "eq", "ne"))
INVERSE = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "gt": "le", "le": "gt"}
MIRROR = {"eq": "eq", "ne": "ne", "lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}


class Form(NamedTuple):
    """One handler. `kind` says which generator makes it; the rest is that generator's."""

    name: str
    kind: str
    row: Row | None = None
    args: tuple[object, ...] = ()


def is_float(kind: str) -> bool:
    return kind in FLOATS


def row_class(row: Row) -> str:
    """binary, compare, unary, load, store or special."""
    if row.kind in ("load", "store"):
        return row.kind
    if not row.meaning or row.kind not in ("numeric", "compare", "ref"):
        return "special"
    if len(row.params) == 2:
        return "compare" if row.kind == "compare" else "binary"
    return "unary"


def relation(row: Row) -> tuple[str, str]:
    """('i32.lt', '_s') of a comparison."""
    prefix, _, name = row.name.partition(".")
    return f"{prefix}.{name[:2]}", name[2:]


def related(row: Row, table: dict[str, str]) -> str:
    """Name of the comparison that `table` (INVERSE or MIRROR) turns the row into."""
    stem, sign = relation(row)
    prefix, _, name = stem.partition(".")
    return f"{prefix}.{table[name]}{sign}"


def _wanted(row: Row, combo: str) -> bool:
    return not (combo[0] == "k" and (row.name in COMMUTATIVE or row.kind == "compare"))


def _computing() -> list[Form]:
    forms = []
    for row in TABLE:
        kind = row_class(row)
        if kind in ("binary", "compare"):
            for combo in COMBOS:
                forms += [Form(f"{row.name}@{d}{combo}", "binary" if _wanted(row, combo) else "none", row, (d, combo)) for d in "sr"]
        elif kind == "unary":
            forms += [Form(f"{row.name}@{d}{a}", "unary", row, (d, a)) for a in UNARY for d in "sr"]
    return forms


def _memory() -> list[Form]:
    forms = []
    for row in TABLE:
        if row.kind == "load":
            forms += [Form(f"{row.name}@{d}{a}{mode}", "load", row, (d, a, mode == "!")) for mode in ("", "!") for a in LOADS for d in "sr"]
        elif row.kind == "store":
            unused = ("sk", "rk", "pk") if is_float(row.params[1]) else ("rr",)
            for mode in ("", "!"):
                forms += [
                    Form(f"{row.name}@{combo}{mode}", "none" if combo in unused else "store", row, (combo, mode == "!")) for combo in STORES
                ]
    return forms


LOADS = ("s", "r", "k", "p")  # address: a constant one is the offset field alone; p is a slot plus a constant @16, wrapped to 32 bits
STORES = (*COMBOS, "rr", "ps", "pr", "pk")  # address, value


def _branches() -> list[Form]:
    forms = []
    for row in TABLE:
        if row_class(row) != "compare":
            continue
        senses = (True, False) if is_float(row.params[0]) else (True,)
        for combo in COMBOS:
            for sense in senses:
                kind = "branch" if combo[0] != "k" else "none"
                forms += [
                    Form(f"br{'' if sense else '_not'}{'_back' if back else ''}.{row.name}@{combo}", kind, row, (combo, sense, back))
                    for back in (False, True)
                ]
    for row in TABLE:
        if row_class(row) == "compare" and row.params[0] == "i32":
            forms += [Form(f"step_back.{row.name}@{combo}", "step", row, (combo,)) for combo in ("ss", "sk")]
    for name in ("brnz", "brz"):
        forms += [
            Form(f"{name}{'_back' if back else ''}@{a}", "branch_if", None, (name == "brnz", a, back))
            for a in "sr"
            for back in (False, True)
        ]
    return forms


# two computations in one: the second takes the first's result x and another operand c
PAIRS = tuple(
    (BY_NAME[first], BY_NAME[second])
    for first, second in (
        ("i32.shl", "i32.add"), ("i32.mul", "i32.add"), ("i32.shr_u", "i32.and"), ("i32.and", "i32.shl"), ("i32.and", "i32.add"),
        ("i32.xor", "i32.and"), ("i32.shr_u", "i32.xor"), ("f64.mul", "f64.add"), ("f64.mul", "f64.sub"), ("f32.mul", "f32.add"),
    )
)  # fmt: skip
PAIR_COMBOS = ("ss", "sr", "rs", "sk")  # operands of the first
PAIR_SIDES = ("l", "r", "k", "L", "R")  # second(c, x), second(x, c), second(x, constant); L and R: c is the accumulator
LOAD_PAIRS = tuple(
    (BY_NAME[first], BY_NAME[second])
    for first, second in (
        ("f64.load", "f64.add"), ("f64.load", "f64.sub"), ("f64.load", "f64.mul"), ("f32.load", "f32.add"), ("f32.load", "f32.mul"),
        ("i32.load", "i32.add"), ("i32.load8_u", "i32.add"), ("i32.load8_u", "i32.xor"),
    )
)  # fmt: skip
LOAD_SIDES = ("l", "r", "L", "R")


def _pair_wanted(second: Row, combo: str, side: str) -> bool:
    if is_float(second.params[0]) and (combo == "sk" or side == "k"):
        return False
    if side in "LR" and "r" in combo:  # one accumulator cannot be both
        return False
    return not (side in "rR" and second.name in COMMUTATIVE)


def _load_pair_wanted(second: Row, how: str, side: str) -> bool:
    if side in "LR" and how == "r" and not is_float(second.params[0]):
        return False
    return not (side in "rR" and second.name in COMMUTATIVE)


def _load_pairs() -> list[Form]:
    """[d @8][c @10][address @12][offset @16][addend @20], 24 bytes. Only where accesses are not checked."""
    forms = []
    for first, second in LOAD_PAIRS:
        for how in LOADS:
            for side in LOAD_SIDES:
                kind = "load_pair" if _load_pair_wanted(second, how, side) else "none"
                forms += [Form(f"{first.name}+{second.name}@{d}{how}{side}", kind, first, (second, d, how, side)) for d in "sr"]
    return forms


def _pairs() -> list[Form]:
    """[d @8][c @10][a @12][b @14], 16 bytes; with constants [b i32 @16][c i32 @20], 24."""
    forms = []
    for first, second in PAIRS:
        for combo in PAIR_COMBOS:
            for side in PAIR_SIDES:
                kind = "pair" if _pair_wanted(second, combo, side) else "none"
                forms += [Form(f"{first.name}+{second.name}@{d}{combo}{side}", kind, first, (second, d, combo, side)) for d in "sr"]
    return forms


# what stands behind arithmetic where NaNs are canonical: its result, in the accumulator, becomes the instruction's
CANONICAL = tuple(
    Row(f"{kind}.canonical", 0, params=(kind,), results=(kind,), meaning=f"a if a == a else from_bits(u{kind[1:]}({bits}))")
    for kind, bits in CANONICAL_NAN.items()
)


def _canonical() -> list[Form]:
    return [Form(f"{row.name}@{d}r", "unary", row, (d, "r")) for row in CANONICAL for d in "sr"]


# handlers whose work is a C function `op_<name>(ec, pc, sp) -> trap code`; operands in canonical slots from d on:
# [d u16 @8][top u16 @10][x u32 @12][y u32 @16]
CALLED = ("memory_grow", "memory_fill", "memory_copy", "memory_init", "data_drop", "elem_drop",
          "table_get", "table_set", "table_size", "table_grow", "table_fill", "table_copy", "table_init", "ref_func")  # fmt: skip
SPECIAL = ("bad", "lazy", "sentinel", "restore", "unreachable", "jmp", "jmp_back", "ret", "count", "note_target")
ENTERS = ("enter0", "enter1", "enter2", "enter3", "enter4", "entern")


def _special() -> list[Form]:
    forms = [Form(name, "special", None, ()) for name in SPECIAL]
    forms += [Form(name, "enter", None, (i if name != "entern" else -1,)) for i, name in enumerate(ENTERS)]
    forms += [Form(f"ret@{a}", "return", None, (a,)) for a in "srfk"]
    forms += [Form(f"copy@{d}{a}", "copy", None, (d, a)) for d, a in ("ss", "sr", "sf", "sk", "sK")]
    forms += [Form("copy2", "copy2", None, ()), Form("add2", "add2", None, ())]
    forms += [Form(f"select@{d}{c}", "select", None, (d, c)) for c in "sr" for d in "srf"]
    forms += [Form(f"br_table@{a}", "br_table", None, (a,)) for a in "sr"]
    forms += [Form("call", "call", None, ()), Form("call_import", "call_import", None, ())]
    forms += [Form(f"call_indirect@{a}", "call_indirect", None, (a,)) for a in "sr"]
    forms += [Form(f"global_get{far}@{d}", "global_get", None, (far != "", d)) for far in ("", "_far") for d in "srf"]
    forms += [Form(f"global_set{far}@{a}", "global_set", None, (far != "", a)) for far in ("", "_far") for a in "srf"]
    forms += [Form(f"memory_size@{d}", "memory_size", None, (d,)) for d in "sr"]
    forms += [Form(name, "called", None, (name,)) for name in CALLED]
    return forms


FORMS: tuple[Form, ...] = tuple(_special() + _computing() + _canonical() + _pairs() + _memory() + _load_pairs() + _branches())
NUMBER = {form.name: number for number, form in enumerate(FORMS)}
