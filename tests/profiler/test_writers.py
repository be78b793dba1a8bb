"""Files of events: structure of the trace-event format, and that both formats read back what was written."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.profiler.sample import MS, OTHER, at, recording
from wasmjit.profiler import story, writers
from wasmjit.profiler.events import Event

DAMAGES = (
    ('"kind": "trap"', '"kind": "nonsense"'),
    ('"time":', '"tide":'),
    ('"reason":', '"raisin":'),
    ('"version": 1', '"version": 9'),
)


def written(tmp_path: Path, events: list[Event], format: str = "chrome") -> Path:
    path = tmp_path / f"trace.{format}"
    writers.write(story.completed(events), 2, str(path), format)
    return path


def entries(tmp_path: Path, events: list[Event]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(written(tmp_path, events).read_text())["traceEvents"]
    return found


def nesting_errors(found: list[dict[str, Any]]) -> list[str]:
    """Slices of a track that overlap without one being inside the other."""
    errors = []
    for tid in {entry["tid"] for entry in found if entry["ph"] == "X"}:
        open_: list[int] = []
        track = [entry for entry in found if entry["ph"] == "X" and entry["tid"] == tid]
        for entry in sorted(track, key=lambda entry: (entry["ts"], -entry["dur"])):
            begin = round(entry["ts"] * 1000)  # in nanoseconds, as readers have it
            end = begin + round(entry["dur"] * 1000)
            while open_ and open_[-1] <= begin:
                open_.pop()
            if open_ and end > open_[-1]:
                errors.append(entry["name"])
            open_.append(end)
    return errors


@pytest.mark.parametrize("format", writers.FORMATS)
def test_what_is_written_is_read_back(tmp_path: Path, format: str) -> None:
    before = story.completed(recording())
    after, lost = writers.read(str(written(tmp_path, recording(), format)))
    assert lost == 2
    key = lambda event: (event.time, event.kind)  # noqa: E731
    ours, theirs = sorted(before, key=key), sorted(after, key=key)
    assert [event.kind for event in theirs] == [event.kind for event in ours]
    for a, b in zip(ours, theirs, strict=True):
        if a.kind == "begin" and format == "chrome":  # part of the slice of its end
            assert (a.function, a.flow, a.worker) == (b.function, b.flow, b.worker)
        else:
            assert dict(a.items()) == dict(b.items())


def test_every_entry_is_complete(tmp_path: Path) -> None:
    found = entries(tmp_path, recording())
    assert {entry["ph"] for entry in found} == {"M", "X", "i", "s", "t", "f"}
    for entry in found:
        assert isinstance(entry["pid"], int) and isinstance(entry["tid"], int) and entry["name"]
        if entry["ph"] != "M":
            assert entry["ts"] >= 0
        if entry["ph"] == "X":
            assert entry["dur"] > 0
    tracks = {entry["tid"]: entry["args"]["name"] for entry in found if entry["name"] == "thread_name"}
    assert sorted(tracks.values()) == ["compiler 1", "compiler 2", "thread 100"]
    assert {entry["tid"] for entry in found if entry["ph"] != "M"} == set(tracks)
    compiles = {entry["name"]: (entry["dur"], tracks[entry["tid"]]) for entry in found if entry["name"].startswith("compile")}
    assert compiles == {"compile f": (4000, "compiler 1"), "compile g loop 0x60": (6800, "compiler 2")}


def test_arrows_lead_from_the_request_to_the_first_entry(tmp_path: Path) -> None:
    found = entries(tmp_path, recording())
    for flow, last in ((1, "enter f"), (2, "osr_enter g")):
        path = sorted((entry for entry in found if entry["ph"] in "stf" and entry.get("id") == flow), key=lambda entry: entry["ts"])
        assert [entry["ph"] for entry in path] == ["s", "t", "t", "f"]
        assert path[-1]["bp"] == "e"
        names = []
        for step in path:  # each is inside a slice of its track
            around = [e for e in found if e["ph"] == "X" and e["tid"] == step["tid"] and e["ts"] <= step["ts"] < e["ts"] + e["dur"]]
            names.append(min(around, key=lambda entry: entry["dur"])["name"])
        assert names[0].startswith("request") and names[-1] == last


def test_an_arrow_to_nowhere_is_left_out(tmp_path: Path) -> None:
    found = entries(tmp_path, [at(1, "request", function=1, flow=9)])
    assert [entry["ph"] for entry in found if entry["ph"] != "M"] == ["X"]


def test_slices_nest_strictly(tmp_path: Path) -> None:
    """Also when moments fall together, when one worker's compiles overlap, and when a compile runs in the thread that asked."""
    crowded = recording()
    for i in range(20):
        crowded.append(at(30 + i / 5000, "request", function=i, flow=50 + i))
        crowded.append(at(30 + i / 5000, "begin", function=i, flow=50 + i))
        crowded.append(at(31 + (i % 7) / 3, "end", function=i, flow=50 + i, duration=MS))
        crowded.append(at(33, "enter", function=i, flow=50 + i))
    found = entries(tmp_path, crowded)
    assert nesting_errors(found) == []
    assert len([entry for entry in found if entry["ph"] in "Xi"]) == len([e for e in crowded if e.kind != "begin"])


def test_a_compile_without_end_is_there(tmp_path: Path) -> None:
    found = entries(tmp_path, [at(1, "begin", function=1, thread=OTHER)])
    assert [entry["name"] for entry in found if entry["ph"] != "M"] == ["compile func[1]"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\0asm", b"\xff\xfe", b"[]", b"{}", b'{"traceEvents": []}', b'{"traceEvents": [], "otherData": {"format": "else"}}', b"12\n13"],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(writers.NotATrace, match="trace"):
        writers.read(str(path))


@pytest.mark.parametrize("format", writers.FORMATS)
@pytest.mark.parametrize(
    "damage",
    [('"kind": "trap"', '"kind": "nonsense"'), ('"time":', '"tide":'), ('"reason":', '"raisin":'), ('"version": 1', '"version": 9')],
)
def test_damaged_files_are_refused(tmp_path: Path, format: str, damage: tuple[str, str]) -> None:
    path = written(tmp_path, recording(), format)
    text = path.read_text()
    assert damage[0] in text
    path.write_text(text.replace(*damage))
    with pytest.raises(writers.NotATrace, match="trace"):
        writers.read(str(path))


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    for format in writers.FORMATS:
        path = written(tmp_path, recording(), format)
        path.write_text(path.read_text()[:-40])
        with pytest.raises(writers.NotATrace):
            writers.read(str(path))


def test_formats_by_suffix() -> None:
    assert writers.format_of("x.json", None) == "chrome" and writers.format_of("x.jsonl", None) == "jsonl"
    assert writers.format_of("x", "jsonl") == "jsonl"
    with pytest.raises(ValueError, match="suffix"):
        writers.format_of("x.txt", None)
    with pytest.raises(ValueError, match="nonsense"):
        writers.format_of("x.json", "nonsense")
