"""The project's own scripts, one a family of instructions, in every mode."""

from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.spec.modes import MODES, TOO_LONG_FOR_REFERENCE, run
from wasmjit.cli._wast_report import failure_lines

SCRIPTS = sorted((ROOT / "tests" / "wast").glob("*.wast"))

RUNS = [
    pytest.param(path, mode, id=f"{path.stem}-{mode}")
    for path in SCRIPTS
    for mode in MODES
    if mode != "reference" or path.stem not in TOO_LONG_FOR_REFERENCE
]


@pytest.mark.parametrize(("path", "mode"), RUNS)
def test_script(path: Path, mode: str) -> None:
    tally = run(path, mode)
    assert not tally.failures, "\n".join(failure_lines(tally))
    assert not tally.skips
    assert tally.passed > 10
