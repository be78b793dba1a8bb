"""Settings and surroundings: checked memories, little address space, threads that meet in one store."""

import subprocess
import sys
import threading
import time

import pytest

import wasmjit
from tests.paths import ROOT

MEMORY = """(module (memory (export "m") 1 4)
    (func (export "load") (param i32) (result i32) (i32.load offset=8 (local.get 0)))
    (func (export "far") (param i32) (result i32) (i32.load offset=0xfffffff0 (local.get 0)))
    (func (export "store") (param i32 i64) (i64.store (local.get 0) (local.get 1)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"""
USER = '(module (import "a" "m" (memory 1)) (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))'


@pytest.mark.parametrize("memory", ["guard", "checked"])
def test_bounds(memory: str) -> None:
    exports = wasmjit.load(MEMORY.encode(), config=wasmjit.Config(memory=memory)).exports
    exports.store(65528, -1)
    assert exports.load(65520) == exports.load(65524) == -1
    for name, *arguments in (("load", 65525), ("load", -1), ("far", 0), ("far", -1), ("store", 65529, 1)):
        with pytest.raises(wasmjit.MemoryOutOfBounds):
            exports[name](*arguments)
    assert exports.grow(1) == 1
    assert exports.load(65525) == 0x00FFFFFF and exports.load(65528) == 0
    with pytest.raises(wasmjit.MemoryOutOfBounds):
        exports.load(2 * 65536 - 11)
    assert exports.grow(2) == 2 and exports.grow(1) == -1


def test_checked_code_takes_any_memory_and_guarded_code_only_guarded_ones() -> None:
    checked = wasmjit.Config(memory="checked")
    guarded_memory = wasmjit.load(MEMORY.encode()).exports.m
    checked_memory = wasmjit.load(MEMORY.encode(), config=checked).exports.m
    for memory in (guarded_memory, checked_memory):
        exports = wasmjit.load(USER.encode(), {"a": {"m": memory}}, config=checked).exports
        assert exports.load(65532) == 0
        with pytest.raises(wasmjit.MemoryOutOfBounds):
            exports.load(65533)
    wasmjit.load(USER.encode(), {"a": {"m": guarded_memory}})
    with pytest.raises(wasmjit.LinkError):
        wasmjit.load(USER.encode(), {"a": {"m": checked_memory}})


def test_without_address_space_everything_is_checked() -> None:
    program = f"""
import resource
import wasmjit
binary, user = wasmjit.Module({MEMORY!r}).binary(), wasmjit.Module({USER!r}).binary()
kit = wasmjit.load(binary)
print(kit.exports.load(0), kit.exports.grow(1), wasmjit.load(user, {{"a": kit}}).exports.load(70000))
print(wasmjit.load(user, {{"a": {{"m": wasmjit.Memory(1)}}}}).exports.load(0))
try:
    kit.exports.load(-9)
except wasmjit.MemoryOutOfBounds as error:
    print(error)
"""
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30)); exec({program!r})"
    outputs = []
    for text in (program, limited):
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert outputs == ["0 1 0\n0\nout of bounds memory access\n"] * 2


SLOW = """(module (import "m" "wait" (func $wait)) (func (export "f") (call $wait)) (func (export "g") (result i32) (i32.const 1)))"""


@pytest.mark.parametrize("concurrent", ["wait", "error"])
def test_a_second_thread(concurrent: str) -> None:
    inside, leave = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        leave.wait(10)

    module = wasmjit.Module(SLOW, config=wasmjit.Config(concurrent=concurrent))
    exports = wasmjit.Instance(module, {"m": {"wait": wait}}).exports
    thread = threading.Thread(target=exports.f)
    thread.start()
    inside.wait(10)
    try:
        if concurrent == "error":
            with pytest.raises(RuntimeError, match="another thread"):
                exports.g()
        else:
            threading.Timer(0.05, leave.set).start()
            begin = time.monotonic()
            assert exports.g() == 1
            assert time.monotonic() - begin > 0.03
    finally:
        leave.set()
        thread.join()
    assert exports.g() == 1


def test_stores_in_use_by_two_threads_do_not_join() -> None:
    inside, leave = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        leave.wait(10)

    module = wasmjit.Module(SLOW)
    one = wasmjit.Instance(module, {"m": {"wait": wait}})
    thread = threading.Thread(target=one.exports.f)
    thread.start()
    inside.wait(10)

    def link() -> None:
        wasmjit.Instance(wasmjit.Module('(module (import "1" "g" (func)) (import "2" "g" (func)))'), spaces)

    spaces = {"1": {"g": one.exports.f}, "2": {"g": None}}
    two = wasmjit.Instance(module, {"m": {"wait": link}})
    spaces["2"]["g"] = two.exports.f
    try:
        with pytest.raises(RuntimeError, match="different threads"):
            two.exports.f()
    finally:
        leave.set()
        thread.join()
    assert one.exports.g() == two.exports.g() == 1
    link()
    assert one._store.root() is two._store.root()
