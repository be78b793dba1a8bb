"""Ticks where little is left of a stack, where the frame pointer is not set up, and in threads that block signals."""

import signal
import threading
from collections.abc import Callable

import pytest

import wasmjit
from tests.units.loops import COUNTER, deep
from tests.units.making import compiled, install, make, plain
from wasmjit.runtime.platform import ELF_MACHINE

REGISTER = "rsp" if ELF_MACHINE == 62 else "sp"
DEEP = """(module
  (func $f (param i64) (result i64) local.get 0)
  (func (export "f") (param i64 i32) (result i64)
    (if (result i64) (local.get 1) (then (call 1 (local.get 0) (i32.sub (local.get 1) (i32.const 1)))) (else (call $f (local.get 0))))))"""


def test_handlers_run_deep_in_the_native_stack(script: Callable[[str], str]) -> None:
    """And may call wasm, as long as there is room for its entry behind the signal's frame, which takes 4 KB with AVX-512."""
    assert script(
        """
from tests.preempt.test_stacks import REGISTER
f = compiled(deep(REGISTER, 16384)).exports.f
other = compiled(COUNTER).exports.f
depth = f(10)
assert depth > 1000, depth
def nested(n):
    return n and nested(n - 1)
count = 0
def handler(*_):
    global count
    count += 1
    nested(50)
    assert other(1000) == 1000
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
while count < 100:
    assert f(10_000_000) == depth
signal.setitimer(signal.ITIMER_REAL, 0)
print("fine")
"""
    ) == "fine\n"


@pytest.mark.parametrize("size", (64 << 10, 128 << 10, 512 << 10, 8 << 20))
def test_timeouts_end_loops_deep_in_small_stacks(size: int) -> None:
    f = compiled(deep(REGISTER)).exports.f
    ended = []

    def run() -> None:
        assert f(10) > 0
        for _ in range(3):
            with pytest.raises(wasmjit.Timeout):
                f(-1, timeout=0.02)
        ended.append(f(10))

    before = threading.stack_size(size)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert len(ended) == 1


def test_timeouts_end_loops_on_a_full_value_stack() -> None:
    module = plain(DEEP)
    install(module, make(module, COUNTER))
    f = wasmjit.Instance(module).exports.f
    low, high = 1, 1 << 22
    while high - low > 1:
        middle = (low + high) // 2
        try:
            assert f(10, middle) == 10
        except wasmjit.StackOverflow:
            high = middle
        else:
            low = middle
    for _ in range(3):
        with pytest.raises(wasmjit.Timeout):
            f(-1, low, timeout=0.02)


def test_prologues_are_interrupted(script: Callable[[str], str]) -> None:
    """Exceptions take a backtrace: the frame pointer that the tick finds may be the interpreter's, which is none."""
    assert script(
        """
wat = \"\"\"(module (func $f (param i64) (result i64) local.get 0)
  (func (export "f") (loop (drop (call $f (i64.const 3))) (drop (call $f (i64.const 4))) (br 0))))\"\"\"
f = compiled(compute("  %r = add i64 %i0, 1\\n", "%r"), wat).exports.f
class Stop(Exception): pass
def handler(*_): raise Stop
signal.signal(signal.SIGALRM, handler)
main, stopping = threading.get_native_id(), False
def send():
    while not stopping:
        send_ticks(main, 100)
sender = threading.Thread(target=send)
sender.start()
for _ in range(300):
    signal.setitimer(signal.ITIMER_REAL, 0.002)
    try:
        f()
    except Stop:
        pass
stopping = True
sender.join()
print("fine")
"""
    ) == "fine\n"


def test_threads_that_block_all_signals_have_ticks() -> None:
    f = compiled(COUNTER).exports.f
    ended = []

    def run() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        with pytest.raises(wasmjit.Timeout):
            f(-1, timeout=0.02)
        ended.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert ended == [True]
