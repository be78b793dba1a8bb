"""The interpreter on small programs that compute, against wasm3 and with --peers wasmtime.

    python -m wasmjit.bench interpreter [--rounds N] [--peers] [KERNEL...]

CPU time of one call in a fresh instance, translation included; modules for WebAssembly 1.0. Ratios are medians of those of
interleaved rounds. The kernels are the project's own and, where their sources are, those of WASMJIT_KERNELS (see _kernels.py).
Exit code 1: a result was wrong, 2: a peer is missing.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import wasmjit
from wasmjit.bench._kernels import OWN, SHARED, Kernel, Unavailable, own, shared
from wasmjit.bench._measure import geomean, interleaved, ratio

AIM = "at most 0.60 of wasm3, aim at 0.45"
STACK = 1 << 20  # bytes, of wasm3

Run = Callable[[int], int]


def in_wasmjit(binary: bytes) -> Callable[[], Run]:
    """Makes instances of the module: each is its function `run`."""
    module = wasmjit.Module(binary, config=wasmjit.Config(tier="interp"))
    return lambda: wasmjit.Instance(module).exports["run"]


def in_wasm3(binary: bytes) -> Callable[[], Run]:
    """The same in wasm3: a runtime for each instance, the module parsed for each; functions are compiled before the call."""
    import wasm3

    environment = wasm3.Environment()

    def instance() -> Run:
        runtime = environment.new_runtime(STACK)
        runtime.load(environment.parse_module(binary))
        run = runtime.find_function("run")

        def call(argument: int, kept: Any = runtime) -> int:  # the function does not keep its runtime alive
            return int(run(argument))

        return call

    return instance


def in_wasmtime(binary: bytes) -> Callable[[], Run]:
    """The same in wasmtime: compiled once, before any call."""
    import wasmtime

    engine = wasmtime.Engine()
    module = wasmtime.Module(engine, binary)

    def instance() -> Run:
        store = wasmtime.Store(engine)
        run: Any = wasmtime.Instance(store, module, []).exports(store)["run"]
        return lambda argument: int(run(store, argument))

    return instance


PEERS = {"wasm3": in_wasm3, "wasmtime": in_wasmtime}


class WrongResult(Exception):
    """A runtime computed something else than what the kernel must return."""


def timer(runtime: str, prepare: Callable[[], Run], kernel: Kernel) -> Callable[[], float]:
    """Seconds of CPU time of one call in a fresh instance. Raises WrongResult."""

    def timed() -> float:
        run = prepare()
        start = process_time()
        result = run(kernel.argument)
        end = process_time()
        if result != kernel.result:
            raise WrongResult(f"{kernel.name}({kernel.argument}) in {runtime}: {result}, not {kernel.result}")
        return end - start

    return timed


def table(title: str, kernels: Sequence[Kernel], binaries: Mapping[str, bytes], peers: Sequence[str], rounds: int) -> None:
    """Measure and print the kernels, nothing if there are none. Raises WrongResult."""
    if not kernels:
        return
    print(f"{title:34} {'ms':>8}" + "".join(f" {'/ ' + peer:>12}" for peer in peers))
    columns: list[list[float]] = [[] for _ in peers]
    for kernel in kernels:
        runtimes = {"wasmjit": in_wasmjit} | {peer: PEERS[peer] for peer in peers}
        timers = [timer(name, prepare(binaries[kernel.name]), kernel) for name, prepare in runtimes.items()]
        ours, *theirs = interleaved(timers, rounds)
        row = [ratio(ours, times) for times in theirs]
        for column, value in zip(columns, row, strict=True):
            column.append(value)
        call = f"{kernel.name}({kernel.argument})"
        print(f"  {call:32} {median(ours) * 1e3:8.2f}" + "".join(f" {value:12.3f}" for value in row), flush=True)
    print(f"  {'geomean':32} {'':8}" + "".join(f" {geomean(column):12.3f}" for column in columns) + f"   ({AIM})")


def main(argv: list[str]) -> int:
    """Print a table for each set of kernels."""
    parser = ArgumentParser(prog="python -m wasmjit.bench interpreter", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--rounds", type=int, default=7, help="how often each runtime runs each kernel (default: 7)")
    parser.add_argument("--peers", action="store_true", help="compare with wasmtime too")
    options = parser.parse_args(argv)
    peers = list(PEERS) if options.peers else ["wasm3"]
    for peer in peers:
        try:
            __import__(peer)
        except ImportError:
            print(f"the package of {peer} is not installed: pip install 'wasmjit[peers]'", file=sys.stderr)
            return 2

    def chosen(kernels: tuple[Kernel, ...]) -> tuple[Kernel, ...]:
        return tuple(kernel for kernel in kernels if not options.kernels or kernel.name in options.kernels)

    try:
        kernels = chosen(OWN)
        table("kernels of the project", kernels, {kernel.name: own(kernel) for kernel in kernels}, peers, options.rounds)
        kernels = chosen(SHARED)
        with TemporaryDirectory() as folder:
            binaries = shared(kernels, Path(folder))
        table("kernels of WASMJIT_KERNELS", kernels, binaries, peers, options.rounds)
    except Unavailable as error:
        print(f"kernels of WASMJIT_KERNELS: skipped, {error}")
    except WrongResult as error:
        print(error, file=sys.stderr)
        return 1
    return 0
