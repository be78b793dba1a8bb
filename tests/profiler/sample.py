"""A recording made by hand: two functions in two compiling threads, one of them left and given up."""

from typing import Any

from wasmjit.profiler.events import Event

MS = 1_000_000
THREAD, OTHER = 100, 101
F: dict[str, Any] = {"mod": 1, "module": "kit", "function": 3, "name": "f"}
G: dict[str, Any] = {"mod": 1, "module": "kit", "function": 4, "name": "g"}
EXITS = ((3, 0x44, "never taken before"), (3, 0x50, "another target"))


def at(milliseconds: float, kind: str, thread: int = THREAD, **fields: Any) -> Event:
    return Event(kind, int(1e9 + milliseconds * MS), thread, **fields)


def recording() -> list[Event]:
    """Nothing is in order of time, as the ring is read late."""
    one: dict[str, Any] = {"worker": "compiler 1", "thread": OTHER}
    two: dict[str, Any] = {"worker": "compiler 2", "thread": OTHER + 1}
    return [
        at(1.5, "request", **F, flow=1, counter=30, threshold=24, tier_from="interp", tier_to="opt"),
        at(1.6, "request", **G, flow=2, pc=0x60, counter=8),
        at(2.0, "begin", **F, flow=1, **one),
        at(2.2, "begin", **G, flow=2, pc=0x60, **two),
        at(2.5, "inline", **F, callee=4, pc=0x41, **one),
        at(6.0, "end", **F, flow=1, duration=4 * MS, wasm_bytes=52, code_bytes=812, **one),
        at(6.1, "install", **F, flow=1, unit=77, exits=EXITS, thread=OTHER),
        at(9.0, "end", **G, flow=2, pc=0x60, duration=6 * MS, wasm_bytes=90, code_bytes=400, **two),
        at(9.1, "install", **G, flow=2, pc=0x60, unit=78),
        at(20.0, "trap", **G, pc=0x66, reason="unreachable"),
        at(1.0, "warm", mod=1, function=3, counter=12, threshold=12),
        at(6.2, "enter", **F, flow=1, tier_from="interp", tier_to="opt"),
        at(9.2, "osr_enter", **G, pc=0x60, flow=2),
        at(10.0, "deopt", **F, pc=0x44, reason="never taken before", values=(1, 2, 3), unit=77),
        at(10.1, "deopt", **F, pc=0x44, reason="never taken before", values=(4, 5, 6), unit=77),
        at(12.0, "deopt", **F, pc=0x50, reason="another target", unit=77),
        at(12.5, "invalidate", **F, unit=77, counter=3),
    ]
