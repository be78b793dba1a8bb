"""`wasmjit.bench.compare` and the command `bench`."""

import subprocess
import sys
from pathlib import Path

import pytest

import wasmjit
from tests.paths import EXAMPLES, ROOT
from wasmjit.bench import ResultsDiffer, _compare
from wasmjit.cli import main

HELLO = str(EXAMPLES / "hello.wasm")
COUNTER = """(module (memory (export "memory") 1)
  (func (export "next") (param i32) (result i32)
    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (local.get 0))) (i32.load (i32.const 8)))
  (func (export "nan") (result f64) (f64.const nan)))"""


def test_it_is_reached_through_the_package() -> None:
    program = "import wasmjit; print(wasmjit.bench.compare.__name__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("compare\n", "")


def test_tiers_are_compared() -> None:
    found = wasmjit.bench.compare(wasmjit.Module(COUNTER), "next", 5, rounds=3)
    assert (found.function, found.arguments, found.result) == ("next", (5,), 5)
    assert [way.name for way in found.ways] == ["baseline", "tiered", "optimized"]
    assert len(found.baseline.times) == 3 and found.baseline.first > 0
    assert found.ratio("baseline", "baseline") == 1.0
    assert str(found).startswith("next(5) = 5\n") and "baseline" in str(found)


def test_nan_is_like_nan() -> None:
    assert str(wasmjit.bench.compare(wasmjit.Module(COUNTER), "nan", rounds=1).result) == "nan"


def test_differences_are_errors() -> None:
    same = "ab", "ab"
    _compare.check("f", ["x", "y"], [[1, 2], [1, 2]], same)
    with pytest.raises(ResultsDiffer, match="call 2 of f: x 2, y 3"):
        _compare.check("f", ["x", "y"], [[1, 2], [1, 3]], same)
    with pytest.raises(ResultsDiffer, match="memories of x and y"):
        _compare.check("f", ["x", "y"], [[1], [1]], ("ab", "cd"))


def test_what_cannot_be_called_is_an_error() -> None:
    with pytest.raises(TypeError, match="memory is no function"):
        wasmjit.bench.compare(wasmjit.Module(COUNTER), "memory")
    with pytest.raises(ValueError, match="rounds"):
        wasmjit.bench.compare(wasmjit.Module(COUNTER), "next", 1, rounds=0)


def test_the_command_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", HELLO, "--invoke", "add", "-2", "3", "--rounds", "2"]) == 0
    assert "add(-2, 3) = 1" in capsys.readouterr().out
    for wrong in (["--invoke", "add", "1"], ["--invoke", "sub", "1"], ["--invoke", "add", "1", "x"], []):
        assert main(["bench", HELLO, *wrong]) == 2
