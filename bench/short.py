"""Short calls again and again: how long after the start of the process they are as fast as they get, against node.

    python -m wasmjit.bench short [--rounds N] [--tier TIER] [--seconds S] [FUNCTION...]

Milliseconds of wall time from the start of a process that loads a module and then only calls one function with one argument, to the
begin of the first 5 ms of calls whose median is within 10 % of its own steady state, which is the median call in the last quarter of
S seconds. The same definition for all; the median of interleaved processes. Cold: nothing of the program is in wasmjit's cache;
cached: all is.
Exit code 1: a result was wrong.
"""

import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from time import monotonic_ns
from typing import NamedTuple

from wasmjit.bench._cold import cold_cache
from wasmjit.bench._contestants import Failed, environment, missing
from wasmjit.bench._kernels import BUILT
from wasmjit.bench._measure import geomean

AIM = "before node"
MODULE = BUILT / "short.wasm"
FUNCTIONS = {"sieve": (20000, 2262), "matmul": (40, 47731), "mix": (20000, 1439131710), "fib": (15, 610)}  # argument, result
CLOSE = 1.1  # of steady
WINDOW = 5_000_000  # ns of calls whose median must be close
STEP = 500_000  # ns between the begins of such pieces
CALM = 0.25  # part of the run that is steady

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


class Reached(NamedTuple):
    """ns from the start of the process until its calls are close to steady, and ns of a steady call."""

    after: float
    steady: float


def reached(times: Sequence[int], start: int) -> Reached:
    """When calls whose ends are `times` (the first: the begin of the first call) became close to steady."""
    durations = [b - a for a, b in zip(times, times[1:], strict=False)]
    steady = median(durations[-max(1, int(len(durations) * CALM)) :])
    first = last = 0
    while last < len(durations):
        while last < len(durations) and times[last] - times[first] < WINDOW:
            last += 1
        if median(durations[first:last]) <= CLOSE * steady:
            break
        step = times[first] + STEP
        while first < last and times[first] < step:
            first += 1
    return Reached(times[first] - start, steady)


def process(words: Sequence[str], settings: Mapping[str, str], expected: set[int]) -> Reached:
    """Run one. Raises Failed; its result is added to `expected`."""
    start = monotonic_ns()
    done = subprocess.run(words, env=settings, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{words[0]}: exit code {done.returncode}\n{done.stderr.strip()}")
    result, row = done.stdout.splitlines()
    expected.add(int(result))
    return reached([int(word) for word in row.split()], start)


def timers(name: str, tier: str, seconds: float, folder: Mapping[str, str], results: set[int]) -> dict[str, Callable[[], Reached]]:
    """Runs by name. `folder`: settings of the one cache that all runs of `cached` use."""
    argument = str(FUNCTIONS[name][0])
    ours = [sys.executable, "-c", WASMJIT, str(MODULE), name, argument, str(seconds), tier]

    def cold() -> Reached:
        with cold_cache() as settings:
            return process(ours, settings, results)

    found: dict[str, Callable[[], Reached]] = {"cold": cold, "cached": partial(process, ours, folder, results)}
    if not missing("node"):
        node = ["node", "-e", NODE, str(MODULE), name, argument, str(seconds)]
        found["node"] = partial(process, node, environment(), results)
    return found


def table(names: Sequence[str], tier: str, rounds: int, seconds: float) -> None:
    """Measure and print. Raises Failed: a result was wrong."""
    columns = ["cold", "cached"] + ([] if missing("node") else ["node"])
    means: dict[str, list[float]] = {column: [] for column in columns}
    print(f"{'ms until close to steady':<26}" + "".join(f" {column:>9}" for column in columns) + f" {'steady, us':>12}" + " of each")
    for name in names:
        argument, expected = FUNCTIONS[name]
        results: set[int] = set()
        with cold_cache() as settings:
            runs = timers(name, tier, seconds, settings, results)
            runs["cached"]()  # fills the cache
            rows: list[list[Reached]] = [[] for _ in columns]
            for _ in range(rounds):
                for column, row in zip(columns, rows, strict=True):
                    row.append(runs[column]())
        if results != {expected}:
            raise Failed(f"{name}({argument}): {sorted(results)}, not {expected}")
        after = [median(found.after for found in row) / 1e6 for row in rows]
        for column, value in zip(columns, after, strict=True):
            means[column].append(value)
        calm = " ".join(f"{median(found.steady for found in row) / 1e3:.1f}" for row in rows)
        print(f"  {f'{name}({argument})':<24}" + "".join(f" {value:9.1f}" for value in after) + f" {calm:>12}", flush=True)
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
    try:
        table(options.functions or list(FUNCTIONS), options.tier, options.rounds, options.seconds)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    return 0
