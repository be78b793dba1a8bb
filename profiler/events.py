"""The event bus: what happens to functions on their way between the tiers, told to whoever subscribed.

It imports nothing, so that everything may import it. A place where something happens costs one test while nobody listens:

    if events.active:
        events.emit("install", module=name, function=7, code_bytes=812)
"""

import sys
from _thread import get_native_id as _thread
from time import monotonic_ns as _now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# what happens, in the order in which it happens to a function
KINDS = (
    "warm",  # it is sampled often enough to be profiled for a while
    "request",  # a compile is asked for: of the function, or of the loop at `pc`
    "cache_hit",  # no compile is needed: the code was kept
    "begin",  # a compile begins
    "inline",  # a call at `pc` is replaced by the body of `callee`
    "end",  # it ends
    "refuse",  # the function stays as it is, for `reason`
    "install",  # its optimized code is in place
    "enter",  # and is called for the first time
    "osr_enter",  # it takes over a running frame at the loop at `pc`
    "osr_exit",  # and hands it back to the interpreter at `pc`
    "deopt",  # a called function goes on in the interpreter at `pc`
    "invalidate",  # its optimized code is given up
    "trap",
    "gc",
)

active = False  # somebody listens


class Event:
    """Something that happened. What does not apply is None.

    time: ns of the monotonic clock; thread: the system's number of it; kind: one of KINDS; module: its name; function: index;
    name: of the function; pc: offset of an instruction in the binary; tier_from, tier_to: names of tiers; counter: samples, or how
    often; threshold: that made it happen; reason: in words; wasm_bytes, code_bytes: before and after compiling; duration: ns, of what
    ends here; values: bits of the first slots of the frame; flow: number that joins a request to what came of it; callee: index of
    the function that is inlined; worker: which process or thread compiles; mod: address that tells modules apart; unit: number of
    the piece of optimized code; exits: of that, (function, pc, reason) by number.
    """

    __slots__ = (
        "time", "thread", "kind", "module", "function", "name", "pc", "tier_from", "tier_to", "counter", "threshold", "reason",
        "wasm_bytes", "code_bytes", "duration", "values", "flow", "callee", "worker", "mod", "unit", "exits",
    )  # fmt: skip

    if TYPE_CHECKING:
        time: int
        thread: int
        kind: str
        module: str | None
        function: int | None
        name: str | None
        pc: int | None
        tier_from: str | None
        tier_to: str | None
        counter: int | None
        threshold: int | None
        reason: str | None
        wasm_bytes: int | None
        code_bytes: int | None
        duration: int | None
        values: tuple[int, ...] | None
        flow: int | None
        callee: int | None
        worker: str | None
        mod: int | None
        unit: int | None
        exits: tuple[tuple[int, int, str], ...] | None

    def __init__(self, kind: str, time: int, thread: int, **fields: "Any") -> None:
        self.time = time
        self.thread = thread
        self.kind = kind
        for name in Event.__slots__[3:]:
            setattr(self, name, fields.pop(name, None))
        if fields:
            raise TypeError(f"an event has no {', '.join(fields)}")

    def __repr__(self) -> str:
        return f"Event({', '.join(f'{name}={value!r}' for name, value in self.items())})"

    def items(self) -> "list[tuple[str, Any]]":
        """The fields that apply, by name."""
        found = [(name, getattr(self, name)) for name in Event.__slots__]
        return [(name, value) for name, value in found if value is not None]


_subscribers: "list[Callable[[Event], None]]" = []
_flows = 0


def subscribe(callback: "Callable[[Event], None]") -> None:
    """Call `callback(event)` for every event from now on, in the thread where it happens. What it raises is shown, and ends nothing."""
    global active
    _subscribers.append(callback)
    active = True


def unsubscribe(callback: "Callable[[Event], None]") -> None:
    """Call it no more. ValueError: it was not subscribed."""
    global active
    _subscribers.remove(callback)
    active = bool(_subscribers)


def emit(kind: str, *, time: int | None = None, thread: int | None = None, **fields: "Any") -> None:
    """Tell everybody. kind: one of KINDS; time, thread: now and this one, unless given; fields: those of Event."""
    event = Event(kind, _now() if time is None else time, _thread() if thread is None else thread, **fields)
    for callback in tuple(_subscribers):
        try:
            callback(event)
        except Exception:
            sys.excepthook(*sys.exc_info())


def next_flow() -> int:
    """A number for a request and what comes of it."""
    global _flows
    _flows += 1
    return _flows
