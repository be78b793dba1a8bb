"""Ends of a `Process`: killed in every tier and wherever it waits; what is left behind, forks, the end of Python."""

import gc
import os
import subprocess
import sys
import threading
import time
import warnings

import pytest

import wasmjit
from tests import modes
from tests.api.programs import CALLS, CAT, ENDLESS, GREETS, program
from tests.api.test_process import LONG, module
from tests.paths import ROOT
from wasmjit import Process

PIPE = subprocess.PIPE
WAITING = ("sleep", "sleeps", "read", "write", "clock")
IN_HOST = program("(call $started) (loop (call $f) (br 0))", imports='(import "env" "f" (func $f))')


def killed(process: Process) -> None:
    """Kill a program once it has said that it has started."""
    assert process.stdout.readline() == b"started\n"
    time.sleep(0.03)
    assert process.poll() is None
    process.kill()
    assert process.wait(LONG) == -9 and type(process.exception) is wasmjit.Terminated


@pytest.mark.parametrize("mode", modes.parameters(modes.SETTINGS, quick=("interp guard", "opt", "auto", "reference")))
def test_killed_in_every_tier(mode: str) -> None:
    for name, text in ENDLESS.items():
        if name == "write" or (mode == "reference" and name == "fill"):
            continue
        compiled = wasmjit.Module(text, config=modes.config(mode))
        with Process(compiled, stdin=PIPE, stdout=PIPE) as process:
            killed(process)
        if name not in WAITING:
            assert process.exception is not None and process.exception.frames  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", WAITING)
def test_killed_where_it_waits(name: str) -> None:
    for timeout in (None, LONG):
        with Process(module(ENDLESS[name]), stdin=PIPE, stdout=PIPE, timeout=timeout) as process:
            killed(process)


def test_killed_in_a_loop_of_calls_of_python() -> None:
    count = 0

    def f() -> None:
        nonlocal count
        count += 1
        if count % 3 == 0:
            time.sleep(0.0005)

    with Process(module(IN_HOST), stdout=PIPE, imports={"env": {"f": f}}) as process:
        killed(process)
    assert count > 3


def test_killed_before_it_has_begun() -> None:
    for _ in range(50):
        with Process(module(ENDLESS["loop"]), stdout=subprocess.DEVNULL) as process:
            process.kill()
        assert process.returncode == -9


def test_killed_while_a_function_of_it_waits_for_another() -> None:
    inner: list[Process] = []

    def f() -> None:
        with Process(module(ENDLESS["sleep"]), stdout=subprocess.DEVNULL) as process:
            inner.append(process)
            try:
                process.communicate()
            finally:
                process.kill()

    with Process(module(CALLS), stdout=PIPE, imports={"env": {"f": f}}) as process:
        killed(process)
    assert inner[0].wait(LONG) == -9


def test_a_function_of_it_cannot_wait_for_it() -> None:
    made = threading.Event()

    def f() -> None:
        made.wait()
        process.wait()

    process = Process(module(CALLS), stdout=PIPE, stderr=PIPE, imports={"env": {"f": f}})
    made.set()
    assert b"RuntimeError" in process.communicate()[1] and process.returncode == 1


def left_over() -> tuple[list[str], int]:
    """The descriptors and threads that there are."""
    return sorted(os.listdir("/proc/self/fd")), threading.active_count()


def test_nothing_is_left_over() -> None:
    def fail() -> None:
        raise ValueError

    modules = module(CAT), module(CALLS), module(ENDLESS["sleep"])
    before = left_over()
    for _ in range(50):
        with Process(modules[0], stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
            process.communicate(b"abc")
        with Process(modules[1], stdout=PIPE, stderr=PIPE, imports={"env": {"f": fail}}) as process:
            process.communicate()
        with Process(modules[2], stdout=PIPE) as process:
            process.stdout.readline()
            process.kill()
    assert left_over() == before


def test_a_thread_that_cannot_be_started_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("can't start new thread")

    program = module(CAT)
    before = left_over()
    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(RuntimeError, match="thread"):
        Process(program, stdin=PIPE, stdout=PIPE)
    assert left_over() == before


def test_the_memory_goes_with_the_program() -> None:
    """Also while the Process, and the traceback of what was raised, are kept."""
    freed: list[int] = []

    class Freed:
        def __call__(self) -> None:
            raise ValueError

        def __del__(self) -> None:
            freed.append(1)

    process = Process(module(CALLS), stdout=PIPE, stderr=PIPE, imports={"env": {"f": Freed()}})
    process.communicate()
    assert process.returncode == 1
    traceback = process.exception.__traceback__  # type: ignore[union-attr]
    del traceback
    process.exception.__traceback__ = None  # type: ignore[union-attr]  # its frame has the callable itself
    gc.collect()
    assert freed == [1]


def test_one_that_nobody_refers_to_is_killed() -> None:
    process = Process(module(ENDLESS["loop"]), stdout=PIPE)
    assert process.stdout.readline() == b"started\n"
    guest = process._guest
    assert guest is not None
    with pytest.warns(ResourceWarning, match="was not waited for"):
        del process
        gc.collect()
    assert guest.join(LONG) and guest.returncode == -9


def test_one_that_has_ended_needs_no_waiting() -> None:
    process = Process(module(CAT), stdin=b"", stdout=subprocess.DEVNULL)
    assert process._guest.join(LONG)  # type: ignore[union-attr]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del process
        gc.collect()


def python(text: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a program in a Python of its own: the texts of modules are its arguments."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    program = f"import os, signal, sys, threading, time, wasmjit\nmodule = wasmjit.Module(sys.argv[1])\n{text}"
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=LONG, env=environment)


def test_a_fork_leaves_the_program_to_the_parent() -> None:
    done = python(
        """
process = wasmjit.Process(module, stdin=-1, stdout=-1)
child = os.fork()
if child == 0:
    for ask in (process.poll, process.wait, process.kill):
        try:
            ask()
        except ChildProcessError as error:
            print(error.strerror, flush=True)
    process.stdin.close()  # the parent's is still open
    with wasmjit.Process(module, stdin=b"child ", stdout=-1) as own:
        print(own.communicate()[0])
    sys.exit(5)  # nothing to be ended is found
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
print(process.communicate(b"parent"), process.returncode)
""",
        CAT,
    )
    said = "module.wasm runs in the process that this one was forked from\n" * 3
    assert (done.stdout, done.stderr) == (said + "b'child '\n5\n(b'parent', None) 0\n", "")


def test_the_end_of_python_ends_programs() -> None:
    for text in (ENDLESS["loop"], ENDLESS["sleep"], ENDLESS["read"], ENDLESS["write"]):
        done = python("process = wasmjit.Process(module, stdin=-1, stdout=-1)\nprint(process.stdout.readline())", text)
        assert (done.returncode, done.stdout, done.stderr) == (0, "b'started\\n'\n", "")


def test_the_end_of_python_does_not_wait_for_python_functions_for_ever() -> None:
    done = python(
        """
process = wasmjit.Process(module, stdout=-1, imports={"env": {"f": lambda: time.sleep(1000)}})
print(process.stdout.readline())
""",
        CALLS,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "b'started\\n'\n", "")


def test_ctrl_c_in_a_with_block_ends_it() -> None:
    done = python(
        """
try:
    with wasmjit.Process(module, stdout=-1) as process:
        process.stdout.readline()
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        process.wait()
except KeyboardInterrupt:
    print(process.returncode, process.exception)
""",
        ENDLESS["loop"],
    )
    assert (done.stdout, done.stderr) == ("-2 terminated\n", "")


def test_killed_by_a_signal_handler() -> None:
    done = python(
        """
process = wasmjit.Process(module, stdout=-1)
process.stdout.readline()
signal.signal(signal.SIGALRM, lambda *_: process.terminate())
signal.setitimer(signal.ITIMER_REAL, 0.05)
print(process.wait())
""",
        ENDLESS["loop"],
    )
    assert (done.stdout, done.stderr) == ("-15\n", "")


def test_many_killed_at_random_moments() -> None:
    with_input = module(GREETS)
    for n in range(100):
        with Process(with_input, stdin=PIPE, stdout=PIPE) as process:
            process.stdin.write(b"x")
            process.stdin.flush()
            time.sleep(n % 10 * 0.0001)
            process.kill()
            output = process.stdout.read()
        assert (process.returncode, output) in ((0, b"started\n"), (-9, b""), (-9, b"started\n"))
