"""poll_oneoff: clocks, descriptors, both."""

import os
import signal
import socket
import threading
import time

import pytest

from tests.wasi.guest import READ, RESULT, Guest
from wasmjit.wasi import VirtualClock, Wasi

SUBSCRIPTIONS, EVENTS = 1024, 32768
CLOCK, FD_READ, FD_WRITE = range(3)
MILLISECOND = 1_000_000


def clock(userdata: int, timeout: int, identifier: int = 1, flags: int = 0) -> bytes:
    parts = ((userdata, 8), (CLOCK, 8), (identifier, 8), (timeout, 8), (0, 8), (flags, 8))
    return b"".join([value.to_bytes(size, "little") for value, size in parts])


def descriptor(userdata: int, kind: int, fd: int) -> bytes:
    return b"".join([value.to_bytes(size, "little") for value, size in ((userdata, 8), (kind, 8), (fd, 4), (0, 28))])


def poll(guest: Guest, *subscriptions: bytes) -> list[tuple[int, int, int, int, int]]:
    """(userdata, errno, type, bytes, flags) of the events."""
    joined = b"".join(subscriptions)
    guest.data[SUBSCRIPTIONS : SUBSCRIPTIONS + len(joined)] = joined
    guest.good("poll_oneoff", SUBSCRIPTIONS, EVENTS, len(subscriptions), RESULT)
    found = []
    for at in range(EVENTS, EVENTS + 32 * guest.number(), 32):
        found.append(
            (guest.number(at, 8), guest.number(at + 8, 2), guest.number(at + 10, 1), guest.number(at + 16, 8), guest.number(at + 24, 2))
        )
    return found


def test_sleeping() -> None:
    start = time.monotonic()
    assert poll(Guest(), clock(7, 30 * MILLISECOND)) == [(7, 0, CLOCK, 0, 0)]
    assert 0.03 <= time.monotonic() - start < 10


def test_absolute_and_past_times() -> None:
    start = time.monotonic()
    for identifier, now in ((0, time.time_ns()), (1, time.monotonic_ns())):
        assert len(poll(Guest(), clock(1, now + 20 * MILLISECOND, identifier, 1))) == 1
        assert len(poll(Guest(), clock(1, now - 20 * MILLISECOND, identifier, 1))) == 1
    assert 0.02 <= time.monotonic() - start < 10


def test_the_first_of_several_clocks() -> None:
    assert poll(Guest(), clock(1, 10**18), clock(2, 5 * MILLISECOND), clock(3, 0xFFFFFFFFFFFFFFFF)) == [(2, 0, CLOCK, 0, 0)]


def test_a_virtual_clock_sleeps_at_once() -> None:
    ticks = VirtualClock()
    start = time.monotonic()
    assert len(poll(Guest(Wasi(clock=ticks)), clock(1, 3600 * 10**9))) == 1
    assert time.monotonic() - start < 60 and ticks.now >= 3600 * 10**9


def test_virtual_time_passes_where_nothing_is_ready() -> None:
    reading, writing = os.pipe()
    ticks = VirtualClock(start=1000, step=1)
    guest = Guest(Wasi(stdin=reading, clock=ticks))
    try:
        start = time.monotonic()
        both = descriptor(1, FD_READ, 0), clock(2, 3600 * 10**9), clock(3, 7200 * 10**9)
        assert poll(guest, *both) == [(2, 0, CLOCK, 0, 0)]
        assert time.monotonic() - start < 60 and 3600 * 10**9 <= ticks.now < 3601 * 10**9
        os.write(writing, b"x")
        assert poll(guest, *both) == [(1, 0, FD_READ, 1, 0)]
        assert ticks.now < 3601 * 10**9
    finally:
        os.close(reading)
        os.close(writing)


def test_the_order_of_virtual_sleeps() -> None:
    guest = Guest(Wasi(clock=VirtualClock(step=1)))
    events = [poll(guest, clock(1, 3000), clock(2, 1000), clock(3, 2000)) for _ in range(3)]
    assert events == [[(2, 0, CLOCK, 0, 0)]] * 3
    assert poll(guest, clock(1, 1000), clock(2, 1000)) == [(1, 0, CLOCK, 0, 0), (2, 0, CLOCK, 0, 0)]


def test_a_virtual_clock_ends_at_its_last_moment() -> None:
    ticks = VirtualClock()
    guest = Guest(Wasi(clock=ticks))
    for _ in range(2):
        assert len(poll(guest, clock(1, 0xFFFFFFFFFFFFFFFF))) == 1
        guest.good("clock_time_get", 0, 0, RESULT)
        assert guest.number(size=8) == 0xFFFFFFFFFFFFFFFF


def test_a_slow_clock_is_waited_for() -> None:
    """A callable without a sleep of its own, whose nanoseconds take longer than the host's."""
    reading, writing = os.pipe()
    guest = Guest(Wasi(stdin=reading, clock=lambda _: time.monotonic_ns() // 4))
    start = time.monotonic()
    assert poll(guest, descriptor(1, FD_READ, 0), clock(2, 10 * MILLISECOND)) == [(2, 0, CLOCK, 0, 0)]
    assert time.monotonic() - start >= 0.04
    os.close(reading)
    os.close(writing)


def test_bad_calls() -> None:
    guest = Guest()
    assert guest.call("poll_oneoff", SUBSCRIPTIONS, EVENTS, 0, RESULT) == "INVAL"
    assert guest.call("poll_oneoff", SUBSCRIPTIONS, EVENTS, -1, RESULT) == "INVAL"
    assert guest.call("poll_oneoff", (1 << 20) - 47, EVENTS, 1, RESULT) == "FAULT"
    assert guest.call("poll_oneoff", SUBSCRIPTIONS, (1 << 20) - 31, 1, RESULT) == "FAULT"
    guest.data[SUBSCRIPTIONS : SUBSCRIPTIONS + 48] = descriptor(0, 3, 0)
    assert guest.call("poll_oneoff", SUBSCRIPTIONS, EVENTS, 1, RESULT) == "INVAL"


def test_errors_of_one_subscription_are_events() -> None:
    events = poll(
        Guest(),
        clock(1, 10**18),
        descriptor(2, FD_READ, 99),
        clock(3, 0, 9),
        clock(4, 0, 1, 2),
        descriptor(5, FD_READ, 1),
        descriptor(6, FD_WRITE, 0),
    )
    assert events == [(2, 8, FD_READ, 0, 0), (3, 28, CLOCK, 0, 0), (4, 28, CLOCK, 0, 0), (5, 8, FD_READ, 0, 0), (6, 8, FD_WRITE, 0, 0)]


def test_streams_and_files_are_ready(tmp_path: object) -> None:
    guest = Guest(Wasi(stdin=b"abc", dirs={"/": str(tmp_path)}))
    with open(f"{tmp_path}/file", "wb") as file:
        file.write(b"12345")
    fd = guest.open("file")
    assert poll(guest, descriptor(1, FD_READ, 0), descriptor(2, FD_WRITE, 1), descriptor(3, FD_READ, fd), clock(4, 10**18)) == [
        (1, 0, FD_READ, 1, 0),
        (2, 0, FD_WRITE, 0, 0),
        (3, 0, FD_READ, 5, 0),
    ]
    assert guest.number() == 3
    assert poll(guest, descriptor(1, FD_READ, guest.open("file", rights=READ))) == [(1, 76, FD_READ, 0, 0)]


def test_pipes_are_waited_for() -> None:
    reading, writing = os.pipe()
    guest = Guest(Wasi(stdin=reading, stdout=writing))
    try:
        assert poll(guest, descriptor(1, FD_READ, 0), clock(2, 5 * MILLISECOND)) == [(2, 0, CLOCK, 0, 0)]
        assert poll(guest, descriptor(1, FD_READ, 0), descriptor(3, FD_WRITE, 1)) == [(3, 0, FD_WRITE, 0, 0)]
        timer = threading.Timer(0.02, os.write, (writing, b"x"))
        timer.start()
        assert poll(guest, descriptor(1, FD_READ, 0)) == [(1, 0, FD_READ, 1, 0)]
        timer.join()
        os.read(reading, 1)
        os.close(writing)
        assert poll(guest, descriptor(1, FD_READ, 0)) == [(1, 0, FD_READ, 0, 1)]
    finally:
        os.close(reading)


def test_sockets_are_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        guest = Guest(Wasi(sockets=[theirs]))
        assert poll(guest, descriptor(1, FD_READ, 3), descriptor(2, FD_WRITE, 3)) == [(2, 0, FD_WRITE, 0, 0)]
        ours.send(b"x")
        assert poll(guest, descriptor(1, FD_READ, 3)) == [(1, 0, FD_READ, 1, 0)]


def test_an_interrupt_ends_a_sleep() -> None:
    class Mine(Exception):
        pass

    def raising(*_: object) -> None:
        raise Mine

    old = signal.signal(signal.SIGALRM, raising)
    reading, writing = os.pipe()
    try:
        for subscriptions in ([clock(1, 10**11)], [descriptor(1, FD_READ, 0)]):
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            start = time.monotonic()
            with pytest.raises(Mine):
                poll(Guest(Wasi(stdin=reading)), *subscriptions)
            assert time.monotonic() - start < 10
    finally:
        signal.signal(signal.SIGALRM, old)
        os.close(reading)
        os.close(writing)
