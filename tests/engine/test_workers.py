"""Worker processes with a compiler that does what it is told: answers, refusals, deaths, limits."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tests.engine.conftest import eventually
from wasmjit.tiers import policy, worker
from wasmjit.tiers.compiling import NoWorkers, Refusal
from wasmjit.tiers.optimizer.request import Request, Source
from wasmjit.tiers.optimizer.wire import packed, unpacked
from wasmjit.tiers.workers import Worker, WorkerDied, Workers

# What to do is told by the request's head.
FAKE = """
import sys; sys.path[:] = sys.argv[1:]
import os, signal, time
from wasmjit.tiers import worker

def compile(request):
    request = request.source.head.decode()
    if request == "refuse":
        return worker.REFUSED, b"too large"
    if request == "raise":
        return worker.FAILED, b"ValueError: no"
    if request == "nonsense":
        return 200, b""
    if request == "endless":
        os.write(1, worker.head(worker.DONE, 1 << 60))
    if request == "abort":
        os.abort()
    if request == "exit":
        os._exit(3)
    if request == "sleep":
        time.sleep(60)
    if request == "spin":
        worker.allow_cpu(0.2)
        while True:
            pass
    if request == "eat":
        try:
            return worker.DONE, bytes(len(bytearray(8 << 30)) % 7)
        except MemoryError:
            return worker.FAILED, b"no memory"
    if request in ("open", "close"):
        if request == "close":
            worker.close_others(1)
        return worker.DONE, " ".join(fd for fd in os.listdir("/dev/fd") if int(fd) > 2 and os.path.exists(f"/dev/fd/{fd}")).encode()
    if request == "pid":
        return worker.DONE, str(os.getpid()).encode()
    return worker.DONE, request.encode()[::-1]

worker.confine()
signal.signal(signal.SIGINT, signal.SIG_IGN)
worker.serve(0, 1, compile)
"""


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    real = worker.command
    monkeypatch.setattr(worker, "command", lambda module: [*real(module)[:4], FAKE, *real(module)[5:]])


@pytest.fixture
def pool() -> Iterator[Workers]:
    made = Workers(2)
    yield made
    made.close()


def ask(pool: Workers, what: str, seconds: float = 30.0) -> bytes:
    return pool.compile(Request(Source(0, what.encode()), ((0, 0),)), seconds)


def test_requests_and_answers_of_any_size(pool: Workers) -> None:
    assert ask(pool, "abc") == b"cba"
    big = "x" * 3_000_000 + "y"
    assert ask(pool, big) == big.encode()[::-1]


def test_a_worker_is_used_again_also_after_a_refusal(pool: Workers) -> None:
    first = ask(pool, "pid")
    with pytest.raises(Refusal, match="too large"):
        ask(pool, "refuse")
    with pytest.raises(Refusal, match="ValueError: no"):
        ask(pool, "raise")
    assert ask(pool, "pid") == first


@pytest.mark.parametrize(
    ("what", "reason"),
    [("abort", "SIGABRT"), ("exit", "status 3"), ("nonsense", "nonsense"), ("endless", "nonsense"), ("spin", "SIGXCPU")],
)
def test_a_worker_that_dies_is_replaced(pool: Workers, what: str, reason: str) -> None:
    before = ask(pool, "pid")
    with pytest.raises(WorkerDied, match=reason):
        ask(pool, what)
    assert ask(pool, "pid") != before


def test_a_worker_that_is_killed_from_outside(pool: Workers) -> None:
    pid = int(ask(pool, "pid"))
    threading.Timer(0.2, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(WorkerDied, match="SIGKILL"):
        ask(pool, "sleep")
    assert int(ask(pool, "pid")) != pid


def test_one_that_takes_too_long_is_killed(pool: Workers) -> None:
    pid = int(ask(pool, "pid"))
    with pytest.raises(WorkerDied, match="too long"):
        ask(pool, "sleep", 0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_memory_is_limited(pool: Workers) -> None:
    with pytest.raises(Refusal, match="no memory"):
        ask(pool, "eat")


def test_ctrl_c_is_not_for_workers(pool: Workers) -> None:
    pid = int(ask(pool, "pid"))
    os.kill(pid, signal.SIGINT)
    assert int(ask(pool, "pid")) == pid


def test_no_more_are_started_when_all_die(pool: Workers) -> None:
    for _ in range(policy.RESPAWNS):
        with pytest.raises(WorkerDied):
            ask(pool, "abort")
    with pytest.raises(NoWorkers, match="died"):
        ask(pool, "pid")


def test_where_no_process_can_be_started(pool: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(NoWorkers, match="no process"):
        ask(pool, "pid")
    monkeypatch.setattr(sys, "executable", None)
    with pytest.raises(NoWorkers, match="no Python"):
        ask(pool, "pid")


def test_threads_share_the_workers(pool: Workers) -> None:
    answers: list[bytes] = []

    def work() -> None:
        answers.extend(ask(pool, f"a{i}") for i in range(20))

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(f"a{i}".encode()[::-1] for i in range(20) for _ in range(5))
    pids = {ask(pool, "pid") for _ in range(4)}
    assert len(pids) <= 2


def test_closing_ends_the_processes_also_busy_ones(pool: Workers) -> None:
    failed = threading.Event()

    def work() -> None:
        try:
            ask(pool, "sleep")
        except WorkerDied:
            failed.set()

    pid = int(ask(pool, "pid"))
    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.2)
    pool.close()
    thread.join(10)
    assert failed.is_set()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_process_ends_with_its_input() -> None:
    worker = Worker()
    pid = int(worker.compile(Request(Source(0, b"pid"), ((0, 0),))))
    assert worker.pid == pid
    worker.hang_up()
    assert eventually(lambda: worker.ended() == 0)


def test_one_that_was_prepared_is_used(pool: Workers) -> None:
    pool.prepare()
    (worker,) = pool._all
    pool.prepare()
    assert int(ask(pool, "pid")) == worker.pid and pool._all == {worker}


def test_what_libraries_left_open_is_closed(pool: Workers) -> None:
    ours = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(ours, True)
    try:
        assert str(ours).encode() in ask(pool, "open").split()
        assert ask(pool, "close") == b""
    finally:
        os.close(ours)


def test_a_worker_is_sent_only_what_it_has_not_got() -> None:
    bodies = {0: (10, b"a" * 5000), 1: (6000, b"b" * 5000)}
    here, there = Source(), Source()

    def sent(source: Source) -> int:
        data = packed(Request(source, ((0, 0),)), here)
        arrived = unpacked(data, there).source
        assert (arrived.nbytes, arrived.head, arrived.bodies) == (source.nbytes, source.head, source.bodies)
        return len(data)

    assert sent(Source(20000, b"h" * 3000, bodies)) > 13000
    assert sent(Source(20000, b"h" * 3000, bodies)) < 200
    assert sent(Source(20000, b"h" * 3000, {1: bodies[1]})) < 200
    assert 5000 < sent(Source(20000, b"h" * 3000, {0: (10, b"c" * 5000), 1: bodies[1]})) < 6000
    assert sent(Source(20000, b"H" * 3000, {0: bodies[0]})) > 8000
    assert sent(Source(20001, b"H" * 3000, {0: bodies[0]})) > 8000


def test_what_a_worker_keeps_is_bounded(pool: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "RESENT", 1000)
    for what in "ab" * 2000, "pid", "ab", "ab" * 2000:
        ask(pool, what)
        (worker,) = pool._all
        assert worker._known.head == what.encode() and worker._sent < 10000
