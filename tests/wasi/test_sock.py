"""Sockets that the embedder passes."""

import socket
import threading

import pytest

import wasmjit
from tests.wasi.guest import BUFFER, NAMES, RESULT, Guest
from wasmjit.wasi import Wasi

FD = 3
PEEK, WAITALL = 1, 2


def test_send_and_receive() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        guest = Guest(Wasi(sockets=[theirs]))
        guest.data[BUFFER : BUFFER + 5] = b"hello"
        guest.good("sock_send", FD, *guest.iovec((BUFFER, 2), (BUFFER + 2, 3)), 0, RESULT)
        assert guest.number() == 5 and ours.recv(10) == b"hello"
        ours.send(b"answer")
        for flags, size in ((PEEK, 6), (0, 6)):
            guest.good("sock_recv", FD, *guest.iovec((BUFFER, 4), (BUFFER + 10, 4)), flags, RESULT, RESULT + 4)
            assert guest.number() == size and guest.number(RESULT + 4, 2) == 0
            assert guest.data[BUFFER : BUFFER + 4] == b"answ" and guest.data[BUFFER + 10 : BUFFER + 12] == b"er"
        ours.send(b"more")
        assert guest.read(FD) == b"more" and guest.write(FD, b"x") == 1
        assert guest.fd_status(FD)["type"] == 6


def test_shutdown_and_end() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        guest = Guest(Wasi(sockets=[theirs]))
        assert guest.call("sock_shutdown", FD, 0) == guest.call("sock_shutdown", FD, 4) == "INVAL"
        guest.good("sock_shutdown", FD, 2)
        assert ours.recv(1) == b""
        assert guest.call("sock_send", FD, *guest.iovec((BUFFER, 1)), 0, RESULT) == "PIPE"
        ours.close()
        assert guest.read(FD) == b""
        guest.close(FD)
        assert theirs.fileno() >= 0  # only lent


def test_not_waiting() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        guest = Guest(Wasi(sockets=[theirs]))
        guest.good("fd_fdstat_set_flags", FD, 4)
        assert guest.call("sock_recv", FD, *guest.iovec((BUFFER, 1)), 0, RESULT, RESULT + 4) == "AGAIN"
        assert guest.call("fd_fdstat_set_flags", FD, 1) == "NOTSUP"
        ours.send(b"abc")
        guest.good("sock_recv", FD, *guest.iovec((BUFFER, 10)), WAITALL, RESULT, RESULT + 4)
        assert guest.number() == 3


def test_not_waiting_by_the_embedders_wish() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        guest = Guest(Wasi(sockets=[theirs]))
        guest.good("fd_fdstat_get", FD, 64)
        assert guest.number(66, 2) == 4
        assert guest.call("fd_read", FD, *guest.iovec((BUFFER, 1)), RESULT) == "AGAIN"


def test_truncated_datagrams() -> None:
    ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM)
    with ours, theirs:
        guest = Guest(Wasi(sockets=[theirs]))
        ours.send(b"datagram")
        guest.good("sock_recv", FD, *guest.iovec((BUFFER, 4)), 0, RESULT, RESULT + 4)
        assert guest.number() == 4 and guest.number(RESULT + 4, 2) == 1


WAITS = """(module
  (import "wasi_snapshot_preview1" "sock_recv" (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func $flags (param i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 512) "\\00\\08\\00\\00\\04\\00\\00\\00\\00\\09\\00\\00\\04\\00\\00\\00")
  (func (export "set_flags") (param $flags i32) (result i32) (call $flags (i32.const 3) (local.get $flags)))
  (func (export "accept") (result i32) (call $accept (i32.const 3) (i32.const 0) (i32.const 600)))
  (func (export "send") (result i32) (call $send (i32.const 3) (i32.const 512) (i32.const 2) (i32.const 0) (i32.const 600)))
  (func (export "all") (result i32)
    (call $recv (i32.const 3) (i32.const 512) (i32.const 2) (i32.const 2) (i32.const 600) (i32.const 604))))"""


def test_receiving_all_ends_with_a_timeout() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        instance = wasmjit.load(WAITS.encode(), wasi=Wasi(sockets=[theirs]))
        receive, memory = instance.exports["all"], instance.memory
        ours.send(b"abc")
        timer = threading.Timer(0.02, ours.send, (b"defghi",))
        timer.start()
        assert receive(timeout=60) == 0 and memory[600] == 8
        assert (memory.read(2048, 4), memory.read(2304, 4)) == (b"abcd", b"efgh")
        timer.join()
        with pytest.raises(wasmjit.Timeout):
            receive(timeout=0.05)
        ours.send(b"xyz")
        ours.shutdown(socket.SHUT_WR)
        assert receive(timeout=60) == 0 and memory[600] == 3 and memory.read(2048, 3) == b"xyz"


def test_receiving_all_without_waiting_loses_nothing() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        instance = wasmjit.load(WAITS.encode(), wasi=Wasi(sockets=[theirs]))
        assert instance.exports["set_flags"](4) == 0
        ours.send(b"abc")
        assert instance.exports["all"](timeout=60) == 0 and instance.memory[600] == 3 and instance.memory.read(2048, 3) == b"abc"
        assert NAMES[instance.exports["all"](timeout=60)] == "AGAIN"


def test_what_cannot_be_done_is_not_waited_for() -> None:
    """Under a timeout too, which is what waiting would end in."""
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_server(("127.0.0.1", 0)) as listening:
        exports = wasmjit.load(WAITS.encode(), wasi=Wasi(sockets=[listening])).exports
        assert NAMES[exports["all"](timeout=10)] == "NOTCONN"
        assert NAMES[exports["send"](timeout=10)] in ("NOTCONN", "PIPE")
        with socket.create_connection(listening.getsockname()):
            assert exports["accept"](timeout=10) == 0
        with pytest.raises(wasmjit.Timeout):
            exports["accept"](timeout=0.05)
        exports = wasmjit.load(WAITS.encode(), wasi=Wasi(sockets=[theirs])).exports
        assert NAMES[exports["accept"](timeout=10)] == "INVAL"
        while True:  # until the other side's buffer is full
            try:
                theirs.send(b"x" * 65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
        with pytest.raises(wasmjit.Timeout):
            exports["send"](timeout=0.05)
        theirs.shutdown(socket.SHUT_WR)
        assert NAMES[exports["send"](timeout=10)] == "PIPE"


def test_accept() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        guest = Guest(Wasi(sockets=[listening]))
        assert guest.call("sock_accept", FD, 1, RESULT) == "INVAL"
        with socket.create_connection(listening.getsockname()) as client:
            guest.good("sock_accept", FD, 0, RESULT)
            accepted = guest.number()
            assert accepted == 4
            guest.write(accepted, b"welcome")
            assert client.recv(10) == b"welcome"
            guest.close(accepted)
            assert client.recv(1) == b""
        guest.good("fd_fdstat_set_flags", FD, 4)
        assert guest.call("sock_accept", FD, 0, RESULT) == "AGAIN"


def test_bad_calls() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        guest = Guest(Wasi(sockets=[theirs]))
        iovec = guest.iovec((BUFFER, 1))
        assert guest.call("sock_recv", FD, *iovec, 4, RESULT, RESULT + 4) == guest.call("sock_send", FD, *iovec, 1, RESULT) == "INVAL"
        assert guest.call("sock_recv", FD, *iovec, 0, -1, RESULT) == guest.call("sock_send", FD, *iovec, 0, -1) == "FAULT"
        assert guest.call("sock_send", 1, *iovec, 0, RESULT) == guest.call("sock_recv", 0, *iovec, 0, RESULT, RESULT) == "NOTSOCK"
        assert guest.call("fd_seek", FD, 0, 0, RESULT) == "SPIPE"
        guest.good("fd_fdstat_set_rights", FD, 0, 0)
        assert guest.call("sock_send", FD, *iovec, 0, RESULT) == guest.call("sock_recv", FD, *iovec, 0, RESULT, RESULT) == "NOTCAPABLE"
