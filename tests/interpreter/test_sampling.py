"""Samples fall where the time goes."""

import pytest

import wasmjit

HOT = """
(module
  (func $cold (export "cold") (param i32) (result i32) local.get 0)
  (func $hot (export "hot") (param $n i32) (result i32) (local $i i32)
    (loop $outer
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $outer (i32.ne (local.get $i) (local.get $n))))
    (local.get $i))
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2))))))))
"""


@pytest.fixture
def module() -> wasmjit.Module:
    return wasmjit.Module(HOT, config=wasmjit.Config(tier="interp"))  # optimized code has no samples


def test_a_loop_gets_samples_in_proportion_to_its_iterations(module: wasmjit.Module) -> None:
    exports = wasmjit.Instance(module).exports
    exports.cold(1)
    assert module.profile() == ()
    exports.hot(1_000_000)
    ((index, offset, few),) = module.profile()
    assert index == 1 and offset > 0 and few > 10
    exports.hot(4_000_000)
    ((_, _, more),) = module.profile()
    assert 4 * few <= more <= 6 * few


def test_recursion_is_sampled_at_the_entry(module: wasmjit.Module) -> None:
    wasmjit.Instance(module).exports.fib(22)
    ((index, offset, samples),) = module.profile()
    assert (index, offset) == (2, 0) and samples > 10


def test_short_calls_add_up(module: wasmjit.Module) -> None:
    hot = wasmjit.Instance(module).exports.hot
    for _ in range(20_000):
        hot(50)
    assert module.profile()[0][0] == 1
