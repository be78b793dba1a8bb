"""Files of an Emscripten program: system calls over the descriptors that WASI gives."""

from pathlib import Path

import pytest

import wasmjit
from tests import modes

PROGRAM = Path(__file__).parent / "files.wasm"
MODES = modes.parameters([mode for mode in modes.SETTINGS if mode != "reference"], quick=(modes.BASE, "opt"))
SAID = (Path(__file__).parent / "files.txt").read_text()


def dirs(kind: str, tmp_path: Path) -> list[wasmjit.Dir]:
    if kind == "memory":
        return [wasmjit.Dir.memory({}, "/files"), wasmjit.Dir.memory({"data": "data and more"}, "/fixed", readonly=True)]
    for name in ("files", "fixed"):
        (tmp_path / name).mkdir()
    (tmp_path / "fixed" / "data").write_text("data and more")
    return [wasmjit.Dir(tmp_path / "files", "/files"), wasmjit.Dir(tmp_path / "fixed", "/fixed", readonly=True)]


@pytest.mark.parametrize("kind", ["memory", "host"])
@pytest.mark.parametrize("mode", MODES)
def test_calls_on_files(mode: str, kind: str, tmp_path: Path) -> None:
    given = dirs(kind, tmp_path)
    done = wasmjit.run(PROGRAM, dirs=given, capture_output=True, text=True, config=modes.config(mode))
    assert (done.stdout, done.returncode) == (SAID, 0)
    assert not list((tmp_path / "files").iterdir()) if kind == "host" else not dict(given[0])  # type: ignore[call-overload]


def test_without_directories_there_is_nothing() -> None:
    with pytest.raises(wasmjit.Trap) as caught:  # the program reads a file that it does not find
        wasmjit.run(PROGRAM, capture_output=True, text=True)
    assert caught.value.stdout.startswith("in /\nchdir: error 44\n")  # type: ignore[attr-defined]
