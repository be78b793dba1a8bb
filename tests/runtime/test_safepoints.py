"""Long calls: timeouts, signals, the GIL, with and without busy Python threads."""

import ctypes
import math
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

SPIN, HOST, BULK = 3, 4, 7
FOREVER = 1 << 62
TRAP_TIMEOUT, TRAP_PYTHON = 13, 14
BUSY = (
    "import threading, time\n"
    "def busy():\n"
    "    while True: sum(range(1000))\n"
    "for i in range({threads}): threading.Thread(target=busy, daemon=True).start()\n"
)


@pytest.fixture
def busy() -> Iterator[None]:
    """Another Python thread that never waits."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            sum(range(1000))

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


def timed_out(native: Any, seconds: float) -> float:
    """Seconds until the infinite loop was left, beyond the timeout."""
    start = time.perf_counter()
    previous = native.deadline_push(seconds)
    try:
        assert native.run(SPIN, FOREVER, 0) == -TRAP_TIMEOUT
    finally:
        native.deadline_pop(previous)
    return time.perf_counter() - start - seconds


PROMPT = 2.0  # seconds: that it happens at all; how fast is for `python -m wasmjit.bench interrupts` to say


@pytest.mark.parametrize("seconds", [0.0, 0.003, 0.05])
def test_timeout(native: Any, seconds: float) -> None:
    assert min(timed_out(native, seconds) for _ in range(3)) < PROMPT
    assert native.trap_word(7) == 0 and native.trap_word(3) == 0


def test_timeout_beside_a_busy_thread(native: Any, busy: None) -> None:
    assert sorted(timed_out(native, 0.05) for _ in range(5))[2] < PROMPT


def test_the_earlier_deadline_holds(native: Any) -> None:
    outer = native.deadline_push(0.02)
    first = native.trap_word(7)
    inner = native.deadline_push(5.0)
    assert (outer, inner, native.trap_word(7)) == (0, first, first)
    nearer = native.deadline_push(0.001)
    assert native.trap_word(7) < first and native.deadline_remaining() <= 0.001
    for previous in (nearer, inner, outer):
        native.deadline_pop(previous)
    assert native.trap_word(7) == 0 and native.deadline_remaining() == 1e9


@pytest.mark.parametrize("seconds", [math.inf, math.nan, 1e300, 1e9])
def test_far_timeouts_are_none(native: Any, seconds: float) -> None:
    assert native.deadline_push(seconds) == 0
    assert native.trap_word(7) == 0


@pytest.mark.parametrize("seconds", [-1.0, -math.inf, -0.0])
def test_past_timeouts_are_now(native: Any, seconds: float) -> None:
    assert timed_out(native, seconds) < 10 or seconds == -math.inf


def test_long_calls_let_other_threads_run(native: Any) -> None:
    """The GIL is released while wasm loops, also on a thread that is not the main one."""

    def longest_pause() -> float:
        worst, last, end = 0.0, time.perf_counter(), time.perf_counter() + 0.2
        while last < end:
            now = time.perf_counter()
            worst, last = max(worst, now - last), now
        return worst

    def spin() -> None:
        previous = native.deadline_push(0.3)
        results.append(native.run(SPIN, FOREVER, 0))
        native.deadline_pop(previous)

    results: list[int] = []
    thread = threading.Thread(target=spin)
    thread.start()
    pause = longest_pause()
    thread.join()
    assert results == [-TRAP_TIMEOUT]
    assert pause < 0.1


def test_host_calls_hold_the_gil_again(native: Any) -> None:
    """Each host call spins itself, so that the GIL was released before it returns."""
    native.set_callable(lambda: native.run(SPIN, 3_000_000, 0))
    for _ in range(10):
        assert native.run(HOST, 0, 0) == 3_000_000
    assert native.trap_word(3) == 0


INTERRUPTED = (
    "import os, signal, threading, time\n"
    "def kill():\n"
    "    time.sleep(0.1)\n"
    "    global sent\n"
    "    sent = time.perf_counter()\n"
    "    os.kill(os.getpid(), signal.SIGINT)\n"
    "late = []\n"
    "for i in range(5):\n"
    "    threading.Thread(target=kill).start()\n"
    "    try: native.raising(3, 1 << 62, 0)\n"
    "    except KeyboardInterrupt: late.append(time.perf_counter() - sent)\n"
    "    assert native.trap_word(3) == 0 and native.trap_word(2) == 0\n"
    "print(sorted(late)[2])\n"
)


@pytest.mark.parametrize("threads", [0, 1])
def test_ctrl_c_in_an_infinite_loop(script: Any, threads: int) -> None:
    result = script(BUSY.format(threads=threads) + INTERRUPTED)
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < PROMPT


def test_ctrl_c_when_main_thread_forked_elsewhere(script: Any) -> None:
    """A child forked by a thread: that thread is the one that gets signals."""
    text = (
        "import os, threading\n"
        "def child():\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        import signal; signal.setitimer(signal.ITIMER_REAL, 0.05)\n"
        "        try: native.raising(3, 1 << 62, 0)\n"
        "        except ZeroDivisionError: os._exit(5)\n"
        "        os._exit(1)\n"
        "    codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
        "import signal; signal.signal(signal.SIGALRM, lambda *a: 1 // 0)\n"
        "codes = []\n"
        "assert native.run(0, 1, 0) == 1\n"
        "thread = threading.Thread(target=child); thread.start(); thread.join()\n"
        "assert codes == [5], codes\n"
    )
    result = script(text)
    assert result.returncode == 0, result.stderr


def test_handler_that_returns_lets_the_call_go_on(script: Any) -> None:
    text = (
        "import signal, time\n"
        "calls = []\n"
        "def handler(*a):\n"
        "    calls.append(native.run(0, 11, 0))\n"
        "    if len(calls) > 4: return  # later the deadline may pass in here\n"
        "    assert native.run(2, 3, 0) == -3\n"
        "    assert native.run(3, 2_000_000, 0) == 2_000_000\n"
        "signal.signal(signal.SIGALRM, handler)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.02, 0.05)\n"
        "previous = native.deadline_push(2.0)\n"
        "assert native.run(3, 1 << 62, 0) == -13\n"
        "native.deadline_pop(previous)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
        "assert len(calls) >= 4 and set(calls) == {11}, calls\n"
        "assert [native.trap_word(i) for i in (2, 3, 4, 5)] == [0, 0, 0, 0]\n"
    )
    result = script(text)
    assert result.returncode == 0, result.stderr


def test_interrupt_all_is_seen_and_cleared(native: Any) -> None:
    native.interrupt_all()
    assert native.trap_word(6) == 1
    assert native.run(SPIN, 1_000_000, 0) == 1_000_000
    assert native.trap_word(6) == 0


def test_daemon_thread_in_wasm_does_not_hold_up_exit(script: Any) -> None:
    start = time.perf_counter()
    spin = "import threading, time\nthreading.Thread(target=native.run, args=(3, 1 << 62, 0), daemon=True).start()\n"
    result = script(spin + "time.sleep(0.1)\nprint('bye')")
    assert (result.returncode, result.stdout, result.stderr) == (0, "bye\n", "")
    assert time.perf_counter() - start < 10


def test_daemon_thread_that_leaves_wasm_during_finalization(script: Any) -> None:
    """Python ends a thread that asks for the GIL then, by pthread_exit: through the entry trampoline's frame."""
    text = (
        "import os, threading, time\n"
        "class Slow:\n"
        "    def __del__(self, sleep=time.sleep, write=os.write): sleep(0.5); write(1, b'deleted')\n"
        "sys.slow = Slow()\n"
        "def work():\n"
        "    native.deadline_push(0.25)\n"
        "    native.run(3, 1 << 62, 0)\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "time.sleep(0.1)\n"
    )
    result = script(text)
    assert (result.returncode, result.stdout, result.stderr) == (0, "deleted", "")


def test_long_fill_and_copy_time_out(native: Any) -> None:
    """Bulk operations poll between chunks."""
    address = native.memory_new(8192, 8192, 1 << 30, 1)
    native.set_memory(0, address)
    for operation in ((0, 0, 0, 7, 1 << 29, 0), (1, 0, 0, 100, 0, (1 << 29) - 100), (1, 0, 0, 0, 100, (1 << 29) - 100)):
        previous = native.deadline_push(0.0)
        assert native.bulk(*operation) == -1000 - TRAP_TIMEOUT
        native.deadline_pop(previous)
    native.memory_release(address)


def test_fill_of_new_memory_times_out_soon(native: Any) -> None:
    """Each new page is a page fault: 2 ms a MiB on a virtual machine."""
    address = native.memory_new(1024, 1024, 1 << 30, 1)
    native.set_memory(0, address)
    previous = native.deadline_push(0.0)
    assert native.bulk(0, 0, 0, 7, 1 << 26, 0) == -1000 - TRAP_TIMEOUT
    native.deadline_pop(previous)
    start = ctypes.c_uint64.from_address(address).value
    assert (ctypes.c_uint8.from_address(start).value, ctypes.c_uint8.from_address(start + (2 << 20)).value) == (7, 0)
    native.memory_release(address)


def test_short_bulk_operations_time_out(native: Any) -> None:
    """Thousands of them fit in the interpreter's budget, which counts instructions: they poll themselves."""
    address = native.memory_new(1, 1, 1 << 30, 1)
    native.set_memory(0, address)
    assert native.new_table(0, 5000, 9000, 10000)
    fill, copy, grow, fill_table = (0, 0, 0, 7, 1 << 14, 0), (1, 0, 0, 100, 0, 1 << 14), (4, 0, 0, 10, 0, 0), (5, 0, 0, 0, 2048, 0)
    for operation in (fill, copy, grow, fill_table):
        previous = native.deadline_push(0.0)
        assert native.bulk(*operation) == -1000 - TRAP_TIMEOUT
        native.deadline_pop(previous)
        assert native.bulk(*operation) >= 0
    native.memory_release(address)
