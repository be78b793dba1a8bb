"""What the streams of a `Process` may be: files, descriptors, callables, other processes."""

import io
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.programs import CAT, ENDLESS, GREETS, TEE, YES, program
from tests.api.test_process import LONG, module
from wasmjit import Process

PIPE, DEVNULL, STDOUT = subprocess.PIPE, subprocess.DEVNULL, subprocess.STDOUT
TAKES_ONE = program("(call $put (i32.const 1) (i32.const 1024) (call $read))")  # repeats the first piece
CLOSES = program("(call $started) (call $check (call $fd_close (i32.const 1))) (drop (call $read))")
WRITES_MUCH = program("(drop (memory.grow (i32.const 100))) (call $put (i32.const 1) (i32.const 65536) (i32.const 1000000))")


def test_a_pipeline() -> None:
    first = Process(module(CAT), stdin=PIPE, stdout=PIPE)
    second = Process(module(CAT), stdin=first.stdout, stdout=PIPE)
    third = Process(module(TEE), stdin=second.stdout, stdout=DEVNULL, stderr=PIPE)
    first.stdout.close()
    second.stdout.close()
    data = os.urandom(150_000)
    writer = threading.Thread(target=lambda: (first.stdin.write(data), first.stdin.close()))
    writer.start()
    assert third.stderr.read() == data
    writer.join()
    assert [process.wait(LONG) for process in (first, second, third)] == [0, 0, 0]
    third.stderr.close()


def test_a_pipeline_with_other_processes() -> None:
    with subprocess.Popen(["tr", "a-z", "A-Z"], stdin=PIPE, stdout=PIPE) as upper:
        assert upper.stdin is not None
        with Process(module(CAT), stdin=upper.stdout, stdout=PIPE) as process:
            upper.stdin.write(b"abc")
            upper.stdin.close()
            assert process.communicate() == (b"ABC", None)


def test_output_into_the_input_of_another() -> None:
    with Process(module(CAT), stdin=PIPE, stdout=PIPE) as last:
        with Process(module(CAT), stdin=b"abc", stdout=last.stdin):
            last.stdin.close()
        assert last.stdout.read() == b"abc"


def test_the_writer_is_told_that_the_reader_has_gone() -> None:
    first = Process(module(YES), stdout=PIPE)
    second = Process(module(TAKES_ONE), stdin=first.stdout, stdout=PIPE)
    first.stdout.close()
    assert second.stdout.readline() == b"started\n"
    second.stdout.close()
    second.wait(LONG)
    assert first.wait(LONG) == 64  # EPIPE


def test_our_end_closed() -> None:
    with Process(module(YES), stdout=PIPE) as process:
        assert process.stdout.readline() == b"started\n"
    assert process.returncode == 64


def test_a_guest_closes_its_end() -> None:
    with Process(module(CLOSES), stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout.read() == b"started\n"
        assert process.poll() is None


def test_stderr_joined_to_stdout() -> None:
    process = Process(module(TEE), stdin=b"x", stdout=PIPE, stderr=STDOUT)
    assert process.communicate() == (b"xx", None)


def test_files_and_paths(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"one two")
    with open(tmp_path / "in", "rb") as source, open(tmp_path / "out", "w") as target:
        target.write("first ")
        with Process(module(CAT), stdin=source, stdout=target):
            pass
        assert os.lseek(source.fileno(), 0, os.SEEK_CUR) == 7
    assert (tmp_path / "out").read_bytes() == b"first one two"
    with Process(module(TEE), stdin=tmp_path / "in", stdout=tmp_path / "out", stderr=STDOUT) as process:
        pass
    assert process.returncode == 0 and (tmp_path / "out").read_bytes() == b"one two" * 2


def test_files_may_be_closed_at_once(tmp_path: Path) -> None:
    with open(tmp_path / "out", "wb") as target:
        process = Process(module(CAT), stdin=PIPE, stdout=target)
    process.communicate(b"abc")
    assert (tmp_path / "out").read_bytes() == b"abc"


def test_descriptors() -> None:
    reading, writing = os.pipe()
    process = Process(module(GREETS), stdin=reading, stdout=writing)
    assert os.get_blocking(reading) and os.get_blocking(writing)  # they are as they were
    os.write(writing, b"x")  # to the guest, from the pipe that it writes to
    process.wait(LONG)
    os.close(writing)
    assert os.read(reading, 100) == b"started\n"
    os.close(reading)


def test_python_objects() -> None:
    said: list[bytes] = []
    asked: list[int] = []

    def pieces() -> Iterator[bytes]:
        for n in range(100):
            asked.append(n)
            yield b"%d " % n

    with Process(module(TAKES_ONE), stdin=pieces(), stdout=said.append) as process:
        assert process.wait(LONG) == 0
    assert (said, asked) == ([b"0 "], [0])
    text = io.StringIO()
    with Process(module(CAT), stdin=lambda count: b"" if text.getvalue() else "äö".encode(), stdout=text):
        pass
    assert text.getvalue() == "äö"


def test_pythons_own_output(capsys: pytest.CaptureFixture[str]) -> None:
    with Process(module(TEE), stdin=b"x"):
        pass
    assert capsys.readouterr() == ("x", "x")


def test_much_through_a_pipe_that_is_read_slowly() -> None:
    with Process(module(WRITES_MUCH), stdout=PIPE, bufsize=0) as process:
        total = 0
        while piece := process.stdout.read(7777):
            total += len(piece)
    assert (total, process.returncode) == (1_000_000, 0)


def test_a_shared_descriptor_that_blocks_can_be_ended() -> None:
    """A socket cannot be opened again: what is written goes in pieces that do not wait."""
    import socket

    ours, theirs = socket.socketpair()
    with ours, theirs, Process(module(ENDLESS["write"]), stdout=theirs.fileno()) as process:
        assert ours.recv(8, socket.MSG_WAITALL) == b"started\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.1)
        process.kill()
        assert process.wait(LONG) == -9


def test_several_at_once() -> None:
    processes = [Process(module(CAT), stdin=PIPE, stdout=PIPE) for _ in range(20)]
    for n, process in enumerate(processes):
        process.stdin.write(b"%d" % n)
    assert [process.communicate()[0] for process in processes] == [b"%d" % n for n in range(20)]
