"""Settings: how code runs (`Config`) and how much it may take (`Limits`)."""

import os

TIERS = ("auto", "interp", "reference")
MEMORIES = ("guard", "checked")
DEFAULT_MEMORY = 4 << 30  # what 32-bit addresses reach; a 64-bit memory needs a limit to grow further
DEFAULT_TABLE = 10_000_000  # elements: 80 MB
LARGEST_STACK = 1 << 30  # bytes


class Config:
    """How modules are compiled and run. A module has one; instances use that of their module.

    tier: "auto" (today the interpreter), "interp", or "reference": the instructions' meanings run by CPython, slow, for tests.
    memory: "guard" traps out-of-bounds accesses through unmapped pages, "checked" compares each address with the length.
    cache: where compiled code is kept: True for the user's cache folder, a path, or False for nowhere.
    concurrent: what a thread does that finds another one inside instances which are linked to each other: "wait" or "error".
    Settings of tiers that this version does not have raise NotImplementedError, wrong values ValueError.
    """

    __slots__ = ("tier", "memory", "cache", "concurrent")

    def __init__(
        self,
        tier: str = "auto",
        *,
        memory: str = "guard",
        cache: bool | str | os.PathLike[str] = True,
        compile: str | None = None,
        fuel: bool = False,
        deterministic: bool = False,
        features: object = None,
        stress: str | None = None,
        thresholds: object = None,
        concurrent: str = "wait",
    ) -> None:
        if tier == "opt":
            raise NotImplementedError('Config(tier="opt"): this version has no optimizing tier; use "auto", "interp" or "reference"')
        _choice("tier", tier, TIERS)
        _choice("memory", memory, MEMORIES)
        absent = {"compile": compile, "fuel": fuel, "deterministic": deterministic, "features": features, "stress": stress}
        for name, value in (absent | {"thresholds": thresholds}).items():
            if value is not None and value is not False:
                raise NotImplementedError(f"Config({name}={value!r}): not available in this version")
        _choice("concurrent", concurrent, ("wait", "error"))
        self.tier = tier
        self.memory = memory
        self.cache = cache if isinstance(cache, bool) else os.fspath(cache)
        self.concurrent = concurrent

    def __repr__(self) -> str:
        return f"Config(tier={self.tier!r}, memory={self.memory!r}, cache={self.cache!r}, concurrent={self.concurrent!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return _config, (self.tier, self.memory, self.cache, self.concurrent)


class Limits:
    """What an instance may take; growth beyond returns -1 to the module, a larger minimum raises OutOfMemory.

    memory: bytes of each linear memory; table: elements of each table; instances: that may be linked to each other, this one
    included; stack: bytes for the locals and operands of calls inside each other, at most 1 GiB, and StackOverflow beyond.
    Of instances that are linked to each other the smallest `instances` and `stack` hold for all. None is the default of each.
    """

    __slots__ = ("memory", "table", "instances", "stack")

    def __init__(
        self,
        memory: int | None = None,
        table: int | None = None,
        *,
        instances: int | None = None,
        stack: int | None = None,
        gc_heap: int | None = None,
    ) -> None:
        if gc_heap is not None:
            raise NotImplementedError(f"Limits(gc_heap={gc_heap!r}): not available in this version")
        self.memory = _amount("memory", memory, DEFAULT_MEMORY)
        self.table = _amount("table", table, DEFAULT_TABLE)
        self.instances = None if instances is None else _amount("instances", instances, 0)
        self.stack = None if stack is None else _amount("stack", stack, 0)
        if self.stack is not None and self.stack > LARGEST_STACK:
            raise ValueError(f"Limits.stack is at most {LARGEST_STACK} bytes")

    def __repr__(self) -> str:
        return f"Limits(memory={self.memory}, table={self.table}, instances={self.instances}, stack={self.stack})"

    def __reduce__(self) -> tuple[object, ...]:
        return _limits, (self.memory, self.table, self.instances, self.stack)


def _limits(memory: int, table: int, instances: int | None, stack: int | None) -> Limits:
    return Limits(memory, table, instances=instances, stack=stack)


def _config(tier: str, memory: str, cache: bool | str, concurrent: str) -> Config:
    return Config(tier, memory=memory, cache=cache, concurrent=concurrent)


def _choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}")


def _amount(name: str, value: int | None, default: int) -> int:
    if value is None:
        return default
    if not isinstance(value, int):
        raise TypeError(f"Limits.{name} must be an int, not {type(value).__name__}")
    if value < 0:
        raise ValueError(f"Limits.{name} must not be negative")
    return min(value, (1 << 63) - 1)


DEFAULT = Config()
UNLIMITED = Limits()
