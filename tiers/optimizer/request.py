"""What a compile is asked for: everything that the unit depends on, as plain data that can be pickled."""

from dataclasses import dataclass, field

from wasmjit.native.target import Target

BODY = 0  # stands for a loop's offset where the body itself is meant
HOST = -1  # a called function that is none of the module's own


@dataclass(frozen=True)
class Profile:
    """What was counted of one function.

    points: (wasm offset, 1 behind the instruction | 0 before it) -> (slot offset in the profiled form, how often control came there).
    targets: wasm offset of a call_indirect -> [(function index, or HOST for functions of others, count)], most frequent first.
    """

    points: dict[tuple[int, int], tuple[int, int]]
    targets: dict[int, list[tuple[int, int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """How to compile.

    level: index of compile.PIPELINES, the cheapest first. all_blocks: functions compiled without cold exits. no_devirt: functions
    whose indirect calls are not guessed. stress: exits that fire without need, "" for none.
    """

    level: int = 1
    stress: str = ""
    all_blocks: frozenset[int] = frozenset()
    no_devirt: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Request:
    """binary: the module's bytes. checked: accesses compare with the memory's length. entries: (function, loop's wasm offset | BODY).

    profiles: by function; functions without one are compiled whole. target: None for the machine that runs.
    """

    binary: bytes
    entries: tuple[tuple[int, int], ...]
    profiles: dict[int, Profile] = field(default_factory=dict)
    checked: bool = False
    options: Options = Options()
    target: Target | None = None
