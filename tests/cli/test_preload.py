"""`--preload`: libraries for a program and for each other."""

import pytest

from tests.cli.conftest import Build, Wasmjit

PREVIEW1 = "wasi_snapshot_preview1"
WRITE = f'(import "{PREVIEW1}" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))'


def says(letter: str, *, when: str, imports: str = "") -> str:
    """A library that writes a letter to standard output in `_initialize`, at its start, or when its `say` is called."""
    start = "(start $say)" if when == "start" else ""
    name = {"initialize": "_initialize", "call": "say", "start": "unused"}[when]
    return f"""(module {WRITE} {imports} (memory 1) (data (i32.const 0) "\\08\\00\\00\\00\\01\\00\\00\\00{letter}")
      (func $say (export "{name}") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))) {start}
      (func (export "seven") (result i32) (i32.const 7)))"""


USER = """(module (import "a" "seven" (func $seven (result i32))) (import "b" "say" (func $say))
  (func (export "_start") (call $say) (if (i32.ne (call $seven) (i32.const 7)) (then unreachable)))
  (func (export "double") (result i32) (i32.mul (i32.const 2) (call $seven))))"""


@pytest.mark.parametrize("tier", ["auto", "interp", "opt", "reference"])
@pytest.mark.parametrize("when", ["initialize", "start"])
def test_libraries_are_ready_before_the_program(when: str, tier: str, wasmjit: Wasmjit, build: Build) -> None:
    first, second = build(says("1", when=when)), build(says("2", when="call", imports='(import "a" "seven" (func (result i32)))'))
    options = ["--tier", tier, "--preload", f"a={first}", "--preload", f"b={second}"]
    assert wasmjit(*options, build(USER)) == (0, "12", "")
    assert wasmjit("invoke", *options, build(USER), "double") == (0, "114\n", "")


def test_libraries_and_program_have_the_same_descriptors(wasmjit: Wasmjit, build: Build) -> None:
    library = build(f"""(module (import "{PREVIEW1}" "fd_close" (func $close (param i32) (result i32)))
      (memory (export "memory") 1) (func (export "close") (result i32) (call $close (i32.const 1))))""")
    program = build(f"""(module {WRITE} (import "lib" "close" (func $close (result i32))) (import "lib" "memory" (memory 1))
      (func (export "try") (result i32 i32) (call $close) (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))))""")
    assert wasmjit("--preload", f"lib={library}", "--invoke", "try", program) == (0, "0\n8\n", "")  # badf


def test_what_goes_wrong_in_a_library(wasmjit: Wasmjit, build: Build) -> None:
    program = build('(module (import "a" "f" (func)) (func (export "_start")))')
    traps = build('(module (func $f (export "f") unreachable) (start $f))')
    code, _, err = wasmjit("--preload", f"a={traps}", program)
    assert code == 134 and err.startswith("wasmjit: error: trap: unreachable")
    endless = build('(module (func (export "f")) (func (export "_initialize") (loop (br 0))))')
    assert wasmjit("-W", "timeout=50ms", "--preload", f"a={endless}", program).code == 134
    exits = build(f"""(module (import "{PREVIEW1}" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)
      (func (export "_initialize") (call $exit (i32.const 9))) (func (export "f")))""")
    assert wasmjit("--preload", f"a={exits}", program) == (9, "", "")
    needs = build('(module (import "env" "g" (func)) (func (export "f")))')
    code, _, err = wasmjit("--preload", f"a={needs}", program)
    assert code == 1 and "env.g: () -> (): is missing" in err
    assert wasmjit("-W", "unknown-imports-trap", "--preload", f"a={needs}", program) == (0, "", "")
    code, _, err = wasmjit("--preload", "a=absent.wasm", program)
    assert (code, err) == (1, "wasmjit: error: absent.wasm: No such file or directory\n")
    code, _, err = wasmjit("--preload", f"a={needs}", "--preload", f"a={needs}", "-W", "unknown-imports-trap", program)
    assert code == 2 and "'a' is given twice" in err
