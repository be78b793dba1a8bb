"""Waiting on the host so that Ctrl-C and a call's timeout end it."""

import os
import sys
import time
from stat import S_ISREG

from wasmjit.wasi.abi import MONOTONIC
from wasmjit.wasi.errno import Raised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit.wasi.context import Context

FOREVER = 1e9  # seconds: what the runtime says when no deadline is set
PIPE_BUF = 4096  # bytes that a pipe takes without waiting once it can be written to


def remaining() -> float:
    """Seconds until the running call's `timeout=` ends it; FOREVER without one."""
    image = sys.modules.get("wasmjit._image")
    if image is None:  # called outside the runtime
        return FOREVER
    left: float = image.native().deadline_remaining()
    return left


def check_deadline() -> None:
    """Raise Timeout when the running call's time is over."""
    if remaining() <= 0:
        from wasmjit._traps import Timeout

        raise Raised(Timeout())  # it is an OSError, of which the wrapper would make an errno


def wait_ready(number: int, writing: bool = False) -> None:
    """Return when the host descriptor can be read (or written) without waiting, or has failed."""
    import select

    poller = select.poll()
    poller.register(number, select.POLLOUT if writing else select.POLLIN)
    while True:
        left = remaining()
        if poller.poll(None if left == FOREVER else max(left, 0) * 1000):
            return
        check_deadline()


def wait_readable(number: int) -> None:
    """As wait_ready for reading, and nothing at all when no timeout is running: the read itself waits then."""
    if remaining() != FOREVER:
        wait_ready(number)


def write_host(number: int, view: memoryview) -> int:
    """Write some of the view to a host descriptor; one that does not block is waited for, and under a timeout all but files are."""
    if remaining() != FOREVER and not S_ISREG(os.fstat(number).st_mode):
        wait_ready(number, writing=True)
        view = view[:PIPE_BUF]
    while True:
        try:
            return os.write(number, view)
        except BlockingIOError:
            wait_ready(number, writing=True)


def sleep_until(context: "Context", wake: int) -> None:
    """Sleep until the context's monotonic clock shows `wake` nanoseconds."""
    while (duration := wake - context.clock(MONOTONIC)) > 0:
        sleep = getattr(context.clock, "sleep", None)
        if sleep is not None:
            sleep(duration)
        else:
            time.sleep(min(duration / 1e9, max(remaining(), 0), 86400.0))
        check_deadline()
