"""Imports: what may stand for a namespace and for each kind, matching of types, and what LinkError says."""

import types
from typing import Any

import pytest

import wasmjit
from tests.api.conftest import Make, module
from wasmjit import FuncType, Global, HostFunc, Memory, Table

ONE = '(import "env" "f" (func $f (param i32) (result i32))) (func (export "run") (param i32) (result i32) (call $f (local.get 0)))'


class Space:
    @staticmethod
    def f(value: int) -> int:
        return value * 2


@pytest.mark.parametrize(
    "namespace", [{"f": Space.f}, Space, Space(), types.SimpleNamespace(f=Space.f), types.MappingProxyType({"f": Space.f})]
)
def test_namespaces(make: Make, namespace: object) -> None:
    assert make(ONE, {"env": namespace}).exports.run(4) == 8
    assert make(ONE, types.MappingProxyType({"env": namespace})).exports.run(4) == 8


def test_instances_and_exports_are_namespaces(make: Make) -> None:
    library = make('(func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))')
    for namespace in (library, library.exports, {"f": library.exports.f}):
        assert make(ONE, {"env": namespace}).exports.run(4) == 5


def test_host_functions(make: Make) -> None:
    assert make(ONE, {"env": {"f": HostFunc(abs)}}).exports.run(-4) == 4
    assert make(ONE, {"env": {"f": HostFunc(abs, FuncType(["i32"], ["i32"]))}}).exports.run(-4) == 4
    with pytest.raises(wasmjit.LinkError):
        make(ONE, {"env": {"f": HostFunc(abs, FuncType(["i64"], ["i64"]))}})


def no_arguments() -> int:
    return 1


def keyword(value: int, *, scale: int) -> int:
    return value * scale


def takes_float_gives_float(value: int) -> float:
    return float(value)


def takes_text(value: str) -> int:
    return len(value)


@pytest.mark.parametrize(
    "function, words",
    [
        (no_arguments, "takes 0 arguments, not 1"),
        (keyword, "keyword"),
        (takes_float_gives_float, "returns float, not i32"),
        (takes_text, "takes str as value, not i32"),
        (lambda a, b, c=1: 1, "takes 2 to 3 arguments, not 1"),
        (wasmjit.pass_instance(lambda instance: 1), "takes 1 arguments, not 2"),
    ],
)
def test_python_functions_that_cannot_fit(make: Make, function: object, words: str) -> None:
    with pytest.raises(wasmjit.LinkError, match=words):
        make(ONE, {"env": {"f": function}})


def test_python_functions_that_fit(make: Make) -> None:
    def annotated(value: int, scale: int = 2) -> int:
        return value * scale

    def odd(value: "unknown") -> "int":  # type: ignore[name-defined]  # noqa: F821
        return 2 * int(value)

    for function in (annotated, odd, lambda *values: 2 * values[0], wasmjit.pass_instance(lambda _, value: 2 * value), Doubler().double):
        assert make(ONE, {"env": {"f": function}}).exports.run(4) == 8


class Doubler:
    def double(self, value: int) -> int:
        return 2 * value


def test_imported_functions_are_exported_again(make: Make) -> None:
    exports = make('(import "m" "f" (func $f (param i32) (result i32))) (export "g" (func $f))', {"m": {"f": abs}}).exports
    assert exports.g(-3) == 3
    assert make(ONE, {"env": {"f": exports.g}}).exports.run(-4) == 4


KINDS = {
    "func": '(import "a" "b" (func (param i32)))',
    "table": '(import "a" "b" (table 2 5 funcref))',
    "memory": '(import "a" "b" (memory 2 5))',
    "constant": '(import "a" "b" (global i32))',
    "variable": '(import "a" "b" (global (mut f32)))',
}
WRONG: dict[str, list[Any]] = {
    "func": [1, "x", Memory(1)],
    "table": [print, Table("funcref", 1, 5), Table("funcref", 2), Table("funcref", 2, 6), Table("externref", 2, 5), [None, None]],
    "memory": [print, Memory(1, 5), Memory(2), Memory(2, 6), bytearray(65536)],
    "constant": [print, Global("i64", 1), Global("i32", 1, mutable=True), "1"],
    "variable": [print, Global("f32", 1), Global("f64", 1, mutable=True), 1.0],
}
RIGHT: dict[str, list[Any]] = {
    "func": [print, HostFunc(print), HostFunc(print, FuncType(["i32"]))],
    "table": [Table("funcref", 2, 5), Table("funcref", 3, 3)],
    "memory": [Memory(2, 5), Memory(3, 4)],
    "constant": [Global("i32", 1), 7, -1, 0xFFFFFFFF],
    "variable": [Global("f32", 1, mutable=True)],
}


@pytest.mark.parametrize("kind, value", [(kind, value) for kind, values in WRONG.items() for value in values])
def test_wrong_kinds_and_types(kind: str, value: object) -> None:
    with pytest.raises(wasmjit.LinkError) as caught:
        wasmjit.Instance(module(KINDS[kind]), {"a": {"b": value}})
    assert caught.value.missing == module(KINDS[kind]).imports
    assert "a.b" in str(caught.value) and str(module(KINDS[kind]).imports[0].type) in str(caught.value)


@pytest.mark.parametrize("kind, value", [(kind, value) for kind, values in RIGHT.items() for value in values])
def test_right_types(kind: str, value: object) -> None:
    wasmjit.Instance(module(KINDS[kind]), {"a": {"b": value}})


def test_what_grew_fits_by_its_size_now() -> None:
    memory = Memory(1, 5)
    memory.grow(1)
    wasmjit.Instance(module(KINDS["memory"]), {"a": {"b": memory}})


def test_one_error_names_all_that_is_missing(make: Make) -> None:
    text = """(import "a" "one" (func (param i32) (result f64))) (import "a" "two" (memory 1)) (import "a" "fine" (func))
        (import "b" "three" (global i32)) (import "b" "four" (table 1 funcref)) (import "a" "five" (func (result i64)))"""
    with pytest.raises(wasmjit.LinkError) as caught:
        make(text, {"a": {"fine": print, "two": Memory(0), "five": HostFunc(print, FuncType())}})
    error = caught.value
    assert [(entry.module, entry.name) for entry in error.missing] == [
        ("a", "one"),
        ("a", "two"),
        ("b", "three"),
        ("b", "four"),
        ("a", "five"),
    ]
    text = str(error)
    for line in (
        "5 imports",
        "a.one: (i32) -> (f64)",
        "a.two: memory 1",
        "b.three: global i32",
        "b.four: table 1 funcref",
        "a.five: () -> (i64)",
    ):
        assert line in text
    assert "fine" not in text


def test_unknown_imports_may_trap_when_called(make: Make) -> None:
    instance = make(ONE, unknown_imports="trap")
    with pytest.raises(wasmjit.Unreachable) as caught:
        instance.exports.run(1)
    assert any("env.f" in note for note in caught.value.__notes__)
    with pytest.raises(wasmjit.LinkError):
        make(KINDS["memory"], unknown_imports="trap")


def test_imports_go_before_wasi(make: Make) -> None:
    text = """(import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32))) (memory (export "memory") 1)
        (func (export "close") (result i32) (call $close (i32.const 77))) (func (export "yield") (result i32) (call $yield))"""
    instance = make(text, {"wasi_snapshot_preview1": {"fd_close": lambda fd: fd + 1}}, wasi="auto")
    assert instance.exports.close() == 78 and instance.exports["yield"]() == 0
    assert make(text, wasi=wasmjit.Wasi()).exports.close() == 8  # EBADF
    with pytest.raises(wasmjit.LinkError) as caught:
        make(text)
    assert len(caught.value.missing) == 2


def test_globals_are_shared(make: Make) -> None:
    shared = Global("i32", 5, mutable=True)
    text = """(import "m" "g" (global $g (mut i32))) (export "g" (global $g))
        (func (export "add") (param i32) (global.set $g (i32.add (global.get $g) (local.get 0))))"""
    one = make(text, {"m": {"g": shared}})
    two = make(text, {"m": one})
    one.exports.add(1)
    two.exports.add(2)
    assert shared.value == one.exports.g.value == two.exports.g.value == 8
    shared.value = -1
    assert two.exports.g.value == -1


def test_instances_become_one_store(make: Make) -> None:
    one = make('(table (export "t") 2 funcref) (func $f (result i32) (i32.const 1)) (elem (i32.const 0) $f)')
    two = make('(func (export "g") (result i32) (i32.const 2))')
    assert one._store.root() is not two._store.root()
    three = make(
        """(import "one" "t" (table 2 funcref)) (import "two" "g" (func $g (result i32))) (elem (i32.const 1) $g)
        (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0)))""",
        {"one": one, "two": two},
    )
    assert one._store.root() is two._store.root() is three._store.root()
    assert [three.exports.call(i) for i in range(2)] == [1, 2]
    table = one.exports.t
    del one, two, three
    assert [item() for item in table] == [1, 2]


def test_stores_join_while_both_are_entered(make: Make) -> None:
    """one -> Python -> two -> Python -> an instance that imports from both -> out again, twice."""
    text = """(import "m" "down" (func $down (param i32) (result i32)))
        (func (export "run") (param i32) (result i32) (i32.add (i32.const 1) (call $down (local.get 0))))
        (func (export "leaf") (result i32) (i32.const 100))"""

    def into_two(value: int) -> int:
        return int(two.exports.run(value))

    def link(value: int) -> int:
        three = make(
            """(import "one" "leaf" (func $a (result i32))) (import "two" "leaf" (func $b (result i32)))
            (func (export "run") (result i32) (i32.add (call $a) (call $b)))""",
            {"one": one, "two": two},
        )
        if value == 1:
            raise KeyError("out")
        return int(three.exports.run())

    one = make(text, {"m": {"down": into_two}})
    two = make(text, {"m": {"down": link}})
    assert one.exports.run(0) == 202
    with pytest.raises(KeyError):
        one.exports.run(1)
    assert one.exports.run(0) == 202
    one.close()  # nobody is counted as inside any more
    assert two.exports.leaf() == 100


def test_a_thousand_imports_link() -> None:
    text = "".join(f'(import "env" "f{i}" (func (param i32) (result i32)))' for i in range(1000))
    big = wasmjit.Module(f"(module {text})")
    namespace = {f"f{i}": abs for i in range(1000)}
    wasmjit.Instance(big, {"env": namespace})
    with pytest.raises(wasmjit.LinkError) as caught:
        wasmjit.Instance(big, {})
    assert len(caught.value.missing) == 1000 and "more" in str(caught.value)
