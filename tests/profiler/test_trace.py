"""`wasmjit.trace`, the command `trace`, and --trace-out."""

from pathlib import Path

import pytest

import wasmjit
from tests.profiler.sample import recording
from wasmjit.cli import main
from wasmjit.profiler import events, writers
from wasmjit.profiler.events import Event
from wasmjit.profiler.native import READER

TRAPS = '(module $kit (func (export "f") unreachable))'


def trap() -> None:
    with pytest.raises(wasmjit.Unreachable):
        wasmjit.Instance(wasmjit.Module(TRAPS, config=wasmjit.Config(tier="interp"))).exports.f()


def test_traps_are_recorded() -> None:
    with wasmjit.trace() as t:
        trap()
        assert [event.kind for event in t.events] == ["trap"]
    event = t.events[0]
    assert (event.module, event.name, event.function, event.reason, event.tier_from) == ("kit", "f", 0, "unreachable", "interp")
    assert event.pc and "trapped at" in t.why("f") and "kit!f" in t.summary()
    trap()
    assert len(t.events) == 1


def test_nobody_listens_afterwards() -> None:
    with pytest.raises(ZeroDivisionError), wasmjit.trace():
        assert events.active
        raise ZeroDivisionError
    assert not events.active and READER.users == 0


def test_traces_inside_each_other() -> None:
    with wasmjit.trace() as outer:
        trap()
        with wasmjit.trace() as inner:
            trap()
        trap()
    assert (len(outer.events), len(inner.events)) == (3, 1)


def test_one_that_runs_cannot_be_entered() -> None:
    with wasmjit.trace() as t, pytest.raises(RuntimeError, match="runs already"):
        t.__enter__()
    assert not events.active


def test_a_callback_gets_events() -> None:
    got: list[Event] = []
    with wasmjit.trace(got.append):
        trap()
    assert [event.kind for event in got] == ["trap"]


@pytest.mark.parametrize("name", ["out.json", "out.jsonl"])
def test_a_file_is_written_at_the_end(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with wasmjit.trace(tmp_path / name):
        trap()
    assert main(["trace", str(tmp_path / name)]) == 0
    assert "kit!f" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"), wasmjit.trace(tmp_path / "none" / "out.json"):
        raise AssertionError("the block ran")
    with pytest.raises(ValueError, match="suffix"):
        wasmjit.trace(tmp_path / "out.txt")
    with pytest.raises(ValueError, match="nonsense"):
        wasmjit.trace(format="nonsense").write(tmp_path / "out.json", format="nonsense")
    assert not events.active


def test_write_takes_any_format(tmp_path: Path) -> None:
    with wasmjit.trace() as t:
        trap()
    t.write(tmp_path / "x", format="jsonl")
    assert writers.read(str(tmp_path / "x"))[0][0].kind == "trap"


def test_the_option_writes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kit.wat").write_text(TRAPS)
    out = tmp_path / "out.json"
    assert main(["invoke", "--trace-out", str(out), str(tmp_path / "kit.wat"), "f"]) == 134
    assert main(["trace", str(out)]) == 0
    assert "traps: 1" in capsys.readouterr().out
    assert main(["run", "--trace-out", "out.txt", str(tmp_path / "kit.wat")]) == 2
    assert "neither in .json nor in .jsonl" in capsys.readouterr().err


def test_the_command_tells_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "trace.jsonl")
    writers.write(recording(), 0, path, "jsonl")
    assert main(["trace", path, "--why", "f"]) == 0
    assert "given up after 3 exits" in capsys.readouterr().out
    assert main(["trace", path, "--why", "4"]) == 0
    assert main(["trace", path, "--why", "h"]) == 1
    assert "nothing happened to 'h'" in capsys.readouterr().err


def test_the_command_refuses_other_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.json").write_text("{}")
    assert main(["trace", str(tmp_path / "other.json")]) == 1
    assert "is no trace of wasmjit" in capsys.readouterr().err
    assert main(["trace"]) == 2
