"""Functions that change things and trap after the k-th change, for every k: texts of modules.

Each function takes `k`, does its effects in order, counts them in `$n`, and behind each stands something that traps exactly when the
count is `k`. Nothing tells a compiler which one it will be, so whatever it moves, merges or drops shows in what a trap leaves behind.
"""

import random
from collections.abc import Iterator

STORES = {  # instruction: value
    "i32.store": "(local.get $x)",
    "i32.store8": "(i32.shr_u (local.get $x) (i32.const 7))",
    "i32.store16": "(i32.add (local.get $x) (i32.const 77))",
    "i64.store": "(local.get $y)",
    "i64.store8": "(i64.shr_s (local.get $y) (i64.const 5))",
    "i64.store16": "(i64.sub (i64.const 9) (local.get $y))",
    "i64.store32": "(i64.mul (local.get $y) (local.get $y))",
    "f32.store": "(f32.convert_i32_u (local.get $x))",
    "f64.store": "(f64.convert_i64_s (local.get $y))",
}
GLOBALS = {
    "i32": "(i32.xor (global.get $i32) (local.get $x))",
    "i64": "(i64.add (local.get $y) (i64.const -3))",
    "f32": "(f32.convert_i32_s (local.get $x))",
    "f64": "(f64.add (global.get $f64) (f64.convert_i32_s (local.get $x)))",
}
END = "(i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const {}))"  # bytes before the end of the memory
C = "(local.get $c)"  # 1 when it is to trap, else 0
OTHER = f"(i32.sub (i32.const 1) {C})"
SCALED = f"(i32.mul {C} {{}})"

# What traps where $c is 1. The first kinds trap or not by an operand, those of CERTAIN trap always and stand in an `if`.
TRAPS = {
    "load at the end": f"(drop (i32.load {SCALED.format(END.format(3))}))",
    "load at the end, used": f"(local.set $y (i64.add (local.get $y) (i64.load {SCALED.format(END.format(7))})))",
    "load of a byte at the end": f"(local.set $x (i32.add (local.get $x) (i32.load8_s {SCALED.format(END.format(0))})))",
    "increment at the end": "(i32.store {0} (i32.add (i32.load {0}) (local.get $x)))".format(SCALED.format(END.format(3))),
    "load far away": f"(drop (f64.load offset=16 {SCALED.format('(i32.const -24)')}))",
    "load beyond 4 GiB": f"(drop (i32.load offset=4 {SCALED.format('(i32.const -2)')}))",
    "store at the end": f"(i64.store {SCALED.format(END.format(4))} (i64.const -1))",
    "store of a byte at the end": f"(i32.store8 {SCALED.format(END.format(0))} (local.get $x))",
    "store far away": f"(f32.store offset=65532 {SCALED.format('(i32.const 0x70000000)')} (f32.const 1))",
    "division": f"(drop (i32.div_s (local.get $x) {OTHER}))",
    "division, used": f"(local.set $y (i64.add (local.get $y) (i64.div_u (local.get $y) (i64.extend_i32_u {OTHER}))))",
    "remainder": f"(drop (i64.rem_s (local.get $y) (i64.extend_i32_s {OTHER})))",
    "quotient": f"(drop (i32.div_s (i32.const 0x80000000) (i32.sub {OTHER} {C})))",
    "quotient of i64": f"(drop (i64.div_s (i64.const 0x8000000000000000) (i64.extend_i32_s (i32.sub {OTHER} {C}))))",
    "conversion of NaN": f"(drop (i32.trunc_f32_s (f32.div (f32.const 0) (f32.convert_i32_s {OTHER}))))",
    "conversion of much": f"(drop (i64.trunc_f64_u (f64.mul (f64.const 1e30) (f64.convert_i32_s {C}))))",
    "call of null": f"(call_indirect $fixed (type $void) {C})",
    "call of another type": f"(call_indirect $fixed (type $void) {SCALED.format('(i32.const 2)')})",
    "call of no element": f"(call_indirect $fixed (type $void) {SCALED.format('(i32.const -1)')})",
    "get of no element": f"(drop (table.get $t {SCALED.format('(i32.const 1000)')}))",
    "set of no element": f"(table.set $t {SCALED.format('(i32.const 0x7fffffff)')} (ref.func $nothing))",
    "fill of elements": f"(table.fill $t {SCALED.format('(table.size $t)')} (ref.null func) (i32.const 1))",
    "copy of elements": f"(table.copy $t $t (i32.const 1) (i32.const 0) {SCALED.format('(table.size $t)')})",
    "new elements": f"(table.init $t $elements {SCALED.format('(i32.const -2)')} (i32.const 0) (i32.const 2))",
    "fill": f"(memory.fill {SCALED.format(END.format(2))} (i32.const 3) (i32.const 5))",
    "copy": f"(memory.copy (i32.const 32) {SCALED.format(END.format(1))} (i32.const 4))",
    "data": f"(memory.init $data (i32.const 64) {C} (i32.const 8))",
    "exception": f"(call $throw {C})",
    "callee": f"(local.set $x (call $divide (local.get $x) {C}))",
    "deep callee": f"(local.set $x (call $deep (local.get $x) {C} (i32.const 3)))",
}
CERTAIN = {
    "unreachable": "unreachable",
    "constant address": "(drop (i32.load8_u offset=0xffffffff (i32.const 0)))",
    "constant store": "(i64.store offset=0x10000000 (i32.const 0) (local.get $y))",
    "constant division": "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
    "constant conversion": "(drop (i32.trunc_f64_s (f64.const inf)))",
    "constant element": "(call_indirect $fixed (type $void) (i32.const 1))",
}
KINDS = (*TRAPS, *CERTAIN, *(f"{kind}, seldom" for kind in TRAPS))

HEAD = """
(type $void (func)) (type $whole (func (param i32 i32 i32) (result i32))) (type $number (func (result i32)))
(import "host" "note" (func $note (param i32))) (import "host" "throw" (func $throw (param i32)))
(memory (export "memory") 1 4)
(global $i32 (export "i32") (mut i32) (i32.const 1)) (global $i64 (export "i64") (mut i64) (i64.const 2))
(global $f32 (export "f32") (mut f32) (f32.const 3)) (global $f64 (export "f64") (mut f64) (f64.const 4))
(table $t (export "table") 6 24 funcref) (table $fixed 3 funcref) (elem (table $fixed) (i32.const 0) func $nothing)
(elem (table $fixed) (i32.const 2) func $seven)
(elem $elements func $nothing $seven) (data $data "exactly8")
(func $nothing (global.set $i32 (i32.mul (global.get $i32) (i32.const 3))))
(func $seven (type $number) (i32.const 7))
(func $small (param $x i32) (i32.store8 offset=300 (i32.and (local.get $x) (i32.const 15)) (local.get $x)))
(func $divide (param $x i32) (param $c i32) (result i32)
  (i32.store offset=400 (i32.const 0) (local.get $x)) (i32.div_u (local.get $x) (i32.sub (i32.const 1) (local.get $c))))
(func $deep (param $x i32) (param $c i32) (param $depth i32) (result i32)
  (global.set $i64 (i64.add (global.get $i64) (i64.extend_i32_u (local.get $depth))))
  (if (result i32) (local.get $depth)
    (then (i32.add (call $deep (local.get $x) (local.get $c) (i32.sub (local.get $depth) (i32.const 1))) (i32.const 1)))
    (else (call $divide (local.get $x) (local.get $c)))))
"""
LOCALS = "(local $c i32) (local $y i64)"
BEGIN = "(local.set $y (i64.mul (i64.extend_i32_u (local.get $x)) (i64.const 0x9e3779b97f4a7c15)))"


def effect(rng: random.Random) -> str:
    """One statement that changes what outlives a trap."""
    address = rng.choice(("(i32.const 8)", "(i32.const 12)", "(i32.and (local.get $x) (i32.const 63))"))
    choice = rng.randrange(20)
    if choice < 9:
        store = rng.choice(list(STORES))
        return f"({store} offset={rng.choice((0, 0, 1, 4, 200))} align=1 {address} {STORES[store]})"
    if choice < 13:
        kind = rng.choice(list(GLOBALS))
        return f"(global.set ${kind} {GLOBALS[kind]})"
    return (
        "(table.set $t (i32.and (local.get $x) (i32.const 3)) (ref.func $seven))",
        "(table.set $t (i32.const 2) (ref.null func))",
        "(drop (table.grow $t (ref.func $nothing) (i32.const 1)))",
        "(memory.fill (i32.and (local.get $x) (i32.const 127)) (local.get $x) (i32.const 21))",
        f"(memory.copy {address} (i32.const 5) (i32.const 19))",
        "(call $small (local.get $x))",
        rng.choice(
            ("(call_indirect $fixed (type $void) (i32.const 0))", "(call $note (local.get $x))", "(drop (memory.grow (i32.const 1)))")
        ),
    )[choice - 13]


def step(rng: random.Random, kind: str) -> str:
    """An effect, the count, and what traps when the count is k."""
    move = rng.choice(
        (
            "(local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))",
            "(local.set $y (i64.rotl (i64.add (local.get $y) (i64.extend_i32_u (local.get $x))) (i64.const 9)))",
            "",
        )
    )
    count = "(local.set $n (i32.add (local.get $n) (i32.const 1))) (local.set $c (i32.eq (local.get $n) (local.get $k)))"
    plain = kind.removesuffix(", seldom")
    trap = f"(if {C} (then {TRAPS.get(plain) or CERTAIN[plain]}))" if plain != kind or plain in CERTAIN else TRAPS[kind]
    return f"    {effect(rng)} {move}\n    {count}\n    {trap}  ;; {kind}"


def steps(rng: random.Random, count: int, first: int) -> str:
    """Effects and traps in a row; `first` rotates the kinds, so that functions 0.. of a module have each kind at each place."""
    return "\n".join(step(rng, KINDS[(first + i) % len(KINDS)]) for i in range(count))


def function(name: str, body: str, more: str = "") -> str:
    """A function (k, x, n) -> n around a body."""
    head = f'(func ${name} (export "{name}") (type $whole) (param $k i32) (param $x i32) (param $n i32) (result i32)'
    return f"{head} {LOCALS} {more}\n  {BEGIN}\n{body}\n  (local.get $n))"


def straight(rng: random.Random, number: int, count: int) -> Iterator[str]:
    """Effects in a row."""
    yield function(f"t{number}", steps(rng, count, number))


def loop(rng: random.Random, number: int, count: int) -> Iterator[str]:
    """A loop of as many rounds as the name `rounds` says."""
    again = "(br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (global.get $rounds)))"
    yield function(f"t{number}", f"  (loop $again\n{steps(rng, count, number)}\n    {again})", "(local $i i32)")


def nest(rng: random.Random, number: int, count: int) -> Iterator[str]:
    """A loop in a loop with operands below, effects in both."""
    inner = "(br_if $inner (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 3)))"
    outer = "(br_if $outer (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (global.get $rounds)))"
    body = (
        f"  (local.get $x) (local.get $y)\n  (loop $outer\n{steps(rng, count // 2, number)}\n    (local.set $j (i32.const 0))\n"
        f"    (i32.const 5) (loop $inner\n{steps(rng, count - count // 2, number + count // 2)}\n    {inner})\n"
        f"    (global.set $i32 (i32.add (global.get $i32)))\n    {outer})\n"
        "  (global.set $i64) (global.set $i32)"
    )
    body = body.replace("(global.set $i32 (i32.add (global.get $i32)))", "(global.get $i32) i32.add (global.set $i32)")
    yield function(f"t{number}", body, "(local $i i32) (local $j i32)")


def callees(rng: random.Random, number: int, count: int) -> Iterator[str]:
    """Three functions in a row, small enough to be inlined, each with a part of the effects."""
    part = -(-count // 3)
    calls = ""
    for i in range(3):
        calls += f"  (local.set $n (call $p{number}_{i} (local.get $k) (local.get $x) (local.get $n)))\n    {effect(rng)}\n"
        yield function(f"p{number}_{i}", steps(rng, part, number + i * part))
    yield function(f"t{number}", calls)


def indirect(rng: random.Random, number: int, count: int) -> Iterator[str]:
    """The same through a table, in a loop."""
    part = -(-count // 3)
    table = f"$table{number}"
    yield f"(table {table} funcref (elem {' '.join(f'$p{number}_{i}' for i in range(3))}))"
    for i in range(3):
        yield function(f"p{number}_{i}", steps(rng, part, number + i * part))
    call = f"(call_indirect {table} (type $whole) (local.get $k) (local.get $x) (local.get $n) (i32.rem_u (local.get $i) (i32.const 3)))"
    again = "(br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (global.get $rounds)))"
    yield function(f"t{number}", f"  (loop $again\n    (local.set $n {call})\n    {effect(rng)}\n    {again})", "(local $i i32)")


SHAPES = {"straight": straight, "loop": loop, "nest": nest, "callees": callees, "indirect": indirect}


def module(shape: str, seed: int, functions: int, count: int, rounds: int) -> str:
    """A module of functions t0, t1, ... of `count` effects each; loops run `rounds` times."""
    rng = random.Random(f"{shape} {seed}")
    head = f"{HEAD}(global $rounds i32 (i32.const {rounds}))"
    first = seed * functions
    texts = [text for number in range(functions) for text in SHAPES[shape](rng, number + first, count)]
    return "\n".join(["(module", head, *texts, ")"])
