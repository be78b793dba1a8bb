"""What the compiler still had to do when a program ended is done afterwards, for the next run."""

import fcntl
import gc
import marshal
import os
import shutil
import struct
import weakref
from pathlib import Path
from typing import Any

import pytest

import wasmjit
from tests.engine.conftest import TEXT, Run
from wasmjit import _finisher
from wasmjit._image import native
from wasmjit._tiering import engine
from wasmjit._wat import assemble
from wasmjit.cli import _program, main
from wasmjit.tiers import finish, finisher, known, policy
from wasmjit.tiers.compiling import State
from wasmjit.tiers.counts import NOTHING, Counts
from wasmjit.tiers.optimizer.request import POINT
from wasmjit.tiers.store import Entry, Kept

N = native()

# Ends as soon as its functions are lukewarm; the second run tells whether they came from the cache.
LUKEWARM = """
config = wasmjit.Config(compile="processes", thresholds={"warm": 1000000}, cache=sys.argv[2])
module = wasmjit.Module(TEXT, config=config)
exports = wasmjit.Instance(module).exports
from wasmjit._tiering import engine
engine()._state(module)
deadline = time.monotonic() + 60
while exports.fib.tier != "opt" and sum(row[2] for row in module.profile()) < 4000 and time.monotonic() < deadline:
    exports.fib(15)
print(exports.fib.tier)
"""


def test_the_next_run_finds_the_code(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(finish.VARIABLE, "20")
    tmp_path.chmod(0o700)
    first = run(LUKEWARM, str(tmp_path))
    assert (first.returncode, first.stdout, first.stderr) == (0, "interp\n", "")
    finish.wait(str(tmp_path))
    assert run(LUKEWARM, str(tmp_path)).stdout == "opt\n"


def test_nothing_is_done_if_no_time_is_given(run: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    for _ in range(2):
        assert run(LUKEWARM, str(tmp_path)).stdout == "interp\n"
        finish.wait(str(tmp_path))


@pytest.fixture
def lukewarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[wasmjit.Module, State]:
    """A module with something left to compile, and its state."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv(finish.VARIABLE, "20")
    monkeypatch.setattr(policy, "FINISH_FROM", 0.0)
    config = wasmjit.Config(compile="processes", thresholds={"warm": 1_000_000}, cache=str(tmp_path))
    module = wasmjit.Module(TEXT, config=config)
    exports = wasmjit.Instance(module).exports
    while sum(samples for _, _, samples in module.profile()) < 20:
        exports.fib(15)
        exports.loop(10_000)
    return module, engine()._state(module)


def left_by(module: wasmjit.Module, state: State) -> tuple[dict[str, Any], bytes]:
    """What the process gets."""
    assert state.entry is not None
    settings = finish.estate(module, state.entry, N.mod_samples(module.address), 20.0) | {"new": [], "gone": set()}
    data = b"".join(finish.pieces(module, settings))
    end = 8 + int.from_bytes(data[:8], "little")
    return marshal.loads(data[8:end]), data[end:]


def test_what_was_interpreted_is_compiled(lukewarm: tuple[wasmjit.Module, State]) -> None:
    module, state = lukewarm
    left, binary = left_by(module, state)
    found = _finisher.load(left, binary)
    assert found is not None and found.nbytes == module.nbytes == len(binary)
    counts = Counts(lambda function: left["counted"].get(function, NOTHING))
    asked = [request.entries for request, again in finisher.requests(found, left, counts, set()) if not again]
    assert {function for ((function, _),) in asked} == {row[0] for row in left["rows"]} == {0, 1}
    rest = list(finisher.requests(found, left, counts, {place for ((place),) in asked}))
    assert rest == []


def test_code_that_was_left_often_is_compiled_with_what_it_was_left_for(lukewarm: tuple[wasmjit.Module, State]) -> None:
    module, state = lukewarm
    left, binary = left_by(module, state)
    point = struct.pack(POINT, 30, 1, 0, 0, 7)
    left |= {"left": [(0, 0, 1000), (1, 0, 1000), (99, 0, 1000)], "counted": {0: (point, b"")}, "rows": [(0, 50, 0, 40, 3, 2)]}
    counts = Counts(lambda function: left["counted"].get(function, NOTHING))
    found = _finisher.load(left, binary)
    assert found is not None
    requests = list(finisher.requests(found, left, counts, {(0, 0)}))
    assert [(request.entries, again) for request, again in requests] == [(((0, 0),), True)]
    assert requests[0][0].options.all_blocks == {0} and requests[0][0].profiles[0] == (point, b"")


def test_what_was_not_written_goes_along(lukewarm: tuple[wasmjit.Module, State], tmp_path: Path) -> None:
    module, state = lukewarm
    unit = Kept(((1, 0),), 2, b"code", b"")
    state.new, state.gone = [unit], {(1, 7)}
    lock = finish.locked(str(tmp_path))
    assert not finish.leave(module, state)
    assert (state.new, state.gone) == ([unit], {(1, 7)})
    os.close(lock)
    assert finish.leave(module, state)
    assert (state.new, state.gone) == ([], set())
    finish.wait(str(tmp_path))
    assert state.entry is not None
    state.entry.fingerprint(module)
    assert unit.data in [kept.data for kept in state.entry.read()]


def test_code_that_was_given_up_goes_even_if_nothing_new_came(lukewarm: tuple[wasmjit.Module, State]) -> None:
    module, state = lukewarm
    entry = state.entry
    assert entry is not None
    entry.fingerprint(module)
    assert entry.write([Kept(((1, 7),), 2, b"code", b"")], set(), "")
    gone = {(1, 7)}
    assert finisher.keep(entry, [], gone, "", entry.called)
    assert not entry.read()


def test_what_was_called_is_ready_in_the_next_run(lukewarm: tuple[wasmjit.Module, State]) -> None:
    module, state = lukewarm
    assert finish.leave(module, state)
    assert state.entry is not None
    finish.wait(state.entry.setting)
    entry = Entry(module)
    entry.fingerprint(module)
    entry.read()
    assert list(struct.unpack(f"<{len(entry.called) // 4}I", entry.called)) == [0, 1]
    fresh = wasmjit.Module(TEXT, config=wasmjit.Config("interp"))
    entry.called += struct.pack("<2I", 2, 0xFFFFFFFF)
    processors = len(os.sched_getaffinity(0))
    assert entry.prepare(fresh) == (2 if processors > 1 else 0)
    assert entry.prepare(fresh) == 0
    assert wasmjit.Instance(fresh).exports.fib(15) == 610
    assert finisher.joined(entry.called, struct.pack("<2I", 7, 1)) == entry.called + struct.pack("<I", 7)


def test_a_file_that_changed_is_not_compiled(lukewarm: tuple[wasmjit.Module, State], tmp_path: Path) -> None:
    module, state = lukewarm
    left, binary = left_by(module, state)
    path = tmp_path / "m.wasm"
    path.write_bytes(binary)
    left["file"] = str(path), known.identified(path.stat())
    found = _finisher.load(left, b"")
    assert found is not None and found.nbytes == len(binary)
    path.write_bytes(binary + b"\0\1\0")
    assert _finisher.load(left, b"") is None
    path.unlink()
    assert _finisher.load(left, b"") is None


def test_little_is_not_worth_a_process(lukewarm: tuple[wasmjit.Module, State], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "FINISH_FROM", 3600.0)
    assert not finish.leave(*lukewarm)


def test_one_process_at_a_time(lukewarm: tuple[wasmjit.Module, State], tmp_path: Path) -> None:
    lock = finish.locked(str(tmp_path))
    assert lock >= 0 and finish.locked(str(tmp_path)) == -1
    assert not finish.leave(*lukewarm)
    os.close(lock)
    assert finish.leave(*lukewarm)
    finish.wait(str(tmp_path))


def test_a_folder_that_was_removed_is_not_made_again(lukewarm: tuple[wasmjit.Module, State], tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    assert finish.leave(*lukewarm)
    shutil.rmtree(tmp_path)
    fcntl.flock(folder, fcntl.LOCK_EX)  # it has ended
    os.close(folder)
    assert not tmp_path.exists()


def test_nothing_of_the_program_stays_open(lukewarm: tuple[wasmjit.Module, State], tmp_path: Path) -> None:
    """Whoever reads what the program wrote need not wait for the compiler."""
    ours, theirs = os.pipe()
    os.set_inheritable(theirs, True)
    folder = os.open(tmp_path, os.O_RDONLY)
    assert finish.leave(*lukewarm)
    os.close(theirs)
    assert os.read(ours, 1) == b""
    with pytest.raises(BlockingIOError):
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finish.wait(str(tmp_path))
    os.close(ours)
    os.close(folder)


def test_the_command_line_keeps_its_module_to_the_end(tmp_path: Path) -> None:
    (tmp_path / "m.wasm").write_bytes(assemble('(module (func (export "_start")))'))
    assert main(["run", str(tmp_path / "m.wasm")]) == 0
    gc.collect()
    assert _program.last is not None and _program.last.instance.module.nbytes > 0
    module = weakref.ref(_program.last.instance.module)
    assert main(["run", str(tmp_path / "m.wasm")]) == 0
    gc.collect()
    assert module() is None


@pytest.mark.parametrize(("text", "seconds"), [("3.5", 3.5), ("0", 0.0), ("-1", 0.0), ("soon", policy.FINISH)])
def test_the_time_that_is_given(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    monkeypatch.setenv(finish.VARIABLE, text)
    assert finish.allowance() == seconds
