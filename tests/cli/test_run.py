"""`wasmjit run`: programs get what is theirs and nothing else, and end as they should."""

from pathlib import Path

import pytest

from tests.cli.conftest import Build, Outcome, Wasmjit
from tests.paths import EXAMPLES

HELLO = EXAMPLES / "hello.wasm"
WORDFREQ = EXAMPLES / "wordfreq.wasm"
PREVIEW1 = "wasi_snapshot_preview1"


def exits(code: int) -> str:
    """A program that ends with this status."""
    return f"""(module (import "{PREVIEW1}" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)
      (func (export "_start") (call $exit (i32.const {code}))))"""


def prints(what: str) -> str:
    """A program that prints its arguments ("args") or environment ("environ"), each string with its NUL."""
    return f"""(module
      (import "{PREVIEW1}" "{what}_sizes_get" (func $sizes (param i32 i32) (result i32)))
      (import "{PREVIEW1}" "{what}_get" (func $get (param i32 i32) (result i32)))
      (import "{PREVIEW1}" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 4)
      (func (export "_start")
        (drop (call $sizes (i32.const 0) (i32.const 12)))
        (drop (call $get (i32.const 64) (i32.const 65536)))
        (i32.store (i32.const 8) (i32.const 65536))
        (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 4)))))"""


TRAPS = """(module (memory (export "memory") 1)
  (func $inner (param i32) (result i32) (i32.div_s (i32.const 7) (local.get 0)))
  (func (export "_start") (drop (call $inner (i32.const 0)))))"""


def strings(outcome: Outcome) -> list[str]:
    assert (outcome.code, outcome.err) == (0, "")
    return outcome.out.split("\0")[:-1]


def test_hello(wasmjit: Wasmjit) -> None:
    assert wasmjit(HELLO) == wasmjit("run", HELLO) == (0, "hello, WebAssembly!\n", "")


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_the_exit_code_is_the_programs(code: int, wasmjit: Wasmjit, build: Build) -> None:
    assert wasmjit(build(exits(code))) == (code, "", "")


def test_a_trap_is_134_with_a_backtrace(wasmjit: Wasmjit, build: Build) -> None:
    code, out, err = wasmjit(build(TRAPS))
    assert (code, out) == (134, "")
    assert err.startswith("wasmjit: error: trap: integer divide by zero\n")
    assert err.index("inner") < err.index("_start")


def test_timeout(wasmjit: Wasmjit, build: Build) -> None:
    endless = build('(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))')
    code, out, err = wasmjit("-W", "timeout=50ms", endless)
    assert (code, out) == (134, "")
    assert err.startswith("wasmjit: error: trap: ")


def test_arguments_are_the_programs(wasmjit: Wasmjit, build: Build) -> None:
    path = build(prints("args"))
    assert strings(wasmjit(path, "--stats", "-W", "", "--", "ä")) == [path, "--stats", "-W", "", "--", "ä"]
    assert strings(wasmjit("--argv0", "tool", path, "x")) == ["tool", "x"]


def test_the_environment_is_empty_but_for_what_is_given(wasmjit: Wasmjit, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", "1")
    monkeypatch.delenv("ABSENT", raising=False)
    path = build(prints("environ"))
    assert strings(wasmjit(path)) == []
    assert strings(wasmjit("--env", "A=b=c", "--env=HERE", "--env", "ABSENT", "--env", "E=", path)) == ["A=b=c", "HERE=1", "E="]
    inherited = strings(wasmjit("-S", "inherit-env", "--env", "HERE=2", path))
    assert "HERE=2" in inherited and "HERE=1" not in inherited and len(inherited) > 1


def test_directories(wasmjit: Wasmjit, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("b a b")
    assert wasmjit("--dir", f"{tmp_path}::/data", WORDFREQ, "/data/in.txt") == (0, "     2 b\n     1 a\n", "")
    code, out, err = wasmjit(WORDFREQ, "/data/in.txt")
    assert (code, out) == (1, "") and err.startswith("/data/in.txt: ")


def test_a_directory_that_is_none(wasmjit: Wasmjit, tmp_path: Path) -> None:
    code, out, err = wasmjit("--dir", tmp_path / "absent", HELLO)
    assert (code, out) == (1, "") and err.startswith("wasmjit: error: ") and "absent" in err


def test_memory_is_bounded(wasmjit: Wasmjit, build: Build) -> None:
    path = build('(module (memory (export "memory") 1) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))')
    assert wasmjit("--invoke", "grow", path, "3") == (0, "1\n", "")
    assert wasmjit("-W", "max-memory-size=192K", "--invoke", "grow", path, "3") == (0, "-1\n", "")


def test_unknown_imports(wasmjit: Wasmjit, build: Build) -> None:
    path = build('(module (import "env" "f" (func $f)) (func (export "_start") nop) (func (export "call") (call $f)))')
    code, _, err = wasmjit(path)
    assert code == 1 and err.startswith("wasmjit: error: ") and "env" in err
    assert wasmjit("-W", "unknown-imports-trap", path) == (0, "", "")
    assert wasmjit("-W", "unknown-imports-trap", "--invoke", "call", path).code == 134


@pytest.mark.parametrize("tier", ["auto", "interp", "reference"])
def test_tiers(tier: str, wasmjit: Wasmjit) -> None:
    assert wasmjit("--tier", tier, HELLO) == (0, "hello, WebAssembly!\n", "")


def test_stats_go_to_stderr(wasmjit: Wasmjit) -> None:
    code, out, err = wasmjit("--stats", HELLO)
    assert (code, out) == (0, "hello, WebAssembly!\n")
    assert err.strip()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "no module to run"),
        (["run"], "no module to run"),
        (["--dir", "."], "no module to run"),
        (["--no-such-option", "m.wasm"], "unknown option '--no-such-option'"),
        (["--tier", "fast", "m.wasm"], "option --tier: 'fast' is none of: auto, interp, opt, reference"),
        (["--dir", "::x", "m.wasm"], "option --dir: '::x' is not HOST or HOST::GUEST"),
        (["--env", "=x", "m.wasm"], "option --env: '=x' is not NAME or NAME=VAL"),
        (["help", "me"], "no command 'me'; there are: run, "),
    ],
)
def test_usage_errors_are_2(argv: list[str], message: str, wasmjit: Wasmjit) -> None:
    code, out, err = wasmjit(*argv)
    assert (code, out) == (2, "")
    first, second = err.splitlines()
    assert first.startswith(f"wasmjit: error: {message}")
    assert second.startswith("usage: wasmjit ")


def test_a_library_is_no_program(wasmjit: Wasmjit, build: Build) -> None:
    code, out, err = wasmjit(build('(module (func (export "f")))'))
    assert (code, out) == (2, "") and "no function _start" in err


@pytest.mark.parametrize("name", ["absent.wasm", "cache.wasm/x"])
def test_a_file_that_is_none(name: str, wasmjit: Wasmjit) -> None:
    code, out, err = wasmjit(name)
    assert (code, out) == (1, "") and err.startswith(f"wasmjit: error: {name}: ")


def test_a_file_that_is_no_module(wasmjit: Wasmjit, tmp_path: Path) -> None:
    for content in (b"", b"\x7fELF\2\1\1\0", b"#!/bin/sh\n", b"\0asm", b"\0asm\1\0\0\0\xff"):
        (tmp_path / "m.wasm").write_bytes(content)
        code, out, err = wasmjit(tmp_path / "m.wasm")
        assert (code, out) == (1, "") and err.startswith("wasmjit: error: "), content


def test_version_and_help(wasmjit: Wasmjit) -> None:
    assert wasmjit("--version").out.startswith("wasmjit 0.")
    assert wasmjit("--help") == wasmjit("help") == wasmjit("-h")
    assert wasmjit("help", "run") == wasmjit("run", "--help")
