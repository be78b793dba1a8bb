"""Standard streams over everything that `stdin`, `stdout` and `stderr` may be."""

import gzip
import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.wasi.guest import BUFFER, RESULT, Guest
from wasmjit.wasi import Wasi


def test_bytes_iterable_callable() -> None:
    assert Guest(Wasi(stdin=b"abcdef")).read(0, 4) == b"abcd"
    pieces = Guest(Wasi(stdin=iter([b"abc", b"", b"de"])))
    assert [pieces.read(0, 2), pieces.read(0, 9), pieces.read(0, 9), pieces.read(0, 9)] == [b"ab", b"c", b"de", b""]
    asked: list[int] = []
    called = Guest(Wasi(stdin=lambda count: asked.append(count) or b"x" * 3))  # type: ignore[func-returns-value]
    assert [called.read(0, 2), called.read(0, 2), called.read(0, 1)] == [b"xx", b"x", b"x"]
    assert asked == [2, 1]


def test_an_iterable_is_asked_only_when_the_guest_asks() -> None:
    given: list[int] = []

    def pieces() -> Iterator[bytes]:
        for n in range(3):
            given.append(n)
            yield b"%d\n" % n

    guest = Guest(Wasi(stdin=pieces()))
    assert given == []
    assert (guest.read(0), given) == (b"0\n", [0])
    assert (guest.read(0, 1), guest.read(0, 1), given) == (b"1", b"\n", [0, 1])


def test_reading_into_several_buffers() -> None:
    guest = Guest(Wasi(stdin=b"abcdef"))
    guest.good("fd_read", 0, *guest.iovec((BUFFER, 2), (BUFFER + 100, 0), (BUFFER + 50, 3)), RESULT)
    assert guest.number() == 5 and guest.data[BUFFER : BUFFER + 2] == b"ab" and guest.data[BUFFER + 50 : BUFFER + 53] == b"cde"
    guest.good("fd_read", 0, 0, 0, RESULT)
    assert guest.number() == 0 and guest.read(0) == b"f"


def test_files_and_paths_as_stdin(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"one\ntwo\n")
    assert Guest(Wasi(stdin=path)).read(0) == b"one\ntwo\n"
    with open(path) as text:
        assert Guest(Wasi(stdin=text)).read(0) == b"one\ntwo\n"
    with open(path, "rb") as binary:
        assert binary.readline() == b"one\n"  # Python has buffered the rest, which is not lost
        assert Guest(Wasi(stdin=binary)).read(0) == b"two\n"
    assert Guest(Wasi(stdin=io.StringIO("äx"))).read(0) == "äx".encode()
    with gzip.open(tmp_path / "z", "wb") as packed:
        packed.write(b"packed")
    with gzip.open(tmp_path / "z") as unpacked:
        assert Guest(Wasi(stdin=unpacked)).read(0) == b"packed"
    with pytest.raises(FileNotFoundError):
        Guest(Wasi(stdin=tmp_path / "missing"))


def test_a_stdin_that_does_not_block_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with open(reading, "rb") as file:
        for guest in (Guest(Wasi(stdin=file)), Guest(Wasi(stdin=reading))):
            timer = threading.Timer(0.02, os.write, (writing, b"late"))
            timer.start()
            assert guest.read(0) == b"late"
            timer.join()
        os.close(writing)
        assert guest.read(0) == b""


def test_host_descriptor_as_stdin() -> None:
    reading, writing = os.pipe()
    try:
        guest = Guest(Wasi(stdin=reading))
        os.write(writing, b"pipe")
        assert guest.read(0) == b"pipe"
        guest.close(0)
        os.fstat(reading)  # only lent
    finally:
        os.close(reading)
        os.close(writing)


def test_what_streams_cannot_be() -> None:
    for wrong in ({"stdin": 1.5}, {"stdout": 1.5}):
        with pytest.raises(TypeError):
            Guest(Wasi(**wrong))  # type: ignore[arg-type]


def test_callable_gets_bytes() -> None:
    pieces: list[object] = []
    guest = Guest(Wasi(stdout=pieces.append))
    assert guest.write(1, b"abc") == 3
    guest.good("fd_write", 1, *guest.iovec((BUFFER, 1), (BUFFER + 2, 1)), RESULT)
    assert pieces == [b"abc", b"ac"] and guest.number() == 2


def test_large_writes_may_be_short() -> None:
    sizes: list[int] = []
    guest = Guest(Wasi(stdout=lambda data: sizes.append(len(data))), size=40 << 20)
    guest.good("fd_write", 1, *guest.iovec((0, 40 << 20)), RESULT)
    assert guest.number() == sizes[0] == 1 << 24


def test_pipe_devnull_and_joined_stderr() -> None:
    wasi = Wasi(stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    guest = Guest(wasi)
    guest.write(1, b"out ")
    guest.write(2, b"err")
    guest.close(1)
    guest.write(2, b"!")
    assert wasi.captured(1) == b"out err!" and wasi.captured(2) == b""
    quiet = Guest(Wasi(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL))
    assert quiet.write(1, b"x") == quiet.write(2, b"x") == 1 and quiet.read(0) == b""


def test_paths_and_files_as_stdout(tmp_path: Path) -> None:
    guest = Guest(Wasi(stdout=tmp_path / "out", stderr=subprocess.STDOUT))
    guest.write(1, b"a")
    guest.write(2, b"b")
    guest.close(1)
    guest.write(2, b"c")
    assert (tmp_path / "out").read_bytes() == b"abc"
    with open(tmp_path / "text", "w") as text:
        text.write("first ")
        Guest(Wasi(stdout=text)).write(1, b"second ")
        text.write("third")
    assert (tmp_path / "text").read_bytes() == b"first second third"
    with gzip.open(tmp_path / "z", "wb") as packed:
        Guest(Wasi(stdout=packed)).write(1, b"packed")
    assert gzip.decompress((tmp_path / "z").read_bytes()) == b"packed"
    binary = io.BytesIO()
    Guest(Wasi(stdout=binary)).write(1, b"bytes")
    assert binary.getvalue() == b"bytes"


def test_text_without_bytes_below() -> None:
    text = io.StringIO()
    guest = Guest(Wasi(stdout=text))
    for byte in "aé€".encode():
        guest.write(1, bytes([byte]))
    assert text.getvalue() == "aé€"
    guest.write(1, b"\xe2\x82")
    guest.close(1)
    assert text.getvalue() == "aé€\ufffd"


def test_python_stdout_at_the_time_of_the_call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Guest()
    print("before ", end="")
    guest.write(1, b"guest ")
    print("after", end="")
    guest.write(2, b"err")
    assert capsys.readouterr() == ("before guest after", "err")
    other = io.StringIO()
    monkeypatch.setattr(sys, "stdout", other)
    guest.write(1, b"elsewhere")
    assert other.getvalue() == "elsewhere"
    monkeypatch.setattr(sys, "stdout", None)
    assert guest.write(1, b"nowhere") == 7


def test_order_with_print_on_a_pipe() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from tests.wasi.guest import Guest\n"
        "guest = Guest()\n"
        "for n in range(5):\n    print(n, end=' '); guest.write(1, b'g%d ' % n)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "0 g0 1 g1 2 g2 3 g3 4 g4 "


@pytest.mark.parametrize("kind", [ValueError, OSError, KeyboardInterrupt])
def test_exceptions_of_callables_pass_unchanged(kind: type[BaseException]) -> None:
    error = kind("mine")

    class Failing:
        def __iter__(self) -> "Failing":
            return self

        def __next__(self) -> bytes:
            return fail(self)

    def fail(_: object) -> bytes:
        raise error

    for name, wasi in (("fd_write", Wasi(stdout=fail)), ("fd_read", Wasi(stdin=fail)), ("fd_read", Wasi(stdin=Failing()))):
        guest = Guest(wasi)
        with pytest.raises(kind) as caught:
            guest.call(name, int(name == "fd_write"), *guest.iovec((BUFFER, 1)), RESULT)
        assert caught.value is error and caught.traceback[-1].name == "fail"


def test_a_full_file_that_does_not_block_takes_nothing() -> None:
    class Full(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> None:
            return None

    guest = Guest(Wasi(stdout=Full()))
    assert guest.call("fd_write", 1, *guest.iovec((BUFFER, 5)), RESULT) == "AGAIN"


def test_errors_of_files_are_errnos(tmp_path: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        for number, error in ((full, "NOSPC"), (writing, "PIPE")):
            guest = Guest(Wasi(stdout=number))
            assert guest.call("fd_write", 1, *guest.iovec((BUFFER, 1)), RESULT) == error
    finally:
        os.close(full)
        os.close(writing)


def test_directions_and_positions_of_streams() -> None:
    guest = Guest(Wasi(stdin=b"x", stdout=subprocess.DEVNULL))
    iovec = guest.iovec((BUFFER, 1))
    assert guest.call("fd_write", 0, *iovec, RESULT) == guest.call("fd_read", 1, *iovec, RESULT) == "BADF"
    assert guest.call("fd_seek", 1, 0, 0, RESULT) == guest.call("fd_tell", 0, RESULT) == "SPIPE"
    assert guest.call("fd_pwrite", 1, *iovec, 0, RESULT) == "SPIPE"
    assert guest.call("fd_readdir", 0, BUFFER, 10, 0, RESULT) == "NOTDIR"
    assert guest.try_open("x", fd=1) == "NOTDIR"
    assert guest.call("sock_shutdown", 1, 1) == "NOTSOCK"
    assert guest.fd_status(0)["type"] == 0
    guest.good("fd_fdstat_set_flags", 1, 0)
    assert guest.call("fd_fdstat_set_flags", 1, 4) == "NOTSUP"


def test_a_terminal_looks_like_one() -> None:
    primary, secondary = os.openpty()
    try:
        guest = Guest(Wasi(stdout=secondary))
        guest.good("fd_fdstat_get", 1, RESULT)
        assert guest.data[RESULT] == 2 and not guest.number(RESULT + 8, 8) & (1 << 2 | 1 << 5)
    finally:
        os.close(primary)
        os.close(secondary)
