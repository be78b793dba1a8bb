"""Wasm calls Python: conversions, errors that pass through, the caller's instance, nesting."""

import gc
import threading
import weakref
from typing import Any

import pytest

import wasmjit
from wasmjit import FuncType, HostFunc


def through(function: Any, params: str = "", results: str = "", **options: Any) -> Any:
    """A wasm function that calls the host function with its own arguments and returns what that returns."""
    text = f"""(module (import "env" "f" (func $f (param {params}) (result {results})))
      (memory (export "memory") 1)
      (func (export "f") (param {params}) (result {results}) {" ".join(f"local.get {i}" for i in range(len(params.split())))} call $f))"""
    return wasmjit.Instance(wasmjit.Module(text), {"env": {"f": function}}, **options)


def test_arguments_and_results() -> None:
    seen: list[Any] = []

    def f(*args: Any) -> Any:
        seen.append(args)
        return args[0]

    assert through(f, "i32 i64 f32 f64", "i32").exports.f(-1, 2**63, 0.5, 1.5) == -1
    assert seen == [(-1, -(2**63), 0.5, 1.5)]


@pytest.mark.parametrize(("results", "returned", "got"), [
    ("", None, None), ("", "ignored", None),
    ("i32", 2**32 - 1, -1), ("i32", True, 1), ("i64", 2**64 - 1, -1), ("f32", 0.5, 0.5), ("f64", 3, 3.0),
    ("i32 f64", (1, 2.0), (1, 2.0)), ("i32 f64", [1, 2], (1, 2.0)), ("i32 i32", iter((1, 2)), (1, 2)),
])  # fmt: skip
def test_results(results: Any, returned: Any, got: Any) -> None:
    assert through(lambda: returned, "", results).exports.f() == got


@pytest.mark.parametrize(("results", "returned", "kind", "message"), [
    ("i32", "text", TypeError, "host function env.f returned str, i32 expected"),
    ("i32", None, TypeError, "host function env.f returned NoneType, i32 expected"),
    ("i32", 1.5, TypeError, "host function env.f returned float, i32 expected"),
    ("f64", "1", TypeError, "host function env.f returned str, f64 expected"),
    ("i32", 2**32, OverflowError, "host function env.f returned a value out of range for i32"),
    ("i64", -(2**64), OverflowError, "out of range for i64"),
    ("i32 i32", 1, TypeError, "host function env.f returned int, 2 results expected"),
    ("i32 i32", (1,), TypeError, "host function env.f returned 1 results, 2 expected"),
    ("i32 i32", (1, 2, 3), TypeError, "host function env.f returned 3 results, 2 expected"),
    ("i32 f64", (1, ()), TypeError, "host function env.f returned tuple, f64 expected"),
])  # fmt: skip
def test_refused_results(results: Any, returned: Any, kind: Any, message: Any) -> None:
    with pytest.raises(kind, match=message):
        through(lambda: returned, "", results).exports.f()


def test_many_parameters() -> None:
    kinds = "i32 " * 40
    assert through(lambda *args: args[::-1], kinds, kinds).exports.f(*range(40)) == tuple(reversed(range(40)))


class Own(BaseException):
    pass


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, MemoryError, Own, StopIteration])
def test_exceptions_pass_unchanged(kind: Any) -> None:
    error = kind("mine")

    def f() -> Any:
        raise error

    instance = through(f)
    with pytest.raises(kind) as caught:
        instance.exports.f()
    assert caught.value is error
    with pytest.raises(kind):
        instance.exports.f()


def test_nesting() -> None:
    def down(n: Any) -> Any:
        return 0 if n == 0 else instance.exports.f(n - 1) + 1

    instance = through(down, "i32", "i32")
    assert instance.exports.f(50) == 50


def test_trap_in_a_nested_call_is_caught_in_between() -> None:
    trap = wasmjit.Instance(wasmjit.Module('(module (func (export "trap") unreachable))')).exports.trap

    def f() -> Any:
        with pytest.raises(wasmjit.Unreachable):
            trap()
        return 7

    assert through(f, "", "i32").exports.f() == 7


def test_endless_nesting_ends() -> None:
    def down() -> Any:
        instance.exports.f()

    instance = through(down)
    with pytest.raises(RecursionError):
        instance.exports.f()
    assert instance.exports.memory.nbytes == 65536


def test_pass_instance() -> None:
    seen: list[Any] = []

    @wasmjit.pass_instance
    def f(instance: Any, a: Any) -> Any:
        assert instance.exports.memory.nbytes == 65536
        seen.append(instance)
        return a + 1

    instance = through(f, "i32", "i32")
    assert instance.exports.f(1) == 2
    assert seen == [instance]
    assert through(HostFunc(lambda i, a: a, pass_instance=True), "i32", "i32").exports.f(9) == 9


def test_caller() -> None:
    seen: list[Any] = []

    def f() -> None:
        seen.append(wasmjit.caller())

    instance = through(f)
    instance.exports.f()
    assert seen == [instance]
    with pytest.raises(RuntimeError, match="host function"):
        wasmjit.caller()


def test_caller_after_a_nested_call() -> None:
    seen: list[Any] = []
    inner = through(lambda: seen.append(wasmjit.caller()))

    def f() -> None:
        inner.exports.f()
        seen.append(wasmjit.caller())

    outer = through(f)
    outer.exports.f()
    assert seen == [inner, outer]


def test_caller_whose_instance_object_is_gone() -> None:
    seen: list[Any] = []
    func = through(lambda: seen.append(wasmjit.caller())).exports.f
    gc.collect()
    func()
    assert seen[0].exports.memory.nbytes == 65536


def test_host_func_has_its_type() -> None:
    host = HostFunc(lambda a: a + 1, FuncType(["i32"], ["i32"]))
    assert through(host, "i32", "i32").exports.f(1) == 2
    assert host(5) == 6
    with pytest.raises(wasmjit.LinkError):
        through(host, "i64", "i32")
    with pytest.raises(TypeError, match="callable"):
        HostFunc(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown value type 'int'"):
        HostFunc(print, FuncType(["int"])).address()


def test_functions_link_without_python() -> None:
    """A Func given as an import is called directly: no conversion happens."""
    first = wasmjit.Instance(wasmjit.Module('(module (func (export "f") (param f64) (result f64) local.get 0))'))
    second = through(first.exports.f, "f64", "f64")
    assert second.exports.f.call_raw(0x7FF0000000000001) == 0x7FF0000000000001


def test_the_callable_may_go_while_it_runs() -> None:
    class F:
        def __call__(self) -> Any:
            namespace.clear()
            instances.clear()
            gc.collect()
            return 5

    namespace = {"env": {"f": F()}}
    instances = [through(namespace["env"]["f"], "", "i32")]
    assert instances[0].exports.f() == 5


def test_cycle_through_a_host_function_is_collected() -> None:
    class Holder:
        instance: Any

        def f(self) -> Any:
            return 1

    holder = Holder()
    holder.instance = through(holder.f, "", "i32")
    assert holder.instance.exports.f() == 1
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None


def test_the_gil_is_back_in_host_functions() -> None:
    """Long wasm releases the GIL; a host call takes it again."""
    text = """(module (import "env" "f" (func $f (param i32)))
      (func (export "f") (param i32) (local i32)
        (loop $outer
          (local.set 1 (i32.const 300000))
          (loop $inner (br_if $inner (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
          (call $f (local.get 0))
          (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"""
    seen: list[Any] = []
    running = True

    def busy() -> None:
        while running:
            pass

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        wasmjit.Instance(wasmjit.Module(text), {"env": {"f": seen.append}}).exports.f(20)
    finally:
        running = False
        thread.join()
    assert seen == list(range(20, 0, -1))
