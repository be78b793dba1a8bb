"""The project's own scripts, one a family of instructions, in every mode."""

from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT
from tests.spec.modes import MODES, SLOW_IN_REFERENCE, run
from wasmjit.cli._wast_report import failure_lines

SCRIPTS = sorted((ROOT / "tests" / "wast").glob("*.wast"))


def marks(path: Path, mode: str) -> Any:
    return pytest.mark.slow if mode == "reference" and path.stem in SLOW_IN_REFERENCE else ()


RUNS = [pytest.param(path, mode, id=f"{path.stem}-{mode}", marks=marks(path, mode)) for path in SCRIPTS for mode in MODES]


@pytest.mark.parametrize(("path", "mode"), RUNS)
def test_script(path: Path, mode: str) -> None:
    tally = run(path, mode)
    assert not tally.failures, "\n".join(failure_lines(tally))
    assert not tally.skips
    assert tally.passed > 10
