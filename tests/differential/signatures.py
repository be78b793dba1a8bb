"""Functions with signatures made at random, which call each other in every way: texts of two modules that import from each other.

Functions are numbered through; those of a module are every other one, and each knows all others, as functions, imports or elements of a
shared table. Their first parameter is how deep calls may still nest. A function mixes all its parameters into one i64 and makes
arguments and results from it, so a value that is lost or put elsewhere on the way changes everything behind it.
"""

import random
from collections.abc import Callable
from typing import Any

TYPES = ("i32", "i64", "f32", "f64")
MOST_PARAMETERS = 24
MOST_RESULTS = 4
DEEPEST = 4
MASK = (1 << 64) - 1
FACTOR = 0x9E3779B97F4A7C15

# a value to an i64 and an i64 to a value; floats are small whole numbers, so that each operation on them is exact
TO_I64 = {"i32": "i64.extend_i32_s", "i64": "", "f32": "i64.trunc_sat_f32_s", "f64": "i64.trunc_sat_f64_s"}
FROM_I64 = {
    "i32": "i32.wrap_i64",
    "i64": "",
    "f32": "(i64.const 40) i64.shr_s f32.convert_i64_s",
    "f64": "(i64.const 20) i64.shr_s f64.convert_i64_s",
}


class Signature:
    """Parameters behind the depth, and results."""

    def __init__(self, rng: random.Random) -> None:
        most = rng.choice((2, 6, 12, MOST_PARAMETERS))
        self.params = [rng.choice(TYPES) for _ in range(rng.randrange(most))]
        self.results = [rng.choice(TYPES) for _ in range(rng.randrange(MOST_RESULTS + 1))]

    @property
    def text(self) -> str:
        """As in a type or an import."""
        return f"(param i32 {' '.join(self.params)}) (result {' '.join(self.results)})"


def function(rng: random.Random, signatures: list[Signature], number: int, loops: bool) -> str:
    """The text of a function: mix, one to three calls, results."""
    own = signatures[number]
    lines = ["(local.set $sum (i64.const 1))"]
    for place, kind in enumerate(own.params, 1):
        lines.append(f"(local.get {place}) {TO_I64[kind]}")
        lines.append(f"(i64.mul (local.get $sum) (i64.const {FACTOR - (1 << 64)})) i64.xor (local.set $sum)")
    if loops:
        lines.append("(local.set $i (i32.const 3)) (loop $again")
    lines.append("(if (i32.gt_s (local.get 0) (i32.const 0)) (then")
    for _ in range(rng.choice((1, 2, 3))):
        lines += call(rng, signatures, rng.randrange(len(signatures)))
    lines.append("))")
    if loops:
        lines.append("(br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))")
    for kind in own.results:
        lines.append("(local.tee $sum (i64.rotl (i64.add (local.get $sum) (i64.const 12345)) (i64.const 17)))")
        lines.append(FROM_I64[kind])
    body = "\n  ".join(lines)
    return f'(func $f{number} (export "f{number}") (type $t{number}) (local $sum i64) (local $i i32)\n  {body})'


def call(rng: random.Random, signatures: list[Signature], callee: int) -> list[str]:
    """A call whose results go into $sum; sometimes above operands that stay."""
    below = rng.random() < 0.5
    lines = ["(local.get $sum)"] if below else []
    lines.append("(i32.sub (local.get 0) (i32.const 1))")
    for place, kind in enumerate(signatures[callee].params):
        lines.append(f"(i64.rotl (local.get $sum) (i64.const {place * 5 % 64})) {FROM_I64[kind]}")
    if rng.random() < 0.4:
        lines.append(f"(call_indirect $table (type $t{callee}) (i32.const {callee}))")
    else:
        lines.append(f"(call $f{callee})")
    for kind in reversed(signatures[callee].results):
        lines.append(f"{TO_I64[kind]} (i64.rotl (local.get $sum) (i64.const 3)) i64.add (local.set $sum)")
    return [*lines, "(local.get $sum) i64.xor (local.set $sum)"] if below else lines


def modules(seed: int, functions: int, hosts: int) -> tuple[list[str], list[Signature]]:
    """Two modules and all signatures: `functions` of wasm, then `hosts` that both import from "host".

    The second module imports the first one's functions; the first reaches the second's only by the table, which the first exports
    and the second fills.
    """
    rng = random.Random(seed)
    signatures = [Signature(rng) for _ in range(functions + hosts)]
    types = "\n".join(f"(type $t{i} (func {one.text}))" for i, one in enumerate(signatures))
    host = "\n".join(f'(import "host" "f{i}" (func $f{i} (type $t{i})))' for i in range(functions, functions + hosts))
    texts = []
    for side in range(2):
        own = range(side, functions, 2)
        others = range(1 - side, functions, 2)
        lines = [types, host]
        if side == 0:
            lines += [f'(table $table (export "table") {functions + hosts} funcref)']
            at = "(elem (table $table) (i32.const {0}) func $f{0})"
            lines += [
                f"(func $f{i} (type $t{i}) {' '.join(f'(local.get {k})' for k in range(len(signatures[i].params) + 1))}"
                f" (call_indirect $table (type $t{i}) (i32.const {i})))"
                for i in others
            ]
        else:
            lines += [f'(import "first" "f{i}" (func $f{i} (type $t{i})))' for i in others]
            lines += [f'(import "first" "table" (table $table {functions + hosts} funcref))']
            at = "(elem (table $table) (i32.const {0}) func $f{0})"
        lines += [at.format(i) for i in [*own, *(range(functions, functions + hosts) if side == 0 else ())]]
        lines += [function(rng, signatures, i, rng.random() < 0.2) for i in own]
        texts.append("\n".join(["(module", *lines, ")"]))
    return texts, signatures


def host_function(signature: Signature, called: Callable[[tuple[Any, ...]], None]) -> Callable[..., Any]:
    """A Python function of a signature: its results depend on all its arguments. `called` gets them first, and may raise."""

    def host(*values: Any) -> Any:
        called(values)
        total = 1
        for value in values[1:]:
            total = (total * 31 + int(value)) & 0xFFFFF
        results = tuple(float(total + i) if kind[0] == "f" else total + i for i, kind in enumerate(signature.results))
        return None if not results else results[0] if len(results) == 1 else results

    return host


def arguments(rng: random.Random, signature: Signature) -> list[Any]:
    """Values to call with."""
    small = [rng.randrange(-1000, 1000) for _ in signature.params]
    return [rng.randrange(1, DEEPEST + 1), *(float(v) if kind[0] == "f" else v for kind, v in zip(signature.params, small, strict=True))]
