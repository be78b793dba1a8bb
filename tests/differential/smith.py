"""Modules made by `wasm-tools smith` in all modes: `python -m tests.differential.smith --count 1000`.

Work goes to child processes, so a mode that crashes or hangs is a difference like any other. Modules that differ are reduced and kept.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

from tests.differential.examine import PEER, Difference, examine
from tests.modes import BASE, SETTINGS, STRESSED, available
from wasmjit._wat import assembler

MODES = [BASE, PEER, "opt", *STRESSED]
PATIENCE = 60.0  # seconds for one module in all modes
OPTIONS = {
    "export-everything": "true",
    "max-imports": 0,
    "max-memories": 1,
    "max-memory32-bytes": 262144,
    "max-table-elements": 200,
    "min-funcs": 4,
    "max-funcs": 20,
    "allow-start-export": "true",
}
OFF = ("simd", "relaxed-simd", "exceptions", "gc", "memory64", "tail-call", "threads", "wide-arithmetic", "custom-page-sizes",
       "shared-everything-threads", "custom-descriptors", "compact-imports")  # fmt: skip


def smith(seed: int, canonical: bool = True) -> bytes | None:
    """The module for a seed; None when the tool made nothing of it. Modules that cannot trap run longer, so every other one is such.

    canonical: it makes its NaNs canonical itself.
    """
    rng = random.Random(seed)
    options = OPTIONS | {
        "canonicalize-nans": "true" if canonical else "false",
        "fuel": rng.choice((100, 1000, 3000)),
        "disallow-traps": "true" if seed % 2 else "false",
        "max-instructions": rng.choice((100, 400, 1000)),
        "min-globals": rng.randrange(4),
        "min-memories": 1 if rng.random() < 0.9 else 0,
    }
    words = [f"--{name}={value}" for name, value in options.items()] + [f"--{name}-enabled=false" for name in OFF]
    data = rng.randbytes(rng.choice((1000, 4000, 12000)))
    done = subprocess.run([str(assembler()), "smith", "--ensure-termination", *words], input=data, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def _work(seeds: range, modes: list[str], results: "SimpleQueue[Any]") -> None:
    """In a child: for each seed its number, then what differed (None: no module)."""
    for seed in seeds:
        results.put((seed, "begin"))
        binary = smith(seed)
        results.put((seed, None if binary is None else examine(binary, seed, modes)))


def examine_apart(binary: bytes, seed: int, modes: list[str]) -> list[Difference]:
    """`examine` in a child process for each mode: also tells of those that end it."""
    found = []
    for mode in modes[1:]:
        context = get_context("fork")
        results = context.SimpleQueue()
        child = context.Process(target=lambda mode=mode, to=results: to.put(examine(binary, seed, [modes[0], mode])))
        child.start()
        child.join(PATIENCE)
        if child.exitcode == 0:
            found += results.get()
        else:
            found.append(Difference(mode, "", "an end", "no end" if child.exitcode is None else f"exit code {child.exitcode}"))
            child.kill()
            child.join()
    return found


class Crew:
    """A child process that works through seeds, and a new one behind each that ended too early."""

    def __init__(self, seeds: range, modes: list[str]) -> None:
        self.seeds = seeds
        self.modes = modes
        self.position = 0
        self.start()

    def start(self) -> None:
        """Begin with the next seed in a new process."""
        context = get_context("spawn")
        self.queue = context.SimpleQueue()
        self.child = context.Process(target=_work, args=(self.seeds[self.position :], self.modes, self.queue))
        self.child.start()
        self.begun = time.monotonic()

    def results(self) -> Iterator[tuple[int, list[Difference] | None]]:
        """What became of the seeds that are finished by now."""
        ended = not self.child.is_alive()
        while not self.queue.empty():
            seed, found = self.queue.get()
            self.begun = time.monotonic()
            if found != "begin":
                self.position += 1
                yield seed, found
        late = time.monotonic() - self.begun > PATIENCE
        if self.position < len(self.seeds) and (ended or late):
            found = Difference("?", "", "an end", f"exit code {self.child.exitcode}" if ended else "no end")
            self.child.kill()
            self.child.join()
            seed = self.seeds[self.position]
            self.position += 1
            if self.position < len(self.seeds):
                self.start()
            yield seed, [found]

    @property
    def done(self) -> bool:
        """Whether all seeds are finished."""
        return self.position == len(self.seeds)


def many(seeds: range, modes: list[str], jobs: int) -> Iterator[tuple[int, list[Difference] | None]]:
    """(seed, differences) for all seeds, by `jobs` processes, in any order. None: there is no module for the seed."""
    crews = [Crew(seeds[i::jobs], modes) for i in range(min(jobs, len(seeds)))]
    while not all(crew.done for crew in crews):
        time.sleep(0.02)
        for crew in crews:
            if not crew.done:
                yield from crew.results()


def reduced(binary: bytes, seed: int, modes: list[str], folder: Path, attempts: int) -> bytes:
    """The smallest module that wasm-tools shrink finds in so many attempts and that still differs."""
    source, target, script = folder / "whole.wasm", folder / "small.wasm", folder / "differs.sh"
    source.write_bytes(binary)
    own = f"exec {sys.executable} -m tests.differential.smith --check \"$1\" --from {seed} --modes '{','.join(modes)}'"
    script.write_text(f"#!/bin/sh\n{own} >/dev/null 2>&1\n")
    script.chmod(0o700)
    command = [str(assembler()), "shrink", str(script), str(source), "-o", str(target), "-a", str(attempts)]
    subprocess.run(command, check=False, capture_output=True)
    return target.read_bytes() if target.exists() else binary


def report(seed: int, modes: list[str], keep: Path, attempts: int) -> None:
    """Print how a seed's module differs in each mode alone, and keep the module and the reduced one."""
    binary = smith(seed)
    if binary is None:
        return
    keep.mkdir(parents=True, exist_ok=True)
    (keep / f"{seed}.wasm").write_bytes(binary)
    differences = examine_apart(binary, seed, modes)
    for difference in differences:
        print(f"seed {seed}: {difference}", flush=True)
    if not differences:
        print(f"seed {seed}: not seen again with one mode a process", flush=True)
    elif attempts:
        folder = keep / f"{seed}"
        folder.mkdir(exist_ok=True)
        small = reduced(binary, seed, [modes[0], differences[0].mode], folder, attempts)
        print(f"seed {seed}: reduced from {len(binary)} to {len(small)} bytes: {folder / 'small.wasm'}", flush=True)


def main(argv: list[str] | None = None) -> int:
    """1 when a module differs; with --check 0 when that file does, for wasm-tools shrink."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential.smith", description=__doc__)
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="SEED", help="the first seed")
    parser.add_argument("--count", type=int, default=1000, help="how many seeds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--modes", default=",".join(MODES), help=f"the first one is right; of: {', '.join([*SETTINGS, PEER])}")
    parser.add_argument("--keep", type=Path, default=Path("smith-failures"), help="folder for modules that differ")
    parser.add_argument("--attempts", type=int, default=300, help="of reducing a module that differs; 0: none")
    parser.add_argument("--check", type=Path, metavar="FILE", help="only this module; exit code 0 when it differs")
    given = parser.parse_args(argv)
    modes = [mode for mode in given.modes.split(",") if mode == PEER or available(mode)]
    if given.check:
        found = examine_apart(given.check.read_bytes(), given.first, modes)
        print(*found, sep="\n")
        return 0 if found else 1
    start, ran, failed = time.monotonic(), 0, []
    for seed, differences in many(range(given.first, given.first + given.count), modes, given.jobs):
        ran += differences is not None
        if differences:
            failed.append(seed)
            print(f"seed {seed}: {'; '.join(map(str, differences))}", flush=True)
    seconds = time.monotonic() - start
    for seed in failed[:10]:
        report(seed, modes, given.keep, given.attempts)
    print(f"modes: {', '.join(modes)}; {ran} modules in {seconds:.0f} s, {ran / seconds:.1f} a second; differ: {failed or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
