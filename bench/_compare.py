"""`wasmjit.bench.compare`: one function in the baseline, tiered and optimized only, interleaved, with results checked equal."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from statistics import median
from time import perf_counter, process_time
from typing import Any, Union

import wasmjit
from wasmjit.bench._measure import interleaved, ratio

TIERS = {"baseline": "interp", "tiered": "auto", "optimized": "opt"}  # name in the report: Config.tier

Source = Union[str, os.PathLike[str], bytes, bytearray, memoryview, "wasmjit.Module"]  # noqa: UP007 (a class that is imported late)


class ResultsDiffer(Exception):
    """Two tiers computed something else; the message says what."""


class Way:
    """One tier's measurements. first: seconds of wall time to make module and instance and call once; times: of CPU, each later call."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.first = 0.0
        self.times: list[float] = []
        self.tier = ""  # of the function in the end
        self.missing = ""  # why it could not be measured

    def __repr__(self) -> str:
        best = f"best {min(self.times) * 1e3:.3f} ms" if self.times else self.missing
        return f"<{self.name}: {best}>"


class Comparison:
    """What `compare` measured: `baseline`, `tiered`, `optimized`, each a Way; str() is a table."""

    def __init__(self, function: str, arguments: Sequence[Any], result: Any, ways: Sequence[Way]) -> None:
        self.function = function
        self.arguments = tuple(arguments)
        self.result = result
        self.ways = tuple(ways)
        self.baseline, self.tiered, self.optimized = self.ways

    def ratio(self, one: str, other: str) -> float:
        """Time of a way over that of another: the median of the rounds' ratios; nan where one was not measured."""
        ours, theirs = (next(way.times for way in self.ways if way.name == name) for name in (one, other))
        return ratio(ours, theirs) if ours and theirs else float("nan")

    def __str__(self) -> str:
        call = f"{self.function}({', '.join(map(repr, self.arguments))})"
        lines = [f"{call} = {self.result!r}"]
        lines.append(f"  {'':<12} {'first, ms':>12} {'median, ms':>12} {'best, ms':>12} {'/ baseline':>11}")
        for way in self.ways:
            if way.missing:
                lines.append(f"  {way.name:<12} {way.missing}")
                continue
            figures = f"{way.first * 1e3:12.3f} {median(way.times) * 1e3:12.3f} {min(way.times) * 1e3:12.3f}"
            lines.append(f"  {way.name:<12} {figures} {self.ratio(way.name, 'baseline'):11.3f}  {way.tier}".rstrip())
        return "\n".join(lines)


def compare(
    module: Source, function: str, *args: Any, rounds: int = 10, imports: Mapping[str, Any] | None = None, wasi: Any = "auto"
) -> Comparison:
    """Call an export in the baseline interpreter, tiered and optimized only, in turn, `rounds` times after the first call.

    module: path, binary or Module (whose config is not used). An instance a tier, kept for all its calls. First: wall time of module,
    instance and one call; then CPU time of the process for each call, compiling in the background included. Nothing comes from a
    cache of compiled code. Raises ResultsDiffer when results or the memories in the end are not the same in all tiers, and what
    loading and calling raise.
    """
    if rounds < 1:
        raise ValueError("rounds must be at least 1")
    binary = module.binary() if isinstance(module, wasmjit.Module) else module
    ways, runs, instances, results = [], [], [], []
    for name, tier in TIERS.items():
        way = Way(name)
        ways.append(way)
        start = perf_counter()
        try:
            instance = wasmjit.load(binary, imports, wasi=wasi, config=wasmjit.Config(tier=tier, cache=False))
        except NotImplementedError as error:
            way.missing = str(error)
            continue
        export = instance.exports[function]
        if not isinstance(export, wasmjit.Func):
            raise TypeError(f"{function} is no function")
        results.append([export(*args)])
        way.first = perf_counter() - start
        runs.append(partial(timed, export, args, results[-1]))
        instances.append((way, instance, export))
    measured = interleaved(runs, rounds)
    for (way, _, export), times in zip(instances, measured, strict=True):
        way.times = times
        way.tier = str(getattr(export, "tier", ""))
    check(function, [way.name for way, _, _ in instances], results, [memory(instance) for _, instance, _ in instances])
    return Comparison(function, args, results[0][0], ways)


def timed(function: Any, arguments: Sequence[Any], results: list[Any]) -> float:
    """Seconds of CPU time of a call; its result is appended."""
    start = process_time()
    result = function(*arguments)
    end = process_time()
    results.append(result)
    return end - start


def memory(instance: "wasmjit.Instance") -> str:
    """The hash of memory 0, empty if there is none."""
    try:
        return sha256(instance.memory.view()).hexdigest()
    except AttributeError:
        return ""


def check(function: str, names: Sequence[str], results: Sequence[Sequence[Any]], memories: Sequence[str]) -> None:
    """Raise ResultsDiffer unless all tiers agree."""
    for name, row, found in zip(names[1:], results[1:], memories[1:], strict=True):
        for number, (ours, theirs) in enumerate(zip(results[0], row, strict=True), 1):
            if repr(ours) != repr(theirs):  # nan is like nan
                raise ResultsDiffer(f"call {number} of {function}: {names[0]} {ours!r}, {name} {theirs!r}")
        if found != memories[0]:
            raise ResultsDiffer(f"{function}: the memories of {names[0]} and {name} differ in the end")
