"""Python calls wasm: conversions, errors, keywords, and what a Func shows."""

import asyncio
import copy
import inspect
import math
import pickle
import struct
import sys
import threading
import time
import weakref
from typing import Any

import pytest

import wasmjit

IDENTITIES = "\n".join(f'(func (export "{t}") (param {t}) (result {t}) local.get 0)' for t in ("i32", "i64", "f32", "f64"))
KIT = f"""(module {IDENTITIES}
  (func (export "nothing"))
  (func $add (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "three") (param i32 i64 f64) (result f64)
    local.get 0 f64.convert_i32_s local.get 1 f64.convert_i64_s f64.add local.get 2 f64.add)
  (func (export "mixed") (param i32 f64 i64 f32 i32) (result f64) local.get 3 f64.promote_f32)
  (func (export "pair") (param i32) (result i32 i32) local.get 0 local.get 0 i32.const 1 i32.add)
  (func (export "numbers") (param i32 i64 f32 f64) (result f64 f32 i64 i32) local.get 3 local.get 2 local.get 1 local.get 0)
  (func (export "twenty") {"(param i32)" * 20} {"(result i32)" * 20} {" ".join(f"local.get {19 - i}" for i in range(20))})
  (func (export "spin") (loop (br 0)))
  (func (export "trap") unreachable)
  (func $deep (export "deep") (param i32) (result i32)
    (if (result i32) (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 7))))
)"""


@pytest.fixture(scope="module")
def kit() -> Any:
    return wasmjit.Instance(wasmjit.Module(KIT)).exports


class Index:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __index__(self) -> Any:
        return self.value


class Raising:
    def __index__(self) -> Any:
        raise KeyError("mine")

    __float__ = __index__


class Real:
    def __float__(self) -> Any:
        return 2.5


@pytest.mark.parametrize(
    ("given", "got"),
    [(0, 0), (-1, -1), (5, 5), (True, 1), (2**31 - 1, 2**31 - 1), (2**31, -(2**31)), (2**32 - 1, -1), (-(2**31), -(2**31)),
     (1 << 30, 1 << 30), (Index(77), 77), (Index(-1), -1)],
)  # fmt: skip
def test_i32(kit: Any, given: Any, got: Any) -> None:
    assert kit.i32(given) == got


@pytest.mark.parametrize(
    ("given", "got"),
    [(0, 0), (-1, -1), (2**30, 2**30), (-(2**30), -(2**30)), (2**59 + 3, 2**59 + 3), (-(2**59) - 3, -(2**59) - 3), (2**60, 2**60),
     (2**63 - 1, 2**63 - 1), (2**63, -(2**63)), (2**64 - 1, -1), (-(2**63), -(2**63)), (0x8BADF00DDEADBEEF, 0x8BADF00DDEADBEEF - 2**64),
     (False, 0), (Index(2**64 - 2), -2)],
)  # fmt: skip
def test_i64(kit: Any, given: Any, got: Any) -> None:
    assert kit.i64(given) == got


@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, -1.0, math.inf, -math.inf, 5e-324, 1e308])
def test_f64(kit: Any, value: Any) -> None:
    assert struct.pack("d", kit.f64(value)) == struct.pack("d", value)


def test_floats_from_other_numbers(kit: Any) -> None:
    assert kit.f64(3) == 3.0
    assert kit.f64(Real()) == 2.5
    assert kit.f64(Index(4)) == 4.0
    assert math.isnan(kit.f64(math.nan))


def test_f32_is_rounded(kit: Any) -> None:
    assert kit.f32(0.1) == struct.unpack("f", struct.pack("f", 0.1))[0]
    assert kit.f32(1e300) == math.inf
    assert kit.f32(-1) == -1.0


@pytest.mark.parametrize(
    ("name", "given", "kind", "message"),
    [
        ("i32", 2**32, OverflowError, r"i32\(\) argument 1 is out of range for i32"),
        ("i32", -(2**31) - 1, OverflowError, "out of range for i32"),
        ("i32", 10**40, OverflowError, "out of range for i32"),
        ("i64", 2**64, OverflowError, r"i64\(\) argument 1 is out of range for i64"),
        ("i64", -(2**63) - 1, OverflowError, "out of range for i64"),
        ("i32", 1.0, TypeError, r"i32\(\) argument 1 must be i32, not float"),
        ("i64", 1.0, TypeError, "must be i64, not float"),
        ("i64", None, TypeError, "must be i64, not NoneType"),
        ("i32", "1", TypeError, "must be i32, not str"),
        ("f64", "1", TypeError, "must be f64, not str"),
        ("f32", 1j, TypeError, "must be f32, not complex"),
        ("f64", 10**400, OverflowError, "too large"),
        ("i32", Raising(), KeyError, "mine"),
        ("i64", Raising(), KeyError, "mine"),
        ("f64", Raising(), KeyError, "mine"),
    ],
)
def test_refused_arguments(kit: Any, name: Any, given: Any, kind: Any, message: Any) -> None:
    with pytest.raises(kind, match=message):
        kit[name](given)


@pytest.mark.parametrize(("name", "given", "message"), [
    ("nothing", (1,), r"nothing\(\) takes 0 arguments \(1 given\)"),
    ("i32", (), r"i32\(\) takes 1 argument \(0 given\)"),
    ("add", (1,), r"add\(\) takes 2 arguments \(1 given\)"),
    ("twenty", (1,), r"twenty\(\) takes 20 arguments \(1 given\)"),
])  # fmt: skip
def test_wrong_number_of_arguments(kit: Any, name: Any, given: Any, message: Any) -> None:
    with pytest.raises(TypeError, match=message):
        kit[name](*given)


def test_results(kit: Any) -> None:
    assert kit.nothing() is None
    assert kit.three(1, 2, 0.5) == 3.5
    assert kit.mixed(1, 2.0, 3, 4.5, 5) == 4.5
    assert kit.pair(2**31 - 1) == (2**31 - 1, -(2**31))
    assert kit.numbers(1, 2, 3.5, 4.5) == (4.5, 3.5, 2, 1)
    assert kit.twenty(*range(20)) == tuple(reversed(range(20)))


def test_a_conversion_may_call_wasm(kit: Any) -> None:
    class Nested:
        def __index__(self) -> Any:
            assert kit.twenty(*range(100, 120))[0] == 119
            return 5

    assert kit.add(1000, Nested()) == 1005
    assert kit.twenty(*range(10), Nested(), *range(11, 20))[::-1] == (*range(10), 5, *range(11, 20))


def test_keywords(kit: Any) -> None:
    assert kit.add(1, 2, timeout=5) == 3
    assert kit.add(1, 2, timeout=None, fuel=None) == 3
    with pytest.raises(TypeError, match="unexpected keyword argument 'depth'"):
        kit.add(1, 2, depth=3)
    with pytest.raises(ValueError, match="fuel"):
        kit.add(1, 2, fuel=3)
    for bad in (-1, math.nan):
        with pytest.raises(ValueError, match="timeout"):
            kit.add(1, 2, timeout=bad)
    with pytest.raises(TypeError, match="takes 2 arguments"):
        kit.add(1, timeout=5)


def test_timeout(kit: Any) -> None:
    start = time.perf_counter()
    with pytest.raises(wasmjit.Timeout):
        kit.spin(timeout=0.05)
    assert time.perf_counter() - start < 5
    assert kit.add(1, 2) == 3


def test_traps_leave_everything_usable(kit: Any) -> None:
    for _ in range(100):
        with pytest.raises(wasmjit.Unreachable):
            kit.trap()
        with pytest.raises(wasmjit.StackOverflow):
            kit.deep(1 << 30)
    assert kit.deep(1000) == 7


def test_raw_bits(kit: Any) -> None:
    assert kit.i32.call_raw(-1) == 2**32 - 1
    assert kit.f64.call_raw(0x7FF0000000000001) == 0x7FF0000000000001
    assert kit.f32.call_raw(0x7FA00000) == 0x7FA00000
    assert kit.numbers.call_raw(1, 2**64 - 1, 3, 4) == (4, 3, 2**64 - 1, 1)
    assert kit.nothing.call_raw() is None
    with pytest.raises(TypeError, match="takes 1 argument"):
        kit.i32.call_raw()
    with pytest.raises(TypeError):
        kit.f64.call_raw(1.5)


def test_call_in_an_event_loop(kit: Any) -> None:
    assert asyncio.run(kit.add.acall(1, 2)) == 3
    with pytest.raises(wasmjit.Timeout):
        asyncio.run(kit.spin.acall(timeout=0.05))


def test_attributes(kit: Any) -> None:
    add = kit.add
    assert isinstance(add, wasmjit.Func) and callable(add)
    assert add.type == wasmjit.FuncType(["i32", "i32"], ["i32"])
    assert add.name == add.__name__ == "add"
    assert add.index == 5
    assert add.tier == "interp"
    assert str(inspect.signature(add)) == "(arg0: int, arg1: int, /, *, timeout=None, fuel=None) -> int"
    assert inspect.signature(kit.pair).return_annotation == tuple[int, int]
    assert "add (i32, i32) -> (i32)" in repr(add)
    add.note = "mine"
    assert add.note == "mine" and vars(add) == {"note": "mine"}
    with pytest.raises(AttributeError):
        add.type = 1  # type: ignore[misc, assignment]


def test_identity(kit: Any) -> None:
    again = kit.add
    assert again == kit["add"] and hash(again) == hash(kit["add"])
    assert again != kit.pair and again != 5
    assert copy.copy(again) is again and copy.deepcopy([again])[0] is again
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(again)
    with pytest.raises(TypeError, match="cannot create"):
        wasmjit.Func()
    with pytest.raises(TypeError):
        type("Sub", (wasmjit.Func,), {})


def test_a_func_keeps_its_instance_alive_and_nothing_more() -> None:
    func = wasmjit.Instance(wasmjit.Module(KIT)).exports.add
    assert func(1, 2) == 3
    gone = weakref.ref(func)
    del func
    assert gone() is None


def test_a_cycle_through_attributes_is_collected() -> None:
    import gc

    func = wasmjit.Instance(wasmjit.Module(KIT)).exports.add
    func.me = func
    gone = weakref.ref(func)
    del func
    gc.collect()
    assert gone() is None


def test_two_threads_take_turns(kit: Any) -> None:
    """The second waits without the GIL until the first has left the store."""
    order = []
    begun = threading.Event()

    def slow() -> None:
        begun.set()
        with pytest.raises(wasmjit.Timeout):
            kit.spin(timeout=0.2)
        order.append("slow")

    thread = threading.Thread(target=slow)
    thread.start()
    begun.wait()
    time.sleep(0.05)
    assert kit.add(1, 2) == 3
    order.append("quick")
    thread.join()
    assert sorted(order) == ["quick", "slow"]


def test_many_threads(kit: Any) -> None:
    failures = []

    def work(base: Any) -> None:
        for i in range(2000):
            if kit.add(base, i) != base + i or kit.pair(i) != (i, i + 1):
                failures.append((base, i))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(1000 * n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not failures
