"""The command as a Unix tool: signals, pipes, closed streams, terminals. Each in a process of its own."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.conftest import Build, start
from tests.paths import EXAMPLES, ROOT

HELLO = str(EXAMPLES / "hello.wasm")
PIPE = subprocess.PIPE
ENDLESS = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\01\\00\\00\\00!")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
    (loop (br 0))))"""

# writes without end and looks at no error
FLOOD = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\02\\00\\00\\00y\\n")
  (func $flood (export "flood") (loop (drop (call $write (i32.const FD) (i32.const 0) (i32.const 1) (i32.const 32))) (br 0)))
  (func (export "_start") (call $flood)))"""
# writes once to FD and ends with the errno
ERRNO = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\02\\00\\00\\00y\\n")
  (func (export "_start") (call $exit (call $write (i32.const FD) (i32.const 0) (i32.const 1) (i32.const 32)))))"""


def shell(command: str) -> "subprocess.CompletedProcess[str]":
    """Run a shell command in which `$w` is wasmjit."""
    variables = {**os.environ, "w": f"{sys.executable} -m wasmjit"}
    return subprocess.run(["bash", "-c", command], cwd=ROOT, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_control_c_is_130(build: Build) -> None:
    process = start(build(ENDLESS), stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    assert process.stdout.read(1) == b"!"  # the loop is what comes next
    time.sleep(0.05)
    before = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == b""
    assert time.monotonic() - before < 5  # how fast is for a benchmark to say


def test_standard_input_is_the_programs() -> None:
    done = shell(f"printf 'x y x' | $w {EXAMPLES / 'wordfreq.wasm'}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "     2 x\n     1 y\n", "")


def test_a_broken_pipe_ends_it_as_it_ends_other_tools() -> None:
    reader, writer = os.pipe()
    process = start("info", HELLO, stdout=writer, stderr=PIPE)
    os.close(reader)
    os.close(writer)
    _, err = process.communicate(timeout=30)
    assert process.returncode in (-signal.SIGPIPE, 0) or pytest.fail(f"{process.returncode}: {err.decode()}")
    assert err == b""


@pytest.mark.parametrize("tier", ["interp", "opt", "reference"])
@pytest.mark.parametrize(("fd", "redirection"), [("1", ""), ("2", "2>&1 >/dev/null")])
def test_a_program_ends_when_nobody_reads_it_any_more(fd: str, redirection: str, tier: str, build: Build) -> None:
    path = build(FLOOD.replace("FD", fd))
    for command in (f"run --tier {tier} {path}", f"run --tier {tier} --invoke flood {path}"):
        done = shell(f"$w {command} {redirection} | head -n 2; echo ${{PIPESTATUS[0]}}")
        assert (done.stdout, done.stderr) == ("y\ny\n141\n", ""), command  # 128 + SIGPIPE, as of any other program


def test_a_program_gets_an_errno_where_its_output_cannot_be_written(build: Build) -> None:
    for fd in ("1", "2"):
        path = build(ERRNO.replace("FD", fd))
        assert shell(f"$w {path} {fd}>/dev/full").returncode == 51  # nospc
        assert shell(f"$w {path} {fd}>&-").returncode == 8  # badf


def test_long_output_into_a_pipe_that_closes() -> None:
    done = shell(f"$w info {' '.join([HELLO] * 300)} | head -n 1; echo ${{PIPESTATUS[0]}}")  # more than a pipe holds
    assert (done.stdout, done.stderr) == (f"{HELLO}: 188 bytes\n141\n", "")


@pytest.mark.parametrize("command", [f"info {HELLO}", "--version", "--help", f"invoke {HELLO} add 1 2"])
def test_output_that_cannot_be_written_is_an_error(command: str) -> None:
    for redirection in (">/dev/full", ">&-"):
        done = shell(f"$w {command} {redirection}")
        assert done.returncode == 1, redirection
        assert done.stderr.startswith("wasmjit: error: ") and len(done.stderr.splitlines()) == 1


def test_closed_streams_do_not_become_files_of_the_program() -> None:
    for redirection in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        done = shell(f"$w {HELLO} {redirection}")
        assert done.returncode == 0, redirection
        assert done.stdout == ("" if ">&- " in redirection + " " and "2>&-" != redirection else "hello, WebAssembly!\n")


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colour_only_on_a_terminal(variables: dict[str, str], coloured: bool) -> None:
    ours, theirs = pty.openpty()
    environment = {"NO_COLOR": "", "TERM": "xterm"} | variables
    process = start("--nonsense", stderr=theirs, env=environment)
    os.close(theirs)
    assert process.wait(timeout=30) == 2
    text = os.read(ours, 4096)
    os.close(ours)
    assert (b"\033[" in text) == coloured
    assert b"unknown option '--nonsense'" in text


def test_no_colour_in_a_file() -> None:
    done = shell("$w --nonsense")
    assert done.returncode == 2 and "\033" not in done.stderr


def test_the_installed_script_is_the_command() -> None:
    script = ROOT / "bin" / "wasmjit"
    assert script.read_text().startswith("#!python\n")  # what an installer looks for
    done = subprocess.run(
        [sys.executable, script, "--version"], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.stdout == shell("$w --version").stdout


@pytest.mark.parametrize(
    ("arguments", "code"), [([HELLO], 0), (["invoke", HELLO, "add", "2", "3"], 0), (["absent.wasm"], 1), (["--nonsense"], 2)]
)
def test_the_installed_script_ends_as_main_does(arguments: list[str], code: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "bin" / "wasmjit"), *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    usual = shell(f"$w {' '.join(arguments)}")
    assert (done.returncode, done.stdout, done.stderr) == (code, usual.stdout, usual.stderr)
