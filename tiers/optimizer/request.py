"""What a compile is asked for: everything that the unit depends on, as plain data that can be pickled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from struct import iter_unpack

from wasmjit.native.target import Target

BODY = 0  # stands for a loop's offset where the body itself is meant
HOST = -1  # a called function that is none of the module's own
POINT, TARGET = "<IIIIQ", "<IIQ"  # records of profile_points and profile_targets
NO_FUNCTION = 0xFFFF_FFFF
Records = tuple[bytes, bytes]  # those of a function, which become a Profile only where it is looked at


@dataclass(frozen=True)
class Profile:
    """What was counted of one function.

    points: (wasm offset, 1 behind the instruction | 0 before it) -> (slot offset in the profiled form, how often control came there).
    targets: wasm offset of a call_indirect -> [(function index, or HOST for functions of others, count)], most frequent first.
    """

    points: dict[tuple[int, int], tuple[int, int]]
    targets: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Records) -> "Profile":
        """What the records say."""
        points = {(wasm, after): (slot, count) for wasm, after, slot, _, count in iter_unpack(POINT, records[0])}
        targets: dict[int, list[tuple[int, int]]] = {}
        for wasm, callee, count in iter_unpack(TARGET, records[1]):
            targets.setdefault(wasm, []).append((HOST if callee == NO_FUNCTION else callee, count))
        for rows in targets.values():
            rows.sort(key=lambda row: -row[1])
        return cls(points, targets)


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
    profiles: Mapping[int, Profile | Records] = field(default_factory=dict)
    checked: bool = False
    options: Options = Options()
    target: Target | None = None
