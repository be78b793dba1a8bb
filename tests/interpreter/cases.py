"""Small functions that between them make the translator write every form of slot instruction.

Operands are made to be in a slot (s: a local), in an accumulator (r: just computed) or constant (k), results to be used from the
accumulator or from a slot (a local). Each family is one module; a case is one exported function.
"""

from collections.abc import Iterator
from typing import NamedTuple

from wasmjit.isa import TABLE
from wasmjit.isa.row import Row
from wasmjit.tiers.interpreter.forms import LOAD_PAIRS, PAIRS, row_class

# an instruction that leaves its operand in the accumulator and is never joined with another
HELD = {"i32": "i32.const 9 i32.rotl", "i64": "i64.const 9 i64.rotl", "f32": "f32.neg", "f64": "f64.neg"}
CONSTANT = {"i32": ("5", "-70000"), "i64": ("5", "0x123456789abcdef"), "f32": ("1.5",), "f64": ("1.5",)}
BINARY = [row for row in TABLE if row_class(row) in ("binary", "compare")]
COMPARISONS = [row for row in TABLE if row_class(row) == "compare"]
UNARY = [row for row in TABLE if row_class(row) == "unary" and row.name != "ref.is_null"]
LOADS = [row for row in TABLE if row.kind == "load" and row.results[0] in HELD]
STORES = [row for row in TABLE if row.kind == "store" and row.params[1] in HELD]
SHAPES = ("ss", "sr", "rs", "rr", "sk", "rk", "ks", "kr", "kk")
MEMORY = (
    '(memory (export "memory") 1 2) (data (i32.const 0) "\\01\\82\\43\\c4\\05\\86\\47\\c8\\09\\8a\\4b\\cc\\0d\\8e\\4f\\d0\\11\\92\\53\\d4")'
)


class Case(NamedTuple):
    """One function: its instructions see two parameters of each type in `params`, then `locals`."""

    name: str
    params: tuple[str, ...]
    results: tuple[str, ...]
    body: str
    locals: tuple[str, ...] = ()

    def text(self) -> str:
        kinds = f"(param {' '.join(self.params)}) (result {' '.join(self.results)}) (local {' '.join(self.locals)})"
        return f'(func (export "{self.name}") {kinds} {self.body})'


def operand(how: str, kind: str, local: int, constant: str) -> str:
    """One operand that is where `how` says."""
    if how == "k":
        return f"{kind}.const {constant}"
    return f"local.get {local}" + (f" {HELD[kind]}" if how == "r" else "")


def operands(row: Row, shape: str, constant: str = "") -> str:
    """Both operands of a two-operand row: parameters 0 and 1."""
    a, b = row.params
    return f"{operand(shape[0], a, 0, constant or CONSTANT[a][0])} {operand(shape[1], b, 1, constant or CONSTANT[b][0])}"


def computing() -> Iterator[Case]:
    """Every computation with its operands in all places, its result in both."""
    for row in BINARY:
        (result,) = row.results
        for shape in SHAPES:
            for constant in CONSTANT[row.params[0]] if "k" in shape else ("",):
                text = f"{operands(row, shape, constant)} {row.name}"
                name = f"{row.name} {shape} {constant}"
                yield Case(f"{name} returned", row.params, row.results, text)
                yield Case(f"{name} set", row.params, row.results, f"{text} local.set 2 local.get 2", (result,))
                yield Case(f"{name} held", row.params, row.results, f"{text} {HELD[result]}")
    for row in UNARY:
        (kind,), (result,) = row.params, row.results
        for how in "srk":
            text = f"{operand(how, kind, 0, '1.5' if kind[0] == 'f' else '77')} {row.name}"
            yield Case(f"{row.name} {how} returned", row.params, row.results, text)
            yield Case(f"{row.name} {how} set", row.params, row.results, f"{text} local.set 1 local.get 1", (result,))
            yield Case(f"{row.name} {how} held", row.params, row.results, f"{text} {HELD[result]}")


ADDRESSES = {
    "s": "local.get 0",
    "r": f"local.get 0 {HELD['i32']} i32.const 9 i32.rotr",
    "p": "local.get 0 i32.const 6 i32.add",
    "n": "local.get 0 i32.const 6 i32.sub",
    "k": "i32.const 11",
}
OFFSETS = (0, 3, 65520, 0x5000000)  # the last one is compared with the length even where guard pages are


def accesses() -> Iterator[Case]:
    """Every load and store at addresses and with values in all places, inside of the memory and outside."""
    for row in LOADS:
        (result,) = row.results
        for how, address in ADDRESSES.items():
            for offset in OFFSETS:
                text = f"{address} {row.name} offset={offset}"
                yield Case(f"{row.name} {how} {offset} held", ("i32",), row.results, f"{text} {HELD[result]}")
                yield Case(f"{row.name} {how} {offset} set", ("i32",), row.results, f"{text} local.set 1 local.get 1", (result,))
    for row in STORES:
        kind = row.params[1]
        for how, address in ADDRESSES.items():
            for value in "srk":
                for constant in CONSTANT[kind] if value == "k" else ("",):
                    for offset in OFFSETS:
                        text = f"{address} {operand(value, kind, 1, constant)} {row.name} offset={offset}"
                        yield Case(f"{row.name} {how} {value} {constant} {offset}", ("i32", kind), (), text)


def branches() -> Iterator[Case]:
    """Every comparison in front of every branch: taken when true and when false, forward and back, with values that move and without."""
    for row in COMPARISONS:
        for shape in SHAPES:
            text = f"{operands(row, shape)} {row.name}"
            for sense, condition in (("if", text), ("unless", f"{text} i32.eqz")):
                yield from _around(f"{row.name} {shape} {sense}", row.params, condition)
    for how in "srk":
        for sense in ("", " i32.eqz"):
            yield from _around(f"i32 {how}{sense}", ("i32",), operand(how, "i32", 0, "1") + sense)
    ended = "local.get 3 i32.const 20 i32.shr_u if local.get 2 local.get 3 return end"
    shifted = f"{ended} local.get 3 i32.const 1 i32.shl i32.const 1 i32.or local.set 3"
    for name in ("i32.eq", "i32.ne", "i32.lt_s", "i32.lt_u", "i32.gt_s", "i32.gt_u", "i32.le_s", "i32.le_u", "i32.ge_s", "i32.ge_u"):
        for how, end in (("s", "local.get 1"), ("k", "i32.const 40")):
            for step in (1, -3):
                for write in ("local.set 2 local.get 2", "local.tee 2"):
                    yield Case(
                        f"step {name} {how} {step} {write[6:9]}",
                        ("i32", "i32"),
                        ("i32", "i32"),
                        f"loop {shifted} local.get 2 i32.const {step} i32.add {write} {end} {name} br_if 0 end local.get 2 local.get 3",
                        ("i32", "i32"),
                    )
    yield Case(
        "step to zero",
        ("i32",),
        ("i32",),
        "local.get 0 i32.const 31 i32.and i32.const 1 i32.or local.set 0 "
        "loop local.get 0 i32.const -1 i32.add local.tee 0 br_if 0 end local.get 0",
    )


def _around(name: str, params: tuple[str, ...], condition: str) -> Iterator[Case]:
    """A condition with all kinds of branches behind it."""
    n = len(params)  # a local that counts
    yield Case(f"{name} br_if", params, ("i32",), f"block {condition} br_if 0 i32.const 1 return end i32.const 2")
    yield Case(f"{name} if", params, ("i32",), f"{condition} if (result i32) i32.const 1 else i32.const 2 end")
    yield Case(
        f"{name} with values",
        params,
        ("i32", "i32"),
        f"block (result i32 i32) i32.const 10 i32.const 11 local.get {n} i32.const 12 {condition} br_if 0 "
        "i32.add i32.add i32.add i32.const 13 end",
        ("i32",),
    )
    counted = f"local.get {n} i32.const 1 i32.add local.set {n} local.get {n} i32.const 4 i32.eq if local.get {n} return end"
    yield Case(f"{name} back", params, ("i32",), f"loop {counted} {condition} br_if 0 end local.get {n} i32.const 100 i32.mul", ("i32",))
    yield Case(
        f"{name} back with values",
        params,
        ("i32",),
        f"local.get {n} loop (param i32) (result i32) i32.const 3 i32.mul {counted} local.get {n} {condition} br_if 0 i32.sub end",
        ("i32",),
    )
    yield Case(f"{name} to the function", params, ("i32",), f"i32.const 8 i32.const 9 {condition} br_if 0 i32.sub")


def pairs() -> Iterator[Case]:
    """Two computations that become one instruction, or look as if they did."""
    for first, second in PAIRS:
        kind = first.params[0]
        one = [f"local.get 0 {word}" for word in ("local.get 1", f"{kind}.const 3")] + [
            f"local.get 0 {HELD[kind]} local.get 1",
            f"local.get 0 local.get 1 {HELD[kind]}",
        ]
        for i, inner in enumerate(one):
            yield from _paired(f"{first.name} {second.name} {i}", (kind, kind, kind), f"{inner} {first.name}", second)
    for load, second in LOAD_PAIRS:
        kind = second.params[0]
        for how, address in ADDRESSES.items():
            yield from _paired(f"{load.name} {second.name} {how}", ("i32", kind, kind), f"{address} {load.name} offset=8", second)


def _paired(name: str, params: tuple[str, ...], inner: str, second: Row) -> Iterator[Case]:
    """`second` of the inner computation and another operand, which is in every place before or behind it."""
    kind = params[-1]
    others = {
        "s": "local.get 2",
        "k": f"{kind}.const 7",
        "K": f"{kind}.const {CONSTANT[kind][-1]}",
        "r": f"local.get 2 {HELD[kind]}",
        "low": f"local.get 2 {HELD[kind]} local.set 2 local.get 2",
    }
    for how, other in others.items():
        yield Case(f"{name} {how} right", params, (kind,), f"{inner} {other} {second.name}")
        yield Case(f"{name} {how} left", params, (kind,), f"{other} {inner} {second.name}")
        yield Case(f"{name} {how} left set", params, (kind,), f"{other} {inner} {second.name} local.set 2 local.get 2")
        yield Case(f"{name} {how} right set", params, (kind,), f"{inner} {other} {second.name} local.set 2 local.get 2")
        yield Case(f"{name} {how} right held", params, (kind,), f"{inner} {other} {second.name} {HELD[kind]}")
        yield Case(f"{name} {how} left held", params, (kind,), f"{other} {inner} {second.name} {HELD[kind]}")
        yield Case(f"{name} {how} both", params, (kind,), f"local.get 1 {HELD[kind]} {other} {inner} {second.name} {kind}.sub")


def moves() -> Iterator[Case]:
    """Copies, sums, selections, globals, tables of branches, calls: what is no computation."""
    for kind in HELD:
        for how in "srk":
            value = operand(how, kind, 0, CONSTANT[kind][-1])
            yield Case(f"return {kind} {how}", (kind,), (kind,), value)
            yield Case(f"return early {kind} {how}", (kind,), (kind,), f"{value} return")
            yield Case(f"return below {kind} {how}", (kind,), (kind,), f"{value} local.get 0 drop")
            yield Case(f"two {kind} {how}", (kind,), (kind, kind), f"{value} {value}")
            yield Case(f"set {kind} {how}", (kind,), (kind,), f"{value} local.set 1 local.get 1 local.get 0 local.set 1", (kind,))
            yield Case(f"tee {kind} {how}", (kind,), (kind, kind), f"{value} local.tee 1 local.get 1", (kind,))
            yield Case(f"under a write {kind} {how}", (kind,), (kind, kind), f"local.get 0 {value} local.set 0 local.get 0")
            yield Case(
                f"under a block {kind} {how}", (kind,), (kind, kind), f"{value} block end local.get 0 {HELD[kind]} local.set 0 local.get 0"
            )
            yield Case(f"global {kind} {how}", (kind,), (kind,), f"{value} global.set $own_{kind} global.get $own_{kind} {HELD[kind]}")
            yield Case(
                f"global {kind} {how} twice",
                (kind,),
                (kind, kind),
                f"{value} global.set $own_{kind} global.get $own_{kind} global.get $own_{kind}",
            )
            yield Case(
                f"imported global {kind} {how}", (kind,), (kind,), f"{value} global.set $far_{kind} global.get $far_{kind} {HELD[kind]}"
            )
            yield Case(
                f"imported global {kind} {how} twice",
                (kind,),
                (kind, kind),
                f"{value} global.set $far_{kind} global.get $far_{kind} global.get $far_{kind}",
            )
            yield Case(f"through a call {kind} {how}", (kind,), (kind,), f"{value} call $same_{kind} {HELD[kind]}")
            yield Case(f"around a call {kind} {how}", (kind,), (kind, kind), f"{value} local.get 0 call $same_{kind}")
            yield Case(f"through an import {kind} {how}", (kind,), (kind,), f"{value} call $far_same_{kind} {HELD[kind]}")
            for c in "srk":
                condition = operand(c, "i32", 1, "0")
                yield Case(f"select {kind} {how} {c}", (kind, "i32"), (kind,), f"{value} local.get 0 {HELD[kind]} {condition} select")
                yield Case(f"select {kind} {how} {c} held", (kind, "i32"), (kind,), f"local.get 0 {value} {condition} select {HELD[kind]}")
                yield Case(
                    f"select {kind} {how} {c} set",
                    (kind, "i32"),
                    (kind,),
                    f"local.get 0 {value} {condition} select local.set 0 local.get 0",
                )
    for how in "srk":
        index = operand(how, "i32", 0, "1")
        yield Case(
            f"br_table {how}",
            ("i32",),
            ("i32",),
            f"block block block {index} br_table 0 1 2 end i32.const 1 return end i32.const 2 return end i32.const 3",
        )
        yield Case(
            f"br_table with values {how}",
            ("i32",),
            ("i32", "i32"),
            "block (result i32 i32) block (result i32 i32) i32.const 9 i32.const 8 i32.const 7 "
            f"{index} br_table 0 1 0 2 1 end i32.const 5 i32.add end",
        )
        yield Case(
            f"br_table back {how}",
            ("i32",),
            ("i32", "i32"),
            "i32.const 0 block (param i32) (result i32) loop (param i32) (result i32) i32.const 1 i32.add "
            "local.get 1 i32.const 1 i32.add local.tee 1 "
            f"i32.const 5 i32.ge_u br_if 1 i32.const 3 i32.xor {index} br_table 1 0 0 1 0 end end local.get 1",
            ("i32",),
        )
        yield Case(f"call_indirect {how}", ("i32",), ("i32",), f"i32.const 6 {index} call_indirect (param i32) (result i32)")
    yield Case("index of a sum", ("i32",), ("i32",), "i32.const 6 local.get 0 i32.const 1 i32.add call_indirect (param i32) (result i32)")
    yield Case("branch on a sum", ("i32",), ("i32",), "block local.get 0 i32.const 1 i32.add br_if 0 i32.const 1 return end i32.const 2")
    yield Case(
        "table on a sum",
        ("i32",),
        ("i32",),
        "block block local.get 0 i32.const 1 i32.add br_table 0 1 end i32.const 1 return end i32.const 2",
    )
    yield Case("sum under a write", ("i32",), ("i32",), "local.get 0 i32.const 5 i32.add i32.const 1 local.set 0 local.get 0 i32.mul")
    yield Case("sums of both", ("i32", "i32"), ("i32",), "local.get 0 i32.const 5 i32.add local.get 1 i32.const 6 i32.sub i32.mul")
    yield Case("sums settled", ("i32", "i32"), ("i32", "i32"), "local.get 0 i32.const 5 i32.add local.get 1 i32.const 6 i32.sub")
    yield Case(
        "steps",
        ("i32", "i32"),
        ("i32", "i32"),
        "local.get 0 i32.const 5 i32.add local.set 0 local.get 1 i32.const 7 i32.add local.set 1 local.get 0 local.get 1",
    )
    yield Case(
        "copies",
        ("i32", "i32"),
        ("i32", "i32"),
        "local.get 0 local.set 2 local.get 1 local.set 0 local.get 2 local.set 1 local.get 0 local.get 1",
        ("i32",),
    )
    yield Case("many locals", (), ("i64",), "local.get 0 local.get 8 i64.or", ("i64",) * 9)
    for count in range(1, 6):
        yield Case(f"{count} locals", (), ("i64",) * count, " ".join(f"local.get {i}" for i in range(count)), ("i64",) * count)
    for reference in ("func", "extern"):
        yield Case(f"null {reference}", (), ("i32",), f"ref.null {reference} ref.is_null")
    yield Case("function?", (), ("i32", "i32"), "ref.func $same_i32 ref.is_null i32.const 0 table.get $t ref.is_null")
    yield Case("if null", ("i32",), ("i32",), "local.get 0 table.get $t ref.is_null if (result i32) i32.const 1 else i32.const 2 end")
    yield Case(
        "table",
        ("i32",),
        ("i32", "i32"),
        "ref.null func local.get 0 table.grow $u local.get 0 ref.func $same_i32 table.set $u table.size $u",
    )
    yield Case(
        "tables",
        ("i32",),
        ("i32",),
        "i32.const 0 ref.null func i32.const 1 table.fill $u i32.const 0 local.get 0 i32.const 1 table.copy $u $t "
        "i32.const 0 local.get 0 i32.const 1 table.init $u $e elem.drop $e i32.const 0 table.get $u ref.is_null",
    )
    yield Case("growth", ("i32",), ("i32", "i32"), "local.get 0 memory.grow memory.size")
    yield Case("size set", ("i32",), ("i32",), "memory.size local.set 0 local.get 0")
    yield Case("size held", (), ("i32",), f"memory.size {HELD['i32']}")
    yield Case(
        "bulk",
        ("i32",),
        ("i32",),
        "i32.const 64 local.get 0 i32.const 7 memory.fill i32.const 70 i32.const 60 i32.const 20 memory.copy "
        "i32.const 100 local.get 0 i32.const 1 memory.init $d data.drop $d i32.const 80 i32.load",
    )
    yield Case("unreachable", (), (), "unreachable")


FAR = """(module
  (global (export "i32") (mut i32) (i32.const 0)) (global (export "i64") (mut i64) (i64.const 0))
  (global (export "f32") (mut f32) (f32.const 0)) (global (export "f64") (mut f64) (f64.const 0))
  (func (export "same_i32") (param i32) (result i32) local.get 0) (func (export "same_i64") (param i64) (result i64) local.get 0)
  (func (export "same_f32") (param f32) (result f32) local.get 0) (func (export "same_f64") (param f64) (result f64) local.get 0))"""
SURROUNDINGS = "\n".join(
    [
        *(f'(import "far" "{kind}" (global $far_{kind} (mut {kind})))' for kind in HELD),
        *(f'(import "far" "same_{kind}" (func $far_same_{kind} (param {kind}) (result {kind})))' for kind in HELD),
        *(f"(global $own_{kind} (mut {kind}) ({kind}.const 0))" for kind in HELD),
        *(f"(func $same_{kind} (param {kind}) (result {kind}) local.get 0)" for kind in HELD),
        "(table $t 4 funcref) (elem (table $t) (i32.const 1) func $same_i32 $far_same_i32 $same_i64)",
        '(table $u 1 9 funcref) (elem $e func $same_i32) (data $d "xyz")',
    ]
)
FAMILIES = {"computing": computing, "accesses": accesses, "branches": branches, "pairs": pairs, "moves": moves}


def module_text(cases: list[Case]) -> str:
    """The module of a family."""
    head = SURROUNDINGS if any("$" in case.body for case in cases) else ""
    return "\n".join(["(module", head, MEMORY, *(case.text() for case in cases), ")"])
