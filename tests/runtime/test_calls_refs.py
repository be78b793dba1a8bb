"""funcref and externref values, and the boxes behind externref."""

import gc
import weakref
from typing import Any

import pytest

import wasmjit
from wasmjit._image import native

N = native()

REFS = """(module (import "env" "make" (func $make (result externref)))
  (table (export "objects") 10 externref)
  (table (export "functions") 10 funcref)
  (global (export "object") (mut externref) (ref.null extern))
  (global (export "function") (mut funcref) (ref.null func))
  (func (export "same") (param externref) (result externref) local.get 0)
  (func (export "same_function") (param funcref) (result funcref) local.get 0)
  (func (export "is_null") (param externref) (result i32) local.get 0 ref.is_null)
  (func (export "put") (param i32 externref) local.get 0 local.get 1 table.set 0)
  (func (export "held") (param i32) (result externref) local.get 0 table.get 0)
  (func (export "put_function") (param i32 funcref) local.get 0 local.get 1 table.set 1)
  (func (export "call") (param i32) (result i32) local.get 0 call_indirect 1 (result i32))
  (func (export "churn") (param i32) (loop
    (drop (call $make)) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "mixed") (param i32 externref f64 funcref) (result funcref f64 externref i32)
    local.get 3 local.get 2 local.get 1 local.get 0)
  (func (export "seven") (result i32) i32.const 7))"""


class Thing:
    pass


@pytest.fixture
def refs() -> Any:
    return wasmjit.Instance(wasmjit.Module(REFS), {"env": {"make": Thing}}).exports


def test_objects_come_back(refs: Any) -> None:
    for value in (5, "text", [1], object(), refs):
        assert refs.same(value) is value
    assert refs.same(None) is None
    assert refs.is_null(None) == 1
    assert refs.is_null(0) == 0


def test_functions_come_back(refs: Any) -> None:
    assert refs.same_function(refs.seven) == refs.seven
    assert refs.same_function(None) is None
    with pytest.raises(TypeError, match="must be funcref, not int"):
        refs.same_function(5)
    with pytest.raises(TypeError, match="must be funcref, not function"):
        refs.same_function(lambda: 0)


def test_mixed(refs: Any) -> None:
    thing = Thing()
    assert refs.mixed(1, thing, 2.5, refs.seven) == (refs.seven, 2.5, thing, 1)
    assert refs.mixed(1, None, 2.5, None) == (None, 2.5, None, 1)


def test_references_have_no_bits(refs: Any) -> None:
    with pytest.raises(TypeError, match="externref has no bits"):
        refs.same.call_raw(1)


def test_tables_and_globals_hold_objects(refs: Any) -> None:
    thing = Thing()
    gone = weakref.ref(thing)
    refs.put(3, thing)
    refs.object.value = thing
    del thing
    assert refs.held(3) is gone() and refs.objects[3] is gone() and refs.object.value is gone()
    for _ in range(5000):
        refs.same(Thing())
    assert gone() is not None
    refs.put(3, None)
    refs.object.value = None
    for _ in range(5000):
        refs.same(Thing())
    assert gone() is None


def test_a_function_of_another_store_joins_it(refs: Any) -> None:
    other = wasmjit.Instance(wasmjit.Module('(module (func (export "eight") (result i32) i32.const 8))')).exports
    refs.put_function(0, other.eight)
    refs.put_function(1, refs.seven)
    del other
    gc.collect()
    assert (refs.call(0), refs.call(1)) == (8, 7)
    assert refs.functions[0]() == 8
    refs.function.value = refs.functions[0]
    assert refs.function.value == refs.functions[0]


def test_host_functions_are_funcref_values(refs: Any) -> None:
    refs.functions[2] = wasmjit.HostFunc(lambda: 11, wasmjit.FuncType([], ["i32"]))
    gc.collect()
    assert refs.call(2) == 11
    host = refs.functions[2]
    assert host() == 11 and host.tier == "host" and host.index is None
    assert refs.same_function(host) == host
    with pytest.raises(TypeError, match="a type is needed"):
        refs.functions[3] = wasmjit.HostFunc(lambda: 11)


def test_objects_of_joined_stores_stay(refs: Any) -> None:
    other = wasmjit.Instance(wasmjit.Module(REFS), {"env": {"make": Thing}}).exports
    thing, more = Thing(), Thing()
    refs.put(1, thing)
    other.put(2, more)
    refs.put_function(0, other.seven)
    for _ in range(3000):
        refs.same(Thing())
        other.same(Thing())
    assert refs.held(1) is thing and other.held(2) is more


def test_boxes_die_with_the_store() -> None:
    thing = Thing()
    gone = weakref.ref(thing)
    exports = wasmjit.Instance(wasmjit.Module(REFS), {"env": {"make": Thing}}).exports
    exports.put(0, thing)
    del thing
    assert gone() is not None
    del exports
    gc.collect()
    assert gone() is None


def test_a_million_objects_stay_flat(refs: Any) -> None:
    """Boxes that nothing holds are swept when the store is idle."""
    before = N.boxes_live()
    for _ in range(1_000_000):
        refs.same(Thing())
    assert N.boxes_live() < before + 5000


def test_objects_made_inside_are_swept_after_the_call(refs: Any) -> None:
    before = N.boxes_live()
    refs.churn(20_000)
    assert N.boxes_live() < before + 5000


def test_sweeping_runs_finalizers_that_call_wasm(refs: Any) -> None:
    class Calling:
        def __del__(self) -> None:
            assert refs.same(5) == 5
            refs.same(Thing())

    for _ in range(5000):
        refs.same(Calling())


def test_host_functions_take_references() -> None:
    text = """(module (import "env" "f" (func $f (param externref funcref) (result funcref externref)))
      (func (export "f") (param externref funcref) (result funcref externref) local.get 0 local.get 1 call $f))"""
    exports = wasmjit.Instance(wasmjit.Module(text), {"env": {"f": lambda a, b: (b, a)}}).exports
    thing = Thing()
    assert exports.f(thing, exports.f) == (exports.f, thing)
    assert exports.f(None, None) == (None, None)


def test_a_table_that_an_instance_refused_keeps_its_objects() -> None:
    """No instance holds the table, so no sweep may take its objects."""
    table = wasmjit.Table("externref", 5000)
    module = wasmjit.Module('(module (import "a" "t" (table 10 externref)) (import "a" "absent" (func)))')
    with pytest.raises(wasmjit.LinkError):
        wasmjit.Instance(module, {"a": {"t": table}})
    things = [Thing() for _ in range(5000)]
    for i, thing in enumerate(things):
        table[i] = thing
    assert list(table) == things


def test_a_shared_table_keeps_its_objects() -> None:
    table = wasmjit.Table("externref", 5000)
    module = wasmjit.Module('(module (import "a" "t" (table 10 externref)) (func (export "n") (result i32) table.size 0))')
    exports = wasmjit.Instance(module, {"a": {"t": table}}).exports
    things = [Thing() for _ in range(5000)]
    for i, thing in enumerate(things):
        table[i] = thing
    assert exports.n() == 5000
    assert list(table) == things
