"""What ends soon must not cost more because it might have been compiled: whole processes, tiered against interpreter-only.

    python -m wasmjit.bench brief [--rounds N] [PROGRAM...]

Milliseconds of wall time and of CPU time (of the process and all that it starts and waits for) of programs that are interpreted for
nothing to some 50 ms, cold: nothing of them is in the cache. Medians of interleaved runs, and of the ratios of the rounds.
"""

import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import perf_counter
from typing import NamedTuple

from wasmjit.bench._cold import cold_cache, command
from wasmjit.bench._contestants import ROOT, Failed
from wasmjit.bench._kernels import BUILT
from wasmjit.bench._measure import geomean, interleaved, ratio

AIM = 1.05  # of the interpreter's time
SHORT = str(BUILT / "short.wasm")


class Program(NamedTuple):
    """Operands of `wasmjit run`, and what is printed."""

    operands: tuple[str, ...]
    output: str


PROGRAMS = {
    "hello": Program((str(ROOT / "examples" / "hello.wasm"),), "hello, WebAssembly!\n"),
    "fib(5)": Program(("--invoke", "fib", SHORT, "5"), "5\n"),
    "fib(22)": Program(("--invoke", "fib", SHORT, "22"), "17711\n"),
    "fib(29)": Program(("--invoke", "fib", SHORT, "29"), "514229\n"),
    "sieve(20000)": Program(("--invoke", "sieve", SHORT, "20000"), "2262\n"),
    "fib(26)": Program(("--invoke", "fib", SHORT, "26"), "121393\n"),
    "mix(1000000)": Program(("--invoke", "mix", SHORT, "1000000"), "885567184\n"),
    "matmul(40)": Program(("--invoke", "matmul", SHORT, "40"), "47731\n"),
}


class Cost(NamedTuple):
    """Seconds of one process."""

    wall: float
    cpu: float


def run(tier: str, program: Program, settings: Mapping[str, str]) -> Cost:
    """One run. Raises Failed."""
    before = getrusage(RUSAGE_CHILDREN)
    start = perf_counter()
    words = [*command(), "run", "--tier", tier, *program.operands]
    done = subprocess.run(words, env=settings, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    wall = perf_counter() - start
    after = getrusage(RUSAGE_CHILDREN)
    if done.returncode != 0 or done.stdout != program.output:
        raise Failed(f"{' '.join(words)}: exit code {done.returncode}, printed {done.stdout!r}\n{done.stderr}")
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def timer(tier: str, program: Program) -> Callable[[], Cost]:
    """Runs the program once, with a cache of its own. Raises Failed."""

    def timed() -> Cost:
        with cold_cache() as settings:
            return run(tier, program, settings)

    return timed


def main(argv: list[str]) -> int:
    """Print the table."""
    parser = ArgumentParser(prog="python -m wasmjit.bench brief", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=f"of {', '.join(PROGRAMS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=21, help="processes of each (default: 21)")
    options = parser.parse_args(argv)
    if unknown := set(options.programs) - set(PROGRAMS):
        parser.error(f"no program {', '.join(sorted(unknown))}; there are: {', '.join(PROGRAMS)}")
    print(f"{'ms, cold':<16}{'tiered':>9}{'interp':>9}{'wall':>8}{'CPU':>8}")
    ratios: list[tuple[float, float]] = []
    for name in options.programs or PROGRAMS:
        try:
            tiered, interp = measured(PROGRAMS[name], options.rounds)
        except Failed as error:
            print(f"  {name:<14}{error}")
            return 1
        wall = ratio([cost.wall for cost in tiered], [cost.wall for cost in interp])
        cpu = ratio([cost.cpu for cost in tiered], [cost.cpu for cost in interp])
        ratios.append((wall, cpu))
        print(f"  {name:<14}{middle(tiered):9.1f}{middle(interp):9.1f}{wall:8.3f}{cpu:8.3f}", flush=True)
    print(f"  {'geomean':<32}{geomean([wall for wall, _ in ratios]):8.3f}{geomean([cpu for _, cpu in ratios]):8.3f}   (at most {AIM})")
    return 0


def measured(program: Program, rounds: int) -> Sequence[Sequence[Cost]]:
    """What the tiers took in each round."""
    return interleaved(map(partial(timer, program=program), ("auto", "interp")), rounds)


def middle(costs: Sequence[Cost]) -> float:
    """Milliseconds of wall time of the median process."""
    return median(cost.wall for cost in costs) * 1e3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
