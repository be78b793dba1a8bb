"""Limits(stack=, instances=) and timeout= through the public API."""

import pickle
import threading
import time

import pytest

import wasmjit
from tests.api.conftest import Make, maker

DEEP = """
    (func $f (export "deep") (param i32) (result i32)
      (if (result i32) (local.get 0)
        (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)))))
        (else (i32.const 0))))"""
CALLS = f"""(import "m" "call" (func $call (param i32) (result i32))) {DEEP}
    (func (export "out") (param i32) (result i32) (call $call (local.get 0)))"""
LOOP = "(loop $l (br $l))"


@pytest.fixture(params=["interp", "opt"])
def make(request: pytest.FixtureRequest) -> Make:
    """How deep the same calls go depends on the tier."""
    return maker(request.param)


def deepest(deep: wasmjit.Func) -> int:
    """The largest argument that does not overflow."""
    low, high = 0, 1 << 26
    while high - low > 1:
        middle = (low + high) // 2
        try:
            low = deep(middle)
        except wasmjit.StackOverflow:
            high = middle
    return low


def test_the_stack_is_limited(make: Make) -> None:
    free = make(DEEP).exports.deep
    small = make(DEEP, limits=wasmjit.Limits(stack=100_000)).exports.deep
    half = make(DEEP, limits=wasmjit.Limits(stack=50_000)).exports.deep
    assert 500 < deepest(half) < deepest(small) < deepest(free)
    assert abs(deepest(small) - 2 * deepest(half)) < deepest(half) // 100
    assert free(deepest(free)) == deepest(free)  # other stores have what they had


def test_a_larger_stack(make_interpreted: Make) -> None:
    """Optimized code has the thread's own."""
    make = make_interpreted
    before = deepest(make(DEEP).exports.deep)
    found: list[int] = []
    program = lambda: found.append(deepest(make(DEEP, limits=wasmjit.Limits(stack=32 << 20)).exports.deep))  # noqa: E731
    thread = threading.Thread(target=program)  # the stacks of the thread that made it are replaced
    thread.start()
    thread.join()
    assert found[0] > 3 * before


@pytest.mark.parametrize("stack", [0, 1, 8])
def test_hardly_any_stack(make: Make, stack: int) -> None:
    exports = make(DEEP, limits=wasmjit.Limits(stack=stack)).exports
    for _ in range(3):
        with pytest.raises(wasmjit.StackOverflow):
            exports.deep(20)


@pytest.mark.parametrize("stack", [0, 1, 8])
def test_arguments_are_interpreted_code_s_frame(make_interpreted: Make, stack: int) -> None:
    """Optimized code that calls nothing takes next to nothing, and does not look."""
    text = '(func (export "id") (param i64 i64 i64) (result i64) (local.get 2))'
    exports = make_interpreted(text, limits=wasmjit.Limits(stack=stack)).exports
    for _ in range(3):
        with pytest.raises(wasmjit.StackOverflow):
            exports.id(1, 2, 3)


def test_the_limit_holds_from_the_outermost_call_on(make: Make) -> None:
    """Calls through Python do not begin anew; another store inside has a limit of its own, and what was comes back."""
    free = make(DEEP).exports.deep
    most = deepest(free)
    inner = make(DEEP, limits=wasmjit.Limits(stack=20_000)).exports.deep
    seen: list[int] = []

    def call(n: int) -> int:
        seen.append(deepest(inner))
        seen.append(deepest(outer.exports.deep))
        return n

    outer = make(CALLS, {"m": {"call": call}}, limits=wasmjit.Limits(stack=100_000))
    assert outer.exports.out(5) == 5
    alone = deepest(inner), deepest(outer.exports.deep)
    assert seen[0] == alone[0] and alone[1] * 0.9 < seen[1] < alone[1]  # what Python takes counts on the native stack
    assert deepest(free) == most


def test_linked_instances_share_the_smallest_limit(make: Make) -> None:
    large = make(DEEP, limits=wasmjit.Limits(stack=200_000))
    small = make(CALLS, {"m": {"call": large.exports.deep}}, limits=wasmjit.Limits(stack=50_000))
    alone = make(DEEP, limits=wasmjit.Limits(stack=50_000))
    assert deepest(large.exports.deep) == deepest(small.exports.deep) == deepest(alone.exports.deep)
    with pytest.raises(wasmjit.StackOverflow):
        small.exports.out(50_000)


def test_stores_with_limits_join_from_inside(make: Make) -> None:
    free = make(DEEP).exports.deep
    most = deepest(free)
    other, alone = (make(DEEP, limits=wasmjit.Limits(stack=30_000)) for _ in range(2))

    def link(n: int) -> int:
        make(CALLS, {"m": {"call": other.exports.deep}})
        make('(import "a" "f" (func (param i32) (result i32))) (import "b" "f" (func (param i32) (result i32)))',
             {"a": {"f": other.exports.deep}, "b": {"f": outer.exports.deep}})  # fmt: skip
        return n

    outer = make(CALLS, {"m": {"call": link}}, limits=wasmjit.Limits(stack=60_000))
    assert outer.exports.out(3) == 3
    assert deepest(outer.exports.deep) == deepest(other.exports.deep) == deepest(alone.exports.deep)
    assert deepest(free) == most


def test_threads_wait_for_a_store_that_limits_its_stack(make: Make) -> None:
    """And for one that joins another store meanwhile."""
    other = make(DEEP)
    inside = threading.Event()

    def link(n: int) -> int:
        inside.set()
        time.sleep(0.05)
        make('(import "a" "f" (func (param i32) (result i32))) (import "b" "f" (func (param i32) (result i32)))',
             {"a": {"f": other.exports.deep}, "b": {"f": outer.exports.deep}})  # fmt: skip
        time.sleep(0.05)
        return n

    for limits in (None, wasmjit.Limits(stack=60_000)):
        outer = make(CALLS, {"m": {"call": link}}, limits=limits)
        inside.clear()
        thread = threading.Thread(target=outer.exports.out, args=(1,))
        thread.start()
        inside.wait(10)
        assert outer.exports.deep(100) == 100
        thread.join()
        assert outer.exports.deep(100) == 100 and other.exports.deep(100) == 100
        outer.close()  # nobody is inside


def test_instances_are_limited(make: Make) -> None:
    limits = wasmjit.Limits(instances=2)
    one = make(DEEP, limits=limits)
    two = make(CALLS, {"m": {"call": one.exports.deep}})
    with pytest.raises(wasmjit.OutOfMemory) as caught:
        make(CALLS, {"m": {"call": two.exports.deep}})
    assert "limited to 2" in caught.value.__notes__[0]
    assert make(DEEP, limits=limits).exports.deep(3) == 3  # not linked to the others
    with pytest.raises(MemoryError):
        make(DEEP, limits=wasmjit.Limits(instances=0))


def test_wrong_limits() -> None:
    for wrong in (-1, "1", 1.5):
        for name in ("stack", "instances"):
            with pytest.raises((TypeError, ValueError), match=name):
                wasmjit.Limits(**{name: wrong})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="stack"):
        wasmjit.Limits(stack=1 << 31)
    limits = wasmjit.Limits(stack=1 << 20, instances=3)
    assert repr(pickle.loads(pickle.dumps(limits))) == repr(limits)


@pytest.mark.parametrize("text", [f"(start 0) (func {LOOP})", f'(func (export "_initialize") {LOOP})'])
def test_what_starts_an_instance_is_under_its_timeout(make: Make, text: str) -> None:
    begin = time.monotonic()
    with pytest.raises(wasmjit.Timeout):
        make(text, timeout=0.05)
    assert 0.04 < time.monotonic() - begin < 5


def test_start_and_initialize_share_their_timeout(make: Make) -> None:
    text = '(import "m" "f" (func $f)) (start $s) (func $s (call $f)) (func (export "_initialize") (loop $l (br $l)))'
    begin = time.monotonic()
    with pytest.raises(wasmjit.Timeout):
        make(text, {"m": {"f": lambda: time.sleep(2)}}, timeout=3)
    assert time.monotonic() - begin < 4.9  # less than a timeout of its own after the 2 seconds


def test_wrong_timeouts(make: Make) -> None:
    for wrong in (-1, float("nan"), "soon"):
        with pytest.raises(ValueError):
            make(DEEP, timeout=wrong)
        with pytest.raises(ValueError):
            make(DEEP).exports.deep(1, timeout=wrong)
    assert make(DEEP, timeout=float("inf")).exports.deep(5, timeout=1e300) == 5
