"""The event bus."""

import subprocess
import sys

import pytest

from tests.paths import ROOT
from wasmjit.profiler import events


def test_it_imports_nothing_of_the_package() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import wasmjit.profiler.events; print([m for m in sys.modules if 'wasmjit' in m])"
    )
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "['wasmjit', 'wasmjit.profiler', 'wasmjit.profiler.events']"


def test_subscribers_get_events_while_they_are_subscribed() -> None:
    got: list[events.Event] = []
    assert not events.active
    events.subscribe(got.append)
    assert events.active
    events.emit("request", function=3, counter=12)
    events.unsubscribe(got.append)
    assert not events.active
    events.emit("begin", function=3)
    assert [(event.kind, event.function, event.counter, event.pc) for event in got] == [("request", 3, 12, None)]
    assert got[0].time > 0 and got[0].thread > 0
    assert dict(got[0].items()).keys() == {"time", "thread", "kind", "function", "counter"}


def test_unknown_fields_are_an_error() -> None:
    events.subscribe(print)
    try:
        with pytest.raises(TypeError, match="nonsense"):
            events.emit("request", nonsense=1)
    finally:
        events.unsubscribe(print)


def test_a_subscriber_that_fails_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    got: list[events.Event] = []

    def fail(event: events.Event) -> None:
        raise ValueError("no")

    events.subscribe(fail)
    events.subscribe(got.append)
    try:
        events.emit("request")
    finally:
        events.unsubscribe(fail)
        events.unsubscribe(got.append)
    assert len(got) == 1 and "ValueError: no" in capsys.readouterr().err


def test_flows_are_numbers_of_their_own() -> None:
    assert events.next_flow() < events.next_flow()
