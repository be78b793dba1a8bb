"""The guest of a `Process`: a program that runs in a thread of its own, and can be ended from others."""

import atexit
import contextlib
import os
import threading
from signal import SIGKILL
from time import monotonic

from ._errors import Exit
from ._image import native
from ._instance import Instance
from ._run import start_function
from ._traps import Terminated, Trap
from .runtime.functions import within
from .wasi._wait import call_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from .wasi import Wasi
    from .wasi.context import Descriptor

N = native()

TRAPPED, FAILED = 134, 1  # return codes, as of the command
PATIENCE = 1.0  # seconds that the end of Python waits for guests which it has ended
# Seconds between two looks for what else there is to do: who waits may be called by WebAssembly itself and have to end, and signals wake
# the main thread only where no other thread was handed them.
LOOK = 0.1

_running: "set[Guest]" = set()


def look(deadline: float | None) -> float:
    """How many seconds to wait before the next look; deadline: a time of time.monotonic(), None for none.

    Raises Terminated or Timeout where the caller is called by WebAssembly and has to end.
    """
    error = call_over()
    if error is not None:
        raise error
    return LOOK if deadline is None else min(LOOK, max(0.0, deadline - monotonic()))


class World:
    """What one guest gets: the import modules of a Wasi, made at once and given by `imports()`."""

    def __init__(self, wasi: "Wasi") -> None:
        self.namespaces = wasi.imports()
        self.context = self.namespaces.context

    def imports(self) -> "dict[str, Any]":
        return self.namespaces

    def show(self, text: str) -> None:
        """Write a text to the guest's stderr, as far as that goes."""
        descriptor: Descriptor | None = self.context.files.get(2)
        view = memoryview(text.encode("utf-8", "backslashreplace"))
        with contextlib.suppress(Exception):
            while view and descriptor is not None:
                view = view[descriptor.write([view]) :]


class Program(Instance):
    """An instance of a program that is linked at once; its start function, `_initialize` and `_start` wait for `run`."""

    __slots__ = ()

    def _start(self, initialize: bool) -> None:
        """Not yet."""

    def run(self, start: "Callable[[], int | None]") -> int:
        """All of that; the exit code."""
        super()._start(True)
        return start() or 0


class Guest:
    """A program in a thread. `returncode` is None until that has ended; `exception`: what ended it, None for an exit.

    It does not refer to its Process, which can be collected while it runs.
    """

    def __init__(self, program: Program, world: World, name: str, timeout: float | None) -> None:
        self.returncode: int | None = None
        self.exception: BaseException | None = None
        self.signal = 0
        self.pid = os.getpid()
        self.ticket = N.ticket_new()
        self.over = threading.Event()
        start = start_function(program, name)
        self.thread = threading.Thread(target=self._run, args=(program, start, world, timeout), name=f"wasmjit {name}", daemon=True)

    def start(self) -> None:
        """Begin. RuntimeError: the system has no thread for it; OSError: no descriptor."""
        self.waker = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        _running.add(self)
        try:
            self.thread.start()
        except BaseException:
            _running.discard(self)
            os.close(self.waker)
            raise

    def end(self, signal: int) -> None:
        """Let it end soon, with the return code of a process that the signal killed. In a child of a fork there is nothing to end."""
        if os.getpid() == self.pid:
            self.signal = self.signal or signal
            N.ticket_end(self.ticket)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for its end, at most so many seconds; whether that has come. RuntimeError: it is its own thread that waits."""
        if threading.current_thread() is self.thread:
            raise RuntimeError("a function that a program calls cannot wait for the program's end")
        deadline = None if timeout is None else monotonic() + timeout
        while not self.over.wait(look(deadline)):  # Thread.join() takes a thread for stopped when Ctrl-C has ended an earlier one
            if deadline is not None and monotonic() >= deadline:
                return False
        self.thread.join()
        return True

    def _run(self, program: Program, start: "Callable[[], int | None]", world: World, timeout: float | None) -> None:
        """What the thread does."""
        returncode = FAILED
        try:
            if not N.ticket_take(self.ticket, self.waker):
                raise MemoryError("no memory for a thread of WebAssembly")
            if self.signal:  # that came before the ticket was taken
                raise Terminated
            returncode = within(timeout, program.run, (start,))
        except Exit as exit:
            returncode = exit.code
        except BaseException as error:
            returncode = self._failed(error, world)
        finally:
            self._close(world)
            N.ticket_drop()
            os.close(self.waker)
            _running.discard(self)
            self.returncode = returncode
            self.over.set()

    def _failed(self, error: BaseException, world: World) -> int:
        """The return code after an exception, which is kept, and shown unless it is the end that was asked for."""
        self.exception = error.with_traceback(_theirs(error.__traceback__))
        if self.signal:
            return -self.signal
        from traceback import format_exception

        world.show("".join(format_exception(error)))
        return TRAPPED if isinstance(error, Trap) else FAILED

    def _close(self, world: World) -> None:
        """Close the guest's descriptors: who reads its pipes finds their ends."""
        try:
            world.context.close()
        except BaseException as error:  # of a file that an embedder wrote
            self.exception = self.exception or error


def _theirs(traceback: "TracebackType | None") -> "TracebackType | None":
    """What is left of a traceback without our frames at its beginning, which would keep the instance."""
    while traceback is not None and traceback.tb_frame.f_globals.get("__name__", "").startswith("wasmjit."):
        traceback = traceback.tb_next
    return traceback


@atexit.register
def end_all() -> None:
    """At the end of Python: guests end while their threads can still do so in order."""
    guests = [guest for guest in list(_running) if guest.pid == os.getpid()]  # not those of a process that this one was forked from
    for guest in guests:
        guest.end(SIGKILL)
    patience = monotonic() + PATIENCE
    for guest in guests:
        guest.join(max(0.0, patience - monotonic()))
