"""Table and Global: values of each type, growth, references that keep things alive, and bad arguments."""

import gc
import math
import weakref
from typing import Any

import pytest

from tests.api.conftest import Make
from wasmjit import Global, GlobalType, Table

CALLS = """(func $one (export "one") (result i32) (i32.const 1)) (func $two (export "two") (result i32) (i32.const 2))"""


class Thing:
    """An object that weak references can watch."""


def test_tables_of_functions(make: Make) -> None:
    exports = make(CALLS + '(table (export "t") 3 5 funcref) (elem (i32.const 1) $one)').exports
    table = exports.t
    assert len(table) == 3 and list(table) == [None, exports.one, None] and str(table.type) == "table 3 5 funcref"
    table[0] = exports.two
    table[1] = None
    assert [item and item() for item in table] == [2, None, None]
    assert table.grow(2, exports.one) == 3 and [item and item() for item in table] == [2, None, None, 1, 1]
    with pytest.raises(MemoryError):
        table.grow(1)
    assert table.grow(0) == 5


def test_tables_of_objects(make: Make) -> None:
    exports = make("""(table (export "t") 2 externref)
        (func (export "get") (param i32) (result externref) (table.get 0 (local.get 0)))
        (func (export "set") (param i32 externref) (table.set 0 (local.get 0) (local.get 1)))
        (func (export "grow") (param externref i32) (result i32) (table.grow 0 (local.get 0) (local.get 1)))""").exports
    thing = Thing()
    exports.t[0] = thing
    exports.set(1, "text")
    assert exports.get(0) is thing and exports.t[1] == "text"
    assert exports.grow(thing, 2) == 2 and exports.t[3] is thing
    exports.t[0] = None
    assert exports.get(0) is None


def test_tables_made_by_python(make: Make) -> None:
    one = make(CALLS).exports.one
    table = Table("funcref", 2, 3, init=one)
    assert [item() for item in table] == [1, 1]
    text = '(import "m" "t" (table 2 funcref)) (func (export "f") (result i32) (call_indirect (result i32) (i32.const 1)))'
    assert make(text, {"m": {"t": table}}).exports.f() == 1
    things = Table("externref", 2, init=[1])
    assert things[0] == [1] and things[0] is things[1]
    assert things.grow(1, "x") == 2 and things[2] == "x"


def test_functions_in_a_table_keep_their_instance(make: Make) -> None:
    table = Table("funcref", 1)
    table[0] = make(CALLS).exports.two
    gc.collect()
    assert table[0]() == 2


@pytest.mark.parametrize("index", [-1, 3, 1 << 32, 1 << 64])
def test_indices_outside(index: int) -> None:
    table = Table("funcref", 3)
    with pytest.raises(IndexError):
        table[index]
    with pytest.raises(IndexError):
        table[index] = None


def test_wrong_values(make: Make) -> None:
    table = Table("funcref", 3)
    for value in (1, "f", len, Thing()):
        with pytest.raises(TypeError):
            table[0] = value
        with pytest.raises(TypeError):
            Table("funcref", 1, init=value)
    with pytest.raises(TypeError):
        table["0"]  # type: ignore[index]
    with pytest.raises(TypeError):
        table[1.0]  # type: ignore[index]
    with pytest.raises(ValueError):
        table.grow(-1)
    with pytest.raises(MemoryError):
        table.grow(1 << 40)


@pytest.mark.parametrize("arguments", [("i32", 1), ("funcref", -1), ("funcref", 2, 1), ("funcref", 1 << 33), ("funcref", 0, 1 << 33)])
def test_wrong_tables(arguments: tuple[str, int]) -> None:
    with pytest.raises(ValueError):
        Table(*arguments)


def test_a_huge_table_is_refused() -> None:
    with pytest.raises(MemoryError):
        Table("funcref", 0xFFFFFFFF)


VALUES: dict[str, list[Any]] = {
    "i32": [0, -1, 2**31 - 1, -(2**31)],
    "i64": [0, -1, 2**63 - 1, -(2**63)],
    "f32": [0.0, 1.5, -math.inf],
    "f64": [0.0, 0.1, math.inf, -1e300],
    "externref": [None, 5, "text"],
}


@pytest.mark.parametrize("kind, value", [(kind, value) for kind, values in VALUES.items() for value in values])
def test_values(kind: str, value: object) -> None:
    item = Global(kind, value)
    assert item.value == value and item.type == GlobalType(kind)
    variable = Global(GlobalType(kind, True))
    variable.value = value
    assert variable.value == value
    with pytest.raises(TypeError, match="mutable"):
        item.value = value


def test_values_convert_as_arguments_do() -> None:
    assert Global("i32", 0xFFFFFFFF).value == -1 and Global("i64", 2**64 - 1).value == -1 and Global("f64", 3).value == 3.0
    assert math.isnan(Global("f32", math.nan).value)
    for kind, value in (("i32", 1 << 32), ("i64", 1 << 64), ("i32", -(1 << 32))):
        with pytest.raises(OverflowError):
            Global(kind, value)
    for kind, wrong in (("i32", 1.5), ("f64", "1"), ("i64", [])):
        with pytest.raises(TypeError):
            Global(kind, wrong)
    for kind in ("i16", "", "func"):
        with pytest.raises(ValueError):
            Global(kind, 1)
    assert Global("i32").value == 0 and Global("externref").value is None


def test_globals_of_functions(make: Make) -> None:
    instance = make(CALLS + '(global (export "g") (mut funcref) (ref.func $one))')
    exports = instance.exports
    assert exports.g.value() == 1
    exports.g.value = exports.two
    assert exports.g.value == exports.two
    exports.g.value = None
    assert exports.g.value is None
    with pytest.raises(TypeError):
        exports.g.value = print
    held = Global("funcref", exports.two)
    del instance, exports
    gc.collect()
    assert held.value() == 2


def test_objects_in_globals_live_as_long_as_the_instance(make: Make) -> None:
    instance = make('(global (export "g") (mut externref) (ref.null extern))')
    thing = Thing()
    gone = weakref.ref(thing)
    instance.exports.g.value = thing
    del thing
    assert gone() is instance.exports.g.value is not None
    del instance
    gc.collect()
    assert gone() is None
