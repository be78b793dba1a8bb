"""Chains of calls with random signatures: `drive` reads arguments from memory and calls `pass`, which calls `mix`; results go to memory.

Each of the three may be interpreted, optimized, or optimized and left at once for the interpreter; they give the same results.
`mix` folds the bits of its parameters; `pass` flips the low bit of each number that `mix` returned.
"""

import random
from typing import NamedTuple

from tests.crossing.bodies import Bodies, points
from tests.crossing.body import Body
from tests.crossing.convention import Signature
from wasmjit.runtime.structs import Inst

WAT = {"i": "i32", "I": "i64", "f": "f32", "F": "f64", "R": "funcref"}
MASK = (1 << 64) - 1
OUT = 512  # address of the results
SHAPES = ("near", "table")  # how `pass` calls


class Case(NamedTuple):
    params: str
    results: str
    shape: str

    @property
    def signature(self) -> Signature:
        return self.params, self.results


def cases(seed: int, count: int, most_params: int = 24, most_results: int = 4) -> list[Case]:
    rng = random.Random(seed)
    made = [Case("i" * 20, "iIfF", "near"), Case("F" * 20, "FFFF", "table"), Case("iF" * 12, "Fi", "near"), Case("", "", "table")]
    while len(made) < count:
        params = "".join(rng.choice(rng.choice(("iI", "fF", "iIfFR"))) for _ in range(rng.randint(0, most_params)))
        results = "".join(rng.choice("iIfFR") for _ in range(rng.randint(0, most_results)))
        made.append(Case(params, results, rng.choice(SHAPES)))
    return made


# what they compute, in Python


def rotl(value: int, count: int) -> int:
    return ((value << count) | (value >> (64 - count))) & MASK


def narrow(kind: str, value: int) -> int:
    return value & 0xFFFFFFFF if kind in "if" else value & 1 if kind == "R" else value


def expected(case: Case, words: list[int]) -> list[int]:
    """What `drive` leaves at OUT. A reference is 1 when it is not null."""
    fold = 0
    for kind, word in zip(case.params, words, strict=True):
        fold = rotl(fold, 7) ^ narrow(kind, word)
    results = [narrow(kind, rotl(fold, k + 1)) for k, kind in enumerate(case.results)]
    return [word if kind == "R" else word ^ 1 for kind, word in zip(case.results, results, strict=True)]


# the module


def to_bits(kind: str, value: str) -> str:
    return {
        "i": f"(i64.extend_i32_u {value})",
        "I": value,
        "f": f"(i64.extend_i32_u (i32.reinterpret_f32 {value}))",
        "F": f"(i64.reinterpret_f64 {value})",
        "R": f"(i64.extend_i32_u (i32.eqz (ref.is_null {value})))",
    }[kind]


def from_bits(kind: str, value: str) -> str:
    reference = f"(if (result funcref) (i32.wrap_i64 (i64.and {value} (i64.const 1))) (then (ref.func 0)) (else (ref.null func)))"
    return {
        "i": f"(i32.wrap_i64 {value})",
        "I": value,
        "f": f"(f32.reinterpret_i32 (i32.wrap_i64 {value}))",
        "F": f"(f64.reinterpret_i64 {value})",
        "R": reference,
    }[kind]


def kinds(word: str, letters: str) -> str:
    return f"({word} {' '.join(WAT[kind] for kind in letters)})" if letters else ""


def own_text(marker: int) -> str:
    """Traps unless memory and global are those of the module with this marker."""
    return f"(if (i32.or {different('(i32.load (i32.const 1024))', marker)} {different('(global.get 0)', marker)}) (then unreachable))"


def different(value: str, marker: int) -> str:
    return f"(i32.ne {value} (i32.const {marker}))"


def mix_text(name: str, case: Case, marker: int) -> str:
    lines = [f'(func (export "{name}") {kinds("param", case.params)} {kinds("result", case.results)} (local $fold i64)']
    lines.append(own_text(marker))
    for k, kind in enumerate(case.params):
        lines.append(f"(local.set $fold (i64.xor (i64.rotl (local.get $fold) (i64.const 7)) {to_bits(kind, f'(local.get {k})')}))")
    lines += [from_bits(kind, f"(i64.rotl (local.get $fold) (i64.const {k + 1}))") for k, kind in enumerate(case.results)]
    return "\n".join([*lines, ")"])


def flip(kind: str, value: str) -> str:
    return value if kind == "R" else from_bits(kind, f"(i64.xor {to_bits(kind, value)} (i64.const 1))")


def pass_text(name: str, case: Case, callee: int, element: int, marker: int) -> str:
    n = len(case.params)
    lines = [f'(func (export "{name}") {kinds("param", case.params)} {kinds("result", case.results)} {kinds("local", case.results)}']
    lines += [f"(local.get {k})" for k in range(n)]
    signature = f"{kinds('param', case.params)} {kinds('result', case.results)}"
    lines.append(f"(call {callee})" if case.shape == "near" else f"(call_indirect {signature} (i32.const {element}))")
    lines += [f"(local.set {n + k})" for k in reversed(range(len(case.results)))]
    lines.append(own_text(marker))
    lines += [flip(kind, f"(local.get {n + k})") for k, kind in enumerate(case.results)]
    return "\n".join([*lines, ")"])


def drive_text(name: str, case: Case, callee: int, marker: int) -> str:
    lines = [f'(func (export "{name}") {kinds("local", case.results)}']
    lines += [from_bits(kind, f"(i64.load (i32.const {8 * k}))") for k, kind in enumerate(case.params)]
    lines.append(f"(call {callee})")
    lines += [f"(local.set {k})" for k in reversed(range(len(case.results)))]
    lines.append(own_text(marker))
    lines += [f"(i64.store (i32.const {OUT + 8 * k}) {to_bits(kind, f'(local.get {k})')})" for k, kind in enumerate(case.results)]
    return "\n".join([*lines, ")"])


def memory_text(marker: int) -> str:
    word = "".join(f"\\{byte:02x}" for byte in marker.to_bytes(4, "little"))
    return f'(memory (export "memory") 1) (global i32 (i32.const {marker})) (data (i32.const 1024) "{word}")'


def module_text(made: list[Case]) -> str:
    """Functions 3k, 3k + 1, 3k + 2 are mix, pass, drive of case k."""
    lines = ["(module", memory_text(7), f"(table funcref (elem {' '.join(str(3 * k) for k in range(len(made)))}))"]
    for k, case in enumerate(made):
        lines += [mix_text(f"mix{k}", case, 7), pass_text(f"pass{k}", case, 3 * k, k, 7), drive_text(f"drive{k}", case, 3 * k + 1, 7)]
    return "\n".join([*lines, ")"])


def far_texts(made: list[Case]) -> tuple[str, str]:
    """The same in two modules: `mix` in one, the others, functions count + 2k and count + 2k + 1, in one that imports it."""
    count = len(made)
    first = "\n".join(["(module", memory_text(5), *(mix_text(f"mix{k}", case, 5) for k, case in enumerate(made)), ")"])
    lines = ["(module"]
    for k, case in enumerate(made):
        lines.append(f'(import "mixes" "mix{k}" (func {kinds("param", case.params)} {kinds("result", case.results)}))')
    lines += [memory_text(7), f"(table funcref (elem {' '.join(map(str, range(count)))}))"]
    for k, case in enumerate(made):
        lines += [pass_text(f"pass{k}", case, k, k, 7), drive_text(f"drive{k}", case, count + 2 * k, 7)]
    return first, "\n".join([*lines, ")"])


# the bodies


def mix_body(bodies: Bodies, function: int, case: Case) -> None:
    b = bodies.body(function, case.signature)
    fold = "0"
    for kind, value in zip(case.params, b.args, strict=True):
        if kind == "R":
            value = b.let(f"zext i1 {b.let(f'icmp ne i64 {value}, 0')} to i64")
        fold = b.let(f"xor i64 {b.let(f'call i64 @llvm.fshl.i64(i64 {fold}, i64 {fold}, i64 7)')}, {value}")
    results = []
    for k, kind in enumerate(case.results):
        value = b.let(f"call i64 @llvm.fshl.i64(i64 {fold}, i64 {fold}, i64 {k + 1})")
        results.append(reference(b, value) if kind == "R" else b._clean(kind, value))
    b.ret(results)
    b.done()


def reference(b: Body, word: str) -> str:
    """A funcref that is null when the lowest bit is 0."""
    first = b.let(f"load ptr, ptr {b.field(Inst, '%inst', 'refs')}")
    ref = b.let(f"ptrtoint ptr {first} to i64")
    return b.let(f"select i1 {b.let(f'trunc i64 {word} to i1')}, i64 {ref}, i64 0")


def pass_body(bodies: Bodies, function: int, case: Case, callee: int, element: int) -> None:
    b = bodies.body(function, case.signature)
    if case.shape == "near":
        results = b.call(callee, case.signature, b.args)
    else:
        results = b.call_table(element, case.signature, b.args)
    b.ret([value if kind == "R" else b.let(f"xor i64 {value}, 1") for kind, value in zip(case.results, results, strict=True)])
    b.done()


def drive_body(bodies: Bodies, function: int, case: Case, callee: int) -> None:
    b = bodies.body(function, ("", ""))
    words = []
    for k, kind in enumerate(case.params):
        word = b.memory(str(8 * k))
        words.append(reference(b, word) if kind == "R" else b._clean(kind, word))
    for k, (kind, value) in enumerate(zip(case.results, b.call(callee, case.signature, words), strict=True)):
        if kind == "R":
            value = b.let(f"zext i1 {b.let(f'icmp ne i64 {value}, 0')} to i64")
        b.memory_set(OUT + 8 * k, value)
    b.ret()
    b.done()


def leaving_body(bodies: Bodies, function: int, signature: Signature, locals: int) -> None:
    """A body that goes on in the interpreter at once."""
    b = bodies.body(function, signature)
    (wasm, _), entry = min(points(bodies.module, function).items())
    values = dict(enumerate(b.args)) | {len(b.args) + k: "0" for k in range(locals)}
    b.leave([(function, entry, 0)], values, wasm)
    b.done()
