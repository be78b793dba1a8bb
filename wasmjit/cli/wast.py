"""`wasmjit wast`: run the specification's test scripts."""

from __future__ import annotations

import os

from wasmjit import Config
from wasmjit._config import MEMORIES, TIERS
from wasmjit.cli._options import Command, Option, UsageError, parse
from wasmjit.cli._report import ERROR
from wasmjit.cli._terminal import require_stdout
from wasmjit.cli._values import choice
from wasmjit.cli._wast_convert import scripts
from wasmjit.cli._wast_report import Tally, append_totals, failure_lines, skip_lines
from wasmjit.cli._wast_runner import run_script

COMMAND = Command(
    "wast",
    "run test scripts (.wast) and count the commands that pass",
    usage="FILE|DIR...",
    example="wasmjit wast tests/wast",
    options=(
        Option("--tier", "TIER", f"how the code runs: {', '.join(TIERS)}", convert=choice(*TIERS)),
        Option("--memory", "HOW", f"how accesses out of bounds are found: {', '.join(MEMORIES)}", convert=choice(*MEMORIES)),
        Option("--totals", "FILE", "append the counts of each FILE or DIR to FILE, as JSON lines"),
        Option("-v --verbose", help="print the counts of each script"),
    ),
)


def main(argv: list[str]) -> int:
    """Run all scripts; failures are printed as they come, then skipped features. The exit code is 1 when a command failed."""
    parsed = parse(COMMAND, argv)
    if parsed is None:
        return 0
    values, paths = parsed
    if not paths:
        raise UsageError("no script to run", COMMAND)
    require_stdout()
    config = Config(values.get("tier", "auto"), memory=values.get("memory", "guard"))
    rows = [(os.path.basename(os.path.abspath(path)), run_path(path, config, "verbose" in values)) for path in paths]
    total = Tally()
    for _, tally in rows:
        total.add(tally)
    print(*skip_lines(total), total, sep="\n")
    if "totals" in values:
        append_totals(values["totals"], f"{config.tier} {config.memory}", rows)
    return ERROR if total.failed else 0


def run_path(path: str, config: Config, verbose: bool) -> Tally:
    """Run a script, or all below a folder."""
    total = Tally()
    for script in scripts(path):
        tally = Tally()
        run_script(script, config, tally)
        for line in failure_lines(tally):
            print(line, flush=True)
        if verbose:
            print(f"{script}: {tally}", flush=True)
        total.add(tally)
    return total
