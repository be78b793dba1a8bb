"""Arguments, environment, clocks, random numbers, the end."""

import time
from typing import Any

import pytest

from tests.wasi.guest import RECORD, RESULT, Guest
from wasmjit._errors import Exit
from wasmjit.wasi import VirtualClock, Wasi


def strings(guest: Guest, name: str) -> list[bytes]:
    """What args_get or environ_get gives, read as libc does."""
    guest.good(name.replace("get", "sizes_get"), RESULT, RESULT + 4)
    count, size = guest.number(), guest.number(RESULT + 4)
    guest.good(name, 256, 512)
    found = []
    for index in range(count):
        start = guest.number(256 + 4 * index)
        found.append(bytes(guest.data[start : guest.data.index(0, start)]))
    assert size == sum([len(string) + 1 for string in found])
    return found


def test_arguments_and_environment() -> None:
    guest = Guest(Wasi(["program", "", "ä", b"\xff"], {"HOME": "/", "EMPTY": "", "EQ": "a=b"}))
    assert strings(guest, "args_get") == [b"program", b"", "ä".encode(), b"\xff"]
    assert strings(guest, "environ_get") == [b"HOME=/", b"EMPTY=", b"EQ=a=b"]


def test_nothing_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    guest = Guest()
    assert strings(guest, "args_get") == [] and strings(guest, "environ_get") == []
    assert guest.read(0) == b""


@pytest.mark.parametrize("wrong", [{"args": ["a\0b"]}, {"env": {"A=B": "c"}}, {"env": {"": "c"}}, {"env": {"A": "\0"}}])
def test_strings_a_guest_cannot_have(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Wasi(**wrong)  # type: ignore[arg-type]


def test_args_is_not_one_string() -> None:
    with pytest.raises(TypeError):
        Wasi("program")


def test_clocks_of_the_host() -> None:
    guest = Guest()
    for identifier in range(4):
        guest.good("clock_res_get", identifier, RECORD)
        assert 0 < guest.number(RECORD, 8) < 10**9
        guest.good("clock_time_get", identifier, 0, RECORD)
    guest.good("clock_time_get", 0, 0, RECORD)
    assert abs(guest.number(RECORD, 8) - time.time_ns()) < 10**10
    assert guest.call("clock_time_get", 4, 0, RECORD) == "INVAL"
    assert guest.call("clock_res_get", -1, RECORD) == "INVAL"


def test_virtual_clock() -> None:
    guest = Guest(Wasi(clock=VirtualClock(start=5, step=7)))
    readings = []
    for _ in range(3):
        guest.good("clock_time_get", 1, 0, RECORD)
        readings.append(guest.number(RECORD, 8))
    assert readings == [5, 12, 19]


def test_random() -> None:
    guest = Guest()
    guest.good("random_get", 1 << 16, 200_000)
    data = guest.data[1 << 16 : (1 << 16) + 200_000]
    assert len(set(data)) == 256 and not any(guest.data[(1 << 16) + 200_000 :])
    guest.good("random_get", 1 << 20, 0)


def test_seeded_random_repeats() -> None:
    drawn = []
    seeds: list[Any] = [1, 1, "2", lambda count: b"x" * count]
    for seed in seeds:
        guest = Guest(Wasi(random=seed))
        guest.good("random_get", 100, 10)
        drawn.append(bytes(guest.data[100:110]))
    assert drawn[0] == drawn[1] != drawn[2] and drawn[3] == b"x" * 10


def test_exit_code_is_unsigned() -> None:
    for code, seen in ((0, 0), (7, 7), (-1, 0xFFFFFFFF)):
        with pytest.raises(Exit) as caught:
            Guest().call("proc_exit", code)
        assert caught.value.code == seen


def test_raise() -> None:
    guest = Guest()
    assert guest.call("proc_raise", 0) == guest.call("proc_raise", 16) == "SUCCESS"
    assert guest.call("proc_raise", 18) == "NOTSUP"
    assert guest.call("proc_raise", 31) == guest.call("proc_raise", -1) == "INVAL"
    with pytest.raises(Exit) as caught:
        guest.call("proc_raise", 6)
    assert caught.value.code == 134


def test_yield() -> None:
    Guest().good("sched_yield")
