"""Events of native code: taken out of its ring and emitted on the bus.

The ring keeps addresses and numbers. What they mean is known from the events of Python: names of functions, the exits of a piece of
optimized code, and which request an installation answers. So the ring is emptied with every event that adds to that, and whenever
somebody reads.
"""

from _thread import get_ident
from struct import iter_unpack

from wasmjit._image import native
from wasmjit.profiler import events
from wasmjit.profiler.events import Event
from wasmjit.runtime.codes import (
    TRACE_DEOPT,
    TRACE_ENTER,
    TRACE_KEPT,
    TRACE_OSR_ENTER,
    TRACE_OSR_EXIT,
    TRACE_REQUEST,
    TRACE_RETIRE,
    TRACE_WARM,
)

N = native()

RECORD = "<4Q2I3Q8Q"  # as of runtime.tracering.Record
PIECE = 4096  # records taken at a time
KINDS = {
    TRACE_ENTER: "enter",
    TRACE_OSR_ENTER: "osr_enter",
    TRACE_OSR_EXIT: "osr_exit",
    TRACE_DEOPT: "deopt",
    TRACE_WARM: "warm",
    TRACE_REQUEST: "request",
    TRACE_RETIRE: "invalidate",
}
ENTRIES = ("enter", "osr_enter")
EXITS = (TRACE_OSR_EXIT, TRACE_DEOPT)


class Reader:
    """Turns records into events. One a process, shared by all that trace: there is one ring."""

    def __init__(self) -> None:
        self.users = 0
        self.lost = 0  # events that were written over before they were read
        self._drainer = 0  # the thread that empties the ring
        self._names: dict[tuple[int, int], tuple[str | None, str | None]] = {}  # (mod, function): names of module and function
        self._exits: dict[int, tuple[tuple[int, int, str], ...]] = {}  # by unit
        self._flows: dict[tuple[int, int], int] = {}  # (mod, function): of what was installed and not entered yet

    def open(self) -> None:
        """One user more."""
        N.trace_start()
        if self.users == 0:
            events.subscribe(self._look)
        self.users += 1

    def close(self) -> None:
        """One less; the last one has seen everything when this returns."""
        self.drain()
        self.users -= 1
        N.trace_stop()
        if self.users == 0:
            events.unsubscribe(self._look)
            for known in (self._names, self._exits, self._flows):
                known.clear()
            self.lost = 0

    def drain(self) -> None:
        """Emit what native code noted so far."""
        if self._drainer:
            return
        self._drainer = get_ident()
        try:
            while True:
                records, lost = N.trace_drain(PIECE)
                self.lost += lost
                if not records:
                    break
                for record in iter_unpack(RECORD, records):
                    self._emit(record)
        finally:
            self._drainer = 0

    def _look(self, event: Event) -> None:
        """Learn from an event of Python what records will mean."""
        if self._drainer == get_ident():
            return
        mod, function = event.mod, event.function
        if mod is not None and function is not None:
            self._names[mod, function] = event.module, event.name
            if event.kind == "install" and event.flow is not None:
                self._flows[mod, function] = event.flow
        if event.unit is not None and event.exits is not None:
            self._exits[event.unit] = event.exits
        if event.kind != "inline":  # those come when the code runs already and its installation was not told yet
            self.drain()

    def _emit(self, record: tuple[int, ...]) -> None:
        _, time, thread, mod, number, index, a, b, nvalues, *values = record
        if number == TRACE_KEPT:
            self._kept(time, thread, mod, a, b)
            return
        kind = KINDS.get(number)
        if kind is None:
            return
        module, name = self._names.get((mod, index), (None, None))
        fields: dict[str, object] = {"mod": mod, "function": index, "module": module, "name": name}
        if number in EXITS or number == TRACE_RETIRE:
            fields["unit"] = a
        if number in EXITS:
            fields |= self._exit(a, b, mod, index)
        elif number == TRACE_RETIRE:
            fields["counter"] = b
        elif number == TRACE_WARM:
            fields |= {"counter": a, "threshold": b}
        elif number == TRACE_REQUEST:
            fields |= {"pc": a or None, "counter": b}
        elif number == TRACE_OSR_ENTER:
            fields["pc"] = a
        if kind in ENTRIES:
            fields |= {"tier_from": "interp", "tier_to": "opt", "flow": self._flows.pop((mod, index), None)}
        if nvalues:
            fields["values"] = tuple(values[:nvalues])
        events.emit(kind, time=time, thread=thread, **fields)

    def _kept(self, time: int, thread: int, mod: int, unit: int, nbytes: int) -> None:
        """Code of an earlier run was installed."""
        from wasmjit._tiering import find
        from wasmjit.tiers.optimizer.unit import REASONS

        module = find(mod)
        if module is None:
            return
        reasons = dict(enumerate(REASONS))
        rows = iter_unpack("<III", N.unit_exit_rows(unit))
        self._exits[unit] = tuple((function, pc, reasons.get(reason, "")) for function, pc, reason in rows)
        for function, loop, _, _ in iter_unpack("<IIII", N.unit_entries(unit)):
            name = module.func_name(function)
            self._names[mod, function] = module.name, name
            about = {"mod": mod, "module": module.name, "function": function, "name": name, "pc": loop or None}
            events.emit("cache_hit", time=time, thread=thread, code_bytes=nbytes, **about)
            fields = {"unit": unit, "exits": self._exits[unit], "tier_from": "interp", "tier_to": "opt"}
            events.emit("install", time=time, thread=thread, **about, **fields)

    def _exit(self, unit: int, number: int, mod: int, index: int) -> dict[str, object]:
        """Where an exit leads and why it is there."""
        exits = self._exits.get(unit, ())
        fields: dict[str, object] = {"tier_from": "opt", "tier_to": "interp", "counter": number}
        if number < len(exits):
            function, pc, reason = exits[number]
            fields |= {"pc": pc, "reason": reason}
            if function != index:
                fields["callee"] = function
        return fields


READER = Reader()
