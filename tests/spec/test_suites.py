"""The official test suites: nothing fails, and only what needs a later feature is skipped."""

from pathlib import Path
from typing import Any

import pytest

from tests.modes import BASE
from tests.paths import SPEC
from tests.spec.modes import SAMPLED, WHOLE, quick, run, runs
from wasmjit.binary.features import REFUSED
from wasmjit.cli._wast_report import Tally, failure_lines
from wasmjit.cli._wast_runner import CUSTOM_CHECKS

# folders of suites, and how many commands pass at least
FOLDERS = {"core": 20_600, "bulk-memory": 7_480, "custom": 26}
COUNTS = {"core": 21_233, "bulk-memory": 7_485, "custom": 28}


def scripts() -> list[Any]:
    """One parameter a script and mode; a single one that is skipped where the folders are missing."""
    found = [
        pytest.param(folder, path, mode, id=f"{folder}/{path.stem}-{mode}", marks=() if quick(path, mode) else pytest.mark.slow)
        for folder in FOLDERS
        for mode in (*WHOLE, *SAMPLED)
        for path in sorted((SPEC / folder).glob("*.wast"))
        if runs(path, mode)
    ]
    missing = pytest.mark.skip(reason=f"no test suites in {SPEC}: WASMJIT_SPEC names their folder")
    return found or [pytest.param("", SPEC, BASE, marks=missing)]


@pytest.mark.parametrize(("folder", "path", "mode"), scripts())
def test_script(folder: str, path: Path, mode: str, totals: dict[tuple[str, str], Tally]) -> None:
    tally = run(path, mode)
    totals.setdefault((folder, mode), Tally()).add(tally)
    assert not tally.failures, "\n".join(failure_lines(tally))
    assert tally.skips.keys() <= {*REFUSED, CUSTOM_CHECKS}


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("mode", [pytest.param(mode, marks=() if mode == BASE else pytest.mark.slow) for mode in WHOLE])
def test_that_few_commands_are_skipped(folder: str, mode: str, totals: dict[tuple[str, str], Tally]) -> None:
    """After the scripts of a whole folder have run: a runner that skips too easily would pass everything above."""
    tally = totals.get((folder, mode), Tally())
    if tally.passed + tally.failed + tally.skipped < COUNTS[folder]:
        pytest.skip("only a part of the suite was run")
    assert tally.passed >= FOLDERS[folder], str(tally)
