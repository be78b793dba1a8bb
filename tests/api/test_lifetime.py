"""Who keeps what alive, and that nothing stays: instances in cycles, memories under views, memory use that does not grow."""

import gc
import weakref
from collections.abc import Callable

import pytest

import wasmjit
from tests.api.conftest import Make, module
from wasmjit._image import native

PAGE = 4096


def resident() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE


def growth(work: Callable[[], object], times: int) -> int:
    """By how much resident memory grows between a tenth and all of `times` runs."""
    for _ in range(times // 10):
        work()
    gc.collect()
    before = resident()
    for _ in range(times - times // 10):
        work()
    gc.collect()
    return resident() - before


FULL = """(memory (export "m") 1) (table (export "t") 10 funcref) (global (export "g") (mut i32) (i32.const 1))
    (func $f (export "f") (param i32) (result i32) (i32.store8 (local.get 0) (i32.const 7)) (i32.load8_u (local.get 0)))
    (elem (i32.const 0) $f) (data (i32.const 0) "x")"""


def test_ten_thousand_instances_leave_nothing() -> None:
    full = module(FULL)

    def work() -> None:
        exports = wasmjit.Instance(full).exports
        assert exports.f(70) == 7
        exports.m, exports.t[0], exports.g.value

    assert growth(work, 10_000) < 1 << 20


def test_instances_are_freed_at_once(make: Make) -> None:
    instance = make(FULL)
    gone = weakref.ref(instance._store)
    gc.disable()
    try:
        instance.exports.f(1)
        exports = instance.exports
        del instance
        assert gone() is not None and exports.f(2) == 7
        del exports
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("taken", ["f", "m", "t", "g"])
def test_what_was_taken_from_an_instance_keeps_its_store(make: Make, taken: str) -> None:
    instance = make(FULL)
    gone = weakref.ref(instance._store)
    item = instance.exports[taken]
    del instance
    gc.collect()
    assert gone() is not None
    del item
    gc.collect()
    assert gone() is None


def test_cycles_through_host_functions_are_collected() -> None:
    text = module('(import "m" "f" (func $f (result i32))) (memory 1) (func (export "f") (result i32) (call $f))')

    class Host:
        def __init__(self) -> None:
            self.instance = wasmjit.Instance(text, {"m": {"f": self.run}})

        def run(self) -> int:
            return 5 if self.instance.memory.pages else 0

    host = Host()
    assert host.instance.exports.f() == 5
    gone, store = weakref.ref(host), weakref.ref(host.instance._store)
    del host
    gc.collect()
    assert gone() is None and store() is None
    assert growth(lambda: Host().instance.exports.f(), 3000) < 2 << 20


def test_finalizers_in_a_cycle_may_call() -> None:
    text = module('(import "m" "f" (func $f)) (memory 1) (func (export "g") (result i32) (i32.load (i32.const 0)))')
    results: list[int] = []

    class Host:
        def __init__(self) -> None:
            self.instance = wasmjit.Instance(text, {"m": {"f": self.run}})
            self.call = self.instance.exports.g

        def run(self) -> None:
            pass

        def __del__(self) -> None:
            results.append(self.call() + self.instance.memory.pages)

    for _ in range(50):
        Host()
    gc.collect()
    assert results == [1] * 50


def test_joined_stores_are_freed_together(make: Make) -> None:
    library = make(FULL)
    text = '(import "lib" "f" (func $f (param i32) (result i32))) (func (export "run") (result i32) (call $f (i32.const 3)))'
    user = make(text, {"lib": library})
    run = user.exports.run
    store, memory = weakref.ref(user._store.root()), weakref.ref(library.exports.m)
    del library, user
    gc.collect()
    assert run() == 7 and store() is not None and memory() is None
    del run
    gc.collect()
    assert store() is None


def test_a_chain_of_instances(make: Make) -> None:
    text = """(import "m" "f" (func $f (param i32) (result i32)))
        (func (export "f") (param i32) (result i32) (i32.add (i32.const 1) (call $f (local.get 0))))"""
    instance = make(text, {"m": {"f": abs}})
    for _ in range(300):
        instance = make(text, {"m": instance})
    assert instance.exports.f(-5) == 306
    gone = weakref.ref(instance._store.root())
    del instance
    gc.collect()
    assert gone() is None


def test_instances_that_fail_leave_nothing() -> None:
    trapping = module("(memory 1) (func $main unreachable) (start $main)")
    outside = module('(memory 1) (data (i32.const 65536) "x")')
    unlinked = module('(import "a" "b" (func)) (memory 1)')

    def work() -> None:
        for text in (trapping, outside, unlinked):
            with pytest.raises(wasmjit.Error):
                wasmjit.Instance(text)

    assert growth(work, 2000) < 1 << 20


def test_modules_leave_nothing() -> None:
    binary = module(FULL).binary()

    def work() -> None:
        assert wasmjit.Instance(wasmjit.Module(binary)).exports.f(1) == 7
        with pytest.raises(wasmjit.CompileError):
            wasmjit.Module(binary[:-1])

    assert growth(work, 5000) < 1 << 20


def test_traps_and_calls_leave_nothing(make_interpreted: Make) -> None:
    exports = make_interpreted('(func (export "trap") unreachable) (func (export "f") (param i32) (result i32) (local.get 0))').exports

    def work() -> None:
        for value in range(10):
            exports.f(value)
        try:
            exports.trap()
        except wasmjit.Unreachable:
            pass

    assert growth(work, 20_000) < 1 << 20


def test_views_leave_nothing() -> None:
    def work() -> None:
        memory = wasmjit.Memory(1)
        view = memory.view(5, 10)
        view[0] = 1
        memory.grow(1)
        assert memory[5] == 1

    assert growth(work, 10_000) < 1 << 20


def test_as_many_memories_as_the_arena_has() -> None:
    """Instances in cycles hold address space until the collector runs: running out of it runs the collector."""
    slots = native().memory_slots()
    if slots == 0:
        pytest.skip("this process has no room for guarded memories")
    text = module('(import "m" "f" (func $f)) (memory 1)')

    def cycle() -> None:
        holder: list[object] = []
        holder.append(wasmjit.Instance(text, {"m": {"f": holder.clear}}))

    gc.collect()
    gc.disable()
    try:
        for _ in range(slots + 10):
            cycle()
        wasmjit.Memory(1)
    finally:
        gc.enable()
    gc.collect()


def test_boxes_of_objects_go_with_their_store(make: Make) -> None:
    before = native().boxes_live()
    instance = make('(global (mut externref) (ref.null extern)) (func (export "f") (param externref) (global.set 0 (local.get 0)))')
    for value in range(100):
        instance.exports.f(object() if value % 2 else "text")
    assert native().boxes_live() > before
    del instance
    gc.collect()
    assert native().boxes_live() == before
