"""Counting what test scripts did: a `Tally` a folder, a summary on the terminal, totals as JSON lines for other programs."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Tally:
    """Commands that passed, failed (`failures`: path, line, command, reason) and were skipped (a count for each feature)."""

    def __init__(self) -> None:
        self.passed = 0
        self.failures: list[tuple[str, int, str, str]] = []
        self.skips: dict[str, int] = {}

    @property
    def failed(self) -> int:
        """How many commands failed."""
        return len(self.failures)

    @property
    def skipped(self) -> int:
        """How many commands were skipped."""
        return sum(self.skips.values())

    def fail(self, path: str, line: int, command: str, reason: str) -> None:
        """Count a failure. `line`: of the command in the script."""
        self.failures.append((path, line, command, reason))

    def skip(self, feature: str, count: int = 1) -> None:
        """Count commands that need a feature."""
        self.skips[feature] = self.skips.get(feature, 0) + count

    def add(self, other: Tally) -> None:
        """Add what another tally counted."""
        self.passed += other.passed
        self.failures += other.failures
        for feature, count in other.skips.items():
            self.skip(feature, count)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def failure_lines(tally: Tally) -> list[str]:
    """One line a failure: place, command, reason."""
    return [f"{path}:{line}: {command}: {reason}" for path, line, command, reason in tally.failures]


def skip_lines(tally: Tally) -> list[str]:
    """One line a feature, most commands first."""
    return [f"skipped {count:>6}  {feature}" for feature, count in sorted(tally.skips.items(), key=lambda row: (-row[1], row[0]))]


def table(rows: dict[str, list[tuple[str, Tally]]]) -> list[str]:
    """A line for each mode, a column for each folder: passed/failed/skipped."""
    folders = [folder for folder, _ in next(iter(rows.values()))]
    cells = [["mode", *folders], *([mode, *(f"{t.passed}/{t.failed}/{t.skipped}" for _, t in row)] for mode, row in rows.items())]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def append_totals(path: str, mode: str, rows: Iterable[tuple[str, Tally]]) -> None:
    """Append a JSON line for each pair of folder and tally. `mode` says how the code ran. Raises OSError."""
    with open(path, "a", encoding="utf-8") as file:
        for folder, tally in rows:
            row = {"folder": folder, "mode": mode, "passed": tally.passed, "failed": tally.failed, "skipped": tally.skipped}
            file.write(json.dumps(row) + "\n")
