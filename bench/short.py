"""Short calls again and again: how long after the start of the process they are as fast as they get, against node.

    python -m wasmjit.bench short [--rounds N] [--tier TIER] [--seconds S] [FUNCTION...]

Milliseconds of wall time from the start of a process that loads a module and then only calls one function with one argument for S
seconds, to the begin of the first 5 ms of calls whose median is within 10 % of the steady state: the median call in the last quarter of
such processes, and of those that compile everything before they begin (tier "opt"), where they are faster. So what never gets compiled
is never steady, and counts with all of its time (>). Medians of interleaved processes; node by the same rule, with what it has.
Cold: nothing of the program is in wasmjit's cache; cached: all is.
Exit code 1: a result was wrong.
"""

import subprocess
import sys
from argparse import ArgumentParser
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from statistics import median
from time import monotonic_ns
from typing import NamedTuple

from wasmjit.bench._cold import cold_cache
from wasmjit.bench._contestants import Failed, environment, exit_code, missing
from wasmjit.bench._kernels import BUILT
from wasmjit.bench._measure import geomean, interleaved

AIM = "before node"
MODULE = BUILT / "short.wasm"
FUNCTIONS = {"sieve": (20000, 2262), "matmul": (40, 47731), "mix": (20000, 1439131710), "fib": (15, 610)}  # argument, result
CLOSE = 1.1  # of steady
WINDOW = 5_000_000  # ns of calls whose median must be close
STEP = 500_000  # ns between the begins of such pieces
CALM = 0.25  # part of the run that is steady
COLUMNS = {"cold": "wasmjit", "cached": "wasmjit", "ahead": "wasmjit", "node": "node"}  # kinds of processes: whose steady state is theirs
SHOWN = ("cold", "cached", "node")

WASMJIT = """
import sys
from time import monotonic_ns
import wasmjit
path, name, argument, seconds, tier = sys.argv[1:6]
instance = wasmjit.Instance(wasmjit.Module.from_file(path, config=wasmjit.Config(tier=tier)))
run, argument = instance.exports[name], int(argument)
times = [monotonic_ns()]
end = times[0] + int(float(seconds) * 1e9)
result, now = run(argument), 0
while now < end:
    run(argument)
    now = monotonic_ns()
    times.append(now)
print(result)
print(*times)
"""
NODE = """
const [path, name, text, seconds] = process.argv.slice(1);
const run = new WebAssembly.Instance(new WebAssembly.Module(require("fs").readFileSync(path))).exports[name];
const argument = Number(text), now = () => process.hrtime.bigint(), times = [now()];
const end = times[0] + BigInt(Math.round(Number(seconds) * 1e9));
const result = run(argument);
for (let at = 0n; at < end; ) { run(argument); at = now(); times.push(at); }
console.log(String(result));
console.log(times.join(" "));
"""


class Calls(NamedTuple):
    """What a process did, in ns: when it was started, when its first call began and each call ended."""

    start: int
    times: Sequence[int]

    def durations(self) -> list[int]:
        return [b - a for a, b in pairwise(self.times)]

    def steady(self) -> float:
        """The median of the last of the calls."""
        found = self.durations()
        return median(found[-max(1, int(len(found) * CALM)) :])

    def reached(self, steady: float) -> "Reached":
        """When calls became close to a steady one; never: with the end of the last."""
        times, durations = self.times, self.durations()
        first = last = 0
        while last < len(durations):
            while last < len(durations) and times[last] - times[first] < WINDOW:
                last += 1
            if median(durations[first:last]) <= CLOSE * steady:
                return Reached(times[first] - self.start, True)
            step = times[first] + STEP
            while first < last and times[first] < step:
                first += 1
        return Reached(times[-1] - self.start, False)


class Reached(NamedTuple):
    """ns from the start of the process on, and whether calls were close to steady then."""

    after: int
    close: bool


def process(words: Sequence[str], settings: Mapping[str, str], expected: set[int]) -> Calls:
    """Run one. Raises Failed; its result is added to `expected`."""
    start = monotonic_ns()
    done = subprocess.run(words, env=settings, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{words[0]}: exit code {done.returncode}\n{done.stderr.strip()}")
    result, row = done.stdout.splitlines()
    expected.add(int(result))
    return Calls(start, array("q", map(int, row.split())))


def timers(name: str, tier: str, seconds: float, folder: Mapping[str, str], results: set[int]) -> dict[str, Callable[[], Calls]]:
    """Runs by COLUMNS. `folder`: settings of the one cache that all runs of `cached` use."""
    argument = str(FUNCTIONS[name][0])
    ours = [sys.executable, "-c", WASMJIT, str(MODULE), name, argument, str(seconds)]

    def cold() -> Calls:
        with cold_cache() as settings:
            return process([*ours, tier], settings, results)

    found: dict[str, Callable[[], Calls]] = {
        "cold": cold,
        "cached": partial(process, [*ours, tier], folder, results),
        "ahead": partial(process, [*ours, "opt"], folder, results),
    }
    if not missing("node"):
        node = ["node", "-e", NODE, str(MODULE), name, argument, str(seconds)]
        found["node"] = partial(process, node, environment(), results)
    return found


def steady(rows: Mapping[str, Sequence[Calls]]) -> dict[str, float]:
    """ns of a steady call of each contestant, by whatever kind of process is the fastest in the end. rows: by COLUMNS."""
    found: dict[str, float] = {}
    for column, row in rows.items():
        who = COLUMNS[column]
        found[who] = min(found.get(who, float("inf")), median(calls.steady() for calls in row))
    return found


def table(names: Sequence[str], tier: str, rounds: int, seconds: float) -> None:
    """Measure and print. Raises Failed: a result was wrong."""
    columns = [column for column in SHOWN if column != "node" or not missing("node")]
    means: dict[str, list[float]] = {column: [] for column in columns}
    print(f"{'ms until close to steady':<26}" + "".join(f" {column:>9}" for column in columns) + f" {'steady, us':>12}")
    for name in names:
        argument, expected = FUNCTIONS[name]
        results: set[int] = set()
        with cold_cache() as settings:
            runs = timers(name, tier, seconds, settings, results)
            runs["cached"]()  # fills the cache
            rows = dict(zip(runs, interleaved(list(runs.values()), rounds), strict=True))
        if results != {expected}:
            raise Failed(f"{name}({argument}): {sorted(results)}, not {expected}")
        calm = steady(rows)
        shown = ""
        for column in columns:
            found = [calls.reached(calm[COLUMNS[column]]) for calls in rows[column]]
            means[column].append(median(each.after for each in found) / 1e6)
            late = "" if sum(each.close for each in found) * 2 > len(found) else ">"
            shown += f" {f'{late}{means[column][-1]:.1f}':>9}"
        each = ", ".join(f"{who} {ns / 1e3:.1f}" for who, ns in calm.items())
        print(f"  {f'{name}({argument})':<24}{shown}   {each}", flush=True)
    print(f"  {'geomean':<24}" + "".join(f" {geomean(means[column]):9.1f}" for column in columns) + f"   ({AIM})")


def main(argv: list[str]) -> int:
    """Print the table."""
    parser = ArgumentParser(prog="python -m wasmjit.bench short", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", choices=[[], *FUNCTIONS], help=f"only these of {', '.join(FUNCTIONS)}")
    parser.add_argument("--rounds", type=int, default=5, help="processes of each (default: 5)")
    parser.add_argument("--tier", default="auto", help="how wasmjit runs them (default: auto)")
    parser.add_argument("--seconds", type=float, default=2.0, metavar="S", help="that each process runs (default: 2)")
    options = parser.parse_args(argv)
    if reason := missing("node"):
        print(f"without node: {reason}")
    return exit_code(lambda: table(options.functions or list(FUNCTIONS), options.tier, options.rounds, options.seconds))
