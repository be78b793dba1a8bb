"""Waiting on the host so that Ctrl-C, a call's timeout, and whoever may end the call (`Process.kill`) end it."""

import os
import sys
import time

from wasmjit.wasi.abi import MONOTONIC
from wasmjit.wasi.errno import Raised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wasmjit._traps import Terminated, Timeout
    from wasmjit.wasi.context import Context

FOREVER = 1e9  # seconds: what the runtime says when no deadline is set
LONGEST = 86400.0  # seconds of one system call
SHORT = 0.01  # seconds: a sleep that need not be woken
PIPE_LEAST = 4096  # bytes that a pipe takes at once when poll says that it is ready (PIPE_BUF)


def runtime() -> "Any":
    """The native code; None outside of a runtime."""
    image = sys.modules.get("wasmjit._image")
    return None if image is None else image.native()


def remaining() -> float:
    """Seconds until the running call's `timeout=` ends it; FOREVER without one."""
    native = runtime()
    left: float = FOREVER if native is None else native.deadline_remaining()
    return left


def waker() -> int:
    """Descriptor that becomes readable when another thread ends the running call; -1: none can."""
    native = runtime()
    number: int = -1 if native is None else native.call_waker()
    return number


def bounded() -> bool:
    """Whether the running call may have to end while it waits: then nothing but `ready` may wait."""
    return remaining() != FOREVER or waker() >= 0


def call_over() -> "Terminated | Timeout | None":
    """Why the running call must end: another thread has ended it, its time is over."""
    native = runtime()
    if native is not None and native.call_ended():
        from wasmjit._traps import Terminated

        return Terminated()
    if native is not None and native.deadline_remaining() <= 0:
        from wasmjit._traps import Timeout

        return Timeout()
    return None


def check_limits() -> None:
    """Raise Terminated or Timeout when the running call must end."""
    error = call_over()
    if isinstance(error, OSError):
        raise Raised(error)  # a Timeout, of which the wrapper would make an errno
    if error is not None:
        raise error


def ready(wanted: dict[int, int], seconds: float) -> dict[int, int]:
    """What of the host descriptors is ready: events as poll has them by number. None are after `seconds`, or earlier.

    wanted: the events to wait for by number. Raises Timeout and Terminated.
    """
    import select

    poller = select.poll()
    for number, events in wanted.items():
        poller.register(number, events)
    wake = waker()
    if wake >= 0:
        poller.register(wake, select.POLLIN)
    found = dict(poller.poll(min(seconds, max(remaining(), 0), LONGEST) * 1000))
    found.pop(wake, None)
    if not found:
        check_limits()
    return found


def wait_ready(number: int, writing: bool = False) -> None:
    """Return when the host descriptor can be read (or written) without waiting, or has failed."""
    import select

    while not ready({number: select.POLLOUT if writing else select.POLLIN}, FOREVER):
        pass


def wait_readable(number: int) -> None:
    """As wait_ready for reading, and nothing at all when nothing bounds the call: the read itself waits then."""
    if bounded():
        wait_ready(number)


def read_host(number: int, buffers: list[memoryview]) -> int:
    """Read from a host descriptor that may have to be waited for."""
    while True:
        wait_readable(number)
        try:
            return os.readv(number, buffers)
        except BlockingIOError:
            wait_ready(number)


def write_host(number: int, view: memoryview) -> int:
    """Write some of the view to a host descriptor that may have to be waited for."""
    while True:
        if bounded() and os.get_blocking(number):
            wait_ready(number, writing=True)
            view = view[:PIPE_LEAST]
        try:
            return os.write(number, view)
        except BlockingIOError:
            wait_ready(number, writing=True)


def pause(seconds: float) -> None:
    """Sleep so long or less. Raises Timeout and Terminated."""
    if seconds < SHORT or waker() < 0:
        time.sleep(min(seconds, max(remaining(), 0), LONGEST))
        check_limits()
    else:
        ready({}, int(seconds * 1000) / 1000)  # poll would round it up


def sleep_until(context: "Context", wake: int) -> None:
    """Sleep until the context's monotonic clock shows `wake` nanoseconds."""
    while (duration := wake - context.clock(MONOTONIC)) > 0:
        sleep = getattr(context.clock, "sleep", None)
        if sleep is not None:
            sleep(duration)
            check_limits()
        else:
            pause(duration / 1e9)
