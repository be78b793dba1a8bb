"""The project's own scripts, one a family of instructions, in every mode."""

from pathlib import Path

import pytest

from tests.modes import BASE, SETTINGS, parameters
from tests.paths import ROOT
from tests.spec.modes import run
from wasmjit.cli._wast_report import failure_lines

SCRIPTS = sorted((ROOT / "tests" / "wast").glob("*.wast"))


@pytest.mark.parametrize("mode", parameters(SETTINGS, quick=(BASE, "interp checked", "reference", "opt", "ping-pong")))
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script(path: Path, mode: str) -> None:
    tally = run(path, mode)
    assert not tally.failures, "\n".join(failure_lines(tally))
    assert not tally.skips
    assert tally.passed > 10
