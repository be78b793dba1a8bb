"""Events as Chrome trace-event JSON, which ui.perfetto.dev and chrome://tracing open.

One track a thread that runs wasm and one a compiling thread or process. Compiles are slices; an arrow leads from the request to the
compile, the installation and the first entry; the rest are instants. Slices of a track nest strictly: where two would not, one goes to
another track. `args` of an entry are the fields of its `Event`, so that the file can be read back.
"""

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wasmjit.profiler.events import Event
from wasmjit.profiler.writers import NotATrace, from_row, lost_of, to_row

CATEGORY = "tiers"
TICK = 1000  # ns that a slice lasts which only carries an arrow, if there is room
FLOWING = ("request", "cache_hit", "install", "enter", "osr_enter")
PROCESS = "wasmjit"

Entry = dict[str, Any]


class Track:
    """A row of the picture: slices, each inside of another one or beside it."""

    def __init__(self, number: int, name: str) -> None:
        self.number = number
        self.name = name
        self.open: list[int] = []  # ends of the slices that are open, the innermost last
        self.last = 0  # where the latest slice began

    def takes(self, begin: int, end: int) -> bool:
        """Whether a slice nests here, if none that begins earlier comes later. It does from now on."""
        if begin < self.last:
            return False
        while self.open and self.open[-1] <= begin:
            self.open.pop()
        if self.open and self.open[-1] < end:
            return False
        self.open.append(end)
        self.last = begin
        return True


class Picture:
    """All tracks of these events, each with its begin and end."""

    def __init__(self, found: Sequence[tuple[int, int, Event]]) -> None:
        self.tracks: dict[tuple[str, int], Track] = {}
        self._workers = {event.thread: event.worker for _, _, event in found if event.worker}
        self._begins: dict[str, list[int]] = {}  # of all that happens on a track, sorted
        for begin, _, event in found:
            self._begins.setdefault(self.name(event), []).append(begin)

    def name(self, event: Event) -> str:
        """The name of the track an event belongs to: who compiles, else the thread."""
        return event.worker or self._workers.get(event.thread) or f"thread {event.thread}"

    def moment(self, name: str, begin: int) -> int:
        """The end of a slice that only carries an arrow: before the next one begins and an open one ends."""
        begins = self._begins[name]
        after = bisect_right(begins, begin)
        track = self.tracks.get((name, 0))
        ends = [end for end in (track.open if track else ()) if end > begin]
        return min([begin + TICK, *begins[after : after + 1], *ends])

    def track(self, name: str, begin: int, end: int) -> Track:
        """The first track of that name in which the slice nests."""
        lane = 0
        while True:
            track = self.tracks.get((name, lane))
            if track is None:
                shown = name if lane == 0 else f"{name} ({lane + 1})"
                track = self.tracks[name, lane] = Track(len(self.tracks) + 1, shown)
            if track.takes(begin, end):
                return track
            lane += 1


def write(events: Sequence[Event], head: Mapping[str, Any]) -> Iterator[str]:
    """The file, in pieces."""
    pid = head["pid"]
    origin = min((event.time for event in events), default=0)
    found = [(begin - origin, end - origin, event) for begin, end, event in slices(events)]
    picture = Picture(found)
    drawn = [entry for begin, end, event in found for entry in draw(picture, begin, end, event)]
    names: list[Entry] = [{"ph": "M", "name": "process_name", "args": {"name": PROCESS}}]
    for track in picture.tracks.values():
        names.append({"ph": "M", "name": "thread_name", "tid": track.number, "args": {"name": track.name}})
        names.append({"ph": "M", "name": "thread_sort_index", "tid": track.number, "args": {"sort_index": track.number}})
    yield '{"displayTimeUnit":"ms","otherData":' + json.dumps(head) + ',"traceEvents":['
    separator = "\n"
    for entry in names + matched(drawn):
        yield separator + json.dumps({"pid": pid, "tid": 0, **entry})
        separator = ",\n"
    yield "\n]}\n"


def slices(events: Sequence[Event]) -> list[tuple[int, int, Event]]:
    """Each event with its begin and end: a compile's `begin` is part of its `end`, others take a moment. The outer ones first."""
    begun: dict[tuple[object, ...], Event] = {}
    found = []
    for event in events:
        key = (event.worker, event.thread, event.mod, event.function)
        if event.kind == "begin":
            begun[key] = event
        elif event.kind == "end" and key in begun:
            found.append((begun.pop(key).time, event.time, event))
        else:
            found.append((event.time, event.time, event))
    found += [(event.time, event.time, event) for event in begun.values()]  # not finished
    return sorted(found, key=lambda item: (item[0], -item[1]))


def draw(picture: Picture, begin: int, end: int, event: Event) -> Iterator[Entry]:
    """The entries for an event, its time counted from the first one."""
    name = picture.name(event)
    args = to_row(event)
    common: Entry = {"name": title(event), "cat": CATEGORY, "args": args}
    flowing = event.flow is not None and (event.kind in FLOWING or event.kind == "end")
    if end == begin and not flowing:
        tid = picture.track(name, begin, begin).number
        yield {"ph": "i", "s": "t", "ts": begin / 1000, "tid": tid, **common}
        return
    if end == begin:
        end = picture.moment(name, begin)
    else:
        args["began"] = event.time - (end - begin)
    tid = picture.track(name, begin, end).number
    yield {"ph": "X", "ts": begin / 1000, "dur": (end - begin) / 1000, "tid": tid, **common}
    if flowing:
        yield {"ph": "flow", "id": event.flow, "name": "tier up", "cat": CATEGORY, "ts": begin / 1000, "tid": tid}


def matched(entries: Sequence[Entry]) -> list[Entry]:
    """The same with arrows that start, pass and end; a lonely one is left out."""
    steps: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry["ph"] == "flow":
            steps.setdefault(entry["id"], []).append(entry)
    for path in steps.values():
        for entry in path:
            entry["ph"] = "t"
        path[0]["ph"] = "s"
        path[-1].update(ph="f", bp="e")
        if len(path) == 1:
            path[0]["ph"] = ""
    return [entry for entry in entries if entry["ph"]]


def title(event: Event) -> str:
    """What stands on the slice."""
    name = event.name or ("" if event.function is None else f"func[{event.function}]")
    loop = f" loop {event.pc:#x}" if event.pc and event.kind in ("request", "install", "begin", "end") else ""
    return f"{'compile' if event.kind in ('begin', 'end') else event.kind} {name}{loop}".rstrip()


def read(text: str) -> tuple[list[Event], int] | None:
    """The events and how many were lost; None: the text is something else. Raises NotATrace."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict) or "traceEvents" not in found:
        return None
    lost = lost_of(found.get("otherData"))
    if lost is None:
        raise NotATrace("these are trace events of another program")
    events = []
    for entry in found["traceEvents"] if isinstance(found["traceEvents"], list) else ():
        if not isinstance(entry, dict) or entry.get("ph") not in ("X", "i") or not isinstance(entry.get("args"), dict):
            continue
        row = dict(entry["args"])
        began = row.pop("began", None)
        event = from_row(row)
        if isinstance(began, int):
            events.append(from_row(row | {"kind": "begin", "time": began}))
        events.append(event)
    return sorted(events, key=lambda event: event.time), lost
