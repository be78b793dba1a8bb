"""Files of events: which formats there are, and what is common to them. A format is a module with `write` and `read`."""

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from wasmjit.profiler.events import KINDS, Event

FORMATS = {"chrome": ".json", "jsonl": ".jsonl"}  # name of a format and of its module: suffix
HEAD = "wasmjit events"  # what a file says that it holds
VERSION = 1


class NotATrace(ValueError):
    """A file does not hold events; the message says why."""


def format_of(path: str, format: str | None) -> str:
    """The format asked for, else that of the suffix. ValueError: there is none."""
    if format is None:
        suffix = os.path.splitext(path)[1]
        format = next((name for name, usual in FORMATS.items() if usual == suffix), None)
        if format is None:
            raise ValueError(f"{path}: the format of a trace is that of its suffix: {' or '.join(FORMATS.values())}")
    elif format not in FORMATS:
        raise ValueError(f"no format {format!r} for traces; there are: {', '.join(FORMATS)}")
    return format


def check(path: str) -> None:
    """Raise OSError if the file cannot be written; it exists afterwards."""
    with open(path, "a"):
        pass


def write(events: Sequence[Event], lost: int, path: str, format: str) -> None:
    """Write the events, and how many were lost, in one of FORMATS. Raises OSError."""
    with open(path, "w", encoding="utf-8") as file:
        for piece in import_module(f"wasmjit.profiler.{format}").write(events, head(lost)):
            file.write(piece)


def read(path: str) -> tuple[list[Event], int]:
    """The events of a file, whichever its format, and how many were lost. Raises OSError and NotATrace."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise NotATrace(f"{path} is no trace: it is not text") from None
    for format in FORMATS:
        try:
            found: tuple[list[Event], int] | None = import_module(f"wasmjit.profiler.{format}").read(text)
        except NotATrace as error:
            raise NotATrace(f"{path} is a damaged trace: {error}") from None
        if found is not None:
            return found
    raise NotATrace(f"{path} is no trace of wasmjit: neither JSON for Perfetto nor JSON lines")


def head(lost: int) -> dict[str, Any]:
    """What a file says of itself."""
    return {"format": HEAD, "version": VERSION, "pid": os.getpid(), "lost": lost}


def lost_of(found: object) -> int | None:
    """How many events a file's head says were lost; None: it is no such head. Raises NotATrace: a later version wrote it."""
    if not isinstance(found, dict) or found.get("format") != HEAD:
        return None
    if found.get("version") != VERSION:
        raise NotATrace(f"version {found.get('version')} is not known here")
    lost = found.get("lost")
    return lost if isinstance(lost, int) else 0


def to_row(event: Event) -> dict[str, Any]:
    """The fields that apply, as JSON has them."""
    return dict(event.items())


def from_row(row: object) -> Event:
    """The event of such a row. Raises NotATrace."""
    if not isinstance(row, dict) or row.get("kind") not in KINDS:
        raise NotATrace("no kind of event")
    if not isinstance(row.get("time"), int) or not isinstance(row.get("thread"), int):
        raise NotATrace("an event without time or thread")
    try:
        event = Event(**row)
        if event.values is not None:
            event.values = tuple(event.values)
        if event.exits is not None:
            event.exits = tuple((function, pc, reason) for function, pc, reason in event.exits)
    except (TypeError, ValueError) as error:
        raise NotATrace(str(error)) from None
    return event
