"""The code cache: a second run is hot from its start and loads no compiler; what is not trusted or damaged is not used."""

import marshal
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import wasmjit
from tests.engine.conftest import PROGRAM, Run
from tests.paths import ROOT
from wasmjit.native.cache import SUFFIX
from wasmjit.runtime.packed import MAGIC
from wasmjit.tiers import counts, policy
from wasmjit.tiers.store import Entry, Kept, places

FIRST = """
exports = make(cache=sys.argv[1])
print(heat(exports.fib), heat(exports.loop, 100_000), "wasmjit.tiers.engine" in sys.modules)
from wasmjit import _tiering
while _tiering.engine()._busy: time.sleep(0.001)  # what is being installed when a process ends need not be kept
"""
SECOND = """
exports = make(cache=sys.argv[1])
print(exports.fib.tier, exports.loop.tier, exports.fib(15), "wasmjit.tiers.engine" in sys.modules, "llvmlite" in sys.modules)
"""
HOT = "opt opt 610 False False\n"
COLD = "interp interp 610 False False\n"


def output(run: Run, text: str, *arguments: str) -> str:
    done = run(text, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def entry(run: Run, tmp_path: Path) -> Path:
    """The entry that a first run made."""
    assert output(run, FIRST) == "opt opt True\n"
    assert output(run, SECOND) == HOT
    (path,) = (tmp_path / "code").iterdir()
    return path


def rewritten(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Replace an entry by what it is changed to, without keeping its seal."""
    data = change(path.read_bytes())
    path.unlink()
    path.write_bytes(data)
    path.chmod(0o600)


def test_a_second_run_is_hot(entry: Path) -> None:
    assert entry.name.startswith("code-") and entry.name.endswith(SUFFIX)
    assert entry.stat().st_mode & 0o777 == 0o600


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flip(data: bytes) -> bytes:
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


@pytest.mark.parametrize(
    "change",
    [cut, flip, lambda data: b"", lambda data: data[:16], lambda data: bytes(len(data)), lambda data: data[:8] + b"\xff" * 8 + data[16:]],
    ids=["cut", "flipped", "empty", "head", "zeros", "length"],
)
def test_a_damaged_entry_is_ignored_and_replaced(entry: Path, run: Run, change: Callable[[bytes], bytes]) -> None:
    rewritten(entry, change)
    assert output(run, SECOND) == COLD
    assert output(run, FIRST) == "opt opt True\n"
    assert output(run, SECOND) == HOT


def test_a_damaged_unit_is_not_installed(entry: Path, run: Run) -> None:
    """It is known as damaged when it is used; the others are not concerned."""
    data = entry.read_bytes()
    at = data.index(MAGIC.to_bytes(8, "little")) + 100
    rewritten(entry, lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    text = SECOND + "exports.loop(1000000)\nprint(sorted([exports.fib.tier, exports.loop.tier]))"
    assert output(run, text).splitlines()[-1] == "['interp', 'opt']"


def lies(first: int, entry: Path, run: Run) -> str:
    """What the second run says when the index has other places of units."""

    def changed(data: bytes) -> bytes:
        end = 16 + int.from_bytes(data[8:16], "little")
        index = marshal.loads(data[16:end])
        index["units"] = [(entries, level, *(place + first for place in places)) for entries, level, *places in index["units"]]
        return sealed(marshal.dumps(index), data[end:])

    rewritten(entry, changed)
    return output(run, SECOND)


@pytest.mark.parametrize("first", [-16, 8, 1 << 20, -(1 << 70), 1 << 70])
def test_an_index_that_lies_about_places_is_refused(entry: Path, run: Run, first: int) -> None:
    assert lies(first, entry, run) == COLD


def test_an_index_that_tells_of_no_units_costs_only_those(entry: Path, run: Run) -> None:
    """The places are in the file, and no unit is there."""
    data = entry.read_bytes()
    end = 16 + int.from_bytes(data[8:16], "little")
    index = marshal.loads(data[16:end])
    index["units"] = [(((function, 0), (99, 0), (-1 & 0xFFFFFFFF, 0)), 0, 16, 16 + function, 16 + function) for function in range(40)]
    rewritten(entry, lambda data: sealed(marshal.dumps(index), data[end:]))
    text = SECOND + "print([exports.fib(20), exports.loop(1000000), exports.fib.tier, exports.loop.tier])"
    assert output(run, text).splitlines()[-1].endswith("'interp', 'interp']")


def test_writable_by_others(entry: Path, run: Run) -> None:
    entry.chmod(0o620)
    assert output(run, SECOND) == COLD
    assert output(run, FIRST) == "opt opt True\n"
    assert output(run, SECOND) == HOT


def test_a_folder_open_to_others(entry: Path, run: Run) -> None:
    entry.parent.chmod(0o755)
    assert output(run, SECOND) == COLD
    assert output(run, FIRST) == "opt opt True\n"
    assert output(run, SECOND) == COLD
    entry.parent.chmod(0o700)
    assert output(run, SECOND) == HOT


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to change owners")
def test_of_another_owner(entry: Path, run: Run) -> None:
    os.chown(entry, 1, 1)
    assert output(run, SECOND) == COLD


def test_a_link_to_an_entry(entry: Path, run: Run, tmp_path: Path) -> None:
    entry.rename(tmp_path / "moved")
    entry.symlink_to(tmp_path / "moved")
    assert output(run, SECOND) == COLD


def test_another_module_under_the_same_name(entry: Path, run: Run) -> None:
    """Names have few bits of the module: the whole hash decides."""

    def changed(data: bytes) -> bytes:
        first = 16 + int.from_bytes(data[8:16], "little")
        index = marshal.loads(data[16:first])
        index["binary"] = bytes(32)
        return sealed(marshal.dumps(index), data[first:])

    rewritten(entry, changed)
    assert output(run, SECOND) == COLD


def sealed(index: bytes, units: bytes) -> bytes:
    from wasmjit.native.cache import digest

    head = len(index).to_bytes(8, "little") + index
    return digest(head).to_bytes(8, "little") + head + bytes(-(8 + len(head)) % 16) + units.lstrip(b"\0")


@pytest.mark.parametrize(
    "settings", ["cache=False", "deterministic=True", "stress='ping-pong'", "tier='interp'", "tier='opt'", "memory='checked'"]
)
def test_other_settings_do_not_use_it(entry: Path, run: Run, settings: str) -> None:
    given = settings if settings.startswith("cache") else f"cache=sys.argv[1], {settings}"
    text = f"exports = make({given})\nprint(exports.fib.tier, exports.fib(3))"
    assert output(run, text) == "interp 2\n"


def test_where_it_is_compiled_makes_no_difference(entry: Path, run: Run) -> None:
    assert output(run, SECOND.replace("make(", "make(compile='sync', ")) == HOT


def test_code_that_was_given_up_goes(entry: Path, run: Run) -> None:
    text = """
from wasmjit._image import native
module = wasmjit.Module(TEXT, config=wasmjit.Config(cache=sys.argv[1]))
from wasmjit import _tiering
state = _tiering.engine()._state(module)
state.entry.fingerprint(module)
state.gone.add((0, 0))
state.keep()
"""
    assert output(run, text) == ""
    assert output(run, SECOND) == "interp opt 610 False False\n"


def test_compiling_ahead_fills_it(run: Run, binary: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.wasm").write_bytes(binary)
    command = [sys.executable, "-m", "wasmjit", "compile", "-o", str(tmp_path / "code"), str(tmp_path / "m.wasm")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 functions compiled\n", "")
    assert output(run, SECOND) == HOT


def test_a_profile_from_the_command_line(binary: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.wasm").write_bytes(binary)
    run = [sys.executable, "-m", "wasmjit"]
    profile, module, folder = str(tmp_path / "profile"), str(tmp_path / "m.wasm"), str(tmp_path / "code")
    subprocess.run([*run, "invoke", "--tier", "interp", "--profile-out", profile, module, "loop", "3000000"], check=True, cwd=ROOT)
    command = [*run, "compile", "--profile", profile, "--level", "0", "-o", folder, module]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 functions compiled\n", "")
    (tmp_path / "profile").write_text("no profile")
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2 and "is no profile" in done.stderr


def test_processes_write_at_once(run: Run, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM + FIRST, str(tmp_path / "code")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(4)]
    assert [process.communicate(timeout=150)[0] for process in processes] == ["opt opt True\n"] * 4
    assert output(run, SECOND) == HOT
    assert [path.name.startswith("code-") for path in (tmp_path / "code").iterdir()] == [True]


@pytest.fixture
def kept(binary: bytes, tmp_path: Path) -> Entry:
    """An entry without content."""
    module = wasmjit.Module(binary, config=wasmjit.Config(cache=str(tmp_path / "own")))
    made = Entry(module)
    made.fingerprint(module)
    return made


def units(entry: Entry) -> list[tuple[object, bytes]]:
    return [(unit.entries, unit.data) for unit in entry.read()]


def test_units_replace_those_with_the_same_entries(kept: Entry) -> None:
    body, loop = (0, 0), (0, 40)
    assert kept.size() == 0 and units(kept) == []
    assert kept.write([Kept((body,), 0, b"cheap"), Kept(((1, 0),), 2, b"other")], set(), "1")
    assert kept.write([Kept((body, loop), 2, b"full")], set(), "1")
    assert units(kept) == [(((1, 0),), b"other"), ((body, loop), b"full")]
    assert kept.write([Kept((body,), 2, b"again")], set(), "1")
    assert [data for _, data in units(kept)] == [b"other", b"full", b"again"]
    assert kept.entries() == {body, loop, (1, 0)}
    assert kept.write([], {body}, "1")
    assert units(kept) == [(((1, 0),), b"other")]
    assert kept.size() > 0


def test_what_was_counted_is_kept_with_the_unit(kept: Entry) -> None:
    records = {0: (b"points" * 4, b"targets")}
    assert kept.counted() == {} and kept.entries() == set()
    assert kept.write([Kept(((0, 0),), 2, b"unit", counts.packed(records)), Kept(((1, 0),), 2, b"other")], set(), "1")
    assert kept.counted() == records
    assert [(unit.data, counts.unpacked(unit.counted)) for unit in kept.read()] == [(b"unit", records), (b"other", {})]
    assert kept.write([Kept(((0, 0),), 1, b"new", b"damaged")], set(), "1")
    assert kept.counted() == {} and units(kept)[-1] == (((0, 0),), b"new")


def test_of_units_that_overlap_those_with_a_loop_of_their_own_stay(kept: Entry) -> None:
    """The body is that of the newest of the strongest ones, which comes first; the others are only wanted for loops."""
    for loop, level in ((40, 0), (50, 2), (60, 2), (50, 0)):
        assert kept.write([Kept(((0, 0), (0, loop)), level, b"%d %d" % (loop, level))], set(), "1")
    assert [data for _, data in units(kept)] == [b"40 0", b"60 2", b"50 0"]
    rows = [(unit.entries, unit.level, at, at + 1, at + 1) for at, unit in enumerate(kept.read())]
    assert list(places(rows)) == [(0, True, 1, 1), (0, False, 2, 1), (0, False, 0, 1)]
    assert kept.write([Kept(((0, 40), (0, 50)), 2, b"both")], set(), "1")
    assert [data for _, data in units(kept)] == [b"60 2", b"both"]


def test_what_is_kept_of_a_function_is_bounded(kept: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "FUNCTION_LARGEST", 1000)
    for loop in range(10, 20):
        kept.write([Kept(((0, loop),), 2, bytes(300)), Kept(((loop, 0),), 2, b"other")], set(), "1")
    assert [loop for ((function, loop),) in [unit.entries for unit in kept.read()] if not function] == [17, 18, 19]
    assert len(kept.read()) == 13


def test_code_of_another_llvm_goes_with_the_next_write(kept: Entry) -> None:
    kept.write([Kept(((0, 0),), 2, b"old")], set(), "1")
    assert len(units(kept)) == 1
    kept.write([Kept(((1, 0),), 2, b"new")], set(), "2")
    assert [data for _, data in units(kept)] == [b"new"]


def test_an_entry_is_bounded(kept: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "CACHE_LARGEST", 1000)
    kept.write([Kept(((i, 0),), 2, bytes(300)) for i in range(10)], set(), "1")
    assert [entries for entries, _ in units(kept)] == [((7, 0),), ((8, 0),), ((9, 0),)]


def test_the_folder_is_bounded(kept: Entry, tmp_path: Path) -> None:
    """The least recently used entries go; reading is use, and keeps the seal."""
    from wasmjit.native.cache import Cache

    kept.write([Kept(((0, 0),), 2, bytes(1000))], set(), "1")
    folder = tmp_path / "own"
    for i in range(5):
        with Cache(str(folder)) as cache:
            cache.write(f"code-{i}{SUFFIX}", bytes(1000))
    for i, path in enumerate(sorted(folder.iterdir())):
        os.utime(path, (i, path.stat().st_mtime))
    before = (folder / kept.name).stat().st_mtime_ns
    assert len(units(kept)) == 1
    assert (folder / kept.name).stat().st_mtime_ns == before
    with Cache(str(folder)) as cache:
        assert cache.entries()[-1].name == kept.name
        cache.prune(2500)
    assert kept.size() > 0 and len(list(folder.iterdir())) == 2
