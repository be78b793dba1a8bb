"""Memory stays flat over many calls, objects and errors."""

import sys
from typing import Any

import pytest

import wasmjit
from wasmjit._image import native

N = native()
MEBIBYTE = 1 << 20

TEXT = """(module (import "env" "f" (func $f (param i64) (result i64)))
  (func (export "f") (param i64) (result i64) local.get 0 call $f)
  (func (export "same") (param i64) (result i64) local.get 0)
  (func (export "pair") (param i64) (result i64 i64) local.get 0 local.get 0)
  (func (export "trap") unreachable))"""


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def flat(action: Any, count: Any) -> None:
    """Run the action often; fail when memory grows after the first tenth."""
    for _ in range(count // 10):
        action()
    before = resident()
    for _ in range(count):
        action()
    assert resident() - before < MEBIBYTE


@pytest.fixture
def exports() -> Any:
    return wasmjit.Instance(wasmjit.Module(TEXT), {"env": {"f": lambda a: a + 1}}).exports


def test_funcs(exports: Any) -> None:
    func = exports.same
    ref, owner = N.func_ref(func), N.func_owner(func)
    counts = sys.getrefcount(owner), sys.getrefcount(wasmjit.Func)
    flat(lambda: N.func_new(ref, owner), 1_000_000)
    assert (sys.getrefcount(owner), sys.getrefcount(wasmjit.Func)) == counts


def test_calls(exports: Any) -> None:
    same, pair, f = exports.same, exports.pair, exports.f
    flat(lambda: (same(1 << 40), pair(1 << 50), f(1 << 45)), 300_000)


def test_refused_arguments(exports: Any) -> None:
    def refused() -> None:
        for bad in ("text", 1 << 70):
            try:
                exports.same(bad)
            except (TypeError, OverflowError):
                pass

    flat(refused, 30_000)


def test_traps(exports: Any) -> None:
    def trap() -> None:
        try:
            exports.trap()
        except wasmjit.Unreachable:
            pass

    flat(trap, 30_000)


def test_errors_of_host_functions() -> None:
    def fail(value: Any) -> None:
        raise ValueError(value)

    def call() -> None:
        for f in funcs:
            try:
                f(1 << 40)
            except (ValueError, TypeError):
                pass

    module = wasmjit.Module(TEXT)
    funcs = [wasmjit.Instance(module, {"env": {"f": f}}).exports.f for f in (fail, str, lambda a: None)]
    count = sys.getrefcount(fail)
    flat(call, 20_000)
    assert sys.getrefcount(fail) == count


def test_host_functions(exports: Any) -> None:
    def make() -> None:
        wasmjit.HostFunc(len, wasmjit.FuncType(["externref"], ["i32"])).address()

    flat(make, 50_000)
