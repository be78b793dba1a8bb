"""One cold call of a second and more: whole processes, against node and against wasmjit's own steady state.

    python -m wasmjit.bench cold [--rounds N] [--tier TIER] [--seconds S] [KERNEL...]

Wall time from the start of the process to its end, the median of interleaved runs; nothing of the program is in a cache. The argument
makes native code run S seconds (default: 1). Steady: the fastest of three later calls with that argument in one process.
Exit code 1: a result was wrong, 2: the kernels are missing.
"""

from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from math import log
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from wasmjit.bench._cold import cold_cache, command, run
from wasmjit.bench._contestants import Contestant, Failed, exit_code, in_wasmjit, missing
from wasmjit.bench._kernels import SHARED, Kernel, shared
from wasmjit.bench._measure import geomean, interleaved, ratio

AIM = "at most 1.15 of steady"
SHARED_SECONDS = 0.3  # that the long arguments take in native code
FIB_STEP = 1.618  # fib(n + 1) over fib(n)
STEADY_CALLS = 3
NODE = """
const module = new WebAssembly.Module(require("fs").readFileSync(process.argv[1]));
console.log(new WebAssembly.Instance(module).exports.run(Number(process.argv[2])));
"""


def argument(kernel: Kernel, seconds: float) -> int:
    """An argument for about so many seconds of native code: time is proportional to it, but for fib."""
    factor = seconds / SHARED_SECONDS
    if kernel.name != "fib":
        return round(kernel.long * factor)
    return kernel.long + round(log(factor) / log(FIB_STEP))


def timers(module: Path, number: int, tier: str, results: set[str]) -> dict[str, Callable[[], float]]:
    """Runs of whole processes by name; what they print is added to `results`."""

    def timed(words: list[str], cold: bool) -> float:
        if not cold:
            printed, seconds = run(words)
        else:
            with cold_cache() as settings:
                printed, seconds = run(words, settings)
        results.add(printed)
        return seconds

    found: dict[str, Callable[[], float]] = {
        "wasmjit": partial(timed, [*command(), "invoke", "--tier", tier, str(module), "run", str(number)], True)
    }
    if not missing("node"):
        found["node"] = partial(timed, ["node", "-e", NODE, str(module), str(number)], False)
    return found


def steady(module: Path, number: int, tier: str, results: set[str]) -> float:
    """Seconds of the fastest later call, in a process that did it once. Only the first result is that of a new instance."""
    with Contestant("wasmjit", in_wasmjit(tier)(module)) as contestant:
        results.add(str(contestant.call(number).result))
        return min(contestant.call(number).wall for _ in range(STEADY_CALLS))


def table(kernels: tuple[Kernel, ...], folder: Path, tier: str, rounds: int, seconds: float) -> None:
    """Build, measure and print the kernels. Raises Unavailable, and Failed: not all computed the same."""
    shared(kernels, folder)
    names = ["wasmjit"] + ([] if missing("node") else ["node"])
    columns: dict[str, list[float]] = {name: [] for name in (*names, "steady")}
    print(f"{'whole process, ms':<24}" + "".join(f" {name:>10}" for name in names) + f" {'steady':>10} {'/ node':>8} {'/ steady':>9}")
    for kernel in kernels:
        module = folder / f"{kernel.name}.wasm"
        number = argument(kernel, seconds)
        results: set[str] = set()
        runs = timers(module, number, tier, results)
        times = dict(zip(runs, interleaved(list(runs.values()), rounds), strict=True))
        calm = steady(module, number, tier, results)
        if len(results) != 1:
            raise Failed(f"{kernel.name}({number}): results differ: {', '.join(sorted(results))}")
        against = ratio(times["wasmjit"], times["node"]) if "node" in times else float("nan")
        own = median(times["wasmjit"]) / calm
        columns["node" if "node" in columns else "wasmjit"].append(against)
        columns["steady"].append(own)
        figures = "".join(f" {median(row) * 1e3:10.1f}" for row in times.values())
        print(f"  {f'{kernel.name}({number})':<22}{figures} {calm * 1e3:10.1f} {against:8.3f} {own:9.3f}", flush=True)
    blank = " " * (11 * (len(names) + 1))
    mean = geomean(columns["node"]) if "node" in columns else float("nan")
    print(f"  {'geomean':<22}{blank} {mean:8.3f} {geomean(columns['steady']):9.3f}   ({AIM})")


def main(argv: list[str]) -> int:
    """Print the table."""
    parser = ArgumentParser(prog="python -m wasmjit.bench cold", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each (default: 3)")
    parser.add_argument("--tier", default="auto", help="how wasmjit runs them (default: auto)")
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S", help="of native code (default: 1)")
    options = parser.parse_args(argv)
    kernels = tuple(kernel for kernel in SHARED if not options.kernels or kernel.name in options.kernels)
    if reason := missing("node"):
        print(f"without node: {reason}")
    with TemporaryDirectory() as folder:
        return exit_code(lambda: table(kernels, Path(folder), options.tier, options.rounds, options.seconds))
