"""How late Ctrl-C and timeout= end a call that would not end.

    python -m wasmjit.bench interrupts [--runs N] [--fill MIB] [CASE...]

Milliseconds from the signal (sent by another process, which reads the same clock) to `except KeyboardInterrupt`, and from the
end of the timeout to `except Timeout`: median and maximum. The calls are endless loops of branches, of calls of Python, and of
filling and copying memory, with and without another busy thread; then the project's kernels, compiled before they run, with
arguments that take minutes. Python's own loop shows what the machine and the GIL allow.
"""

import os
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from statistics import median
from time import monotonic, sleep
from typing import Any, NamedTuple

import wasmjit
from wasmjit.bench._kernels import OWN, Kernel, own

AIM = "at most 20 ms each"
SHORTEST, LONGEST = 0.02, 0.05  # seconds that a call runs before it is interrupted
PATIENCE = 10  # seconds until a call that goes on is called a failure

TEXT = """(module
  (import "host" "f" (func $f (param i32) (result i32)))
  (memory {pages})
  (func (export "loop") (loop (br 0)))
  (func (export "python") (loop (drop (call $f (i32.const 5))) (br 0)))
  (func (export "fill") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const {length})) (br 0)))
  (func (export "copy") (loop (memory.copy (i32.const 0) (i32.const 8) (i32.const {copied})) (br 0))))"""


class Sender:
    """A process that sends this one SIGINT, so that no thread here is needed for it and none can delay it."""

    def __init__(self) -> None:
        requests, self._ask = os.pipe()
        self._times, answers = os.pipe()
        target = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._ask)
            while request := os.read(requests, 64).strip():
                sleep(float(request))
                start = monotonic()
                os.kill(target, signal.SIGINT)
                os.write(answers, f"{start:<32}".encode())
            os._exit(0)
        os.close(requests)
        os.close(answers)

    def interrupt(self, delay: float) -> None:
        """Send SIGINT in `delay` seconds."""
        os.write(self._ask, f"{delay:<64}".encode())

    def sent(self) -> float:
        """When the last one was sent."""
        return float(os.read(self._times, 32))

    def close(self) -> None:
        """End the process."""
        os.close(self._ask)
        os.close(self._times)
        os.waitpid(self._pid, 0)


@contextmanager
def busy_thread() -> Iterator[None]:
    """Another thread of this process that computes in Python all the time."""
    going = True

    def work() -> None:
        while going:
            pass

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        going = False
        thread.join()


class Case(NamedTuple):
    """What runs, an export or for comparison Python's own loop, and whether another thread is busy meanwhile."""

    export: str
    busy: bool = False


CASES = {
    "Python's own loop": Case(""),
    "infinite loop": Case("loop"),
    "loop that calls Python": Case("python"),
    "memory.fill": Case("fill"),
    "memory.copy": Case("copy"),
    "Python's own loop, busy thread": Case("", True),
    "infinite loop, busy thread": Case("loop", True),
    "loop that calls Python, busy thread": Case("python", True),
    "memory.fill, busy thread": Case("fill", True),
}


# arguments that no machine gets done with before it is interrupted
ENDLESS = {kernel.name: 60 if kernel.name == "fib" else 18 if kernel.name == "queens" else 2_000_000_000 for kernel in OWN}


def compiled(kernel: Kernel) -> Callable[..., Any]:
    """A call of a kernel's optimized code that goes on for minutes."""
    run: Any = wasmjit.Instance(wasmjit.Module(own(kernel), config=wasmjit.Config(tier="opt", cache=False))).exports["run"]
    if run(kernel.argument) != kernel.result:
        raise RuntimeError(f"{kernel.name}: a wrong result")
    return partial(run, ENDLESS[kernel.name])


def endless(timeout: float) -> None:
    """What an export does, in Python: a loop that a signal ends, or looking at the clock."""
    end = monotonic() + timeout
    while monotonic() < end:
        pass
    raise wasmjit.Timeout()


def by_signal(function: Callable[..., Any], delay: float, sender: Sender) -> float:
    """Seconds from Ctrl-C after `delay` seconds to the exception."""
    while True:
        begun = False
        try:
            sender.interrupt(delay)
            begun = True
            function(timeout=PATIENCE)
        except KeyboardInterrupt:
            latency = monotonic() - sender.sent()
            if begun:  # else this process got no time until then: again
                return latency


def by_timeout(function: Callable[..., Any], delay: float, _: Sender) -> float:
    """Seconds by which a timeout of `delay` seconds is late."""
    start = monotonic()
    try:
        function(timeout=delay)
    except wasmjit.Timeout:
        return monotonic() - start - delay
    raise RuntimeError("the call returned")


def measure(function: Callable[..., Any], runs: int, sender: Sender) -> list[list[float]]:
    """Latencies of Ctrl-C and of timeouts, in turn."""
    delays = [SHORTEST + (LONGEST - SHORTEST) * i / runs for i in range(runs)]
    ways = (by_signal, by_timeout)
    times: list[list[float]] = [[], []]
    for delay in delays:
        for way, latencies in zip(ways, times, strict=True):
            latencies.append(way(function, delay, sender))
    return times


def chosen(name: str, parts: list[str]) -> bool:
    """Whether a case is asked for: by a part of its name, or as one of all."""
    return not parts or any(part in name for part in parts)


def show(name: str, times: list[list[float]]) -> None:
    """Print a row."""
    row = [value * 1e3 for way in times for value in (median(way), max(way))]
    print("  {:<36} {:8.2f} {:8.2f} {:10.2f} {:8.2f}".format(name, *row), flush=True)


def main(argv: list[str]) -> int:
    """Print both latencies of each case."""
    parser = ArgumentParser(prog="python -m wasmjit.bench interrupts", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help="only those with this in their name")
    parser.add_argument("--runs", type=int, default=25, help="how often each is interrupted (default: 25)")
    parser.add_argument("--fill", type=int, default=1024, metavar="MIB", help="memory that is filled and copied (default: 1024)")
    options = parser.parse_args(argv)
    sender = Sender()
    try:
        length = options.fill << 20
        module = wasmjit.Module(TEXT.format(pages=length >> 16, length=length, copied=length - 8))
        exports = wasmjit.Instance(module, {"host": {"f": lambda value: value + 1}}).exports
        print(f"{'milliseconds':<38} {'Ctrl-C':>8} {'max':>8} {'timeout':>10} {'max':>8}")
        for name, case in CASES.items():
            if chosen(name, options.cases):
                with busy_thread() if case.busy else nullcontext():
                    show(name, measure(exports[case.export] if case.export else endless, options.runs, sender))
        for kernel in OWN:
            if chosen(name := f"{kernel.name}, optimized", options.cases):
                show(name, measure(compiled(kernel), options.runs, sender))
        print(f"  ({AIM}; the calls ran {SHORTEST * 1e3:.0f} to {LONGEST * 1e3:.0f} ms)")
    finally:
        sender.close()
    return 0
