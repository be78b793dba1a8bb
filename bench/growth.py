"""Resident memory over many traps, calls, instances, objects, deopts and compiles: what stays of them.

    python -m wasmjit.bench growth [--scale X] [CASE...]

Each case runs in a process of its own and prints by how many MB it grew between a tenth of its runs and all of them, garbage
collected before either is read, and what each of the runs in between left in bytes. --scale 0.1 runs a tenth as often.
"""

import gc
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from time import sleep
from typing import Any, NamedTuple

import wasmjit

MEGABYTE = 1_000_000
AIM = "less than 1 MB each, but for what LLVM keeps where it compiles in this process"

TEXT = """(module
  (import "host" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1) (table (export "table") 10 funcref) (global (export "global") (mut i32) (i32.const 1))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "wide") (param i64 f64) (result i64 f64) (local.get 0) (local.get 1))
  (func (export "host") (param i32) (result i32) (call $f (local.get 0)))
  (func $same (export "same") (param externref) (result externref) (local.get 0))
  (func (export "unreachable") unreachable)
  (func (export "outside") (result i32) (i32.load (i32.const -1)))
  (func $deep (export "deep") (call $deep))
  (elem (i32.const 0) $same) (data (i32.const 8) "text"))"""

Work = Callable[[int], None]


def instance(host: Callable[[int], int] = abs) -> Any:
    """A new instance of the module above."""
    return wasmjit.Instance(wasmjit.Module(TEXT), {"host": {"f": host}})


def traps() -> Work:
    """Traps: unreachable, out of bounds, stack overflow."""
    exports = instance().exports
    kinds = [exports.unreachable] * 49 + [exports.outside] * 50 + [exports.deep]

    def work(count: int) -> None:
        for i in range(count):
            try:
                kinds[i % len(kinds)]()
            except wasmjit.Trap:
                pass

    return work


def calls() -> Work:
    """Calls of exports, one in ten with big integers and two results, one in ten back to Python."""
    exports = instance().exports
    add, wide, host = exports.add, exports.wide, exports.host

    def work(count: int) -> None:
        for i in range(count // 10):
            add(i, 1), add(i, 2), add(i, 3), add(i, 4), add(i, 5), add(i, 6), add(i, 7), add(i, 8)
            wide(i << 40, 1.5)
            host(-i)

    return work


def instances() -> Work:
    """Instances made, called and dropped."""
    module = wasmjit.Module(TEXT)

    def work(count: int) -> None:
        for i in range(count):
            exports = wasmjit.Instance(module, {"host": {"f": abs}}).exports
            exports.memory[0] = exports.host(i % 100)
            exports.table[0] = exports.add

    return work


def funcs() -> Work:
    """Function objects made and dropped."""
    exports = instance().exports
    functions, table = instance().functions, exports.table

    def work(count: int) -> None:
        for _ in range(count // 2):
            functions["add"], table[0]

    return work


def externrefs() -> Work:
    """Distinct objects through wasm and back."""
    same = instance().exports.same

    def work(count: int) -> None:
        for i in range(count):
            same([i])

    return work


def loads() -> Work:
    """Modules that do not load: truncated, invalid, and with an import that is missing."""
    binary = wasmjit.Module(TEXT).binary()
    half = len(binary) // 2  # not so short that the import is cut off
    invalid = binary.replace(b"\x20\x00\x20\x01\x6a\x0b", b"\x20\x00\x20\x09\x6a\x0b")

    def work(count: int) -> None:
        for i in range(count):
            try:
                wasmjit.load((binary, binary[: half + i % half], invalid)[i % 3])
            except (wasmjit.CompileError, wasmjit.LinkError):
                continue
            raise RuntimeError("it loads")

    return work


def exceptions() -> Work:
    """Exceptions of host functions through wasm."""

    def fail(value: int) -> int:
        raise ValueError(value)

    host = instance(fail).exports.host

    def work(count: int) -> None:
        for i in range(count):
            try:
                host(i)
            except ValueError:
                pass

    return work


BRANCHING = """(module (func (export "f") (param i32) (result i32)
  (if (result i32) (i32.lt_u (local.get 0) (i32.const 1000))
    (then (i32.add (local.get 0) (i32.const 1))) (else (i32.mul (local.get 0) (i32.const 3))))))"""
COMMON, RARE = 1, 1000  # arguments for the branch that is profiled, and for the other one
MANY = (1 << 31) - 1
PATIENCE = 100_000  # times so many calls until a function must be compiled
CALLS = 100
WAIT = 0.0002  # seconds between them, for whoever compiles


def optimized(exits: int, compile: str = "sync") -> Any:
    """A function that was compiled when only its common branch had been seen; after so many exits that is given up."""
    quick = wasmjit.Config(compile=compile, cache=False, thresholds={"warm": 1, "window": 1, "exits": exits})
    function = wasmjit.Instance(wasmjit.Module(BRANCHING, config=quick)).exports.f
    heat(function)
    return function


def heat(function: Any) -> None:
    """Call it until it is compiled."""
    for _ in range(PATIENCE):
        for _ in range(CALLS):
            function(COMMON)
        if function.tier == "opt":
            return
        sleep(WAIT)
    raise RuntimeError("it is never compiled")


def deopts() -> Work:
    """Calls of optimized code that leave it for the interpreter."""
    function = optimized(MANY)

    def work(count: int) -> None:
        for _ in range(count):
            function(RARE)

    return work


def fill_ring() -> None:
    """Trace as many events as the buffer holds that those of native code go through: it is of a fixed size, and stays."""
    from wasmjit.runtime.tracering import RECORDS

    function = optimized(MANY)
    with wasmjit.trace(lambda event: None):
        for _ in range(RECORDS):
            function(RARE)


def recompiles() -> Work:
    """Functions compiled by workers, as is usual, left by an exit, and compiled again, in modules that are dropped."""
    fill_ring()

    def work(count: int) -> None:
        installed = 0

        def see(event: Any) -> None:
            nonlocal installed
            installed += event.kind == "install"

        with wasmjit.trace(see):
            for done in range(count):
                function = optimized(1, "processes")
                function(RARE)
                while installed < 2 * (done + 1):
                    function(COMMON)
                    sleep(WAIT)

    return work


def recompiles_here() -> Work:
    """The same in this process. LLVM's pass builder, of which each compile needs one, leaves 1.3 KB: llvmlite cannot free all of it."""

    def work(count: int) -> None:
        for _ in range(count):
            function = optimized(1)
            function(RARE)
            heat(function)

    return work


def crossings() -> Work:
    """Calls from optimized to interpreted code and back, in loops of 1000."""
    from wasmjit._image import native
    from wasmjit.runtime.codes import PHASE_REFUSED

    text = """(module (func $inner (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
      (func $middle (param i32) (result i32) (call $inner (local.get 0)))
      (func (export "loop") (param $n i32) (result i32) (local $sum i32)
        (loop (local.set $sum (call $middle (local.get $sum))) (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum)))"""
    module = wasmjit.Module(text, config=wasmjit.Config(tier="opt", cache=False))
    loop = wasmjit.Instance(module).exports.loop
    loop(1)
    native().unit_retire(module.address, 1, PHASE_REFUSED)  # the one in the middle is interpreted from now on

    def work(count: int) -> None:
        for _ in range(count // 1000):
            loop(1000)

    return work


class Case(NamedTuple):
    """What is done, and how often in all."""

    prepare: Callable[[], Work]
    times: int


CASES = {
    "traps": Case(traps, 100_000),
    "calls": Case(calls, 10_000_000),
    "instances": Case(instances, 10_000),
    "funcs": Case(funcs, 1_000_000),
    "externrefs": Case(externrefs, 1_000_000),
    "loads": Case(loads, 100_000),
    "exceptions": Case(exceptions, 100_000),
    "deopts": Case(deopts, 1_000_000),
    "recompiles": Case(recompiles, 300),
    "recompiles, sync": Case(recompiles_here, 300),
    "crossings": Case(crossings, 10_000_000),
}


def resident() -> int:
    """Bytes of this process in memory, exactly: the quicker /proc/self/statm may be some pages per thread behind."""
    gc.collect()
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Rss:"))


def growth(prepare: Callable[[], Work], count: int) -> int:
    """Bytes by which this process grows between a tenth of the runs and all of them."""
    work = prepare()
    work(count // 10)
    before = resident()
    work(count - count // 10)
    return resident() - before


def main(argv: list[str]) -> int:
    """Print how much each case grows. Exit code 1: one of them failed."""
    parser = ArgumentParser(prog="python -m wasmjit.bench growth", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"only these: {', '.join(CASES)}")
    parser.add_argument("--scale", type=float, default=1.0, metavar="X", help="run X times as often as the table says")
    parser.add_argument("--here", action="store_true", help="one case in this process: print bytes")
    options = parser.parse_args(argv)
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"no case {', '.join(sorted(unknown))}; there are: {', '.join(CASES)}")
    chosen = {name: CASES[name] for name in options.cases or CASES}
    if options.here:
        for case in chosen.values():
            print(growth(case.prepare, int(case.times * options.scale)))
        return 0
    failed = False
    print(f"{'growth of resident memory':<34} {'times':>12} {'MB':>8} {'bytes each':>12}")
    for name, case in chosen.items():
        command = [sys.executable, "-m", "wasmjit.bench", "growth", "--here", "--scale", str(options.scale), name]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        count = int(case.times * options.scale)
        if done.returncode:
            failed = True
            print(f"  {name:<32} {count:>12} failed, exit code {done.returncode}")
            continue
        grown = int(done.stdout)
        print(f"  {name:<32} {count:>12} {grown / MEGABYTE:8.2f} {grown / max(1, count - count // 10):12.2f}", flush=True)
    print(f"  ({AIM})")
    return int(failed)
