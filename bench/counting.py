"""What the interpreter pays for tiering up: sampling that leads nowhere, and the counting form in which hot functions are profiled.

    python -m wasmjit.bench counting [--rounds N] [KERNEL...]

CPU time of a call of the project's kernels in three processes, interleaved, after a first call that is not counted; medians, over
tier "interp". Sampling: tier "auto" whose threshold is never reached. Counting: everything stays in its profiling window, which in
tier "auto" is some hundred microseconds of each function. Exit code 1: a result was wrong.
"""

from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from wasmjit.bench._contestants import Contestant, Failed, exit_code, in_wasmjit
from wasmjit.bench._kernels import OWN, Kernel, own
from wasmjit.bench._measure import geomean, interleaved, ratio

AIM = "sampling: at most 1.02"
NEVER = (1 << 31) - 1
WAYS = {
    "interp": in_wasmjit("interp"),
    "sampling": in_wasmjit("auto", thresholds={"warm": NEVER}),
    "counting": in_wasmjit("auto", thresholds={"warm": 1, "window": NEVER}),
}


def call(contestant: Contestant, kernel: Kernel, results: list[int]) -> float:
    """CPU seconds of a call; its result is appended."""
    answer = contestant.call(kernel.argument)
    results.append(answer.result)
    return answer.cpu


def measure(kernel: Kernel, rounds: int) -> list[list[float]]:
    """CPU seconds of the calls in each way. Raises Failed: a result was wrong."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        module = Path(folder) / "kernel.wasm"
        module.write_bytes(own(kernel))
        running = [stack.enter_context(Contestant(name, way(module))) for name, way in WAYS.items()]
        results: list[list[int]] = [[] for _ in running]
        runs = [partial(call, contestant, kernel, found) for contestant, found in zip(running, results, strict=True)]
        for run in runs:
            run()
        times = interleaved(runs, rounds)
        if results[0][0] != kernel.result or any(found != results[0] for found in results):
            raise Failed(f"{kernel.name}({kernel.argument}): results differ")
        return times


def table(kernels: Sequence[Kernel], rounds: int) -> None:
    """Measure and print."""
    columns: dict[str, list[float]] = {name: [] for name in list(WAYS)[1:]}
    print(f"{'CPU time of a call':<26} {'interp, ms':>12}" + "".join(f" {name:>10}" for name in columns))
    for kernel in kernels:
        base, *others = measure(kernel, rounds)
        ratios = [ratio(times, base) for times in others]
        for name, value in zip(columns, ratios, strict=True):
            columns[name].append(value)
        shown = "".join(f" {value:10.3f}" for value in ratios)
        print(f"  {f'{kernel.name}({kernel.argument})':<24} {median(base) * 1e3:12.2f}{shown}", flush=True)
    print(f"  {'geomean':<24} {'':12}" + "".join(f" {geomean(values):10.3f}" for values in columns.values()) + f"   ({AIM})")


def main(argv: list[str]) -> int:
    """Print the table."""
    parser = ArgumentParser(prog="python -m wasmjit.bench counting", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--rounds", type=int, default=11, help="calls in each way (default: 11)")
    options = parser.parse_args(argv)
    return exit_code(lambda: table([kernel for kernel in OWN if not options.kernels or kernel.name in options.kernels], options.rounds))
