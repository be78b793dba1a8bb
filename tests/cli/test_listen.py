"""`-S tcplisten=HOST:PORT`: programs that serve. Loopback only."""

import re
import socket
import subprocess

import pytest

from tests.cli.conftest import Build, Wasmjit, start
from wasmjit.cli._settings import address

# accepts one connection at the descriptor FD and sends back what it gets there once
ECHO = """(module
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\00\\01\\00\\00")
  (func $must (param $errno i32) (if (local.get $errno) (then (call $exit (local.get $errno)))))
  (func (export "_start")
    (call $must (call $accept (i32.const FD) (i32.const 0) (i32.const 16)))
    (call $must (call $read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 20)))
    (i32.store (i32.const 4) (i32.load (i32.const 20)))
    (call $must (call $write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 20)))))"""


@pytest.mark.parametrize(("options", "fd"), [([], "3"), (["--dir", "."], "4")])
def test_a_program_serves(options: list[str], fd: str, build: Build) -> None:
    process = start(*options, "-S", "tcplisten=127.0.0.1:0", build(ECHO.replace("FD", fd)), stderr=subprocess.PIPE)
    assert process.stderr is not None
    told = re.fullmatch(rb"wasmjit: listening on 127\.0\.0\.1:(\d+)\n", process.stderr.readline())
    assert told is not None
    with socket.create_connection(("127.0.0.1", int(told[1])), timeout=30) as connection:
        connection.sendall(b"over and out")
        assert connection.recv(100) == b"over and out"
        assert connection.recv(100) == b""  # closed with the program
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")


def test_an_address_in_use(wasmjit: Wasmjit, build: Build) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        code, out, err = wasmjit("-S", f"tcplisten={where}", build(ECHO.replace("FD", "3")))
    assert (code, out, err) == (1, "", f"wasmjit: error: {where}: Address already in use\n")


@pytest.mark.parametrize(
    ("text", "pair"), [("localhost:80", ("localhost", 80)), ("[::1]:0", ("::1", 0)), ("127.0.0.1:65535", ("127.0.0.1", 65535))]
)
def test_addresses(text: str, pair: tuple[str, int]) -> None:
    assert address(text) == pair


@pytest.mark.parametrize(
    "text", ["", "80", ":80", "localhost", "localhost:", "::1:80", "[::1]", "[]:80", "h:-1", "h:65536", "h:８０", "h:1e3"]
)
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        address(text)
