"""wasi_unstable: what differs from preview 1."""

from pathlib import Path

import pytest

from tests.wasi.guest import FIRST, RECORD, RESULT, Guest
from tests.wasi.test_poll import EVENTS, SUBSCRIPTIONS
from wasmjit.wasi import Wasi


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    (tmp_path / "file").write_bytes(b"0123456789")
    return Guest(Wasi(dirs={"/": tmp_path}), module="wasi_unstable")


def test_whence(guest: Guest) -> None:
    fd = guest.open("file")
    for offset, whence, position in ((4, 2, 4), (1, 0, 5), (-1, 1, 9)):
        guest.good("fd_seek", fd, offset, whence, RESULT)
        assert guest.number(RESULT, 8) == position
    assert guest.call("fd_seek", fd, 0, 3, RESULT) == guest.call("fd_seek", fd, 0, -1, RESULT) == "INVAL"


def test_filestat(guest: Guest, tmp_path: Path) -> None:
    host = (tmp_path / "file").stat()
    guest.data[RECORD + 56] = 77
    for call in (("fd_filestat_get", guest.open("file"), RECORD), ("path_filestat_get", FIRST, 0, "file", RECORD)):
        guest.data[RECORD : RECORD + 56] = bytes(56)
        guest.good(*call)
        fields = [(8, 8), (16, 1), (20, 4), (24, 8), (40, 8)]
        assert [guest.number(RECORD + at, size) for at, size in fields] == [host.st_ino, 4, 1, 10, host.st_mtime_ns]
    assert guest.data[RECORD + 56] == 77
    assert guest.call("fd_filestat_get", FIRST, (1 << 20) - 55) == "FAULT"
    assert guest.call("path_filestat_get", FIRST, 0, "missing", RECORD) == "NOENT"


def test_poll(guest: Guest) -> None:
    parts = [(5, 8), (0, 8), (99, 8), (1, 8), (1000, 8), (0, 8), (0, 8)]
    guest.data[SUBSCRIPTIONS : SUBSCRIPTIONS + 56] = b"".join([value.to_bytes(size, "little") for value, size in parts])
    guest.good("poll_oneoff", SUBSCRIPTIONS, EVENTS, 1, RESULT)
    assert guest.number() == 1 and guest.number(EVENTS, 8) == 5 and guest.number(EVENTS + 8) == 0
    parts = [(6, 8), (2, 8), (1, 4), (0, 36)]
    guest.data[SUBSCRIPTIONS : SUBSCRIPTIONS + 56] = b"".join([value.to_bytes(size, "little") for value, size in parts])
    guest.good("poll_oneoff", SUBSCRIPTIONS, EVENTS, 1, RESULT)
    assert guest.number() == 1 and guest.number(EVENTS, 8) == 6
    assert guest.call("poll_oneoff", SUBSCRIPTIONS, EVENTS, 0, RESULT) == "INVAL"
    assert guest.call("poll_oneoff", (1 << 20) - 55, EVENTS, 1, RESULT) == "FAULT"
