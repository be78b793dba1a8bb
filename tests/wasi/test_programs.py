"""Programs of four toolchains and real ones, in our runtime and, with our functions, in wasmtime: they must leave what is expected."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import wasmjit
from tests.paths import CORPUS
from tests.wasi import peer
from wasmjit.wasi import Dir, Wasi

REAL = os.environ.get("WASMJIT_REAL")  # folder of unpacked packages, made by get_real.py of the corpus
NAMES = ("cpython312", "cc1-avr-gcc15", "resvg", "flite", "clang")

HELLOS = {
    "hello-c-wasisdk": (b"hello from C argc=2 3.142\nx\n", b""),
    "hello-c-emscripten-standalone": (b"hello from C argc=2 3.142\nx\n", b""),
    "hello-cpp-wasisdk": (b"a=3 b=2 c=1 hello from C++ argc=2\n", b""),
    "hello-cpp-emscripten-standalone": (b"a=3 b=2 c=1 hello from C++ argc=2\n", b""),
    "hello-rust196": (b'hello from Rust {"a": 3, "b": 2, "c": 1} args=2\n', b""),
    "hello-zig": (b"", b"hello from Zig 42\n"),
}

Output = tuple[int, bytes, bytes]


def in_wasmjit(path: Path, args: list[str], dirs: list[Dir], config: wasmjit.Config | None = None) -> Output:
    module = wasmjit.Module.from_file(path, config=config)
    wasi = Wasi(args, stdout=-1, stderr=-1, dirs=dirs)
    try:
        wasmjit.Instance(module, wasi=wasi).exports._start()
    except wasmjit.Exit as end:
        return end.code, wasi.captured(1), wasi.captured(2)
    return 0, wasi.captured(1), wasi.captured(2)


def in_wasmtime(path: Path, args: list[str], dirs: list[Dir]) -> Output:
    wasi = Wasi(args, stdout=-1, stderr=-1, dirs=dirs)
    return peer.run(path, wasi), wasi.captured(1), wasi.captured(2)


RUNTIMES = pytest.mark.parametrize("run", [in_wasmjit, in_wasmtime])


@RUNTIMES
@pytest.mark.parametrize("name", HELLOS)
def test_hellos(name: str, run: Callable[..., Output]) -> None:
    path = CORPUS / "modules" / f"{name}.wasm"
    if not path.exists():
        pytest.skip("WASMJIT_CORPUS names no folder with modules/")
    assert run(path, [name, "x"], []) == (0, *HELLOS[name])


def program(name: str) -> dict[str, Any]:
    """The entry of real.json, its module found; skips where something is missing."""
    listed = CORPUS / "real.json"
    if not listed.exists():
        pytest.skip("WASMJIT_CORPUS names no folder with real.json")
    entry: dict[str, Any] = next(entry for entry in json.loads(listed.read_text())["programs"] if entry["name"] == name)
    if not REAL or not (Path(REAL) / name / entry["path"]).exists():
        pytest.skip(f"WASMJIT_REAL names no folder with {name}/{entry['path']}")
    return entry


@pytest.mark.slow
@RUNTIMES
@pytest.mark.parametrize("name", NAMES)
def test_real_programs(name: str, run: Callable[..., Output], tmp_path: Path) -> None:
    entry = program(name)
    dirs = [Dir(CORPUS / "data", "/d", readonly=True), Dir(tmp_path, "/out")]
    code, stdout, stderr = run(Path(str(REAL)) / name / entry["path"], [entry["argv0"], *entry["args"]], dirs)
    assert (code, stderr) == (0, b"")
    assert hashlib.sha256(stdout).hexdigest() == entry["stdout_sha256"]
    written = {f"/out/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()}
    assert written == entry.get("files", {})


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_real_programs_with_directories_in_memory(name: str) -> None:
    """What they read and what they write is nowhere on disk."""
    entry = program(name)
    files = {str(path.relative_to(CORPUS / "data")): path.read_bytes() for path in (CORPUS / "data").rglob("*") if path.is_file()}
    out = Dir.memory({}, "/out")
    dirs: list[Dir] = [Dir.memory(files, "/d", readonly=True), out]
    code, stdout, stderr = in_wasmjit(Path(str(REAL)) / name / entry["path"], [entry["argv0"], *entry["args"]], dirs)
    assert (code, stderr) == (0, b"") and hashlib.sha256(stdout).hexdigest() == entry["stdout_sha256"]
    assert {f"/out/{path}": hashlib.sha256(data).hexdigest() for path, data in out.items()} == entry.get("files", {})


@pytest.mark.slow
@pytest.mark.parametrize("tier", ["interp", "auto", "opt"])
@pytest.mark.parametrize("name", NAMES)
def test_real_programs_are_run_again(name: str, tier: str, tmp_path: Path) -> None:
    """With the code that the first run left, if the tier leaves any. Tier "opt" compiles for minutes."""
    entry = program(name)
    config = wasmjit.Config(tier, cache=str(tmp_path / "code"))
    for attempt in ("cold", "cached"):
        out = tmp_path / attempt
        out.mkdir()
        dirs = [Dir(CORPUS / "data", "/d", readonly=True), Dir(out, "/out")]
        code, stdout, stderr = in_wasmjit(Path(str(REAL)) / name / entry["path"], [entry["argv0"], *entry["args"]], dirs, config)
        assert (code, stderr) == (0, b"") and hashlib.sha256(stdout).hexdigest() == entry["stdout_sha256"]
        written = {f"/out/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}
        assert written == entry.get("files", {})
