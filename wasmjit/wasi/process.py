"""Arguments, environment, clocks, random numbers, and the end of the process."""

import os
import time

from wasmjit.wasi._memory import M32, span
from wasmjit.wasi.abi import MONOTONIC, PROCESS_CPUTIME, REALTIME, THREAD_CPUTIME
from wasmjit.wasi.errno import Errno, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit.wasi.context import Context

RANDOM_PIECE = 1 << 16
SIGNALS = 31  # of WASI; up to 15 they have the numbers of POSIX
IGNORED = (16, 17, 22, 27)  # chld, cont, urg, winch: the default action is none
STOPPING = (18, 19, 20, 21)  # stop, tstp, ttin, ttou: there is nobody who could let the guest go on

_CLOCKS = {
    REALTIME: (time.time_ns, "CLOCK_REALTIME"),
    MONOTONIC: (time.monotonic_ns, "CLOCK_MONOTONIC"),
    PROCESS_CPUTIME: (time.process_time_ns, "CLOCK_PROCESS_CPUTIME_ID"),
    THREAD_CPUTIME: (time.thread_time_ns, "CLOCK_THREAD_CPUTIME_ID"),
}


def host_clock(identifier: int) -> int:
    """Nanoseconds on a clock of the host."""
    return _CLOCKS[identifier][0]()


def host_random(count: int) -> bytes:
    """Bytes from the operating system."""
    return os.urandom(count)


def strings_sizes(window: memoryview, strings: list[bytes], count: int, size: int) -> None:
    """Store how many strings there are and how many bytes they take with their NULs."""
    count_cell, size_cell = span(window, count, 4), span(window, size, 4)
    count_cell[:] = len(strings).to_bytes(4, "little")
    size_cell[:] = sum([len(string) + 1 for string in strings]).to_bytes(4, "little")


def strings_get(window: memoryview, strings: list[bytes], pointers: int, buffer: int) -> None:
    """Store NUL-terminated strings one behind the other, and the address of each."""
    joined = b"".join([string + b"\0" for string in strings])
    table, bytes_ = span(window, pointers, 4 * len(strings)), span(window, buffer, len(joined))
    addresses = b""
    address = buffer & M32
    for string in strings:
        addresses += address.to_bytes(4, "little")
        address += len(string) + 1
    table[:] = addresses
    bytes_[:] = joined


def args_get(context: "Context", window: memoryview, argv: int, buffer: int) -> None:
    strings_get(window, context.arguments, argv, buffer)


def args_sizes_get(context: "Context", window: memoryview, count: int, size: int) -> None:
    strings_sizes(window, context.arguments, count, size)


def environ_get(context: "Context", window: memoryview, environ: int, buffer: int) -> None:
    strings_get(window, context.environment, environ, buffer)


def environ_sizes_get(context: "Context", window: memoryview, count: int, size: int) -> None:
    strings_sizes(window, context.environment, count, size)


def check_clock(identifier: int) -> None:
    """INVAL for a clock that WASI does not have."""
    if identifier not in _CLOCKS:
        raise WasiError(Errno.INVAL)


def clock_res_get(context: "Context", window: memoryview, identifier: int, result: int) -> None:
    check_clock(identifier)
    cell = span(window, result, 8)
    resolution = 1
    if context.clock is host_clock:
        resolution = round(time.clock_getres(getattr(time, _CLOCKS[identifier][1])) * 1e9)
    cell[:] = resolution.to_bytes(8, "little")


def clock_time_get(context: "Context", window: memoryview, identifier: int, precision: int, result: int) -> None:
    check_clock(identifier)
    cell = span(window, result, 8)
    cell[:] = context.clock(identifier).to_bytes(8, "little")


def random_get(context: "Context", window: memoryview, buffer: int, length: int) -> None:
    target = span(window, buffer, length)
    for start in range(0, len(target), RANDOM_PIECE):
        piece = target[start : start + RANDOM_PIECE]
        piece[:] = context.random(len(piece))


def sched_yield(context: "Context", window: memoryview) -> None:
    time.sleep(0)


def proc_exit(context: "Context", window: memoryview, code: int) -> None:
    from wasmjit._errors import Exit

    raise Exit(code & M32)


def proc_raise(context: "Context", window: memoryview, signal: int) -> None:
    """The default action of the signal: nothing, or the end with the exit code that a shell would show."""
    if not 0 <= signal < SIGNALS:
        raise WasiError(Errno.INVAL)
    if signal in STOPPING:
        raise WasiError(Errno.NOTSUP)
    if signal != 0 and signal not in IGNORED:
        proc_exit(context, window, 128 + signal)
