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


def test_info_says_who_provides_an_import(wasmjit: Wasmjit, build: Build) -> None:
    _, out, _ = wasmjit(
        "info",
        build("""(module
      (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))) (import "wasi_unstable" "proc_exit" (func (param i64)))
      (import "wasi_snapshot_preview1" "absent" (func)) (import "env" "memory" (memory 1 2)))"""),
    )
    assert [line.strip() for line in out.splitlines() if line.endswith("]")] == [
        "wasi_snapshot_preview1.proc_exit: (i32) -> ()  [WASI]",
        "wasi_unstable.proc_exit: (i64) -> ()  [not provided]",
        "wasi_snapshot_preview1.absent: () -> ()  [not provided]",
        "env.memory: memory 1 2  [not provided]",
    ]


def test_info_says_what_a_module_is(wasmjit: Wasmjit, build: Build) -> None:
    path = build('(module $m (memory 2 10) (func $go) (start $go) (func (export "_initialize") (local $l i32)))')
    _, out, _ = wasmjit("info", path)
    for lines in (
        "kind:\n  reactor: ",
        "start function:\n  go, function 0\n",
        "memories:\n  128K, at most 640K\n",
        "names:\n  module: m\n  functions: 1\n  functions with names of locals: 1\n",
    ):
        assert lines in out
    assert "kind:\n  command: " in wasmjit("info", HELLO).out
    assert "kind:\n  library: " in wasmjit("info", EXAMPLES / "statistics.wasm").out


PRODUCERS = b"\2\x08language\1\3C11\0\x0cprocessed-by\1\5clang\x0622.1.0"


def custom(name: bytes, content: bytes) -> bytes:
    content = bytes((len(name),)) + name + content
    return b"\0" + bytes((len(content),)) + content


def test_info_names_the_toolchain(wasmjit: Wasmjit, tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(b"\0asm\1\0\0\0" + custom(b"producers", PRODUCERS))
    assert "producers:\n  language: C11\n  processed-by: clang 22.1.0\n" in wasmjit("info", path).out
    for end in range(len(PRODUCERS)):  # what makes no sense is no error of the module's
        path.write_bytes(b"\0asm\1\0\0\0" + custom(b"producers", PRODUCERS[:end]) + custom(b"name", b"\0\xff" + PRODUCERS[:end]))
        code, out, err = wasmjit("info", path)
        assert (code, err) == (0, "") and "producers:\n" in out


def test_names_do_not_command_the_terminal(wasmjit: Wasmjit, build: Build) -> None:
    path = build(r'(module (import "env" "\1b[2J\0a" (func)) (func $f (export "\1b]0;x\07\c2\9b") unreachable) (start $f))')
    code, out, err = wasmjit("info", path)
    assert code == 0 and r"env.\x1b[2J\n: () -> ()" in out and r"\x1b]0;x\x07\x9b: () -> ()" in out
    assert out.replace("\n", "").isprintable() and "\033" not in wasmjit(path).err


def test_a_path_that_is_no_text(wasmjit: Wasmjit, tmp_path: Path) -> None:
    path = str(tmp_path) + "/\udcff.wasm"  # how Python has bytes that are not UTF-8
    Path(path).write_bytes(HELLO.read_bytes())
    assert wasmjit("info", path).out.startswith(rf"{tmp_path}/\udcff.wasm: 188 bytes")
    assert wasmjit(path) == (0, "hello, WebAssembly!\n", "")


def test_info_goes_on_behind_a_file_that_is_none(wasmjit: Wasmjit) -> None:
    code, out, err = wasmjit("info", "absent.wasm", HELLO)
    assert (code, err) == (1, "wasmjit: error: absent.wasm: No such file or directory\n")
    assert out.startswith(f"{HELLO}: 188 bytes\n")


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
