"""Events as JSON lines: a head, then a row an event, with the fields of `Event` that apply."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wasmjit.profiler.events import Event
from wasmjit.profiler.writers import NotATrace, from_row, lost_of, to_row


def write(events: Sequence[Event], head: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the file."""
    yield json.dumps(head) + "\n"
    for event in events:
        yield json.dumps(to_row(event)) + "\n"


def read(text: str) -> tuple[list[Event], int] | None:
    """The events and how many were lost; None: the text is something else. Raises NotATrace."""
    first, *rows = text.splitlines() or [""]
    try:
        lost = lost_of(json.loads(first))
    except ValueError:
        return None
    if lost is None:
        return None
    events = []
    for number, row in enumerate(rows, 2):
        try:
            events.append(from_row(json.loads(row)))
        except ValueError as error:
            raise NotATrace(f"line {number}: {error}") from None
    return events, lost
