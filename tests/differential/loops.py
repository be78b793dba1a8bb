"""Nests of loops made at random: operands below them, parameters, br_table between their headers, returns and recursion from inside.

Every loop header takes one from a global; at nothing left the function traps, so each program ends. All locals and operands go into the
results: an entry into optimized code, or a way out of it, that loses one shows.
"""

import random

TYPES = ("i32", "i64", "f32", "f64")
FUEL = 400
DEEPEST = 3
# a local of each type that the loops change, by steps that are exact in every type
STEP = {
    "i32": "(i32.add (i32.mul (local.get ${0}) (i32.const 5)) (i32.const {1}))",
    "i64": "(i64.xor (i64.rotl (local.get ${0}) (i64.const 7)) (i64.const {1}))",
    "f32": "(f32.add (f32.mul (local.get ${0}) (f32.const 0.5)) (f32.const {1}))",
    "f64": "(f64.sub (f64.const {1}) (f64.mul (local.get ${0}) (f64.const 0.25)))",
}
MIX = {
    "i32": "i64.extend_i32_u",
    "i64": "",
    "f32": "f64.promote_f32 i64.reinterpret_f64",
    "f64": "i64.reinterpret_f64",
}


class Nest:
    """A function `l<number>` (depth i32, x i32, y i64) -> i64 that is being written."""

    def __init__(self, rng: random.Random, number: int) -> None:
        self.rng = rng
        self.number = number
        self.lines: list[str] = []
        self.labels: list[tuple[str, list[str]]] = [("function", ["i64"])]  # what a branch there takes along

    def emit(self, *lines: str) -> None:
        self.lines += ["  " * len(self.labels) + line for line in lines]

    def value(self, kind: str) -> str:
        """An operand that depends on what the loops did."""
        return self.rng.choice((f"(local.get ${kind})", STEP[kind].format(kind, self.rng.randrange(1, 50))))

    def condition(self, likely: bool = False) -> str:
        """True once in a few rounds of any loop, or all but once."""
        every = self.rng.choice((2, 3, 5, 7, 11, 13))
        round = f"(i32.rem_u (i32.add (global.get $fuel) (local.get $x)) (i32.const {every}))"
        place = self.rng.randrange(every)
        return self.rng.choice(
            (
                f"(i32.{'ne' if likely else 'eq'} {round} (i32.const {place}))",
                f"(f64.{'gt' if likely else 'le'} (f64.convert_i32_u {round}) (f64.const 0.5))",
                f"(i64.{'le_u' if likely else 'gt_u'} (i64.extend_i32_u {round}) (i64.const {max(1, every - 2)}))",
            )
        )

    def fold(self, kinds: list[str]) -> None:
        """Take operands off the stack into $sum, the last one first."""
        for kind in reversed(kinds):
            self.emit(f"{MIX[kind]} (i64.rotl (local.get $sum) (i64.const 11)) i64.add (local.set $sum)")

    def kinds(self, most: int) -> list[str]:
        return [self.rng.choice(TYPES) for _ in range(self.rng.randrange(most + 1))]

    def statement(self, depth: int) -> None:
        """Anything; `depth`: of loops that may still be opened."""
        choice = self.rng.randrange(16)
        kind = self.rng.choice(TYPES)
        if choice < 4:
            self.emit(f"(local.set ${kind} {STEP[kind].format(kind, self.rng.randrange(1, 90))})")
        elif choice < 5:
            self.emit(f"(local.set $x (i32.sub (local.get $x) (i32.const {self.rng.randrange(1, 5)})))")
        elif choice < 6:
            place = f"(i32.and (local.get $x) (i32.const {self.rng.choice((60, 252, 2040))}))"
            self.emit(f"({kind}.store {place} (local.get ${kind}))")
        elif choice < 7:
            self.emit("(local.set $i64 (i64.add (local.get $i64) (i64.load16_s (i32.and (local.get $i32) (i32.const 127)))))")
        elif choice < 8:
            self.emit("(call $note (local.get $i32))")
        elif choice < 9:
            self.recursion()
        elif choice < 10:
            self.emit(f"(if {self.condition()} (then (if {self.condition()} (then (return (i64.add (local.get $sum) (local.get $i64)))))))")
        elif choice < 12:
            self.branch()
        elif choice < 13:
            self.if_(depth)
        elif depth:
            self.loop(depth - 1)

    def recursion(self) -> None:
        """A call of this function or the next one, at most DEEPEST inside each other."""
        callee = self.rng.choice((f"$l{self.number}", "$l0"))
        call = f"(call {callee} (i32.sub (local.get $depth) (i32.const 1)) (local.get $i32) (local.get $i64))"
        self.emit(
            f"(if (i32.and (local.get $depth) {self.condition()})",
            f"  (then (local.set $sum (i64.add (local.get $sum) {call}))))",
        )

    def branch(self) -> None:
        """To any label, with what it takes."""
        depth = self.rng.randrange(len(self.labels))
        _, kinds = self.labels[-1 - depth]
        self.emit(*(self.value(kind) for kind in kinds), self.condition(), f"br_if {depth}", *["drop"] * len(kinds))

    def if_(self, depth: int) -> None:
        kinds = self.kinds(1)
        shape = f"(result {' '.join(kinds)})" if kinds else ""
        self.emit(self.condition(), f"if {shape}")
        self.labels.append(("if", kinds))
        self.body(2, depth)
        self.emit(*(self.value(kind) for kind in kinds))
        self.emit("else")
        self.body(1, depth)
        self.emit(*(self.value(kind) for kind in kinds))
        self.labels.pop()
        self.emit("end")
        self.fold(kinds)

    def loop(self, depth: int) -> None:
        """Operands, a block to leave by, a loop with parameters inside, ended by a br_if or a br_table."""
        below, params, results = self.kinds(3), self.kinds(2), self.kinds(2)
        self.emit(*(self.value(kind) for kind in below), f"block (result {' '.join(results)})")
        self.labels.append(("block", results))
        self.emit(*(self.value(kind) for kind in params))
        self.emit(f"loop (param {' '.join(params)}) (result {' '.join(results)})")
        self.labels.append(("loop", params))
        self.emit("(if (i32.eqz (global.get $fuel)) (then unreachable)) (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))")
        self.fold(params)
        self.body(self.rng.randrange(2, 6), depth)
        self.again(params, results)
        self.emit(*(self.value(kind) for kind in results))
        self.labels.pop()
        self.emit("end")
        self.labels.pop()
        self.emit("end")
        self.fold(results)
        self.fold(below)

    def again(self, params: list[str], results: list[str]) -> None:
        """The back edge."""
        same = [depth for depth, (_, kinds) in enumerate(reversed(self.labels)) if kinds == params]
        values = [self.value(kind) for kind in params]
        if self.rng.random() < 0.3:
            targets = [self.rng.choice((0, self.rng.choice(same))) for _ in range(self.rng.randrange(4))]
            index = f"(i32.rem_u (i32.add (global.get $fuel) (local.get $x)) (i32.const {len(targets) + 2}))"
            if params == results:  # the last target is the way on
                self.emit(*values, index, f"br_table {' '.join(map(str, targets))} 0 1")
            else:
                self.emit(f"(if {self.condition(True)} (then", *values, index, f"br_table {' '.join(str(d + 1) for d in targets)} 1))")
        else:
            self.emit(*values, self.condition(True), "br_if 0", *["drop"] * len(values))

    def body(self, count: int, depth: int) -> None:
        for _ in range(count):
            self.statement(depth)

    def text(self) -> str:
        """The function."""
        begin = (
            "(local.set $i32 (local.get $x)) (local.set $i64 (local.get $y)) (local.set $f64 (f64.convert_i32_s (local.get $x)))"
            " (local.set $f32 (f32.convert_i32_s (i32.and (local.get $x) (i32.const 1023))))"
        )
        self.emit(begin)
        while sum(line.strip().startswith("loop") for line in self.lines) < 2:
            self.loop(DEEPEST - 1)
        head = f'(func $l{self.number} (export "l{self.number}") (param $depth i32) (param $x i32) (param $y i64) (result i64)'
        locals = "(local $sum i64) (local $i32 i32) (local $i64 i64) (local $f32 f32) (local $f64 f64)"
        return "\n".join([head, f"  {locals}", *self.lines, "  (i64.add (local.get $sum) (local.get $i64)))"])


def module(seed: int, functions: int) -> str:
    """A module of functions l0, l1, ... and `refuel`."""
    rng = random.Random(seed)
    head = (
        '(import "host" "note" (func $note (param i32)))\n'
        f'(memory (export "memory") 1 1) (global $fuel (export "fuel") (mut i32) (i32.const {FUEL}))\n'
        f'(func (export "refuel") (global.set $fuel (i32.const {FUEL})))'
    )
    return "\n".join(["(module", head, *(Nest(rng, number).text() for number in range(functions)), ")"])
