"""Loops over memory made at random: counted in every way, upwards and downwards, with accesses at affine addresses, some of them not.

Each program is a few functions `l<number>(p, q, r, n: i32) -> i64`, which run one loop each. At least one access of a loop moves with it,
so that a loop that does not count to its end runs out of memory.
"""

import random

PAGES = 1
END = PAGES << 16
STEPS = (1, 1, 1, 2, 3, 4, 4, 5, 8, 8, 8, 12, 16, 24, 100, 4096)
NEGATED = {
    "ne": "eq", "lt_s": "ge_s", "lt_u": "ge_u", "gt_s": "le_s", "gt_u": "le_u", "le_s": "gt_s", "le_u": "gt_u", "ge_s": "lt_s",
    "ge_u": "lt_u",
}  # fmt: skip
UP, DOWN = ("ne", "ne", "lt_s", "lt_u", "le_s", "le_u"), ("ne", "ne", "eqz", "gt_s", "gt_u", "ge_s", "ge_u")
SWAPPED = {"lt_s": "gt_s", "lt_u": "gt_u", "gt_s": "lt_s", "gt_u": "lt_u", "le_s": "ge_s", "le_u": "ge_u", "ge_s": "le_s", "ge_u": "le_u"}
LOADS = {
    "i32": (("load", 4), ("load8_u", 1), ("load8_s", 1), ("load16_u", 2), ("load16_s", 2)),
    "i64": (("load", 8), ("load8_u", 1), ("load16_s", 2), ("load32_u", 4), ("load32_s", 4)),
    "f32": (("load", 4),),
    "f64": (("load", 8),),
}
STORES = {"i32": ("store", "store8", "store16"), "i64": ("store", "store8", "store16", "store32"), "f32": ("store",), "f64": ("store",)}


class Counted:
    """One loop that is being written."""

    def __init__(self, rng: random.Random, number: int) -> None:
        self.rng, self.number = rng, number
        self.step = rng.choice(STEPS) * rng.choice((1, 1, -1))
        self.moves = {
            "p": rng.choice((0, self.step, rng.choice(STEPS), -rng.choice(STEPS))),
            "q": rng.choice((0, 0, self.step, rng.choice(STEPS))),
        }

    def address(self, moving: bool = False) -> str:
        """An address that is affine; moving: with the counter."""
        rng = self.rng
        base = rng.choice(("p", "q", "r"))
        scale = rng.choice((1, 1, 2, 4, 8))
        index = rng.choice(("(local.get $i)",) * 3 + ("(local.get $k)",))
        scaled = rng.choice((f"(i32.mul {index} (i32.const {scale}))", f"(i32.shl {index} (i32.const {scale.bit_length() - 1}))"))
        if moving:
            base, scaled = "r", "(local.get $i)"  # the others may move against it
        choices = [
            f"(i32.add (local.get ${base}) {scaled})",
            f"(i32.add {scaled} (i32.const {rng.choice((0, 64, 1024, 32768))}))",
            f"(i32.sub (i32.add (local.get ${base}) {scaled}) (i32.const {rng.choice((1, 4, 8))}))",
        ]
        if not moving:
            choices += [f"(local.get ${base})"] * 4
            choices += [f"(i32.or (i32.shl {index} (i32.const 3)) (i32.const 4))", f"(i32.sub (local.get ${base}) {scaled})"]
        return rng.choice(choices)

    def offset(self) -> str:
        return self.rng.choice(("", "", "", "offset=1 ", "offset=4 ", "offset=8 ", "offset=16 ", "offset=60000 "))

    def load(self, kind: str, moving: bool = False) -> str:
        name, _ = self.rng.choice(LOADS[kind])
        return f"({kind}.{name} {self.offset()}{self.address(moving)})"

    def value(self, kind: str) -> str:
        rng = self.rng
        if kind in ("f32", "f64"):
            half = f"({kind}.mul {self.load(kind)} ({kind}.const 0.5))"
            return rng.choice((self.load(kind), half, f"({kind}.convert_i32_s (local.get $i))"))
        simple = "(local.get $a)" if kind == "i64" else "(local.get $i)"
        return rng.choice(
            (
                self.load(kind),
                f"({kind}.add {self.load(kind)} {simple})",
                f"({kind}.xor {self.load(kind)} {self.load(kind)})",
                simple,
                f"({kind}.const {rng.randrange(-99, 99)})",
            )
        )

    def statement(self, exits: bool) -> str:
        rng = self.rng
        choice = rng.randrange(14 if exits else 11)
        kind = rng.choice(("i32", "i64", "i32", "i64", "f32", "f64"))
        store = f"({kind}.{rng.choice(STORES[kind])} {self.offset()}{self.address()} {self.value(kind)})"
        if choice < 5:
            return store
        if choice < 7:
            return f"(local.set $a (i64.add (i64.rotl (local.get $a) (i64.const 5)) {self.load('i64')}))"
        if choice < 8:
            return f"(local.set $s (i32.add (local.get $s) {self.load('i32')}))"
        if choice < 9:
            return f"(local.set $d (f64.add (local.get $d) {self.load('f64')}))"
        if choice < 10:
            names = "(i32.add (local.get $i) (i32.const 3))", "(local.get $i)", "(i32.and (local.get $i) (i32.const 255))"
            return f"(local.set $k {rng.choice(names)})"
        if choice < 11:
            return f"(if (i32.and {self.load('i32')} (i32.const {rng.choice((1, 3))})) (then {store}))"
        if choice < 12:
            return f"(local.set $s (i32.div_s (local.get $s) (i32.add (i32.load8_u {self.address()}) (i32.const {rng.choice((0, 1))}))))"
        if choice < 13:
            return f"(br_if $out (i32.eq {self.load('i32')} (i32.const {rng.randrange(256)})))"
        return f"(if (i32.eq {self.load('i32')} (i32.const {rng.randrange(9)})) (then (local.set $k (i32.const 7)) (br $out)))"

    def text(self) -> str:
        rng = self.rng
        exits = rng.random() < 0.3
        body = [self.statement(exits) for _ in range(rng.choice((1, 1, 2, 3, 4)))]
        moving = self.address(True)
        body.append(
            rng.choice(
                (
                    f"(drop {self.load('i64', True)})",
                    f"(i32.store8 {self.offset()}{moving} (local.get $s))",
                    f"(i64.store {moving} (local.get $a))",
                )
            )
        )
        rng.shuffle(body)
        moves = [f"(local.set ${name} (i32.add (local.get ${name}) (i32.const {by})))" for name, by in self.moves.items() if by]
        place = rng.randrange(len(body) + 1)
        body[place:place] = moves
        stepped = rng.choice((f"(i32.add (local.get $i) (i32.const {self.step}))", f"(i32.sub (local.get $i) (i32.const {-self.step}))"))
        relation = rng.choice(UP if self.step > 0 else DOWN)
        bound = (
            "(i32.const 0)" if relation == "eqz" else rng.choice(("(local.get $n)", "(local.get $n)", "(i32.const 64)", "(i32.const 1000)"))
        )
        early = rng.random() < 0.3
        starts = ["(i32.const 0)", "(i32.const 0)", "(i32.const -40)", "(local.get $r)"]
        if self.step < 0:
            starts = ["(local.get $n)", "(i32.const 1000)"]
            if bound == "(local.get $n)":
                starts = ["(i32.const 1000)", "(local.get $r)", "(i32.add (local.get $n) (i32.const 240))"]
        start = rng.choice(starts)
        counter = "(local.get $i)"
        if rng.random() < 0.5:
            step = ""
            counter = f"(local.tee $i {stepped})"
        else:
            step = f"(local.set $i {stepped})"
            if rng.random() < 0.5:
                body.append(step)
                step = ""
            else:
                early = False
        if relation == "eqz":
            stays, ends = counter, f"(i32.eqz {counter})"
        else:
            stays, ends = f"(i32.{relation} {counter} {bound})", f"(i32.{NEGATED[relation]} {counter} {bound})"
            if relation in SWAPPED and rng.random() < 0.3:
                stays = f"(i32.{SWAPPED[relation]} {bound} {counter})"
            elif rng.random() < 0.2:
                stays = f"(i32.eqz {ends})"
        lines = "\n      ".join(body)
        if early:
            cut = rng.randrange(len(body) + 1)
            again = f"(br_if $l {rng.choice((self.load('i32'), '(i32.const 1)'))})"
            tail = rng.choice(("(br $l)", "(br $l)", again, f"{again} {self.statement(False)}"))
            loop = f"(loop $l {' '.join(body[:cut])} (br_if $out {ends}) {' '.join(body[cut:])} {step} {tail})"
        elif step:  # the condition first, the step behind it
            loop = f"(loop $l {lines} {stays} {step} (br_if $l))"
        else:
            tail = rng.choice(("", "", "", self.statement(False), f"(br_if $out (i32.eq (local.get $i) (i32.const {rng.randrange(200)})))"))
            loop = f"(loop $l {lines} (br_if $l {stays}) {tail})"
        return f"""
  (func $l{self.number} (export "l{self.number}") (param $p i32) (param $q i32) (param $r i32) (param $n i32) (result i64)
    (local $i i32) (local $k i32) (local $s i32) (local $a i64) (local $d f64)
    (local.set $i {start}) (local.set $k (i32.const 5)) (local.set $s (local.get $n)) (local.set $a (i64.const {rng.randrange(1 << 40)}))
    (i32.store (i32.const 24) (local.get $s))
    (block $out {loop})
    {rng.choice(("", "(local.set $a (i64.add (local.get $a) (i64.load (local.get $r))))", "(i64.store (local.get $q) (i64.const 99))"))}
    (local.get $a)
    {" ".join(f"i64.const 13 i64.rotl (i64.extend_i32_u (local.get ${name})) i64.add" for name in "piqks")}
    (i64.trunc_sat_f64_s (local.get $d)) i64.xor)"""


def program(seed: int, count: int) -> str:
    """The text of a module of so many functions."""
    rng = random.Random(seed)
    functions = "".join(Counted(rng, number).text() for number in range(count))
    return f'(module (memory (export "memory") {PAGES} {PAGES})\n{functions})'


def arguments(rng: random.Random) -> list[int]:
    """Places in memory, near its ends, outside; a number of iterations."""
    places = [0, 64, 4096, 4100, 8192, 32768, END - 8, END - 800, END - 801, END - 8001, END, -8, -64]
    counts = [0, 1, 2, 3, 8, 16, 17, 24, 48, 96, 100, 240, 256, 960, 1000, 4800, 8192, END, -1, -40, 0x80000000, 0x7FFFFFFF]

    def place() -> int:
        return rng.choice((*places, rng.randrange(END), END - rng.randrange(2000)))

    values = [place(), place(), rng.choice((place(), 0, 16, 40, 80)), rng.choice((*counts, rng.randrange(1 << 13)))]
    return [value & 0xFFFFFFFF for value in values]
