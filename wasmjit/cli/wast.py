"""`wasmjit wast`: run the specification's test scripts."""

from __future__ import annotations

import os

from wasmjit import Config
from wasmjit._config import MEMORIES, STRESSES, TIERS
from wasmjit.cli._options import Command, Option, UsageError, parse
from wasmjit.cli._report import ERROR
from wasmjit.cli._terminal import require_stdout
from wasmjit.cli._values import choice, count
from wasmjit.cli._wast_apart import run_apart
from wasmjit.cli._wast_convert import scripts
from wasmjit.cli._wast_report import Tally, append_totals, failure_lines, skip_lines, table
from wasmjit.cli._wast_runner import run_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = Command(
    "wast",
    "run test scripts (.wast) and count the commands that pass",
    usage="FILE|DIR...",
    example="wasmjit wast tests/wast",
    options=(
        Option("--tier", "TIER", f"how the code runs: {', '.join(TIERS)}", convert=choice(*TIERS)),
        Option("--stress", "S", f"change tiers where there is no need: {', '.join(STRESSES)}", convert=choice(*STRESSES)),
        Option("--memory", "HOW", f"how accesses out of bounds are found: {', '.join(MEMORIES)}", convert=choice(*MEMORIES)),
        Option("--jobs", "N", "scripts in processes of their own, N at a time: one that crashes just fails", convert=count),
        Option("--matrix", help="run all in every tier, memory and stress mode; print a table; 2 jobs by default"),
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
    given: dict[str, str] = {name: values[name] for name in ("tier", "memory", "stress") if name in values}
    modes: dict[str, dict[str, str]] = MATRIX if "matrix" in values else {"": given}
    try:
        configs = {name: settings_of(**settings) for name, settings in modes.items()}
    except ValueError as error:
        raise UsageError(str(error), COMMAND) from None
    jobs = values.get("jobs", 2 if "matrix" in values else 0)
    found: dict[str, list[tuple[str, Tally]]] = {}
    for name, config in configs.items():
        rows = found[name] = [
            (os.path.basename(os.path.abspath(path)), run_path(path, config, jobs, "verbose" in values)) for path in paths
        ]
        if "totals" in values:
            append_totals(values["totals"], f"{config.tier} {config.stress or config.memory}", rows)
    total = Tally()
    for rows in found.values():
        for _, tally in rows:
            total.add(tally)
    print(*skip_lines(total), *(table(found) if "matrix" in values else ()), total, sep="\n")
    return ERROR if total.failed else 0


def settings_of(tier: str = "auto", memory: str = "guard", stress: str | None = None) -> Config:
    """The Config of a mode. What is compiled is compiled before it runs on, and after the first sample: scripts are short."""
    if tier not in ("auto", "opt"):
        return Config(tier, memory=memory, stress=stress)
    return Config(tier, memory=memory, stress=stress, compile="sync", cache=False, thresholds={"warm": 1, "window": 1})


MATRIX = {
    "interp": {"tier": "interp"},
    "interp checked": {"tier": "interp", "memory": "checked"},
    "reference": {"tier": "reference"},
    "auto": {"tier": "auto"},
    "opt": {"tier": "opt"},
    "opt checked": {"tier": "opt", "memory": "checked"},
    **{stress: {"tier": "opt", "stress": stress} for stress in STRESSES},
}


def run_path(path: str, config: Config, jobs: int, verbose: bool) -> Tally:
    """Run a script, or all below a folder: `jobs` at a time, or 0 in this process."""
    total = Tally()
    paths = scripts(path)
    for script, tally in run_all(paths, config, jobs):
        for line in failure_lines(tally):
            print(line, flush=True)
        if verbose:
            print(f"{script}: {tally}", flush=True)
        total.add(tally)
    return total


def run_all(paths: list[str], config: Config, jobs: int) -> Iterator[tuple[str, Tally]]:
    """Each script and what it did."""
    if jobs:
        for number, tally in run_apart(((path, config) for path in paths), jobs):
            yield paths[number], tally
        return
    for path in paths:
        tally = Tally()
        run_script(path, config, tally)
        yield path, tally
