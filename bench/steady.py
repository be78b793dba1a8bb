"""Steady state: the fastest of many calls of each kernel, against the same C compiled by gcc -O2, node and wasmtime.

    python -m wasmjit.bench steady [--rounds N] [--tier TIER] [--peers node,wasmtime] [--short] [KERNEL...]

CPU time of the fastest call of each contestant over that of native code; a process each, the calls interleaved after one that is not
counted. Modules for WebAssembly 1.0. Each result is compared with the others and the first one with what it must be. The kernels are
those of WASMJIT_KERNELS (see _kernels.py), with arguments for about 0.3 s; --short: for interpreters.
Exit code 1: a result was wrong, 2: gcc or the kernels are missing.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from wasmjit.bench._contestants import COMMANDS, Contestant, Failed, build_native, exit_code, in_wasmjit, missing, present, start
from wasmjit.bench._kernels import SHARED, SOURCES, Kernel, shared
from wasmjit.bench._measure import geomean

AIM = "wasmjit: at most 1.0"
ALONE = ("fib", "vcall_mono")  # calls, direct and indirect: what the geomean hides


def fastest(names: Sequence[str], kernel: Kernel, module: Path, argument: int, expected: int, rounds: int) -> list[float]:
    """CPU seconds of the fastest call of each. Raises Failed: a result is wrong."""
    with ExitStack() as stack:
        running = [stack.enter_context(start(name, module)) for name in names]
        best = [float("inf")] * len(running)
        for number in range(rounds + 1):
            answers = [contestant.call(argument) for contestant in running]
            for contestant, answer in zip(running, answers, strict=True):
                check(contestant, kernel, argument, answer.result, expected if number == 0 else answers[0].result)
            if number:
                best = [min(least, answer.cpu) for least, answer in zip(best, answers, strict=True)]
        return best


def check(contestant: Contestant, kernel: Kernel, argument: int, result: int, expected: int) -> None:
    """Raise Failed unless the result is right."""
    if result != expected:
        raise Failed(f"{kernel.name}({argument}) in {contestant.name}: {result}, not {expected}")


def main(argv: list[str]) -> int:
    """Print the table."""
    parser = ArgumentParser(prog="python -m wasmjit.bench steady", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--rounds", type=int, default=10, help="calls of each (default: 10)")
    parser.add_argument("--tier", default="auto", help="how wasmjit runs them (default: auto)")
    parser.add_argument("--peers", default="wasmtime,node", help="beside native code (default: wasmtime,node)")
    parser.add_argument("--short", action="store_true", help="with the arguments for interpreters")
    options = parser.parse_args(argv)
    if reason := missing("native"):
        print(f"native code is what this compares with: {reason}", file=sys.stderr)
        return 2
    COMMANDS["wasmjit"] = in_wasmjit(options.tier)
    names = ["native", *present(["wasmjit", *filter(None, options.peers.split(","))])]
    kernels = tuple(kernel for kernel in SHARED if not options.kernels or kernel.name in options.kernels)
    with TemporaryDirectory() as folder:
        return exit_code(lambda: table(names, kernels, Path(folder), options.rounds, options.short))


def table(names: Sequence[str], kernels: tuple[Kernel, ...], folder: Path, rounds: int, short: bool) -> None:
    """Build, measure and print the kernels. Raises Unavailable and Failed."""
    shared(kernels, folder)
    peers = names[1:]
    columns: dict[str, dict[str, float]] = {name: {} for name in peers}
    print(f"{f'fastest of {rounds} calls':<26} {'native, ms':>10}" + "".join(f" {f'{name}/native':>16}" for name in peers))
    for kernel in kernels:
        module = folder / f"{kernel.name}.wasm"
        build_native([SOURCES / f"{kernel.name}.c"], module.with_suffix(".native"))
        argument, expected = (kernel.argument, kernel.result) if short else (kernel.long, kernel.long_result)
        native, *others = fastest(names, kernel, module, argument, expected, rounds)
        for name, seconds in zip(peers, others, strict=True):
            columns[name][kernel.name] = seconds / native
        row = "".join(f" {seconds / native:16.3f}" for seconds in others)
        print(f"  {f'{kernel.name}({argument})':<24} {native * 1e3:10.2f}{row}", flush=True)
    means = "".join(f" {geomean(list(columns[name].values())):16.3f}" for name in peers)
    print(f"  {f'geomean of {len(kernels)}':<24} {'':10}{means}   ({AIM})")
    alone = [kernel.name for kernel in kernels if kernel.name in ALONE]
    if alone and len(peers) > 1:
        ours = peers[0]
        against = [f"{name} {peer} {columns[ours][name] / columns[peer][name]:.3f}" for name in alone for peer in peers[1:]]
        print(f"  {ours} over peers, calls alone: {', '.join(against)}")
