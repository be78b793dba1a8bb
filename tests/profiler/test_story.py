"""What a recording says in words."""

import pytest

from tests.profiler.sample import at, recording
from wasmjit.profiler import story


def test_events_come_in_order_and_with_names() -> None:
    found = story.completed(recording())
    assert [event.time for event in found] == sorted(event.time for event in found)
    assert (found[0].kind, found[0].name, found[0].module) == ("warm", "f", "kit")


def test_why_tells_the_story_of_a_function() -> None:
    text = story.why(story.completed(recording()), "f")
    lines = text.splitlines()
    assert lines[0] == "kit!f: function 3, 52 bytes"
    for number, part in enumerate((
        "warm: 12 samples reached the threshold 12",
        "hot: the function is to be compiled after 30 samples, threshold 24",
        "compile of the function began after 0.50 ms in the queue in compiler 1",
        "inlined the call of func[4] at 0x41",
        "compiled in 4.00 ms: 52 bytes of wasm, 812 of machine code",
        "installed",
        "first call of the optimized code",
        "deoptimized at 0x44: never taken before (2 times)",
        "deoptimized at 0x50: another target",
        "optimized code given up after 3 exits",
        "left optimized code 3 times:",
        "2 at 0x44: never taken before",
        "1 at 0x50: another target",
    ), 1):  # fmt: skip
        assert part in lines[number]


def test_why_by_index_and_of_a_loop() -> None:
    text = story.why(story.completed(recording()), 4)
    assert "kit!g" in text and "the loop at 0x60 is to be compiled after 8 samples" in text
    assert "inlined in f" in text and "trapped at 0x66: unreachable" in text


def test_why_of_a_function_that_nothing_happened_to() -> None:
    with pytest.raises(KeyError, match="'h'.*f, g"):
        story.why(story.completed(recording()), "h")


def test_summary_has_a_row_for_each_function() -> None:
    head, f, g, traps, lost = story.summary(story.completed(recording()), 5).splitlines()
    assert f.split() == ["kit!f", "0.00", "1", "4.00", "812", "0", "3", "interpreted", "again"]
    assert g.split() == ["kit!g", "0.60", "1", "6.00", "400", "1", "0", "optimized"]
    assert traps == "traps: 1" and lost.startswith("5 events")


def test_summary_of_nothing() -> None:
    assert story.summary([]) == "no function was asked for, compiled or left"


def test_frames_that_come_and_go_are_told_once() -> None:
    F = {"mod": 1, "function": 3}
    events = [at(1, "install", **F)]
    for i in range(50):
        events += [at(2 + i, "osr_enter", pc=0x60, **F), at(2.5 + i, "osr_exit", pc=0x70, reason="cold", **F)]
    events.append(at(99, "invalidate", counter=50, **F))
    lines = story.why(events, 3).splitlines()
    assert [line.split("ms  ")[-1].strip() for line in lines[1:5]] == [
        "installed",
        "running frame goes on in optimized code at the loop at 0x60 (50 times)",
        "frame goes back to the interpreter at 0x70: cold (50 times)",
        "optimized code given up after 50 exits",
    ]
