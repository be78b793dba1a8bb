"""Loops of optimized code, which never look up: Ctrl-C, timeouts, signal handlers, other threads."""

import threading
from collections.abc import Callable

import pytest

import wasmjit
from tests.units.loops import COUNTER, FIBONACCI, FILLING, STORING
from tests.units.making import compiled

MEMORY = '(module (memory (export "m") 1) (func (export "f") (param i64) (result i64) local.get 0))'
LOOPS = {"registers": (COUNTER, -1), "stores": (STORING, 0), "recursion": (FIBONACCI, 90)}


@pytest.mark.parametrize("loop", LOOPS)
def test_a_timeout_ends_it(loop: str) -> None:
    ir, argument = LOOPS[loop]
    instance = compiled(ir, MEMORY)
    for _ in range(20):
        with pytest.raises(wasmjit.Timeout):
            instance.exports.f(argument, timeout=0.02)


def test_it_goes_on_after_a_timeout_of_another_thread() -> None:
    instance = compiled(COUNTER)
    other = compiled(COUNTER)
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(other.exports.f(500_000_000)))
    thread.start()
    for _ in range(5):
        with pytest.raises(wasmjit.Timeout):
            instance.exports.f(-1, timeout=0.01)
    thread.join()
    assert results == [500_000_000]


def test_each_of_many_threads_has_its_ticks() -> None:
    instances = [compiled(COUNTER) for _ in range(6)]
    ended: list[int] = []

    def run(k: int) -> None:
        for _ in range(3):
            with pytest.raises(wasmjit.Timeout):
                instances[k].exports.f(-1, timeout=0.05)
        ended.append(k)

    for _ in range(3):  # threads of later rounds take the contexts that those of the first have left
        threads = [threading.Thread(target=run, args=(k,)) for k in range(len(instances))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(ended) == sorted([*range(len(instances))] * 3)


def test_other_python_threads_run_meanwhile() -> None:
    instance = compiled(STORING, MEMORY)
    memory = instance.exports.m
    counted = 0

    def stop() -> None:
        nonlocal counted
        while memory.read(0, 8) == bytes(8):
            pass
        for _ in range(100_000):
            counted += 1
        memory.write(8, b"\1")

    thread = threading.Thread(target=stop)
    thread.start()
    assert instance.exports.f(0) > 0
    thread.join()
    assert counted == 100_000


LARGE = MEMORY.replace("1)", "1024)")


def test_a_timeout_ends_a_loop_that_calls_the_runtime() -> None:
    instance = compiled(FILLING, LARGE)
    for _ in range(5):
        with pytest.raises(wasmjit.Timeout):
            instance.exports.f(0, timeout=0.02)


def test_ctrl_c_ends_a_loop_that_calls_the_runtime(script: Callable[[str], str]) -> None:
    assert (
        script(
            f"""
instance = compiled(FILLING, {LARGE!r})
for _ in range(5):
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        instance.exports.f(0)
    except KeyboardInterrupt:
        print("stopped")
"""
        )
        == "stopped\n" * 5
    )


@pytest.mark.parametrize("loop", LOOPS)
def test_ctrl_c_ends_it(script: Callable[[str], str], loop: str) -> None:
    ir, argument = {"registers": ("COUNTER", -1), "stores": ("STORING", 0), "recursion": ("FIBONACCI", 90)}[loop]
    assert (
        script(
            f"""
instance = compiled({ir}, {MEMORY!r})
for way in (lambda: signal.raise_signal(signal.SIGINT), lambda: os.kill(os.getpid(), signal.SIGINT)) * 3:
    threading.Timer(0.05, way).start()
    try:
        instance.exports.f({argument})
    except KeyboardInterrupt as stop:
        print("stopped", signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""
        )
        == "stopped set()\n" * 6
    )


def test_a_handler_that_returns_leaves_the_loop_running(script: Callable[[str], str]) -> None:
    """Handlers run Python, wasm, and the interrupted function itself, while values are in registers and the context half written."""
    assert (
        script(
            """
imported = '(module (import "e" "h" (func (param i64) (result i64))) (func (export "f") (param i64) (result i64) local.get 0))'
inner = compiled(calling("3"), imported, {"e": {"h": lambda n: n}})
outer = compiled(calling("20000"), imported, {"e": {"h": abs}})
count, depth = 0, 0
def handler(*_):
    global count, depth
    count += 1
    assert inner.exports.f(7) == 24
    if depth == 0:
        depth = 1
        assert outer.exports.f(1) == 40000
        depth = 0
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
while count < 300:
    assert outer.exports.f(2) == 60000, count
signal.setitimer(signal.ITIMER_REAL, 0)
print("fine")
"""
        )
        == "fine\n"
    )


def test_an_exception_of_a_handler_passes(script: Callable[[str], str]) -> None:
    assert (
        script(
            """
instance = compiled(COUNTER)
class Stop(Exception): pass
def handler(*_): raise Stop("it")
signal.signal(signal.SIGALRM, handler)
for _ in range(200):
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    try:
        instance.exports.f(-1)
    except Stop as stop:
        assert stop.args == ("it",)
    else:
        print("went on")
assert instance.exports.f(10) == 10
print(signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""
        )
        == "set()\n"
    )


def test_ctrl_c_in_a_loop_that_calls_functions_of_c(script: Callable[[str], str]) -> None:
    """Ticks fall into the host function nearly always, and it runs no Python code that would look for signals."""
    assert (
        script(
            """
imported = '(module (import "e" "h" (func (param i64) (result i64))) (func (export "f") (param i64) (result i64) local.get 0))'
instance = compiled(calling("-1"), imported, {"e": {"h": abs}})
threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    instance.exports.f(3)
except KeyboardInterrupt:
    print("stopped")
"""
        )
        == "stopped\n"
    )


def test_signals_reach_a_main_thread_that_waits(script: Callable[[str], str]) -> None:
    """While another one takes ticks, and would take signals that come with them."""
    assert (
        script(
            """
count = compiled(COUNTER).exports.f
thread = threading.Thread(target=count, args=(-1,), daemon=True)
thread.start()
came = threading.Event()
signal.signal(signal.SIGALRM, lambda *_: came.set())
lost = 0
for _ in range(200):
    came.clear()
    signal.setitimer(signal.ITIMER_REAL, 0.008)  # a multiple of the ticks' period
    lost += not came.wait(1)
print(lost <= 1 or lost)  # 5 % without care
"""
        )
        == "True\n"
    )
