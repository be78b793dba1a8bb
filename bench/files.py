"""Files through WASI: many small writes, many opens, a large directory, against wasmtime-py.

    python -m wasmjit.bench files [--rounds N]

Microseconds a call of wall time, medians of interleaved rounds in one process. The guest counts what fails; what it wrote, and the
number of names it saw, are checked, and once which names they are. Exit code 1: a result was wrong.
"""

import tempfile
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import wasmjit
from wasmjit.bench._contestants import Failed, exit_code, missing
from wasmjit.bench._measure import interleaved, ratio

AIM = 2  # times what wasmtime-py takes
LINE = b"a line of text\n"
ENTRIES = 10_000

TEXT = r"""(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 64) "a line of text\n") (data (i32.const 96) "out") (data (i32.const 104) "many")
  (func $path (param $at i32) (param $length i32) (param $oflags i32) (param $rights i64) (result i32)  ;; a descriptor
    (if (call $open (i32.const 3) (i32.const 0) (local.get $at) (local.get $length) (local.get $oflags) (local.get $rights) (i64.const 0)
                    (i32.const 0) (i32.const 16))
      (then unreachable))
    (i32.load (i32.const 16)))
  (func (export "writes") (param $n i32) (result i32) (local $fd i32) (local $done i32)
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 15))
    (local.set $fd (call $path (i32.const 96) (i32.const 3) (i32.const 9) (i64.const 64)))
    (loop $next
      (if (i32.eqz (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 16)))
        (then (local.set $done (i32.add (local.get $done) (i32.eq (i32.load (i32.const 16)) (i32.const 15))))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (drop (call $close (local.get $fd)))
    (local.get $done))
  (func (export "opens") (param $n i32) (result i32) (local $done i32)
    (loop $next
      (if (i32.eqz (call $close (call $path (i32.const 96) (i32.const 3) (i32.const 0) (i64.const 2))))
        (then (local.set $done (i32.add (local.get $done) (i32.const 1)))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $done))
  (func (export "entries") (param $hashed i32) (result i32)  ;; how many, or the sum of the hashes of their names
    (local $fd i32) (local $cookie i64) (local $used i32) (local $at i32) (local $after i32) (local $byte i32) (local $hash i32)
    (local $done i32)
    (local.set $fd (call $path (i32.const 104) (i32.const 4) (i32.const 2) (i64.const 16384)))
    (loop $piece
      (if (call $readdir (local.get $fd) (i32.const 65536) (i32.const 32768) (local.get $cookie) (i32.const 16)) (then unreachable))
      (local.set $used (i32.load (i32.const 16)))
      (local.set $at (i32.const 0))
      (block $cut
        (loop $entry
          (br_if $cut (i32.gt_u (i32.add (local.get $at) (i32.const 24)) (local.get $used)))
          (local.set $after (i32.add (i32.add (local.get $at) (i32.const 24)) (i32.load (i32.add (local.get $at) (i32.const 65552)))))
          (br_if $cut (i32.gt_u (local.get $after) (local.get $used)))
          (local.set $cookie (i64.load (i32.add (local.get $at) (i32.const 65536))))
          (local.set $hash (i32.const 1))
          (if (local.get $hashed)
            (then
              (local.set $byte (i32.add (local.get $at) (i32.const 24)))
              (loop $next
                (local.set $hash
                  (i32.add (i32.mul (local.get $hash) (i32.const 31)) (i32.load8_u (i32.add (local.get $byte) (i32.const 65536)))))
                (br_if $next (i32.lt_u (local.tee $byte (i32.add (local.get $byte) (i32.const 1))) (local.get $after))))))
          (local.set $done (i32.add (local.get $done) (local.get $hash)))
          (local.set $at (local.get $after))
          (br $entry)))
      (br_if $piece (i32.eq (local.get $used) (i32.const 32768))))
    (drop (call $close (local.get $fd)))
    (local.get $done)))"""


class Case(NamedTuple):
    """Argument of the export of its name; what that returns; calls of WASI that it stands for."""

    argument: int
    result: int
    calls: int


CASES = {
    "writes": Case(100_000, 100_000, 100_000),
    "opens": Case(10_000, 10_000, 20_000),
    "entries": Case(0, ENTRIES + 2, ENTRIES),  # `.` and `..` too; per entry
}

Exports = Callable[[str, int], int]


def ours(folder: Path) -> Exports:
    """The guest in wasmjit, with the folder as its only directory."""
    exports = wasmjit.load(TEXT.encode(), wasi=wasmjit.Wasi(dirs={"/": folder})).exports
    return lambda name, argument: int(exports[name](argument))


def theirs(folder: Path) -> Exports:
    """The same in wasmtime-py."""
    import wasmtime

    engine = wasmtime.Engine()
    linker, store, settings = wasmtime.Linker(engine), wasmtime.Store(engine), wasmtime.WasiConfig()
    settings.preopen_dir(str(folder), "/")
    store.set_wasi(settings)
    linker.define_wasi()
    exports: Any = linker.instantiate(store, wasmtime.Module(engine, TEXT)).exports(store)
    return lambda name, argument: int(exports[name](store, argument))


def timed(exports: Exports, folder: Path, name: str) -> float:
    """Microseconds a call. Raises Failed."""
    case = CASES[name]
    start = perf_counter()
    result = exports(name, case.argument)
    seconds = perf_counter() - start
    if result != case.result:
        raise Failed(f"{name}: {result} instead of {case.result}")
    if name == "writes" and (folder / "out").read_bytes() != LINE * case.argument:
        raise Failed("writes: the file does not hold what was written")
    return seconds / case.calls * 1e6


def name_hash(name: bytes) -> int:
    """As the guest has it."""
    value = 1
    for byte in name:
        value = value * 31 + byte
    return value


def check_names(exports: Exports, names: list[str]) -> None:
    """Raises Failed when the guest sees others in the directory."""
    expected = sum([name_hash(name.encode()) for name in (".", "..", *names)])
    if (exports("entries", 1) - expected) % (1 << 32):
        raise Failed("entries: other names than those of the directory")


def table(folder: Path, rounds: int) -> None:
    """Measure and print. Raises Failed, and Unavailable."""
    (folder / "many").mkdir()
    names = [f"entry {number}" for number in range(ENTRIES)]
    for name in names:
        (folder / "many" / name).touch()
    contestants = {"wasmjit": ours(folder)}
    if not missing("wasmtime"):
        contestants["wasmtime-py"] = theirs(folder)
    print(f"{'microseconds a call':<20}" + "".join(f" {name:>12}" for name in contestants) + f" {'ratio':>8}")
    for exports in contestants.values():
        check_names(exports, names)
    for name in CASES:
        times = interleaved([partial(timed, exports, folder, name) for exports in contestants.values()], rounds)
        compared = f" {ratio(times[0], times[1]):8.2f}" if len(times) > 1 else ""
        print(f"  {name:<18}" + "".join(f" {median(row):12.2f}" for row in times) + compared, flush=True)
    print(f"  (at most {AIM} times wasmtime-py)")


def main(argv: list[str]) -> int:
    """Print a row for each case."""
    parser = ArgumentParser(prog="python -m wasmjit.bench files", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="rounds (default: %(default)s)")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        return exit_code(lambda: table(Path(folder), options.rounds))
