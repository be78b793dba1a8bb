"""Settings: how code runs (`Config`) and how much it may take (`Limits`)."""

import os

from .tiers.policy import EXITS, LARGEST_THRESHOLD, STRONGEST, WARM, WINDOW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TIERS = ("auto", "interp", "opt", "reference")
MEMORIES = ("guard", "checked")
COMPILES = ("auto", "background", "sync", "processes")
STRESSES = ("osr-every-loop", "deopt-every-guard", "ping-pong")
THRESHOLDS: "dict[str, int | None]" = {"warm": WARM, "window": WINDOW, "exits": EXITS, "level": None}
DEFAULT_MEMORY = 4 << 30  # what 32-bit addresses reach; a 64-bit memory needs a limit to grow further
DEFAULT_TABLE = 10_000_000  # elements: 80 MB
LARGEST_STACK = 1 << 30  # bytes


class Config:
    """How modules are compiled and run. A module has one; instances use that of their module.

    tier: "auto" interprets and compiles what is hot; "interp" only interprets; "opt" compiles each function before it runs;
    "reference": the instructions' meanings run by CPython, slow, for tests. Without llvmlite "auto" interprets, and a Module of
    "opt" is an ImportError.
    compile: where functions are compiled: in worker "processes", which confine what LLVM does with hostile modules; in a "background"
    thread, which competes with Python for the GIL; in the running thread, which waits ("sync"); "auto": in processes, in the
    background where none can be started.
    memory: "guard" traps out-of-bounds accesses through unmapped pages, "checked" compares each address with the length.
    cache: where compiled code is kept: True for the user's cache folder, a path, or False for nowhere.
    deterministic: runs are the same on every machine. Calls take the same ways through the tiers: compile is "sync", no code of earlier
    runs is used. Where the specification leaves open which NaN float arithmetic gives (4.3.3), it is the canonical one, its sign bit clear
    (appendix, deterministic profile), as this module computes it: modules that it imports from go by their own Config.
    stress: for tests, "osr-every-loop" changes to optimized code at each turn of a loop that has some, "deopt-every-guard" leaves it
    at each guard, "ping-pong" does both.
    thresholds: when code is promoted, as a mapping or an object with some of these: warm, samples (20 us of interpretation) of a
    function until it is profiled; window, samples of that; exits, of a piece of optimized code (more of a large one) until it is given
    up; level, 0 to 2, how strongly everything is compiled (by default that depends).
    concurrent: what a thread does that finds another one inside instances which are linked to each other: "wait" or "error".
    Settings that this version does not have raise NotImplementedError, wrong values ValueError.
    """

    __slots__ = ("tier", "memory", "cache", "concurrent", "compile", "deterministic", "stress", "thresholds")

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
        _choice("tier", tier, TIERS)
        _choice("memory", memory, MEMORIES)
        for name, value in {"fuel": fuel, "features": features}.items():
            if value is not None and value is not False:
                raise NotImplementedError(f"Config({name}={value!r}): not available in this version")
        _choice("concurrent", concurrent, ("wait", "error"))
        if compile is None:
            compile = "sync" if deterministic else "auto"
        _choice("compile", compile, COMPILES)
        if deterministic and compile != "sync":
            raise ValueError(f'deterministic runs compile "sync", not {compile!r}')
        if stress is not None:
            _choice("stress", stress, STRESSES)
            if tier not in ("auto", "opt"):
                raise ValueError(f'stress is for the tiers "auto" and "opt", not {tier!r}')
        self.tier = tier
        self.compile = compile
        self.memory = memory
        self.cache = cache if isinstance(cache, bool) else os.fspath(cache)
        self.deterministic = bool(deterministic)
        self.stress = stress
        self.thresholds = _thresholds(thresholds, LARGEST_THRESHOLD if stress else EXITS)
        self.concurrent = concurrent

    def _settings(self) -> "dict[str, Any]":
        """What `Config` takes to make the same one, as plain data: what is usual is left out."""
        settings = {name: getattr(self, name) for name in self.__slots__}
        if self.thresholds == _thresholds(None, LARGEST_THRESHOLD if self.stress else EXITS):
            del settings["thresholds"]
        usual = {"compile": "sync" if self.deterministic else "auto", "deterministic": False, "stress": None}
        return {name: value for name, value in settings.items() if name not in usual or value != usual[name]}

    def __repr__(self) -> str:
        return f"Config({', '.join(f'{name}={value!r}' for name, value in self._settings().items())})"

    def __reduce__(self) -> tuple[object, ...]:
        return _config, (self._settings(),)


class Limits:
    """What an instance may take; growth beyond returns -1 to the module, a larger minimum raises OutOfMemory.

    memory: bytes of each linear memory; table: elements of each table; instances: that may be linked to each other, this one
    included; stack: bytes for the locals and operands of interpreted calls inside each other, and as many for the frames of optimized ones
    on the thread's own stack, at most 1 GiB, and StackOverflow beyond.
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


def _config(settings: "dict[str, Any]") -> Config:
    return Config(**settings)


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


def _thresholds(given: object, exits: int) -> "dict[str, int | None]":
    """All of THRESHOLDS, with what a mapping or an object says of them. exits: unless that does; forced ones are no reason to give up."""
    found: dict[str, int | None] = THRESHOLDS | {"exits": exits}
    if given is None:
        return found
    if isinstance(given, dict):
        values = given
    else:
        values = {name: getattr(given, name) for name in found if hasattr(given, name)}
        if not values:
            raise TypeError(f"thresholds are a dict or an object with {', '.join(found)}, not {type(given).__name__}")
    for name, value in values.items():
        if name not in found:
            raise ValueError(f"there is no threshold {name!r}; there are {', '.join(found)}")
        if name == "level" and value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"threshold {name} must be an int, not {type(value).__name__}")
        least, most = (0, STRONGEST) if name == "level" else (1, LARGEST_THRESHOLD)
        if not least <= value <= most:
            raise ValueError(f"threshold {name} must be from {least} to {most}, not {value}")
        found[name] = value
    return found


DEFAULT = Config()
UNLIMITED = Limits()
