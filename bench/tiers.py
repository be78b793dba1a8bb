"""The tiers of wasmjit and its peers on the project's kernels.

    python -m wasmjit.bench tiers [--rounds N] [KERNEL...]

Milliseconds of CPU time of one call, the median of N calls in one process each, interleaved, after a first call that is not
counted: what is compiled in the background is ready then, or costs CPU time here. Peers that are not installed are left out.
Exit code 1: a result was wrong.
"""

import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from wasmjit.bench import _kernels
from wasmjit.bench._contestants import Contestant, Failed, present, start
from wasmjit.bench._measure import geomean, interleaved, ratio

CONTESTANTS = ["wasmjit", "wasmjit interp", "wasmjit opt", "wasmtime", "wasm3", "node"]


def main(argv: list[str]) -> int:
    """Print the table."""
    parser = ArgumentParser(prog="python -m wasmjit.bench tiers", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--rounds", type=int, default=10, help="calls that are measured (default: 10)")
    options = parser.parse_args(argv)
    names = present(CONTESTANTS)
    chosen = [kernel for kernel in _kernels.OWN if not options.kernels or kernel.name in options.kernels]
    print(f"{'ms of CPU time':<24}" + "".join(f" {name:>14}" for name in names))
    ratios: dict[str, list[float]] = {name: [] for name in names}
    try:
        for kernel in chosen:
            times = measured(names, kernel, options.rounds)
            for name, row in zip(names, times, strict=True):
                ratios[name].append(ratio(times[0], row))
            print(f"  {f'{kernel.name}({kernel.argument})':<22}" + "".join(f" {median(row) * 1e3:14.2f}" for row in times), flush=True)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    print(f"  {f'{names[0]} / it, geomean':<22}" + "".join(f" {geomean(ratios[name]):14.3f}" for name in names))
    return 0


def measured(names: list[str], kernel: _kernels.Kernel, rounds: int) -> list[list[float]]:
    """CPU seconds of each contestant's calls. Raises Failed: a result was wrong, or not the same in all."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        module = Path(folder) / f"{kernel.name}.wasm"
        module.write_bytes(_kernels.own(kernel))
        running = [stack.enter_context(start(name, module)) for name in names]
        results = [[contestant.call(kernel.argument).result] for contestant in running]
        if results[0] != [kernel.result]:
            raise Failed(f"{kernel.name}({kernel.argument}) in {names[0]}: {results[0][0]}, not {kernel.result}")

        def timer(contestant: Contestant, row: list[int]) -> float:
            answer = contestant.call(kernel.argument)
            row.append(answer.result)
            return answer.cpu

        times = interleaved([partial(timer, c, row) for c, row in zip(running, results, strict=True)], rounds)
        for name, row in zip(names, results, strict=True):
            if row != results[0]:
                raise Failed(f"{kernel.name}({kernel.argument}): {names[0]} returned {results[0]}, {name} {row}")
        return times
