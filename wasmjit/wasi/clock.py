"""Clocks and random numbers that an embedder controls, for runs that repeat exactly."""

from wasmjit.wasi.abi import M64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class VirtualClock:
    """A clock for `Wasi(clock=)`, `run` and `Process` that moves only when it is read or slept on.

    start: nanoseconds that every clock shows first. step: nanoseconds that a reading takes. A sleep ends at once, at the time it asked for;
    so does waiting for descriptors with a timeout, when none is ready. One clock goes on from run to run: take a new one for each.
    """

    def __init__(self, start: int = 0, step: int = 1000) -> None:
        self.now = start
        self.step = step

    def __call__(self, identifier: int) -> int:
        now = self.now
        self.now = min(now + self.step, M64)
        return now

    def sleep(self, duration: int) -> None:
        """Let `duration` nanoseconds pass."""
        self.now = min(self.now + duration, M64)


def seeded_random(seed: "int | str | bytes") -> "Callable[[int], bytes]":
    """The same bytes for the same seed; not for secrets."""
    import random

    return random.Random(seed).randbytes
