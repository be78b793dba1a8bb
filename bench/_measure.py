"""How benchmarks measure: in rounds in which each contestant runs once, so that a machine that slows down slows all of them."""

from collections.abc import Callable, Iterable, Sequence
from math import exp, fsum, log
from statistics import median
from typing import TypeVar

T = TypeVar("T")


def interleaved(timers: Iterable[Callable[[], T]], rounds: int) -> list[list[T]]:
    """What each timer returned in each round; in every round each runs once."""
    measured = [(timer, list[T]()) for timer in timers]
    for _ in range(rounds):
        for timer, times in measured:
            times.append(timer())
    return [times for _, times in measured]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of the rounds; nan without rounds."""
    return median(a / b for a, b in zip(ours, theirs, strict=True)) if ours else float("nan")


def geomean(values: Sequence[float]) -> float:
    """The geometric mean; nan of nothing."""
    return exp(fsum(map(log, values)) / len(values)) if values else float("nan")
