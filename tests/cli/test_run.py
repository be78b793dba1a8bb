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


def test_a_directory_to_read_only(wasmjit: Wasmjit, build: Build, tmp_path: Path) -> None:
    path = build(f"""(module
      (import "{PREVIEW1}" "path_create_directory" (func $make (param i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 0) "new")
      (func (export "make") (result i32) (call $make (i32.const 3) (i32.const 0) (i32.const 3))))""")
    assert wasmjit("--dir", f"{tmp_path}::/data::ro", "--invoke", "make", path) == (0, "76\n", "")  # notcapable
    assert not (tmp_path / "new").exists()
    assert wasmjit("--dir", f"{tmp_path}::/data", "--invoke", "make", path) == (0, "0\n", "")
    assert (tmp_path / "new").is_dir()


DEEP = """(module (func $deep (export "deep") (param i32) (result i32)
  (if (result i32) (local.get 0)
    (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
    (else (i32.const 0)))))"""


@pytest.mark.parametrize("tier", ["interp", "opt"])
def test_the_stack_is_bounded(tier: str, wasmjit: Wasmjit, build: Build) -> None:
    path = build(DEEP)
    assert wasmjit("--tier", tier, "-W", "max-wasm-stack=1M", "--invoke", "deep", path, "5000") == (0, "5000\n", "")
    # copies of a recursive function share a frame in optimized code: five levels take one
    code, _, err = wasmjit("--tier", tier, "-W", "max-wasm-stack=16K", "--invoke", "deep", path, "50000")
    assert code == 134 and "call stack exhausted" in err


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
        (["--dir", "::x", "m.wasm"], "option --dir: '::x' is not HOST, HOST::GUEST or HOST::GUEST::ro"),
        (["--dir", ".::x::rw", "m.wasm"], "option --dir: '.::x::rw' is not "),
        (["--preload", "env", "m.wasm"], "option --preload: 'env' is not NAME=PATH"),
        (["-W", "max-wasm-stack=2G", "m.wasm"], "option -W max-wasm-stack: '2G' is more than a stack may have"),
        (["-S", "tcplisten=::1:80", "m.wasm"], "option -S tcplisten: '::1:80' is not HOST:PORT"),
        (["-S", "tcplisten=localhost:65536", "m.wasm"], "option -S tcplisten: 'localhost:65536' is not HOST:PORT"),
        (["-S", "inherit_env", "m.wasm"], "option -S has no key 'inherit_env'; did you mean inherit-env?"),
        (["inof", "m.wasm"], "inof: neither a file nor a command; did you mean info?"),
        (["help", "inof"], "no command 'inof'; did you mean info?"),
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


@pytest.mark.parametrize("command", [[], ["run"], ["invoke"], ["info"], ["compile"], ["bisect"]])
@pytest.mark.parametrize("name", ["absent.wasm", "cache.wasm/x", str(EXAMPLES)])
def test_a_file_that_is_none(command: list[str], name: str, wasmjit: Wasmjit) -> None:
    code, out, err = wasmjit(*command, name, *(["f"] if command == ["invoke"] else []))
    assert (code, out) == (1, "") and err.startswith(f"wasmjit: error: {name}: ")
    assert len(err.splitlines()) == 1


def test_a_file_without_a_name(wasmjit: Wasmjit) -> None:
    assert wasmjit("") == wasmjit("run", "") == (1, "", "wasmjit: error: '': No such file or directory\n")


def test_a_file_that_is_no_module(wasmjit: Wasmjit, tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    for content in (b"", b"\x7fELF\2\1\1\0", b"#!/bin/sh\n", b"\0asm", b"\0asm\1\0\0\0\xff", HELLO.read_bytes()[:100]):
        path.write_bytes(content)
        code, out, err = wasmjit(path)
        assert (code, out) == (1, "") and err.startswith(f"wasmjit: error: {path}: ") and err.count("\n") == 1, content


def test_info_tells_which_file_is_no_module(wasmjit: Wasmjit, tmp_path: Path) -> None:
    paths = [tmp_path / "1.wasm", HELLO, tmp_path / "2.wat"]
    paths[0].write_bytes(b"\0asm\1\0\0\0\xff")
    paths[2].write_text("(module (func $f (result i32)))")
    code, out, err = wasmjit("info", *paths)
    assert code == 1 and all(f"{path}: " in out for path in paths)
    assert all(f"wasmjit: error: {path}: " in err for path in (paths[0], paths[2])) and str(HELLO) not in err


def test_compiling_for_no_cache(wasmjit: Wasmjit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    for folder in ("file", "open", "file/below"):
        code, out, err = wasmjit("compile", "-o", tmp_path / folder, HELLO)
        assert (
            (code, out) == (1, "")
            and err.startswith(f"wasmjit: error: nothing can be kept: {tmp_path / folder}: ")
            and err.count("\n") == 1
        )


def test_version_and_help(wasmjit: Wasmjit) -> None:
    assert wasmjit("--version").out.startswith("wasmjit 0.")
    assert wasmjit("--help") == wasmjit("help") == wasmjit("-h")
    assert wasmjit("help", "run") == wasmjit("run", "--help")
