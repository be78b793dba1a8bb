"""`wasmjit.trace`: a recording of what happens between the tiers, while a with-block runs."""

import os
from collections.abc import Callable
from types import TracebackType
from typing import Self

from wasmjit.profiler import events, story, writers
from wasmjit.profiler.events import Event
from wasmjit.profiler.native import READER

Target = str | os.PathLike[str] | Callable[[Event], None] | None


def trace(target: Target = None, *, format: str | None = None) -> "Trace":
    """Record what happens to functions between the tiers: `with wasmjit.trace() as t: ...`, then `t.why("f")`, `t.summary()`, `t.events`.

    target: a file that is written at the end, in the format of its suffix (.json: for ui.perfetto.dev, .jsonl: one event a line) unless
    `format` names another; or a callable that gets each Event, those of native code somewhat late. Raises ValueError: no such format.
    """
    return Trace(target, format=format)


class Trace:
    """A recording; several may run at once. What happens in other threads is in it too."""

    def __init__(self, target: Target = None, *, format: str | None = None) -> None:
        self._callback = target if callable(target) else None
        self._path = None if target is None or callable(target) else os.fspath(target)
        self._format = writers.format_of(self._path, format) if self._path is not None else format
        self._events: list[Event] = []
        self._open = False
        self.lost = 0  # events of native code that came faster than they were read

    def __enter__(self) -> Self:
        if self._open:
            raise RuntimeError("this trace runs already")
        if self._path is not None:
            writers.check(self._path)  # now, not after the program
        READER.open()
        events.subscribe(self._record)
        self._open = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        READER.drain()
        self.lost = READER.lost
        events.unsubscribe(self._record)
        READER.close()
        self._open = False
        if self._path is not None:
            self.write(self._path, format=self._format)

    def _record(self, event: Event) -> None:
        self._events.append(event)
        if self._callback is not None:
            self._callback(event)

    @property
    def events(self) -> list[Event]:
        """All so far, in the order in which they happened."""
        if self._open:
            READER.drain()
            self.lost = READER.lost
        return story.completed(self._events)

    def why(self, function: str | int) -> str:
        """What became of a function, by name or index, and why, in words. KeyError: nothing happened to such a function."""
        return story.why(self.events, function)

    def summary(self) -> str:
        """A table of all functions to which something happened, in the order of their first events."""
        return story.summary(self.events, self.lost)

    def write(self, path: str | os.PathLike[str], *, format: str | None = None) -> None:
        """Write the events to a file. format: "chrome" or "jsonl", None: by the suffix. Raises ValueError and OSError."""
        path = os.fspath(path)
        writers.write(self.events, self.lost, path, writers.format_of(path, format))
