"""Calls that another thread ends, by ticket: wherever they are, and nobody else's."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

import wasmjit
from tests.units.loops import COUNTER, FIBONACCI, FILLING, STORING
from tests.units.making import N, compiled

LOOPS = {"registers": (COUNTER, -1, 1), "stores": (STORING, 0, 1), "recursion": (FIBONACCI, 90, 1), "runtime": (FILLING, 0, 1024)}
SPIN = '(module (func (export "f") (loop (br 0))))'


@contextmanager
def ticket() -> Iterator[tuple[int, int]]:
    """A ticket of this thread and its waker."""
    waker = os.eventfd(0)
    number = N.ticket_new()
    assert N.ticket_take(number, waker)
    try:
        yield number, waker
    finally:
        N.ticket_drop()
        os.close(waker)


class Endable(threading.Thread):
    """A thread that makes calls with a ticket: `caught` is what they raised."""

    def __init__(self, *calls: Callable[[], object]) -> None:
        super().__init__()
        self.calls = calls
        self.caught: list[BaseException | None] = []
        self.taken = threading.Event()

    def run(self) -> None:
        with ticket() as (self.ticket, self.waker):
            self.taken.set()
            for call in self.calls:
                try:
                    call()
                    self.caught.append(None)
                except wasmjit.Error as error:
                    self.caught.append(error)

    def begin(self) -> "Endable":
        self.start()
        self.taken.wait()
        return self


@pytest.mark.parametrize("loop", LOOPS)
def test_loops_end(loop: str) -> None:
    ir, argument, pages = LOOPS[loop]
    instance = compiled(ir, f'(module (memory (export "m") {pages}) (func (export "f") (param i64) (result i64) local.get 0))')
    for delay in (0.0, 0.003, 0.02):
        thread = Endable(lambda: instance.exports.f(argument), lambda: instance.exports.f(argument)).begin()
        time.sleep(delay)
        assert N.ticket_end(thread.ticket)
        thread.join()
        assert [type(error) for error in thread.caught] == [wasmjit.Terminated] * 2  # also what comes after it
        assert not N.ticket_end(thread.ticket)


def test_it_names_the_function_that_ran() -> None:
    f = wasmjit.load(SPIN.encode()).exports.f
    thread = Endable(f).begin()
    time.sleep(0.02)
    N.ticket_end(thread.ticket)
    thread.join()
    (error,) = thread.caught
    assert isinstance(error, wasmjit.Terminated) and [frame.index for frame in error.frames] == [0]


def test_calls_outside_and_of_other_threads_go_on() -> None:
    count = compiled(COUNTER).exports.f
    spin = wasmjit.load(SPIN.encode()).exports.f
    results: list[int] = []
    other = threading.Thread(target=lambda: results.append(count(500_000_000)))
    other.start()
    thread = Endable(spin).begin()
    time.sleep(0.01)
    N.ticket_end(thread.ticket)
    thread.join()
    assert count(1_000_000) == 1_000_000
    other.join()
    assert results == [500_000_000] and isinstance(thread.caught[0], wasmjit.Terminated)


def test_a_thread_without_a_ticket_has_no_waker() -> None:
    assert N.call_waker() == -1 and not N.call_ended() and not N.ticket_end(N.ticket_new())
    with ticket() as (number, waker):
        assert N.call_waker() == waker and not N.call_ended()
        assert N.ticket_end(number) and N.call_ended()
        assert os.eventfd_read(waker) == 1
    assert N.call_waker() == -1 and not N.call_ended()
    assert compiled(COUNTER).exports.f(50_000_000) == 50_000_000


def test_the_next_thread_with_the_context_is_not_ended() -> None:
    """A ticket that was used up while its thread came to an end, or after: contexts are taken over."""
    count = wasmjit.load(b'(module (func (export "f") (loop (br_if 0 (i32.const 0)))))').exports.f
    long = compiled(COUNTER).exports.f
    tickets: list[int] = []
    done = False

    def end() -> None:
        while not done:
            for number in tickets[-3:]:
                N.ticket_end(number)

    def work() -> None:
        with ticket() as (number, _):
            tickets.append(number)
            for _ in range(3):
                try:
                    count()
                except wasmjit.Terminated:
                    break

    ender = threading.Thread(target=end)
    ender.start()
    for _ in range(200):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        results: list[int] = []
        thread = threading.Thread(target=lambda: results.append(long(20_000)))  # noqa: B023
        thread.start()
        thread.join()
        assert results == [20_000]
    done = True
    ender.join()
    assert len(tickets) == 200


def test_a_host_function_that_catches_it_does_not_get_far() -> None:
    inner = wasmjit.load(SPIN.encode()).exports.f
    caught: list[BaseException] = []

    def host() -> None:
        try:
            inner()
        except wasmjit.Terminated as error:
            caught.append(error)

    outer = wasmjit.load(b'(module (import "e" "h" (func $h)) (func (export "f") (loop (call $h) (br 0))))', {"e": {"h": host}}).exports.f
    thread = Endable(outer).begin()
    time.sleep(0.02)
    N.ticket_end(thread.ticket)
    thread.join()
    assert len(caught) <= 1 and isinstance(thread.caught[0], wasmjit.Terminated)


def test_a_timeout_around_does_not_hide_it() -> None:
    inner = wasmjit.load(SPIN.encode()).exports.f
    outer = wasmjit.load(
        b'(module (import "e" "h" (func $h)) (func (export "f") (call $h)))', {"e": {"h": lambda: inner(timeout=50)}}
    ).exports.f
    thread = Endable(lambda: outer(timeout=60)).begin()
    time.sleep(0.02)
    N.ticket_end(thread.ticket)
    thread.join()
    assert isinstance(thread.caught[0], wasmjit.Terminated)


def test_waiting_for_a_store_ends() -> None:
    """Another thread is inside."""
    instance = wasmjit.load(SPIN.encode())
    holder = Endable(instance.exports.f).begin()
    time.sleep(0.02)
    waiter = Endable(instance.exports.f).begin()
    time.sleep(0.02)
    N.ticket_end(waiter.ticket)
    waiter.join()
    assert isinstance(waiter.caught[0], wasmjit.Terminated) and holder.is_alive()
    N.ticket_end(holder.ticket)
    holder.join()


HOST_LOOP = """(module (import "e" "h" (func $h)) (func (export "f") (param i32)
  (loop (call $h) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"""


def test_ended_at_random_moments() -> None:
    """Threads that begin, loop, call Python and end, and one that uses up their tickets meanwhile."""
    f = wasmjit.load(HOST_LOOP.encode(), {"e": {"h": lambda: None}}).exports.f
    outcomes: set[type] = set()
    for n in range(150):
        thread = Endable(lambda: f(n * 20 + 1)).begin()  # noqa: B023
        time.sleep(n % 7 * 0.0001)
        N.ticket_end(thread.ticket)
        thread.join()
        outcomes.update(type(error) for error in thread.caught)
    assert outcomes and outcomes <= {wasmjit.Terminated, type(None)}
