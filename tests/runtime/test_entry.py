"""Entering, leaving and unwinding; backtraces; contexts of threads."""

import struct
import threading
from typing import Any

import pytest

RETURN, LOAD, TRAP, SPIN, HOST, DEEP, WILD, BULK, HOST_FUNCTION = range(9)
TRAP_PYTHON = 14


def frames(native: Any) -> list[tuple[int, int]]:
    return list(struct.iter_unpack("<QQ", native.frames()))


def state(native: Any) -> tuple[int, ...]:
    """act, gil, value stack in use, control stack in use."""
    return tuple(native.trap_word(i) for i in (2, 3, 4, 5))


IDLE = (0, 0, 0, 0)


def test_call_returns_through_the_sentinel(native: Any) -> None:
    assert native.run(RETURN, 7, 8) == 7
    assert state(native) == IDLE
    assert native.repeat(RETURN, 100_000) == 0


@pytest.mark.parametrize("code", [1, 3, 10, 18])
def test_trap_unwinds_to_the_entry(native: Any, code: int) -> None:
    assert native.run(TRAP, code, 0) == -code
    assert native.trap_word(0) == code
    assert len(frames(native)) == 1
    assert state(native) == IDLE


@pytest.mark.parametrize("depth", [0, 1, 62, 63, 64, 65, 126, 127, 128, 129, 200, 100_000])
def test_backtrace_keeps_both_ends(native: Any, depth: int) -> None:
    """The stub pushes `depth` calls, of functions 0 and 1 in turn; the trap itself is one frame more."""
    assert native.run(DEEP, depth, 0) == -1
    found = frames(native)
    expected = [(i % 2, 8 + 8 * (i % 32) - 1) for i in reversed(range(depth))]
    first = found[0][0]
    assert found[0][1] == 0
    if depth + 1 > 128:
        assert found[64] == (0, depth + 1 - 128)
        del found[64]
        expected = expected[:63] + expected[-64:]
    codes = sorted({code for code, _ in found[1:]})
    assert [(codes.index(code), offset) for code, offset in found[1:]] == expected or depth < 2
    assert first not in codes and len(found) == 1 + len(expected)


def test_python_exception_passes(native: Any) -> None:
    def host() -> int:
        raise KeyError("from the host")

    native.set_callable(host)
    with pytest.raises(KeyError, match="from the host"):
        native.raising(HOST, 0, 0)
    assert native.trap_word(0) == TRAP_PYTHON and len(frames(native)) == 1
    with pytest.raises(KeyError):
        native.raising(HOST_FUNCTION, 0, 0)
    assert frames(native) == []
    assert state(native) == IDLE


def test_nested_activations(native: Any, memory: Any) -> None:
    """wasm -> Python -> wasm ..., the innermost traps; each level goes on."""
    depth = 0
    seen = []

    def host() -> int:
        nonlocal depth
        depth += 1
        inner = native.run(HOST, 0, 0) if depth < 50 else native.run(LOAD, 1 << 20, 0)
        seen.append((inner, len(frames(native))))
        return 5

    native.set_callable(host)
    assert native.run(HOST, 0, 0) == 5
    assert seen == [(-2, 1)] + [(5, 1)] * 49
    assert state(native) == IDLE


def test_native_stack_limit(native: Any) -> None:
    """Unbounded recursion through Python ends in TRAP_STACK (10), with room to spare, on every kind of thread."""
    import sys

    def host() -> int:
        result = native.run(HOST, 0, 0)
        reached.append(result)
        return 1

    def recurse() -> None:
        native.set_callable(host)
        native.run(HOST, 0, 0)

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        for size in (0, 256 << 10, 1 << 20):
            reached: list[int] = []
            if size:
                old = threading.stack_size(size)
                thread = threading.Thread(target=recurse)
                thread.start()
                thread.join()
                threading.stack_size(old)
            else:
                recurse()
            assert reached[0] == -10 and set(reached[1:]) <= {1}
            assert len(reached) > 100
    finally:
        sys.setrecursionlimit(limit)
    assert state(native) == IDLE


def test_each_thread_has_a_context_and_gives_it_back(native: Any) -> None:
    mine = native.trap_word(8)
    contexts: list[int] = []

    def work() -> None:
        assert native.run(RETURN, 3, 0) == 3 and native.run(TRAP, 4, 0) == -4
        contexts.append(native.trap_word(8))

    for _ in range(20):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert mine not in contexts and len(set(contexts)) <= 3

    barrier = threading.Barrier(8)
    contexts.clear()

    def together() -> None:
        barrier.wait()
        work()
        barrier.wait()

    threads = [threading.Thread(target=together) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(contexts)) == 8


def test_fork(script: Any) -> None:
    result = script(
        "import os\n"
        "native.set_memory(0, native.memory_new(1, 2, 1 << 32, 1))\n"
        "def check():\n"
        "    assert native.run(0, 5, 0) == 5 and native.run(1, 1 << 20, 0) == -2 and native.run(3, 10**7, 0) == 10**7\n"
        "    assert native.memory_new(1, 2, 1 << 32, 1) > 1\n"
        "check()\n"
        "pid = os.fork()\n"
        "check()\n"
        "if pid == 0: os._exit(7)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7\n"
    )
    assert result.returncode == 0, result.stderr


def test_traps_do_not_leak(native: Any, memory: Any) -> None:
    def rss() -> int:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * 4

    native.repeat(TRAP, 1000)
    before = rss()
    for _ in range(100_000):
        native.run(LOAD, 1 << 20, 0)
    native.repeat(TRAP, 1_000_000)
    assert rss() - before < 256


def test_greenlets_in_order_and_out_of_order(script: Any) -> None:
    """Switching inside host functions works as long as the last activation entered is the first one left; else it raises."""
    pytest.importorskip("greenlet")
    text = (
        "from greenlet import greenlet, getcurrent\n"
        "main = getcurrent()\n"
        "def host():\n"
        "    log.append('in')\n"
        "    main.switch()\n"
        "    log.append('out')\n"
        "    return 6\n"
        "def work():\n"
        "    try: native.raising(4, 0, 0)\n"
        "    except RuntimeError as error: log.append('order' in str(error))\n"
        "    else: log.append('fine')\n"
        "native.set_callable(host)\n"
        "for first in (1, 1, 0):\n"
        "    log = []\n"
        "    both = [greenlet(work), greenlet(work)]\n"
        "    both[0].switch(); both[1].switch()\n"
        "    both[first].switch(); both[1 - first].switch()\n"
        "    assert both[0].dead and both[1].dead\n"
        "    assert log == (['in', 'in', 'out', 'fine', 'out', 'fine'] if first else ['in', 'in', 'out', True, 'out', 'fine']), log\n"
        "    assert native.run(0, 8, 0) == 8 and native.run(2, 3, 0) == -3 and native.run(3, 10**7, 0) == 10**7\n"
        "assert [native.trap_word(i) for i in (3, 4)] == [0, 64]\n"  # what the one left out of order stood on is lost
    )
    result = script(text)
    assert result.returncode == 0, result.stderr
