"""Every benchmark runs, with sizes so small that its figures mean nothing; what it checks itself holds."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

import wasmjit
from tests.paths import EXAMPLES, ROOT
from wasmjit.bench import __main__ as command
from wasmjit.bench import _contestants, _kernels, _measure, files, growth, interpreter, programs, short

KERNELS = ROOT / "bench" / "kernels"


def test_list_names_each_with_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    rows = capsys.readouterr().out.splitlines()[2:]
    assert {row.split()[0] for row in rows} >= {"calls", "growth", "interpreter", "interrupts", "programs"}
    assert all(len(row.split()) > 3 and "(" not in row.split()[1] for row in rows)


def test_rounds_interleave() -> None:
    order: list[str] = []

    def contestant(name: str, seconds: float) -> Callable[[], float]:
        def timed() -> float:
            order.append(name)
            return seconds

        return timed

    assert _measure.interleaved([contestant("a", 2.0), contestant("b", 4.0)], 3) == [[2.0] * 3, [4.0] * 3]
    assert "".join(order) == "ababab"
    assert _measure.ratio([1.0, 2.0, 9.0], [2.0, 2.0, 3.0]) == 1.0
    assert _measure.geomean([2.0, 8.0]) == pytest.approx(4.0)


@pytest.mark.parametrize("kernel", _kernels.OWN, ids=lambda kernel: kernel.name)
def test_kernels_return_what_they_must(kernel: _kernels.Kernel) -> None:
    run = wasmjit.load(_kernels.own(kernel)).exports["run"]
    assert run(kernel.argument) == kernel.result


def test_kernels_stand_beside_their_sources_and_build_commands() -> None:
    built = sorted(path.name for path in KERNELS.glob("*.wasm"))
    assert built == sorted([*(f"{kernel.name}.wasm" for kernel in _kernels.OWN), short.MODULE.name])
    for name in built:
        assert f"-o {name}" in (KERNELS / name).with_suffix(".c").read_text()


def test_interpreter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("wasm3")
    monkeypatch.setattr(_kernels, "SOURCES", tmp_path / "none")
    assert interpreter.main(["--rounds", "1", "queens"]) == 0
    shown = capsys.readouterr().out
    assert "queens(11)" in shown and "geomean" in shown

    monkeypatch.setattr(interpreter, "OWN", (_kernels.Kernel("queens", 4, 3),))
    assert interpreter.main(["--rounds", "1"]) == 1
    assert "queens(4) in wasmjit: 2, not 3" in capsys.readouterr().err


def test_interpreter_without_its_peer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "wasm3", None)
    assert interpreter.main([]) == 2
    assert "not installed" in capsys.readouterr().err


def test_shared_kernels_without_sources_or_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_kernels, "SOURCES", tmp_path / "none")
    with pytest.raises(_kernels.Unavailable, match="WASMJIT_KERNELS"):
        _kernels.shared(_kernels.SHARED, tmp_path)
    monkeypatch.setattr(_kernels, "SOURCES", tmp_path)
    monkeypatch.setattr(_kernels, "find_spec", lambda name: None)
    with pytest.raises(_kernels.Unavailable, match="ziglang"):
        _kernels.shared(_kernels.SHARED, tmp_path)


@pytest.mark.parametrize("case", growth.CASES)
def test_growth_runs_each_case(case: str) -> None:
    chosen = growth.CASES[case]
    assert growth.growth(chosen.prepare, 60) < growth.MEGABYTE


def test_growth_in_processes(capfd: pytest.CaptureFixture[str]) -> None:
    assert growth.main(["--scale", "0.001", "traps"]) == 0
    title, row, _ = capfd.readouterr().out.splitlines()
    assert row.split()[:2] == ["traps", "100"]


def test_growth_sees_what_stays() -> None:
    kept: list[bytearray] = []
    grown = growth.growth(lambda: lambda count: kept.extend(bytearray(4096) for _ in range(count)), 5000)
    assert grown > 2000 * 4096  # some of the memory was there before


def test_interrupts() -> None:
    """In a process of its own: it forks and gets SIGINT."""
    done = subprocess.run(
        [sys.executable, "-m", "wasmjit.bench", "interrupts", "--runs", "1", "--fill", "16", "loop", "memory.copy"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "loop that calls Python, busy thread" in done.stdout and "memory.copy" in done.stdout


def test_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = tmp_path / "hello" / "hello.wasm"
    module.parent.mkdir()
    module.write_bytes((EXAMPLES / "hello.wasm").read_bytes())
    (tmp_path / "data").mkdir()

    def listing(expected: bytes) -> None:
        entry = {"path": "hello.wasm", "argv0": "hello", "args": [], "dirs": {}, "stdout_sha256": sha256(expected).hexdigest()}
        missing = entry | {"name": "missing"}
        (tmp_path / "real.json").write_text(json.dumps({"programs": [entry | {"name": "hello"}, missing]}))

    monkeypatch.setattr(programs, "CORPUS", tmp_path)
    monkeypatch.setattr(programs, "REAL", tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT) + os.pathsep + os.environ.get("PYTHONPATH", ""))
    listing(b"hello, WebAssembly!\n")
    assert programs.main(["--rounds", "1", "--peers", ""]) == 0
    shown = capsys.readouterr().out
    assert "output as recorded" in shown and "skipped: no missing/hello.wasm" in shown

    listing(b"something else")
    assert programs.main(["--rounds", "1", "--peers", ""]) == 1
    assert "wrote something else" in capsys.readouterr().out


def test_programs_without_a_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(programs, "CORPUS", tmp_path)
    assert programs.main([]) == 0
    assert "WASMJIT_CORPUS" in capsys.readouterr().out


def test_files(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(files, "ENTRIES", 100)
    monkeypatch.setattr(
        files, "CASES", {"writes": files.Case(100, 100, 100), "opens": files.Case(100, 100, 200), "entries": files.Case(0, 102, 100)}
    )
    assert files.main(["--rounds", "1"]) == 0
    assert [row.split()[0] for row in capfd.readouterr().out.splitlines()[1:-1]] == ["writes", "opens", "entries"]
    exports = files.ours(tmp_path)
    with pytest.raises(wasmjit.Unreachable):
        exports("entries", 0)  # there is no such directory
    monkeypatch.setattr(files, "LINE", b"another line\n")
    with pytest.raises(_contestants.Failed, match="writes: the file does not hold"):
        files.timed(exports, tmp_path, "writes")
