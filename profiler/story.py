"""Events in words: what became of one function and why, and a table of all."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from wasmjit.profiler.events import Event

MILLISECOND = 1e6
CROSSINGS = ("enter", "osr_enter", "osr_exit", "deopt")  # frames come to optimized code and leave it


def completed(events: Iterable[Event]) -> list[Event]:
    """The events in the order of their times; what only later events of a function tell is filled in: names, and a request's flow."""
    ordered = sorted(events, key=lambda event: event.time)
    names = {(event.mod, event.function): (event.module, event.name) for event in ordered if event.module or event.name}
    requests: dict[tuple[int | None, int | None], Event] = {}
    for event in ordered:
        key = event.mod, event.function
        if event.name is None and event.function is not None:
            module, name = names.get(key, (None, None))
            event.module, event.name = event.module or module, name
        if event.kind == "request":
            requests[key] = event
        elif event.kind in ("begin", "cache_hit", "refuse") and key in requests:
            asked = requests.pop(key)
            asked.flow = asked.flow or event.flow
    return ordered


def label(event: Event) -> str:
    """How a function is called: its name, else its number."""
    return event.name if event.name is not None else f"func[{event.function}]"


def why(events: Sequence[Event], function: str | int) -> str:
    """The story of a function; of each, if several modules have one of that name. KeyError: nothing happened to it."""
    wanted = {(e.mod, e.function) for e in events if e.function is not None and function in (e.function, e.name)}
    if not wanted:
        names = sorted({label(event) for event in events if event.function is not None})
        raise KeyError(f"nothing happened to {function!r}; there is something to tell about: {', '.join(names) or 'nothing'}")
    start = events[0].time
    stories = [story([e for e in events if (e.mod, e.function) == key], events, start) for key in sorted(wanted, key=str)]
    return "\n\n".join(stories)


def story(own: Sequence[Event], events: Sequence[Event], start: int) -> str:
    """What happened to a function: `own` events of all `events`, times counted from `start`."""
    first = own[0]
    size = next((event.wasm_bytes for event in own if event.wasm_bytes), None)
    lines = [f"{first.module or 'wasm'}!{label(first)}: function {first.function}" + (f", {size} bytes" if size else "")]
    for event, times in merged(own):
        text = sentence(event, own)
        if text:
            again = f" ({times} times)" if times > 1 else ""
            lines.append(f"{(event.time - start) / MILLISECOND:10.2f} ms  {text}{again}")
    homes = Counter(
        label(event) for event in events if event.kind == "inline" and event.callee == first.function and event.mod == first.mod
    )
    if homes:
        lines.append(" " * 15 + "inlined in " + ", ".join(f"{name}{f' ({n} calls)' if n > 1 else ''}" for name, n in homes.items()))
    left = [event for event in own if event.kind in ("deopt", "osr_exit")]
    if left:
        places = Counter((event.pc, event.reason) for event in left)
        lines.append(f"{'':15}left optimized code {len(left)} times:")
        lines += [f"{'':17}{n} at {where(pc)}{f': {reason}' if reason else ''}" for (pc, reason), n in places.most_common()]
    compiled = sum(event.kind == "end" for event in own)
    if compiled > 1:
        lines.append(f"{'':15}compiled {compiled} times")
    return "\n".join(lines)


def merged(events: Iterable[Event]) -> Iterator[tuple[Event, int]]:
    """Each event with how often it happened: what says the same is one, if nothing but other CROSSINGS came between."""
    for _, group in groupby(events, lambda event: "" if event.kind in CROSSINGS else event.kind):
        same: dict[tuple[object, ...], list[Event]] = {}
        for event in group:
            same.setdefault((event.kind, event.pc, event.reason, event.callee), []).append(event)
        yield from ((found[0], len(found)) for found in same.values())


def where(pc: int | None) -> str:
    """A place in the binary."""
    return "?" if pc is None else f"{pc:#x}"


def lasting(nanoseconds: int) -> str:
    """A duration."""
    return f"{nanoseconds / MILLISECOND:.2f} ms"


def sentence(event: Event, own: Sequence[Event]) -> str:
    """What an event says of its function; `own`: all events of that."""
    loop = f"the loop at {event.pc:#x}" if event.pc else "the function"
    samples = "" if event.counter is None else f"{event.counter} samples"
    reason = f": {event.reason}" if event.reason else ""
    match event.kind:
        case "warm":
            return f"warm: {samples} reached the threshold {event.threshold}; it is profiled for a while"
        case "request":
            why = f" after {samples}" if samples else ""
            return f"hot: {loop} is to be compiled{why}" + (f", threshold {event.threshold}" if event.threshold else "") + reason
        case "cache_hit":
            return "its code was in the cache" + reason
        case "begin":
            asked = earlier("request", event, own)
            queued = f" after {lasting(event.time - asked.time)} in the queue" if asked else ""
            return f"compile of {loop} began{queued}" + (f" in {event.worker}" if event.worker else "")
        case "inline":
            callee = "" if event.callee is None else f" of func[{event.callee}]"
            return f"inlined the call{callee} at {where(event.pc)}" + reason
        case "end":
            begun = earlier("begin", event, own)
            took = event.duration if event.duration is not None else event.time - begun.time if begun else None
            sizes = f": {event.wasm_bytes} bytes of wasm, {event.code_bytes} of machine code" if event.code_bytes else ""
            return "compiled" + (f" in {lasting(took)}" if took is not None else "") + sizes + reason
        case "refuse":
            return "refused" + reason
        case "install":
            return "installed" + reason
        case "enter":
            return "first call of the optimized code"
        case "osr_enter":
            return f"running frame goes on in optimized code at the loop at {where(event.pc)}"
        case "osr_exit":
            return f"frame goes back to the interpreter at {where(event.pc)}" + reason
        case "deopt":
            return f"deoptimized at {where(event.pc)}" + reason
        case "invalidate":
            return "optimized code given up" + (f" after {event.counter} exits" if event.counter else "") + reason
        case "trap":
            return f"trapped at {where(event.pc)}" + reason
    return f"{event.kind}{reason}"


def earlier(kind: str, event: Event, own: Sequence[Event]) -> Event | None:
    """The latest event of a kind that came before one: of the same flow if it has one."""
    found = [e for e in own if e.kind == kind and e.time <= event.time and (event.flow is None or e.flow == event.flow)]
    return found[-1] if found else None


def summary(events: Sequence[Event], lost: int = 0) -> str:
    """A table: a row for each function to which something happened, in the order of their first events."""
    rows: dict[tuple[int | None, int | None, str], list[Event]] = {}
    for event in events:
        if event.function is not None:
            rows.setdefault((event.mod, event.function, f"{event.module or 'wasm'}!{label(event)}"), []).append(event)
    if not rows:
        return "no function was asked for, compiled or left"
    start = events[0].time
    lines = [f"{'function':<32} {'hot ms':>9} {'compiles':>8} {'ms':>9} {'bytes':>8} {'osr':>6} {'exits':>6}  state"]
    for (_, _, name), own in rows.items():
        kinds = Counter(event.kind for event in own)
        asked = next((event.time for event in own if event.kind in ("request", "warm")), own[0].time)
        spent = sum(event.duration or 0 for event in own if event.kind == "end")
        size = next((event.code_bytes for event in reversed(own) if event.code_bytes), 0)
        exits = kinds["deopt"] + kinds["osr_exit"]
        numbers = (
            f"{(asked - start) / MILLISECOND:9.2f} {kinds['end']:8} {spent / MILLISECOND:9.2f} {size:8} {kinds['osr_enter']:6} {exits:6}"
        )
        lines.append(f"{name:<32} {numbers}  {state(own)}")
    traps = sum(event.kind == "trap" for event in events)
    if traps:
        lines.append(f"traps: {traps}")
    if lost:
        lines.append(f"{lost} events came too fast and are not counted")
    return "\n".join(lines)


def state(own: Sequence[Event]) -> str:
    """Where a function ended up."""
    states = {"warm": "profiled", "request": "queued", "begin": "compiling", "refuse": "refused", "install": "optimized"}
    states |= {"invalidate": "interpreted again"}
    found = [event for event in own if event.kind in states]
    if not found:
        return "interpreted"
    last = found[-1]
    return states[last.kind] + (f": {last.reason}" if last.kind == "refuse" and last.reason else "")
