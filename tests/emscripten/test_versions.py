"""Structures and types as Emscripten's versions have them, told from what a module imports."""

from typing import Any

import pytest

import wasmjit
from tests import modes

# What only such versions import, size of `struct stat`, where it has the size and the seconds of its last modification, bytes of these.
FIRST = '(import "env" "setTempRet0" (func (param i32)))', 88, 40, 64, 4
PADDED = '(import "env" "emscripten_memcpy_big" (func (param i32 i32 i32) (result i32)))', 112, 40, 72, 8
LATER = "", 96, 24, 56, 8
MODES = modes.parameters([modes.BASE, "opt"], quick=(modes.BASE, "opt"))
FILES = """(module {marks}
  (import "env" "__syscall_openat" (func $open (param i32 i32 i32 i32) (result i32)))
  (import "env" "__syscall_stat64" (func $stat (param i32 i32) (result i32)))
  (import "env" "__syscall_utimensat" (func $times (param i32 i32 i32 i32) (result i32)))
  (import "env" "__syscall_statfs64" (func $statfs (param i32 i32 i32) (result i32)))
  (import "env" "_gmtime_js" (func $gmtime (param i32 i32)))
  (memory (export "memory") 3) (data (i32.const 64) "/files/a\\00")
  (func (export "open") (result i32) (call $open (i32.const -100) (i32.const 64) (i32.const 2) (i32.const 0)))
  (func (export "stat") (param i32) (result i32) (call $stat (i32.const 64) (local.get 0)))
  (func (export "times") (param i32) (result i32) (call $times (i32.const -100) (i32.const 64) (local.get 0) (i32.const 0)))
  (func (export "statfs") (param i32 i32) (result i32) (call $statfs (i32.const 64) (local.get 0) (local.get 1)))
  (func (export "gmtime") (param i32 i32) (call $gmtime (local.get 0) (local.get 1))))"""


def load(text: str, mode: str) -> tuple[wasmjit.Instance, Any]:
    files = wasmjit.Dir.memory({"a": "contents"}, "/files")
    return wasmjit.load(wasmjit.Module(text, config=modes.config(mode)), wasi=wasmjit.Wasi(dirs=[files])), files


def number(kit: wasmjit.Instance, pointer: int, size: int) -> int:
    return int.from_bytes(kit.memory.read(pointer, size), "little")


@pytest.mark.parametrize("version", [FIRST, PADDED, LATER], ids=["first", "padded", "later"])
@pytest.mark.parametrize("mode", MODES)
def test_structures(mode: str, version: tuple[str, int, int, int, int]) -> None:
    marks, nbytes, size, modified, width = version
    kit, _ = load(FILES.format(marks=marks), mode)
    calls, memory = kit.exports, kit.memory
    for at, value in enumerate((1000, 5, 2000, 6)):
        memory.write(1024 + at * width, value.to_bytes(width, "little"))
    assert calls.times(1024) == 0
    memory.write(2048, b"\xaa" * 256)
    assert calls.stat(2048) == 0
    assert [number(kit, 2048 + size, 8), number(kit, 2048 + modified, width), number(kit, 2048 + modified + width, width)] == [8, 2000, 6]
    assert memory.read(2048 + nbytes, 2) == b"\xaa\xaa" != memory.read(2048 + nbytes - 2, 2)
    assert calls.stat(kit.memory.nbytes - nbytes + 1) == -21
    assert calls.times(kit.memory.nbytes - 4 * width + 1) == -21
    memory.write(4096, (86400 * 365).to_bytes(width, "little"))
    calls.gmtime(4096, 8192)
    assert [number(kit, 8192 + 4 * at, 4) for at in range(6)] == [0, 0, 0, 1, 0, 71]
    with pytest.raises(wasmjit.MemoryOutOfBounds):
        calls.gmtime(kit.memory.nbytes - width + 1, 8192)


@pytest.mark.parametrize(("nbytes", "width"), [(64, 4), (88, 8)])
def test_file_systems_count_in_as_many_bits_as_there_is_room_for(nbytes: int, width: int) -> None:
    kit, _ = load(FILES.format(marks=""), modes.BASE)
    kit.memory.write(2048, b"\xaa" * 96)
    assert kit.exports.statfs(nbytes, 2048) == 0
    assert [number(kit, 2048 + 8 + at * width, width) for at in range(5)] == [1 << 20] * 5
    assert number(kit, 2048 + 8 + 5 * width + 8, 4) == 255  # the longest name
    assert kit.memory.read(2048 + nbytes, 1) == b"\xaa"
    assert kit.exports.statfs(nbytes, kit.memory.nbytes - nbytes + 1) == -21


# Parameters of _mmap_js and _msync_js, what stands for length, protection, flags, descriptor, offset and where to say it, and for the rest.
MAPS = [
    (FIRST[0], "i32 " * 7, "iiii", "(i32.const 0) {} (i32.const 8)", "(i32.const 1) (local.get 0)"),
    (PADDED[0], "i32 " * 6, "iiii", "{} (i32.const 8)", "(i32.const 1) (local.get 0)"),
    (PADDED[0], "i32 " * 7, "iiiiii", "{} (i32.const 8) (i32.const 12)", "(i32.const 3) (i32.const 1) (local.get 0) (i32.const 0)"),
]
MAPPING = """(module {marks}
  (import "env" "__syscall_openat" (func $open (param i32 i32 i32 i32) (result i32)))
  (import "env" "_mmap_js" (func $map (param {map}) (result i32)))
  (import "env" "_msync_js" (func $sync (param {sync}) (result i32)))
  (import "env" "_munmap_js" (func $unmap (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 3) (data (i32.const 64) "/files/a\\00")
  (func (export "emscripten_builtin_memalign") (param i32 i32) (result i32) (i32.const 65536))
  (func (export "open") (param i32) (result i32) (call $open (i32.const -100) (i32.const 64) (local.get 0) (i32.const 0)))
  (func (export "map") (param i32) (result i32) (call $map {given}))
  (func (export "sync") (param i32) (result i32) (call $sync (i32.const 65536) (i32.const 8) {synced}))
  (func (export "unmap") (param i32) (result i32)
    (call $unmap (i32.const 65536) (i32.const 8) (i32.const 3) (i32.const 1) (local.get 0) (i32.const 0))))"""


@pytest.mark.parametrize(("marks", "map", "sync", "given", "synced"), MAPS, ids=["hint", "address returned", "address stored"])
@pytest.mark.parametrize("mode", MODES)
def test_mapped_files_of_older_versions(mode: str, marks: str, map: str, sync: str, given: str, synced: str) -> None:
    arguments = "(i32.const 8) (i32.const 3) (i32.const 1) (local.get 0) (i32.const 0)"
    text = MAPPING.format(marks=marks, map=map, sync="i32 " * len(sync), given=given.format(arguments), synced=synced)
    kit, files = load(text, mode)
    calls, memory = kit.exports, kit.memory
    descriptor = calls.open(2)
    address = calls.map(descriptor) or number(kit, 12, 4)
    assert (address, number(kit, 8, 4), memory.read(address, 8)) == (65536, 1, b"contents")
    memory.write(65536, b"CON")
    assert (calls.sync(descriptor), files["a"]) == (0, b"CONtents")
    memory.write(65536, b"con")
    assert (calls.unmap(descriptor), files["a"]) == (0, b"contents")
    assert calls.map(99) == calls.sync(99) == -8
