"""Runs that repeat exactly: time, random numbers, the bits of NaN, the order of directories."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import wasmjit
from tests import modes
from tests.api.programs import program
from tests.paths import ROOT
from wasmjit import Config, Process, VirtualClock

ROUNDS = 400
# In each of many rounds, so that it changes tiers: a reading of the real-time clock, a sleep, random bytes, and the bits of what
# arithmetic makes of numbers and of NaNs with payloads. 64 bytes a round.
REPORTS = program(
    f"""
    (f64.store (i32.const 600) (f64.const nan:0x4000000000123)) (f64.store (i32.const 608) (f64.const -nan:0x8000000000456))
    (f32.store (i32.const 616) (f32.const nan:0x200123)) (local.set $n (i32.const {ROUNDS}))
    (loop $l
      (call $check (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 1024)))
      (call $sleep (i64.const 1000000000))
      (call $check (call $random_get (i32.const 1032) (i32.const 8)))
      (f64.store (i32.const 1040) (f64.div (f64.load (i32.const 624)) (f64.load (i32.const 624))))
      (f64.store (i32.const 1048) (f64.add (f64.load (i32.const 600)) (f64.load (i32.const 624))))
      (f64.store (i32.const 1056) (f64.sqrt (f64.sub (f64.load (i32.const 624)) (f64.const 1))))
      (f64.store (i32.const 1064) (f64.promote_f32 (f32.load (i32.const 616))))
      (f64.store (i32.const 1072) (f64.min (f64.load (i32.const 624)) (f64.load (i32.const 608))))
      (f32.store (i32.const 1080) (f32.mul (f32.const 3) (f32.demote_f64 (f64.load (i32.const 608)))))
      (call $put (i32.const 1) (i32.const 1024) (i32.const 64))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"""
)


def report(module: wasmjit.Module, clock: VirtualClock | None = None, random: int | None = 0) -> bytes:
    """What it writes. clock: None for a new one."""
    done = wasmjit.run(module, capture_output=True, check=True, clock=clock or VirtualClock(), random=random)
    assert isinstance(done.stdout, bytes) and len(done.stdout) == 64 * ROUNDS
    return done.stdout


@pytest.mark.parametrize("mode", modes.parameters(modes.SETTINGS, quick=("interp guard", "opt", "auto", "reference")))
def test_two_runs_write_the_same(mode: str) -> None:
    config = modes.config(mode, deterministic=True, compile="sync")
    first, second = (report(wasmjit.Module(REPORTS, config=config)) for _ in range(2))
    assert first == second
    rounds = [first[at : at + 64] for at in range(0, len(first), 64)]
    assert [int.from_bytes(each[:8], "little") // 10**9 for each in rounds] == list(range(ROUNDS))  # virtual seconds
    assert len({each[8:16] for each in rounds}) == ROUNDS


def test_without_they_differ() -> None:
    module = wasmjit.Module(REPORTS)
    assert len({report(module, VirtualClock(start), seed) for start, seed in ((0, 0), (0, 1), (1, 0), (0, 0))}) == 3
    assert report(module, random=None) != report(module, random=None)


def test_a_process_takes_them_too() -> None:
    module = wasmjit.Module(REPORTS, config=Config(deterministic=True))
    with Process(module, stdout=subprocess.PIPE, clock=VirtualClock(), random=0) as process:
        assert process.communicate()[0] == report(module)


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "reports.wat"
    path.write_text(REPORTS)

    def outputs(*options: str) -> set[bytes]:
        command = [sys.executable, "-m", "wasmjit", "run", *options, str(path)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return {subprocess.run(command, capture_output=True, check=True, env=environment).stdout for _ in range(2)}

    (output,) = outputs("--deterministic")
    assert output == report(wasmjit.Module(REPORTS, config=Config(deterministic=True)))
    assert outputs("--deterministic", "--tier", "interp").pop()[:16] == output[:16]
