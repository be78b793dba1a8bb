"""`wasmjit stubs`: what is written is a stub for any module, and checkers find with it what is wrong."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import wasmjit as package
from tests.cli.conftest import Build, Wasmjit
from tests.paths import CORPUS, EXAMPLES, ROOT
from wasmjit.cli._stubs import is_attribute, is_name, quoted, stub

STATISTICS = EXAMPLES / "statistics.wasm"
# names that are keywords, that hide what the stub is written with, that clash with its own or are not for Python at all
NASTY = r"""(module
  (import "env" "int" (func (param i32) (result f64)))
  (import "env" "float" (func (param $x i32) (param f32)))
  (import "env" "property" (func (result i32 i64)))
  (import "env" "tuple" (global i32))
  (import "env" "object" (global (mut i64)))
  (import "env" "wasmjit" (memory 1 2))
  (import "env" "builtins" (table 1 funcref))
  (import "env" "class" (func))
  (import "env" "__init__" (func))
  (import "env" "a\n\"b\\" (func))
  (import "env" "twice" (func))
  (import "env" "twice" (func (param i32)))
  (import "env" "ref" (func (param funcref externref) (result funcref)))
  (import "Exports" "f" (func))
  (import "Imports" "f" (func))
  (import "" "f" (func))
  (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
  (import "wasi_snapshot_preview1" "own" (func))
  (func (export "get") (param $self i32) (param $timeout i32) (param $class i32) (param $arg1 i64) (param i32) (result i32) unreachable)
  (func (export "keys"))
  (func (export "a-b") (param $p i32) (result i32) (local.get 0))
  (func (export "lambda"))
  (func (export "__len__") (result i32) (i32.const 1))
  (func (export "__heap") (result f32 externref funcref) unreachable)
  (func (export "str") (param f64))
  (func (export "_func_add") (param $int i32) (param $None i32))
  (func (export "add") (param externref funcref) (result externref) unreachable)
  (func (export "\"\"\"\\\n\u{1b}\u{2028}"))
  (func (export "\u{fb01}"))
  (func (export "größe") (param $"länge" i32))
  (global (export "g") (mut f64) (f64.const 0))
  (table (export "t") 1 externref)
  (export "Memory" (memory 0))
  (func (export "Any")) (func (export "Iterator")) (func (export "_NastyItems")) (func (export "__debug__")) (func (export "")))"""
USER = """
from typing import cast
import wasmjit
from statistics_kit import Statistics, StatisticsImports

class Env:
    def sample(self, index: int) -> float:
        return index * 0.5

imports: StatisticsImports = {"env": Env()}
kit = cast(Statistics, wasmjit.load("statistics.wasm", imports))
with kit:
    array: int = kit.exports.fill(8)
    total: float = kit.exports.sum(array, 8, timeout=1.5)
    tier: str = kit.exports.sum.tier
    pages: int = kit.exports.memory.pages
    names: list[str] = kit.exports.keys() + list(kit.exports)
"""
WRONG = """
kit.exports.summ(array, 8)  # attr-defined
kit.exports.sum(array)  # call-arg
kit.exports.sum(array, n=8)  # call-arg
kit.exports.sum("array", 8)  # arg-type
text: str = kit.exports.fill(8)  # assignment

class Other:
    def sample(self, index: int) -> str:
        return ""

other: StatisticsImports = {"env": Other()}  # typeddict-item
none: StatisticsImports = {}  # typeddict-item
"""


Check = Callable[..., list[str]]


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """What mypy says of files in a folder: `check(folder, "a.pyi")`."""
    pytest.importorskip("mypy", reason="needs mypy")
    cache = tmp_path_factory.mktemp("mypy")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MYPY_CACHE_DIR": str(cache)}
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", "--hide-error-context"]

    def run(folder: Path, *files: str) -> list[str]:
        done = subprocess.run([*command, *files], cwd=folder, env=environment, capture_output=True, text=True)
        return (done.stdout + done.stderr).splitlines()

    return run


def test_a_checker_finds_what_is_wrong(wasmjit: Wasmjit, check: Check, tmp_path: Path) -> None:
    assert wasmjit("stubs", STATISTICS, "-o", tmp_path / "statistics_kit.pyi") == (0, "", "")
    (tmp_path / "user.py").write_text(USER + WRONG)
    lines = [line.split(":", 2) for line in check(tmp_path, "user.py", "statistics_kit.pyi") if ": error:" in line]
    expected = [(number, line.partition("  # ")[2]) for number, line in enumerate((USER + WRONG).splitlines(), 1) if "  # " in line]
    found = [(int(number), text.rpartition("[")[2].rstrip("]")) for name, number, text in lines if name == "user.py"]
    assert found == expected and len(lines) == len(found)


def test_any_names_make_a_stub(wasmjit: Wasmjit, build: Build, check: Check, tmp_path: Path) -> None:
    path = Path(build(NASTY)).rename(tmp_path / "nasty.wat")
    assert wasmjit("stubs", path, "-o", tmp_path / "nasty.pyi") == (0, "", "")
    text = (tmp_path / "nasty.pyi").read_text()
    assert wasmjit("stubs", path) == (0, text, "")
    compile(text, "nasty.pyi", "exec")
    for line in (
        '    def __getitem__(self, name: Literal["a-b"]) -> _func_a_b: ...',
        r'    # not as an attribute: "a\n\"b\\", () -> ()',
        "    def tuple(self) -> wasmjit_.Global | builtins_.int:",
        "    def ref(self, arg0: wasmjit_.Func | None, arg1: builtins_.object, /) -> wasmjit_.Func | wasmjit_.HostFunc | None:",
        "    add: _func_add_  # (externref, funcref) -> (externref)",
    ):
        assert line in text.splitlines()
    assert "arg0: builtins_.int, arg1_: builtins_.int, arg2: builtins_.int, arg1: builtins_.int, arg4: builtins_.int, /, *" in text
    assert "def own(self)" in text and "proc_exit" not in text  # of WASI's namespace only what WASI does not have
    assert check(tmp_path, "nasty.pyi") == []


@pytest.mark.parametrize("text", ["plain", "'", '"', "\"'", "\\", '\\"', "\n\r\0", "\ud7ff\u2028\x9b", '"""', "ä"])
def test_strings_are_what_they_say(text: str) -> None:
    assert eval(quoted(text)) == text
    assert "\n" not in quoted(text)


def test_which_names_are_attributes() -> None:
    assert [name for name in ("a", "_a", "__a", "ß", "match", "type") if not (is_name(name) and is_attribute(name))] == []
    assert [name for name in ("", "1", "a-b", "a.b", "class", "None", "__debug__", "\ufb01", "a\n") if is_name(name)] == []
    assert is_name("__len__") and not is_attribute("__len__")


def test_the_file_says_that_it_is_no_program(wasmjit: Wasmjit, tmp_path: Path) -> None:
    code, out, err = wasmjit("stubs", STATISTICS, "-o", tmp_path / "kit.py")
    assert (code, out) == (2, "") and err.startswith("wasmjit: error: option -o: ") and "does not end in .pyi" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not CORPUS.is_dir(), reason="needs WASMJIT_CORPUS")
def test_modules_of_other_toolchains(check: Check, tmp_path: Path) -> None:
    for path in sorted((CORPUS / "modules").glob("*.wasm")):
        try:
            module = package.Module.from_file(path)
        except package.CompileError:
            continue
        text = stub(module, path.name)
        compile(text, path.name, "exec")
        (tmp_path / f"{path.stem.replace('-', '_')}.pyi").write_text(text)
    files = [path.name for path in tmp_path.iterdir()]
    assert len(files) > 5
    assert check(tmp_path, *files) == []
