"""Instances: exports and functions, the order of instantiation, the start function, closing, and bad arguments."""

import pickle
import time
from collections.abc import Mapping

import pytest

import wasmjit
from tests.api.conftest import Make, module

KIT = """
    (memory (export "memory") 1) (table (export "table") 2 funcref) (global (export "counter") (mut i64) (i64.const 7))
    (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func $hidden (result i32) (i32.const 42))
    (func (export "two words") (result i32 f64) (i32.const 1) (f64.const 2))
    (func (export "get") (param i32) (result i32) (local.get 0))
    (func (export "keys") (result i32) (i32.const 5))
"""


def test_exports_by_attribute_and_item(make: Make) -> None:
    exports = make(KIT).exports
    assert exports.add(2, 3) == exports["add"](2, 3) == 5
    assert exports.add is exports["add"] and exports.memory is exports["memory"]
    assert exports["two words"]() == (1, 2.0)
    assert exports.get(9) == 9 and exports.keys() == 5
    assert list(exports) == ["memory", "table", "counter", "add", "two words", "get", "keys"] and len(exports) == 7
    assert "add" in exports and "sub" not in exports and 5 not in exports
    assert {name: type(item).__name__ for name, item in exports.items()}["counter"] == "Global"
    assert "add" in dir(exports) and "add" in repr(exports)
    assert exports.counter.value == 7


def test_exports_that_do_not_exist(make: Make) -> None:
    exports = make(KIT).exports
    with pytest.raises(AttributeError, match="sub"):
        _ = exports.sub
    with pytest.raises(KeyError):
        exports["sub"]
    with pytest.raises(KeyError):
        exports["\ud800"]
    for name in ("add", "sub"):
        with pytest.raises(AttributeError):
            setattr(exports, name, 1)


def test_methods_of_exports(make: Make) -> None:
    exports = make('(func (export "f")) (memory (export "m") 1)').exports
    assert exports.get("f") is exports.f and exports.get("g") is None and exports.get("g", 3) == 3
    assert exports.keys() == ["f", "m"] and exports.values() == [exports.f, exports.m]
    assert dict(exports) == {"f": exports.f, "m": exports.m}


def test_functions_by_name_and_index(make: Make) -> None:
    functions = make(KIT).functions
    assert functions["add"](1, 2) == functions[0](1, 2) == 3
    assert functions["hidden"]() == functions[1]() == 42
    assert len(functions) == 5 and [f.index for f in functions] == [0, 1, 2, 3, 4]
    assert functions["add"] == functions[0] != functions[1]
    for key in (5, -1, 1 << 32, 1 << 70):
        with pytest.raises(IndexError):
            functions[key]
    with pytest.raises(KeyError):
        functions["none"]
    with pytest.raises(TypeError):
        functions[1.0]  # type: ignore[index]


def test_the_memory(make: Make) -> None:
    assert make("(memory 3)").memory.pages == 3
    with pytest.raises(AttributeError):
        _ = make("").memory


def test_wrong_calls_fail_before_wasm_runs(make: Make) -> None:
    add = make(KIT).exports.add
    for arguments in ((), (1,), (1, 2, 3), (1, "2"), (1, 2.0), (None, 1)):
        with pytest.raises(TypeError):
            add(*arguments)
    for value in (1 << 32, -(1 << 31) - 1, 1 << 100):
        with pytest.raises(OverflowError):
            add(1, value)
    with pytest.raises(TypeError):
        add(1, 2, speed=3)
    with pytest.raises(ValueError):
        add(1, 2, fuel=3)


def test_order_of_instantiation(make: Make) -> None:
    table, memory = wasmjit.Table("funcref", 4), wasmjit.Memory(1)
    text = """(import "m" "table" (table 4 funcref)) (import "m" "memory" (memory 1))
        (func $f (result i32) (i32.const 1))
        (elem (i32.const 0) $f) (elem (i32.const {elem}) $f $f)
        (data (i32.const 0) "a") (data (i32.const {data}) "bc")"""
    imports = {"m": {"table": table, "memory": memory}}
    with pytest.raises(wasmjit.MemoryOutOfBounds):
        make(text.format(elem=2, data=65535), imports)
    assert [item is not None for item in table] == [True, False, True, True]
    assert memory[0:2] == b"a\0"
    assert table[2]() == 1  # of an instance that never came to be
    with pytest.raises(wasmjit.TableOutOfBounds):
        make(text.format(elem=3, data=8), imports)
    assert memory[8:10] == b"\0\0"


def test_initial_values(make: Make) -> None:
    base = wasmjit.Global("i32", 10)
    instance = make(
        """(import "m" "base" (global i32))
        (global (export "a") i32 (i32.add (global.get 0) (i32.mul (i32.const 3) (i32.const -4))))
        (global (export "b") i64 (i64.const -5)) (global (export "c") f32 (f32.const 1.5)) (global (export "d") f64 (f64.const -0x1p-1000))
        (global (export "e") funcref (ref.func $f)) (global (export "g") externref (ref.null extern))
        (func $f (export "f") (result i32) (i32.const 3))""",
        {"m": {"base": base}},
    )
    exports = instance.exports
    assert [exports[name].value for name in "abcd"] == [-2, -5, 1.5, -(2.0**-1000)]
    assert exports.e.value == exports.f and exports.e.value() == 3 and exports.g.value is None


def test_the_start_function_runs_first(make: Make) -> None:
    said: list[int] = []
    text = """(import "m" "say" (func $say (param i32))) (memory 1) (data (i32.const 3) "x")
        (func $main (call $say (i32.load8_u (i32.const 3)))) (start $main)"""
    make(text, {"m": {"say": said.append}})
    assert said == [ord("x")]
    with pytest.raises(wasmjit.Unreachable) as caught:
        make("(func $main unreachable) (start $main)")
    assert caught.value.frames[0].name == "main"


def test_initialize(make: Make) -> None:
    text = '(global $g (export "g") (mut i32) (i32.const 0)) (func (export "_initialize") (global.set $g (i32.const 1)))'
    assert make(text).exports.g.value == 1
    assert make(text, initialize=False).exports.g.value == 0


@pytest.mark.parametrize("text", ["(func $main (loop br 0)) (start $main)", '(func (export "_initialize") (loop br 0))'])
def test_the_start_is_under_the_timeout(make: Make, text: str) -> None:
    begin = time.monotonic()
    with pytest.raises(wasmjit.Timeout):
        make(text, timeout=0.05)
    assert time.monotonic() - begin < 2


def test_calls_are_under_their_timeout(make: Make) -> None:
    exports = make('(func (export "spin") (loop br 0)) (func (export "f") (result i32) (i32.const 1))').exports
    for _ in range(3):
        with pytest.raises(wasmjit.Timeout):
            exports.spin(timeout=0.02)
    assert exports.f(timeout=0.02) == 1
    time.sleep(0.03)
    assert exports.f() == 1
    with pytest.raises(ValueError):
        exports.f(timeout=-1)


def test_closing(make: Make) -> None:
    instance = make(KIT)
    add, exports, functions, memory = instance.exports.add, instance.exports, instance.functions, instance.memory
    memory[0] = 1
    with instance as same:
        assert same is instance and not instance.closed
    assert instance.closed and "closed" in repr(instance)
    instance.close()
    for call in (
        lambda: add(1, 2),
        lambda: exports["two words"],
        lambda: functions[1],
        lambda: instance.memory,
        lambda: instance.exports.nothing,
    ):
        with pytest.raises(ValueError, match="closed"):
            call()
    assert memory[0] == 1  # whoever holds the memory keeps it


def test_functions_of_a_closed_instance_in_other_instances(make: Make) -> None:
    first = make(KIT)
    table = wasmjit.Table("funcref", 1, init=first.exports.add)
    second = make(
        """(import "a" "add" (func $add (param i32 i32) (result i32))) (import "a" "t" (table 1 funcref))
        (func (export "direct") (result i32) (call $add (i32.const 1) (i32.const 2)))
        (func (export "indirect") (result i32) (call_indirect (param i32 i32) (result i32) (i32.const 1) (i32.const 2) (i32.const 0)))""",
        {"a": {"add": first.exports.add, "t": table}},
    )
    assert second.exports.direct() == second.exports.indirect() == 3
    first.close()
    for name in ("direct", "indirect"):
        with pytest.raises(ValueError, match="closed"):
            second.exports[name]()


def test_closing_while_it_runs(make: Make) -> None:
    def close() -> None:
        instance.close()

    instance = make('(import "m" "f" (func $f)) (func (export "f") (call $f))', {"m": {"f": close}})
    with pytest.raises(RuntimeError, match="inside"):
        instance.exports.f()
    assert not instance.closed


def test_the_caller_is_given_also_when_its_object_is_gone(make: Make) -> None:
    seen: list[wasmjit.Instance] = []

    @wasmjit.pass_instance
    def look(instance: wasmjit.Instance, value: int) -> int:
        seen.append(instance)
        return int(instance.memory[value])

    text = """(import "m" "look" (func $look (param i32) (result i32))) (memory 1) (data (i32.const 5) "*")
        (func (export "f") (result i32) (call $look (i32.const 5)))"""
    instance = make(text, {"m": {"look": look}})
    assert instance.exports.f() == 42 and seen == [instance]
    call = instance.exports.f
    instance_module = instance.module
    seen.clear()
    del instance
    assert call() == 42 and seen[0].module is instance_module


@pytest.mark.parametrize("wrong", [b"\0asm\1\0\0\0", None, "x.wasm"])
def test_an_instance_needs_a_module(wrong: object) -> None:
    with pytest.raises(TypeError, match="load"):
        wasmjit.Instance(wrong)  # type: ignore[arg-type]


def test_wrong_options(make: Make) -> None:
    with pytest.raises(ValueError):
        make("", unknown_imports="ignore")
    with pytest.raises(ValueError):
        make("", fuel=5)
    with pytest.raises(TypeError):
        make('(import "a" "b" (func))', 5)
    with pytest.raises(TypeError):
        make('(import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))', wasi=5)
    with pytest.raises(ValueError):
        wasmjit.load(module(""), config=wasmjit.Config())
    with pytest.raises(TypeError):
        wasmjit.Module(b"\0asm\1\0\0\0", config="interp")  # type: ignore[arg-type]


def test_instances_do_not_pickle(make: Make) -> None:
    instance = make(KIT)
    for item in (instance, instance.exports.add, instance.memory, instance.exports.table, instance.exports.counter):
        with pytest.raises(TypeError):
            pickle.dumps(item)


def test_figures(make: Make) -> None:
    stats = make(KIT).stats
    assert isinstance(stats, Mapping) and stats["functions"] == 5 and stats["memory_bytes"] == 65536


def test_tables_have_a_limit(make: Make) -> None:
    text = '(table (export "t") 10 funcref) (func (export "grow") (param i32) (result i32) (table.grow (ref.null func) (local.get 0)))'
    exports = make(text, limits=wasmjit.Limits(table=12)).exports
    assert exports.grow(2) == 10 and exports.grow(1) == -1
    with pytest.raises(MemoryError):
        make(text, limits=wasmjit.Limits(table=9))
    with pytest.raises(MemoryError):
        make("(table 0xffffffff funcref)")


def test_objects_that_were_never_initialised_or_twice(make: Make) -> None:
    for kind in (wasmjit.Instance, wasmjit.Module, wasmjit.Table, wasmjit.Global):
        item = kind.__new__(kind)
        with pytest.raises(AttributeError):
            repr(item)
    instance = make(KIT)
    with pytest.raises(TypeError, match="once"):
        instance.__init__(module(""))  # type: ignore[misc]
    assert instance.exports.add(1, 2) == 3


def test_functions_that_are_too_large(make: Make) -> None:
    instance = make('(func $big (export "big") (local ' + "i64 " * 49_000 + ") " + "(i64.const 0)" * 20_000 + "drop " * 20_000 + ")")
    with pytest.raises(wasmjit.CompileError, match="function 0 is too large") as caught:
        instance.exports.big()
    assert caught.value.offset is not None
    with pytest.raises(wasmjit.CompileError):
        instance.module.compile()
