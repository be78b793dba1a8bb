"""`wasmjit invoke`, `info` and `cache`."""

from pathlib import Path

import pytest

from tests.cli.conftest import Build, Wasmjit
from tests.paths import EXAMPLES

HELLO = EXAMPLES / "hello.wasm"
TYPES = """(module
  (func (export "swap") (param i64 f32) (result f32 i64) (local.get 1) (local.get 0))
  (func (export "same") (param externref) (result externref) (local.get 0))
  (func (export "half") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2)))
  (func (export "nothing"))
  (func (export "minus") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1))))"""


@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        (["swap", "-9000000000", "0.1"], "0.1\n-9000000000\n"),
        (["swap", "0xffffffffffffffff", "-inf"], "-inf\n-1\n"),
        (["same", "null"], "null\n"),
        (["half", "0x1p-1"], "0.25\n"),
        (["half", "nan"], "nan\n"),
        (["nothing"], ""),
        (["minus", "-5", "-3"], "-2\n"),
        (["minus", "0xffffffff", "0"], "-1\n"),
    ],
)
def test_invoke(arguments: list[str], out: str, wasmjit: Wasmjit, build: Build) -> None:
    path = build(TYPES)
    assert wasmjit("invoke", path, *arguments) == (0, out, "")
    assert wasmjit("run", "--invoke", arguments[0], path, *arguments[1:]) == (0, out, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a module and the name"),
        ([HELLO], "a module and the name"),
        ([HELLO, "sub", "1"], "no exported function 'sub'; there are: _start, add"),
        ([HELLO, "memory"], "no exported function 'memory'"),
        ([HELLO, "add", "1"], "add takes 2 arguments"),
        ([HELLO, "add", "1", "x"], "add: 'x' is not an i32"),
        ([HELLO, "add", "1", "2.5"], "add: '2.5' is not an i32"),
        ([HELLO, "add", "1", "4294967296"], "add: "),
    ],
)
def test_invoke_refuses(arguments: list[str | Path], message: str, wasmjit: Wasmjit) -> None:
    code, out, err = wasmjit("invoke", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"wasmjit: error: {message}")


def test_info(wasmjit: Wasmjit) -> None:
    code, out, err = wasmjit("info", HELLO)
    assert (code, err) == (0, "")
    assert out.startswith(f"{HELLO}: 188 bytes\n")
    for line in ("wasi_snapshot_preview1.fd_write: (i32, i32, i32, i32) -> (i32)", "add: (i32, i32) -> (i32)", "memory: memory 1"):
        assert line in out
    for section in ("type", "import", "code", "data", 'custom "name"'):
        assert f"\n  {section}" in out


def test_info_names_the_features(wasmjit: Wasmjit, build: Build) -> None:
    path = build("""(module (memory 1) (func (result i32 i32) unreachable)
      (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1))))""")
    _, out, _ = wasmjit("info", path)
    assert "bulk-memory" in out and "multi-value" in out
    assert "reference-types" not in out


def test_info_of_a_module_that_needs_more(wasmjit: Wasmjit, build: Build) -> None:
    code, out, err = wasmjit("info", build("(module (func (result v128) (v128.const i64x2 0 0)))"))
    assert code == 1
    assert "\n  code" in out  # the sections are shown all the same
    assert "simd" in err.lower()


def test_cache(wasmjit: Wasmjit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache"
    monkeypatch.setenv("WASMJIT_CACHE_DIR", str(folder))
    assert wasmjit("cache", "path") == (0, f"{folder}\n", "")
    assert wasmjit("cache", "list") == (0, "", "")
    assert wasmjit("cache", "size").out.startswith("0 ")
    assert wasmjit("cache", "clear").code == 0


@pytest.mark.parametrize("arguments", [[], ["empty"], ["path", "list"]])
def test_cache_refuses(arguments: list[str], wasmjit: Wasmjit) -> None:
    assert wasmjit("cache", *arguments).code == 2
