"""`Process`: the shape of subprocess.Popen."""

import io
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

import wasmjit
from tests.api.programs import CALLS, CAT, ENDLESS, EXITS, GREETS, TEE, TRAPS
from wasmjit import Process

PIPE, DEVNULL, STDOUT = subprocess.PIPE, subprocess.DEVNULL, subprocess.STDOUT
LONG = 60  # seconds: more than anything here takes
_modules: dict[str, wasmjit.Module] = {}


def module(text: str) -> wasmjit.Module:
    """The module of a text, kept for the session."""
    if text not in _modules:
        _modules[text] = wasmjit.Module(text, name="guest")
    return _modules[text]


def test_communicate() -> None:
    with Process(module(CAT), ["a"], stdin=PIPE, stdout=PIPE) as process:
        assert (process.args, process.stderr, process.poll()) == (["guest", "a"], None, None)
        data = os.urandom(300_000)  # more than pipes hold
        assert process.communicate(data, LONG) == (data, None)
        assert process.returncode == process.poll() == process.wait() == 0 and process.exception is None
        assert process.stdin.closed and process.stdout.closed


def test_communicate_with_three_pipes() -> None:
    with Process(module(TEE), stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
        data = os.urandom(200_000)
        assert process.communicate(data) == (data, data)


def test_exit_status_and_output() -> None:
    process = Process(module(EXITS), stdout=PIPE, stderr=PIPE)
    assert process.communicate() == (b"", b"started\n")
    assert process.returncode == 7 and process.exception is None
    assert repr(process) == "<wasmjit.Process args=['guest'] returncode=7>"
    process.kill()  # nothing is left to kill
    assert process.returncode == 7


def test_output_is_read_while_the_program_runs() -> None:
    with Process(module(CAT), stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as process:
        for line in ("one\n", "zwei äöü\n"):
            process.stdin.write(line)
            assert process.stdout.readline() == line and process.poll() is None
        process.stdin.write("three\nfour")
        process.stdin.close()
        assert list(process.stdout) == ["three\n", "four"]
        assert process.wait(LONG) == 0


def test_text() -> None:
    with Process(module(CAT), stdin=PIPE, stdout=PIPE, encoding="latin-1") as process:
        assert process.communicate("ä\r\nb\rc") == ("ä\nb\nc", None)
    with Process(module(CAT), stdin=PIPE, stdout=PIPE, errors="replace") as process:
        assert process.communicate(b"a\xff") == ("a\ufffd", None)


@pytest.mark.parametrize("bufsize", [0, 1, 4096])
def test_buffering(bufsize: int) -> None:
    with Process(module(CAT), stdin=PIPE, stdout=PIPE, bufsize=bufsize) as process:
        assert isinstance(process.stdin, io.FileIO if bufsize == 0 else io.BufferedWriter)
        process.stdin.write(b"abc")
        assert process.communicate(b"def") == (b"abcdef", None)


def test_waiting_has_a_limit() -> None:
    with Process(module(GREETS), stdin=PIPE, stdout=PIPE) as process:
        for timeout in (0, 0.01):
            with pytest.raises(subprocess.TimeoutExpired) as caught:
                process.wait(timeout)
            assert (caught.value.cmd, caught.value.timeout) == (["guest"], timeout)
        process.stdin.write(b"x")
        process.stdin.flush()
        assert process.stdout.read() == b"started\n" and process.wait(LONG) == 0


def test_communicate_goes_on_after_its_limit() -> None:
    reading, writing = os.pipe()
    asked: list[bytes] = []
    imports = {"env": {"f": lambda: asked.append(os.read(reading, 1))}}
    with Process(module(CALLS), stdout=PIPE, imports=imports) as process:
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            process.communicate(timeout=0.3)
        assert caught.value.output in (None, b"", b"started\n") and process.returncode is None
        os.write(writing, b"x")
        assert process.communicate(timeout=LONG) == (b"started\n", None)
    assert asked == [b"x"] and process.returncode == 0
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(("way", "code"), [("kill", -9), ("terminate", -15), (signal.SIGINT, -2), (signal.SIGUSR1, -10)])
def test_signals_end_it(way: Any, code: int) -> None:
    with Process(module(ENDLESS["loop"]), stdout=PIPE) as process:
        assert process.stdout.readline() == b"started\n"
        if isinstance(way, str):
            getattr(process, way)()
        else:
            process.send_signal(way)
        process.kill()  # too late for another code
        assert process.wait(LONG) == code
        assert type(process.exception) is wasmjit.Terminated
        assert process.stdout.read() == b""


def test_signals_that_do_nothing_and_that_there_are_not() -> None:
    with Process(module(GREETS), stdin=PIPE, stdout=PIPE) as process:
        for number in (0, signal.SIGCHLD, signal.SIGCONT, signal.SIGWINCH):
            process.send_signal(number)
        for number in (signal.SIGSTOP, signal.SIGTSTP, -1, 1000):
            with pytest.raises(ValueError, match="cannot be sent"):
                process.send_signal(number)
        assert process.communicate(b"x") == (b"started\n", None) and process.returncode == 0


def test_traps_are_kept_and_shown() -> None:
    process = Process(module(TRAPS), stdout=PIPE, stderr=PIPE, text=True)
    out, err = process.communicate()
    assert (out, process.returncode, type(process.exception)) == ("started\n", 134, wasmjit.Unreachable)
    assert "Unreachable: unreachable" in err and "wasm backtrace" in err
    assert [frame.module for frame in process.exception.frames] == ["guest"]  # type: ignore[union-attr]


def test_what_imports_raise_is_kept_and_shown() -> None:
    def fail() -> None:
        raise KeyError("mine")

    process = Process(module(CALLS), stdout=DEVNULL, stderr=PIPE, imports={"env": {"f": fail}})
    assert b"in fail\n" in process.communicate()[1]
    assert process.returncode == 1 and process.exception is not None and process.exception.args == ("mine",)
    assert process.exception.__traceback__ is not None and process.exception.__traceback__.tb_frame.f_code.co_name == "fail"


@pytest.mark.parametrize("name", ["loop", "sleep", "read"])
def test_its_own_timeout(name: str) -> None:
    with Process(module(ENDLESS[name]), stdin=PIPE, stdout=PIPE, stderr=PIPE, timeout=0.1) as process:
        assert process.wait(LONG) == 134 and type(process.exception) is wasmjit.Timeout
        assert process.stdout.read() == b"started\n" and b"Timeout: timeout" in process.stderr.read()


def test_the_start_function_runs_in_it() -> None:
    text = '(module (memory (export "memory") 1) (func $first (loop (br 0))) (start $first) (func (export "_start")))'
    with Process(module(text)) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.02)
        process.kill()
    assert process.returncode == -9


def test_what_fails_before_it_starts(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    wrong: tuple[tuple[type[Exception], Any, dict[str, Any]], ...] = (
        (FileNotFoundError, str(missing), {}),
        (FileNotFoundError, module(CAT), {"stdin": missing}),
        (FileNotFoundError, module(CAT), {"dirs": [str(missing)]}),
        (OSError, module(CAT), {"stdin": 12345}),
        (wasmjit.CompileError, b"\0asm????", {}),
        (wasmjit.LinkError, module(CALLS), {}),
        (ValueError, module('(module (func (export "main")))'), {}),
        (ValueError, module(CAT), {"timeout": -1}),
        (ValueError, module(CAT), {"args": ["a\0b"]}),
        (TypeError, module(CAT), {"args": "abc"}),
        (TypeError, module(CAT), {"bufsize": "1"}),
        (TypeError, module(CAT), {"stdout": 1.5}),
        (LookupError, module(CAT), {"encoding": "nonsense"}),
    )
    for kind, source, options in wrong:
        before = os.listdir("/proc/self/fd")
        with pytest.raises(kind):
            Process(source, **{"stdin": PIPE, "stdout": PIPE, "stderr": PIPE, **options})
        assert os.listdir("/proc/self/fd") == before, options


def test_input_comes_once() -> None:
    with Process(module(GREETS), stdout=PIPE) as process:
        with pytest.raises(ValueError, match="stdin=PIPE"):
            process.communicate(b"x")
        assert process.communicate() == (b"started\n", None)
    with Process(module(GREETS), stdin=PIPE, stdout=PIPE) as process:
        process.communicate(b"x")
        with pytest.raises(ValueError, match="first"):
            process.communicate(b"y")
