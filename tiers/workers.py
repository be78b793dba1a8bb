"""Worker processes that compile: started when first needed, killed when they take too long, replaced when they die.

They are started as programs of their own, not forked: this process may have threads that hold locks. What is sent to one is a
Request; what comes back is read as plain bytes, since the process that sent it worked on what a hostile module says.
"""

import os
import select
import sys
import threading
import time
from _signal import SIGKILL  # type: ignore[import-not-found]  # signal is slow to import

from wasmjit.tiers import policy
from wasmjit.tiers.compiling import NoWorkers, Refusal
from wasmjit.tiers.optimizer.request import Source
from wasmjit.tiers.optimizer.wire import packed
from wasmjit.tiers.worker import DONE, FAILED, HEAD, READY, REFUSED, REQUEST, head, spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit.tiers.optimizer.request import Request

_LARGEST_ANSWER = 1 << 30
_NONSENSE = "the compiler answered nonsense"
_ENDING = 1.0  # seconds to wait for the end of a process that has closed its pipe


class WorkerDied(Refusal):
    """The worker ended while it compiled, or was killed for taking too long."""


class Worker:
    """A process that compiles one request after the other. Raises OSError when it cannot be started."""

    def __init__(self) -> None:
        if not sys.executable:
            raise OSError("no Python to start worker processes with")
        self.pid = -1
        self._status: int | None = None  # how it ended, as exit status or negative signal
        self._reaping = threading.Lock()
        self._ready = False
        self._known = Source()  # what it has
        self._sent = 0  # bytes, since it had nothing
        theirs_in, self._in = os.pipe()
        self._out, theirs_out = os.pipe()
        try:
            self.pid = _spawn(theirs_in, theirs_out)
        except BaseException:
            self.hang_up()
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)

    def compile(self, request: "Request", seconds: float = policy.LONGEST) -> bytes:
        """The packed unit. Raises Refusal, WorkerDied; after that it must be `close`d."""
        self.await_ready(seconds)
        deadline = time.monotonic() + seconds
        if self._sent > policy.RESENT:
            self._known, self._sent = Source(), 0
        message = packed(request, self._known)
        self._sent += len(message)
        try:
            self._send(REQUEST, message, deadline)
        except OSError as error:
            raise self._lost(error) from None
        kind, answer = self._receive(deadline)
        if kind == DONE:
            return answer
        text = answer.decode("utf-8", "replace")
        if kind in (REFUSED, FAILED):
            raise Refusal(text)
        raise WorkerDied(_NONSENSE)

    def await_ready(self, seconds: float = policy.LONGEST) -> None:
        """Return when it has loaded what compiles. Raises WorkerDied."""
        if not self._ready:
            kind, _ = self._receive(time.monotonic() + seconds)
            if kind != READY:
                raise WorkerDied(_NONSENSE)
            self._ready = True

    def kill(self) -> None:
        """End it, also while another thread is in `compile`."""
        with self._reaping:
            if self._status is None:
                os.kill(self.pid, SIGKILL)

    def close(self) -> None:
        """End it and forget it."""
        self.kill()
        while self.ended() is None:
            time.sleep(0.001)
        self.hang_up()

    def ended(self) -> int | None:
        """How it ended, as its exit status or the negative number of a signal; None while it runs."""
        with self._reaping:
            if self._status is None:
                try:
                    found, status = os.waitpid(self.pid, os.WNOHANG)
                    if found:
                        self._status = os.waitstatus_to_exitcode(status)
                except ChildProcessError:  # the program takes its children's ends itself
                    self._status = 0
            return self._status

    def hang_up(self) -> None:
        """Close the pipes: it ends when it looks for the next request."""
        if self._in >= 0:
            os.close(self._in)
            os.close(self._out)
            self._in = self._out = -1

    def _receive(self, deadline: float) -> tuple[int, bytes]:
        """Kind and content of the next message. Raises WorkerDied."""
        try:
            kind, size = HEAD.unpack(self._read(HEAD.size, deadline))
            if size > _LARGEST_ANSWER:
                raise WorkerDied(_NONSENSE)
            return kind, self._read(size, deadline)
        except OSError as error:
            raise self._lost(error) from None

    def _send(self, kind: int, data: bytes, deadline: float) -> None:
        self._write(head(kind, len(data)), deadline)
        self._write(data, deadline)

    def _write(self, data: bytes, deadline: float) -> None:
        left = memoryview(data)
        while left:
            self._wait(self._in, select.POLLOUT, deadline)
            left = left[os.write(self._in, left[: 1 << 16]) :]

    def _read(self, size: int, deadline: float) -> bytes:
        pieces = []
        while size:
            self._wait(self._out, select.POLLIN, deadline)
            piece = os.read(self._out, min(size, 1 << 20))
            if not piece:
                raise WorkerDied(self._fate() or "the compiler ended")
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise WorkerDied("the compiler took too long")

    def _lost(self, error: OSError) -> WorkerDied:
        """What to raise when a pipe to or from it fails."""
        return WorkerDied(self._fate() or f"the compiler: {error.strerror}")

    def _fate(self) -> str:
        """How the process ended, "" if it has not."""
        end = time.monotonic() + _ENDING
        while (code := self.ended()) is None:
            if time.monotonic() > end:
                return ""
            time.sleep(0.001)
        if code >= 0:
            return f"the compiler ended with status {code}"
        import signal

        try:
            return f"the compiler was killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"the compiler was killed by signal {-code}"


def _spawn(requests: int, answers: int) -> int:
    """Start a process that reads and writes these descriptors."""
    actions = [(os.POSIX_SPAWN_DUP2, requests, 0), (os.POSIX_SPAWN_DUP2, answers, 1), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    return spawn("wasmjit.tiers.worker", actions)


class Workers:
    """Some workers; `compile` may be called in as many threads. most: processes at once."""

    def __init__(self, most: int = policy.WORKERS) -> None:
        self._free: list[Worker] = []
        self._all: set[Worker] = set()
        self._room = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._deaths = 0  # in a row
        self._process = os.getpid()

    def compile(self, request: "Request", seconds: float = policy.LONGEST) -> bytes:
        """The packed unit, when a worker is free. Raises Refusal, WorkerDied, NoWorkers."""
        with self._room:
            worker = self._take()
            try:
                unit = worker.compile(request, seconds)
            except WorkerDied:
                self._drop(worker)
                raise
            except Refusal:
                self._deaths = 0
                self._give(worker)
                raise
            except BaseException:  # Ctrl-C in a thread that waits: the answer that will come is nobody's
                self._drop(worker)
                raise
            self._deaths = 0
            self._give(worker)
            return unit

    def prepare(self) -> None:
        """Start one if there is none, and return when it is ready. Not in several threads at once."""
        if self._all:
            return
        try:
            worker = self._take()
        except NoWorkers:  # whoever needs one will hear of that
            return
        try:
            worker.await_ready()
        except WorkerDied:
            self._drop(worker)
        else:
            self._give(worker)

    def close(self, wait: bool = True) -> None:
        """Kill all of them. What is being compiled ends with WorkerDied. wait: until those that had nothing to do are gone."""
        if os.getpid() != self._process:
            return
        with self._lock:
            free, self._free = self._free, []
            busy, self._all = self._all.difference(free), set()
        for worker in free:
            if wait:
                worker.close()
            else:
                worker.kill()
        for worker in busy:
            worker.kill()  # whoever waits for it closes it

    def forked(self) -> None:
        """In the child of a fork, whose pipes would keep them alive. They are the parent's."""
        for worker in self._all:
            worker.hang_up()

    def _take(self) -> Worker:
        with self._lock:
            if self._free:
                return self._free.pop()
            if self._deaths >= policy.RESPAWNS:
                raise NoWorkers(f"{self._deaths} compiling processes died one after the other")
        try:
            worker = Worker()
        except (OSError, ValueError) as error:
            with self._lock:
                self._deaths += 1
            raise NoWorkers(f"no process to compile in: {error}") from None
        with self._lock:
            self._all.add(worker)
        return worker

    def _give(self, worker: Worker) -> None:
        with self._lock:
            if worker in self._all:
                self._free.append(worker)
                return
        worker.close()  # all were told to end

    def _drop(self, worker: Worker) -> None:
        worker.close()
        with self._lock:
            self._deaths += 1
            self._all.discard(worker)
