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


MAPPING = """(module
  (import "env" "__syscall_openat" (func $open (param i32 i32 i32 i32) (result i32)))
  (import "env" "_mmap_js" (func $map (param i32 i32 i32 i32 i64 i32 i32) (result i32)))
  (import "env" "_munmap_js" (func $unmap (param i32 i32 i32 i32 i32 i64) (result i32)))
  (memory (export "memory") 3) (data (i32.const 64) "/files/a\\00") (global $next (mut i32) (i32.const 65536))
  (func (export "emscripten_builtin_memalign") (param i32 i32) (result i32) (global.get $next))
  (func (export "open") (param i32) (result i32) (call $open (i32.const -100) (i32.const 64) (local.get 0) (i32.const 0)))
  (func (export "map") (param i32 i32 i32 i64) (result i32)
    (call $map (local.get 0) (i32.const 3) (local.get 1) (local.get 2) (local.get 3) (i32.const 0) (i32.const 4)))
  (func (export "unmap") (param i32 i32 i32) (result i32)
    (call $unmap (i32.const 65536) (local.get 0) (i32.const 3) (local.get 1) (local.get 2) (i64.const 0))))"""
SHARED, PRIVATE, READ_WRITE = 1, 2, 2


@pytest.mark.parametrize("mode", modes.parameters([modes.BASE, "opt"], quick=(modes.BASE, "opt")))
def test_mapped_files(mode: str) -> None:
    files = wasmjit.Dir.memory({"a": "contents"}, "/files")
    kit = wasmjit.load(wasmjit.Module(MAPPING, config=modes.config(mode)), wasi=wasmjit.Wasi(dirs=[files]))
    calls, memory = kit.exports, kit.memory
    number = calls.open(READ_WRITE)
    assert calls.map(100, SHARED, number, 0) == 0
    assert (memory.read(0, 8), memory.read(65536, 10)) == (b"\1\0\0\0\0\0\1\0", b"contents\0\0")
    memory.write(65536, b"CON")
    assert (calls.unmap(100, PRIVATE, number), files["a"]) == (0, b"contents")
    assert (calls.unmap(100, SHARED, number), files["a"]) == (0, b"CONtents")
    assert calls.map(100, SHARED, 99, 0) == -8
    assert calls.map(100, SHARED, 1, 0) == -8  # it cannot be read
    assert calls.map(100, SHARED, number, 1) == -28
    assert calls.map(0, SHARED, number, 0) == -28
    assert calls.map(1 << 20, SHARED, number, 0) == -21  # the allocator gave less than it was asked for
    assert calls.unmap(1 << 20, SHARED, number) == -21
    assert calls.map(100, SHARED, calls.open(0), 0) == -8  # not opened for writing
