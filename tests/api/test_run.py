"""`run` and `load`: programs from start to exit."""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wasmjit
from tests import modes
from tests.paths import EXAMPLES

HELLO = EXAMPLES / "hello.wasm"
# argv[1][0] - '0' is the exit status; writes argv and what it reads to stdout, "err" to stderr
TOOL = """(module
    (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1) (data (i32.const 0) "err")
    (func $put (param $fd i32) (param $at i32) (param $n i32)
        (i32.store (i32.const 16) (local.get $at)) (i32.store (i32.const 20) (local.get $n))
        (drop (call $write (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 24))))
    (func (export "_start")
        (drop (call $sizes (i32.const 32) (i32.const 36)))
        (drop (call $args (i32.const 64) (i32.const 1024)))
        (call $put (i32.const 1) (i32.const 1024) (i32.load (i32.const 36)))
        (i32.store (i32.const 16) (i32.const 4096)) (i32.store (i32.const 20) (i32.const 4096))
        (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 40)))
        (call $put (i32.const 1) (i32.const 4096) (i32.load (i32.const 40)))
        (call $put (i32.const 2) (i32.const 0) (i32.const 3))
        (if (i32.gt_u (i32.load (i32.const 32)) (i32.const 1))
            (then (call $exit (i32.sub (i32.load8_u (i32.load (i32.const 68))) (i32.const 48)))))))"""


@pytest.fixture(scope="module")
def tool() -> wasmjit.Module:
    return wasmjit.Module(TOOL, name="tool")


def test_a_program(tool: wasmjit.Module) -> None:
    done = wasmjit.run(tool, ["3", "b"], input=b"in", capture_output=True)
    assert (done.args, done.returncode) == (["tool", "3", "b"], 3)
    assert (done.stdout, done.stderr) == (b"tool\x003\0b\0in", b"err")
    assert done.stats["functions"] == 7
    again = pickle.loads(pickle.dumps(done))
    assert (again.args, again.returncode, again.stdout, again.stderr) == (done.args, done.returncode, done.stdout, done.stderr)
    assert repr(done).startswith("Completed(args=['tool', '3', 'b'], returncode=3, stdout=")


def test_text(tool: wasmjit.Module) -> None:
    assert wasmjit.run(tool, input="ä", capture_output=True, text=True).stdout == "tool\0ä"
    assert wasmjit.run(tool, input="ä", capture_output=True, encoding="latin-1").stdout == "tool\0ä"
    with pytest.raises(UnicodeDecodeError):
        wasmjit.run(tool, input=b"\xff", capture_output=True, text=True)
    assert wasmjit.run(tool, input=b"\xff", capture_output=True, errors="replace").stdout == "tool\0\ufffd"


def test_checking_the_status(tool: wasmjit.Module) -> None:
    assert wasmjit.run(tool, capture_output=True, check=True).returncode == 0
    with pytest.raises(wasmjit.ExitError) as caught:
        wasmjit.run(tool, ["7"], capture_output=True, check=True)
    error = caught.value
    assert (error.returncode, error.command, error.stdout, error.stderr) == (7, ["tool", "7"], b"tool\x007\0", b"err")
    assert str(error) == "['tool', '7'] returned exit status 7"


def test_streams(tool: wasmjit.Module, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in"
    source.write_bytes(b"file")
    with open(source, "rb") as stdin, open(tmp_path / "out", "wb") as stdout:
        done = wasmjit.run(tool, stdin=stdin, stdout=stdout, stderr=subprocess.STDOUT)
    assert (done.stdout, done.stderr) == (None, None)
    assert (tmp_path / "out").read_bytes() == b"tool\0fileerr"
    wasmjit.run(tool, stderr=subprocess.DEVNULL)
    assert capfd.readouterr() == ("tool\0", "")
    assert wasmjit.run(tool, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout == b"tool\0err"


def test_a_file_is_named_by_its_path() -> None:
    done = wasmjit.run(HELLO, capture_output=True)
    assert done.args == [str(HELLO)] and done.stdout == b"hello, WebAssembly!\n" and done.returncode == 0


def test_traps_carry_what_was_written() -> None:
    text = TOOL.replace("(if (i32.gt_u", "unreachable (if (i32.gt_u")
    with pytest.raises(wasmjit.Unreachable) as caught:
        wasmjit.run(wasmjit.Module(text, name="tool"), capture_output=True, text=True)
    assert (caught.value.stdout, caught.value.stderr) == ("tool\0", "err")  # type: ignore[attr-defined]


def test_timeouts() -> None:
    spin = wasmjit.Module('(module (memory (export "memory") 1) (func (export "_start") (loop br 0)))')
    with pytest.raises(wasmjit.Timeout):
        wasmjit.run(spin, timeout=0.05)
    with pytest.raises(TimeoutError):
        wasmjit.run(wasmjit.Module('(module (func $f (loop br 0)) (start $f) (func (export "_start")))'), timeout=0.05)


def test_wrong_arguments(tool: wasmjit.Module) -> None:
    wrong: tuple[dict[str, Any], ...] = (
        {"capture_output": True, "stdout": subprocess.PIPE},
        {"input": b"", "stdin": subprocess.DEVNULL},
        {"stdin": subprocess.PIPE},
        {"fuel": 5},
        {"args": ["a\0b"]},
        {"env": {"A=B": "c"}},
    )
    for options in wrong:
        with pytest.raises(ValueError):
            wasmjit.run(tool, **options)
    with pytest.raises(TypeError):
        wasmjit.run(tool, "3")
    with pytest.raises(ValueError, match="_start"):
        wasmjit.run(wasmjit.Module('(module (func (export "main")))'))
    with pytest.raises(FileNotFoundError):
        wasmjit.run("/nonexistent.wasm")
    with pytest.raises(wasmjit.LinkError):
        wasmjit.run(wasmjit.Module('(module (import "env" "f" (func)) (func (export "_start")))'))


def test_imports_of_ones_own() -> None:
    said: list[int] = []
    text = '(module (import "env" "f" (func $f (param i32))) (func (export "_start") (call $f (i32.const 5))))'
    wasmjit.run(wasmjit.Module(text), imports={"env": {"f": said.append}})
    assert said == [5]


def test_exceptions_of_host_functions_pass() -> None:
    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wasmjit.run(
            wasmjit.Module('(module (import "env" "f" (func $f)) (func (export "_start") (call $f)))'), imports={"env": {"f": fail}}
        )


@pytest.mark.parametrize("mode", modes.parameters(modes.SETTINGS, quick=("interp guard", "opt", "auto", "reference")))
def test_exceptions_of_streams_keep_their_traceback(mode: str) -> None:
    error = OSError("mine")

    def fail(_: object) -> bytes:
        raise error

    module = wasmjit.Module(TOOL, config=modes.config(mode))
    for streams in ({"stdin": fail, "stdout": subprocess.DEVNULL}, {"stdout": fail}):
        with pytest.raises(OSError) as caught:
            wasmjit.run(module, **streams)
        assert caught.value is error and caught.traceback[-1].name == "fail"
        error.__traceback__ = None


def test_input_is_streamed() -> None:
    given = []

    def pieces() -> Iterator[bytes]:
        for n in range(5):
            given.append(n)
            yield b"piece %d" % n

    done = wasmjit.run(wasmjit.Module(TOOL, name="tool"), stdin=pieces(), capture_output=True)
    assert (done.stdout, given) == (b"tool\0piece 0", [0])


def test_load_makes_a_wasi_when_asked_for() -> None:
    assert wasmjit.load(HELLO).exports.add(2, 3) == 5
    with pytest.raises(wasmjit.LinkError):
        wasmjit.load(HELLO, wasi=None)


def test_exit_passes_through_calls(tool: wasmjit.Module) -> None:
    instance = wasmjit.Instance(tool, wasi=wasmjit.Wasi(args=["x", "4"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    with pytest.raises(wasmjit.Exit) as caught:
        instance.exports._start()
    assert caught.value.code == 4


def test_nothing_is_left_to_the_end_of_the_process() -> None:
    """Instances, views and errors that live until Python ends do no harm there."""
    program = f"""
import wasmjit
kit = wasmjit.load({str(HELLO)!r})
view = memoryview(kit.memory)
try:
    wasmjit.load(b"")
except wasmjit.CompileError as error:
    keep = error
def host(): kit.exports.add(1, 2)
other = wasmjit.Instance(wasmjit.Module(b"\\0asm\\1\\0\\0\\0"), {{"a": {{"f": host}}}})
cycle = [other, host]; cycle.append(cycle)
print(kit.exports.add(2, 3))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=EXAMPLES.parent)
    assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")
