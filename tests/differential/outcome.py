"""What a call did, in a form that can be compared between tiers: results by bits, traps with their backtraces, all of the state."""

import zlib
from collections.abc import Iterable
from typing import Any

import wasmjit
from tests.fuzz.engines import NUMBERS, bits_of, plain

Call = tuple[str, list[int]]  # export, bits of the arguments
Event = tuple[str, Any]


class HostError(Exception):
    """What host functions of these tests raise; the argument says where."""


def call(function: Any, bits: Iterable[int]) -> Event:
    """What a call gives: results, or how it ended and in which frames."""
    try:
        result = function.call_raw(*bits)
    except wasmjit.Trap as trap:
        return "trap", (trap.code, frames(trap))
    except HostError as error:
        return "raised", error.args
    kinds = function.type.results
    values = () if not kinds else (result,) if len(kinds) == 1 else result
    return "results", [plain(kind, value) for kind, value in zip(kinds, values, strict=True)]


def frames(trap: wasmjit.Trap) -> list[tuple[int, int]]:
    """Function and offset in the binary of each frame, innermost first."""
    return [(frame.index, frame.offset) for frame in trap.frames]


def state(instance: wasmjit.Instance) -> dict[str, Any]:
    """Memories, globals and tables that the instance exports."""
    found: dict[str, Any] = {}
    for name, item in instance.exports.items():
        if isinstance(item, wasmjit.Memory):
            found[name] = "memory", item.nbytes, zlib.crc32(item.view())
        elif isinstance(item, wasmjit.Global) and item.type.type in NUMBERS:
            found[name] = plain(item.type.type, bits_of(item.type.type, item.value))
        elif isinstance(item, wasmjit.Table) and item.type.type == "funcref":
            found[name] = "table", *(None if element is None else element.index for element in item)
    return found


def state_change(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What differs, for a message."""
    return {name: (before.get(name), value) for name, value in after.items() if before.get(name) != value}


class Log:
    """Host functions that write down their arguments, so that the order of calls is compared too."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    def note(self, *values: Any) -> None:
        """A host function without results."""
        self.lines.append(values)

    def throw(self, condition: int) -> None:
        """A host function that raises HostError when its argument is not 0."""
        if condition:
            raise HostError(len(self.lines))


def run(instance: wasmjit.Instance, calls: Iterable[Call], log: Log | None = None) -> list[Any]:
    """All calls one after the other on one instance, and the state after each."""
    return [(name, bits, call(instance.exports[name], bits), state(instance), len(log.lines) if log else 0) for name, bits in calls] + (
        [log.lines] if log else []
    )


def first_difference(one: list[Any], other: list[Any]) -> str:
    """Where two runs part, for a message; empty when they do not."""
    for step, (a, b) in enumerate(zip(one, other, strict=True)):
        if a != b:
            if not isinstance(a, tuple):
                return "what host functions were given differs: " + next(f"{x} and {y}" for x, y in zip(a, b, strict=False) if x != y)
            changed = state_change(a[3], b[3])
            return f"call {step}, {a[0]}({', '.join(map(hex, a[1]))}): {a[2]} and {b[2]}; state: {changed}; host calls: {a[4]} and {b[4]}"
    return ""
