"""Totals of the official test suites, for whoever asks by WASMJIT_WAST_TOTALS."""

import os
from collections.abc import Iterator

import pytest

from tests.spec.modes import PARTS, ROTATION
from wasmjit.cli._wast_report import Tally, append_totals

Totals = dict[tuple[str, str], Tally]  # by folder and mode


@pytest.fixture(scope="session")
def totals() -> Iterator[Totals]:
    """What ran in this session; appended at its end to the file that WASMJIT_WAST_TOTALS names, one JSON line a folder and mode."""
    rows: Totals = {}
    yield rows
    path = os.environ.get("WASMJIT_WAST_TOTALS")
    if path:
        for (folder, mode), tally in rows.items():
            append_totals(path, mode, [(folder, tally)])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which part of the suites ran in the sampled modes, so that a failure can be had again."""
    terminalreporter.write_line(f"official suites: sampled modes ran part {ROTATION} of {PARTS}; again with WASMJIT_ROTATION={ROTATION}")
