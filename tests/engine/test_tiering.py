"""From the first sample to optimized code, in each way of compiling; what happens when that fails."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import wasmjit
from tests.engine.conftest import TEXT, eventually
from wasmjit import _tiering
from wasmjit._config import COMPILES
from wasmjit._image import native
from wasmjit.profiler import events
from wasmjit.runtime.codes import PHASE_COLD, PHASE_COMPILED, PHASE_REFUSED
from wasmjit.tiers import compiling, policy

N = native()
WARM = {"warm": 2, "window": 2}


def make(tier: str = "auto", **settings: Any) -> wasmjit.Instance:
    config = wasmjit.Config(tier, cache=False, **settings)
    return wasmjit.Instance(wasmjit.Module(TEXT, config=config))


def phase(instance: wasmjit.Instance, name: str) -> int:
    return int(N.function_state(instance.module.address, instance.exports[name].index)[2])


@pytest.fixture
def told() -> Iterator[list[events.Event]]:
    """Events of the test."""
    found: list[events.Event] = []
    events.subscribe(found.append)
    yield found
    events.unsubscribe(found.append)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., bytes]], None]:
    """Replace what compiles in this process."""

    def replace(fake: Callable[..., bytes]) -> None:
        monkeypatch.setattr(compiling, "compile_here", fake)

    return replace


FIB = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55]


def checksum(n: int) -> int:
    total = 0
    for i in range(n):
        total = (total * 31 ^ i) & 0xFFFFFFFF
    return total - (total >> 31 << 32)


@pytest.mark.parametrize("compile", COMPILES)
def test_cold_to_hot(compile: str, told: list[events.Event]) -> None:
    instance = make(compile=compile, thresholds=WARM)
    exports = instance.exports
    assert exports.fib.tier == "interp"

    def hot() -> bool:
        assert exports.fib(15) == 610
        return bool(exports.fib.tier == "opt")

    assert eventually(hot)
    assert [exports.fib(n) for n in range(11)] == FIB

    def kinds() -> list[str]:
        return [event.kind for event in told if event.function == 0 and event.mod == instance.module.address]

    assert eventually(lambda: "install" in kinds())  # told after it is done
    assert kinds()[:2] == ["begin", "end"]


@pytest.mark.parametrize("compile", COMPILES)
def test_a_loop_is_left_and_entered_while_it_runs(compile: str) -> None:
    instance = make(compile=compile, thresholds=WARM)
    assert eventually(lambda: instance.exports.loop(300_000) == checksum(300_000) and instance.exports.loop.tier == "opt")
    assert instance.exports.loop(1000) == checksum(1000)


NESTED = """(module (import "host" "look" (func $look))
  (func (export "run") (param $n i32) (result i32) (local $sum i32)
    (if (i32.gt_u (local.get $n) (i32.const 1000)) (then (call $look)))
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))"""


def test_what_is_called_often_gets_a_body_and_frames_that_stay_in_its_loop_an_entry_there(told: list[events.Event]) -> None:
    config = wasmjit.Config(cache=False, compile="sync", thresholds=WARM)
    module = wasmjit.Module(NESTED, config=config)
    installed: list[list[bool]] = []

    def places() -> list[bool]:
        return [event.pc is not None for event in told if event.kind == "install" and event.mod == module.address]

    def look() -> None:
        while run.tier != "opt":
            assert run(100) == 5050
        installed.append(places())

    run = wasmjit.Instance(module, {"host": {"look": look}}).exports.run
    n = 5_000_000
    assert run(n) % (1 << 32) == n * (n + 1) // 2 % (1 << 32)
    assert installed == [[False]] and places() == [False, True]


def test_interpreted_modules_stay_so() -> None:
    instance = make("interp")
    instance.exports.loop(2_000_000)
    assert instance.exports.loop.tier == "interp" and phase(instance, "loop") == PHASE_COLD


def test_everything_is_compiled_before_it_runs() -> None:
    instance = make("opt")
    assert instance.exports.fib.tier == "interp"
    assert instance.exports.fib(10) == 55
    assert instance.exports.fib.tier == instance.exports.loop.tier == "opt"


def refusing(*_: object) -> bytes:
    raise compiling.Refusal("not today")


def raising(*_: object) -> bytes:
    raise ZeroDivisionError("in the compiler")


def junk(*_: object) -> bytes:
    return b"no unit at all"


@pytest.mark.parametrize(("fake", "reason"), [(refusing, "not today"), (raising, "ZeroDivisionError"), (junk, "could not be installed")])
@pytest.mark.parametrize(("tier", "compile"), [("auto", "sync"), ("auto", "background"), ("opt", "sync")])
def test_what_cannot_be_compiled_stays_interpreted(
    fake: Callable[..., bytes],
    reason: str,
    tier: str,
    compile: str,
    compiled: Callable[[Callable[..., bytes]], None],
    told: list[events.Event],
) -> None:
    compiled(fake)
    instance = make(tier, compile=compile, thresholds=WARM)
    exports = instance.exports
    assert eventually(lambda: exports.fib(15) == 610 and phase(instance, "fib") == PHASE_REFUSED)
    assert exports.fib.tier == "interp"
    refused = [event for event in told if event.kind == "refuse" and event.mod == instance.module.address]
    assert refused and all(reason in str(event.reason) for event in refused)
    before = len(refused)
    for _ in range(50):
        exports.fib(15)
    assert (
        len([event for event in told if event.kind == "refuse" and event.mod == instance.module.address and event.function == 0]) <= before
    )


def test_ctrl_c_while_the_running_thread_compiles(compiled: Callable[[Callable[..., bytes]], None]) -> None:
    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    compiled(interrupted)
    instance = make(compile="sync", thresholds=WARM)
    with pytest.raises(KeyboardInterrupt):
        for _ in range(1000):
            instance.exports.fib(15)
    assert phase(instance, "fib") == PHASE_COLD
    compiled(refusing)
    assert eventually(lambda: instance.exports.fib(15) == 610 and phase(instance, "fib") == PHASE_REFUSED)


def test_without_a_compiler_it_is_said_once(monkeypatch: pytest.MonkeyPatch, told: list[events.Event]) -> None:
    monkeypatch.setattr(compiling, "available", lambda: "llvmlite is missing: pip install llvmlite")
    monkeypatch.setattr(_tiering.engine(), "compiler", compiling.Compiler())
    instance = make(compile="sync", thresholds=WARM)
    with pytest.warns(RuntimeWarning, match="pip install llvmlite") as warned:
        assert eventually(lambda: instance.exports.fib(15) == 610 and phase(instance, "fib") == PHASE_REFUSED)
        assert eventually(lambda: instance.exports.loop(100_000) != 0 and phase(instance, "loop") == PHASE_REFUSED)
    assert len(warned) == 1
    assert [event.kind for event in told if event.mod == instance.module.address].count("refuse") >= 2
    with pytest.raises(ImportError, match="pip install llvmlite"):
        make("opt")


def test_a_module_may_die_while_it_is_compiled(compiled: Callable[[Callable[..., bytes]], None]) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slow(*_: object) -> bytes:
        inside.set()
        leave.wait(30)
        raise compiling.Refusal("too late")

    compiled(slow)
    instances = [make(compile="background", thresholds=WARM)]
    assert eventually(lambda: instances[0].exports.fib(15) == 610 and inside.is_set())
    gone = weakref.ref(instances.pop().module)
    leave.set()
    assert eventually(lambda: gc.collect() >= 0 and gone() is None)


def test_modules_that_were_compiled_die() -> None:
    for compile in ("sync", "background"):
        instance = make(compile=compile, thresholds=WARM)
        assert eventually(lambda made=instance: made.exports.fib(15) == 610 and phase(made, "fib") == PHASE_COMPILED)  # type: ignore[misc]
        gone = weakref.ref(instance.module)
        address = instance.module.address
        del instance
        assert eventually(lambda gone=gone: gc.collect() >= 0 and gone() is None)  # type: ignore[misc]
        assert address not in _tiering.engine()._states


def test_a_function_that_is_given_up_again_and_again_is_refused(told: list[events.Event]) -> None:
    """Stress forces exits; each round of so many gives a unit up."""
    instance = make(compile="sync", stress="deopt-every-guard", thresholds={**WARM, "exits": 3})
    assert eventually(lambda: instance.exports.fib(15) == 610 and phase(instance, "fib") == PHASE_REFUSED, 100)
    reasons = [event.reason for event in told if event.kind == "refuse" and event.mod == instance.module.address]
    assert reasons and f"{policy.REFUSE_AFTER} pieces of code" in str(reasons[-1])
    assert instance.exports.fib(15) == 610


def test_threads_ask_at_once() -> None:
    for compile in ("sync", "background"):
        instances = [make(compile=compile, thresholds=WARM) for _ in range(4)]
        threads = [threading.Thread(target=lambda made=made: [made.exports.fib(15) for _ in range(50)]) for made in instances]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert eventually(lambda made=instances: all(one.exports.fib(15) == 610 and one.exports.fib.tier == "opt" for one in made))  # type: ignore[misc]


def test_compiling_ahead() -> None:
    instance = make()
    seen: list[tuple[int, int]] = []
    assert instance.module.compile(progress=lambda done, total: seen.append((done, total))) == 2
    assert seen[-1] == (2, 2)
    assert instance.exports.fib.tier == instance.exports.loop.tier == "opt"
    assert instance.exports.fib(10) == 55 and instance.exports.loop(100) == checksum(100)
    other = make()
    assert other.module.compile([1]) == 1
    assert (other.exports.fib.tier, other.exports.loop.tier) == ("interp", "opt")
    with pytest.raises(IndexError):
        other.module.compile([2])
    with pytest.raises(ValueError):
        other.module.compile(level=3)
    assert make("interp").module.compile() == 0


def test_compiling_ahead_what_a_profile_says() -> None:
    measured = make("interp")
    measured.exports.loop(1_000_000)
    profile = measured.module.profile()
    instance = make()
    assert instance.module.compile(profile=profile, level=0) == 1
    assert (instance.exports.fib.tier, instance.exports.loop.tier) == ("interp", "opt")


def test_compiling_ahead_in_batches_some_of_which_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "BATCH", 30)
    instance = make()
    assert instance.module.compile() == 2  # two batches: worker processes
    assert instance.exports.fib(10) == 55 and instance.exports.loop(100) == checksum(100)
    monkeypatch.setattr(policy, "BATCH", 4096)
    here = compiling.compile_here

    def one_fails(request: Any) -> bytes:
        if (0, 0) in request.entries:
            raise compiling.Refusal("that one")
        return here(request)

    monkeypatch.setattr(compiling, "compile_here", one_fails)
    instance = make(compile="sync")
    assert instance.module.compile() == 1
    assert (phase(instance, "fib"), phase(instance, "loop")) == (PHASE_REFUSED, PHASE_COMPILED)


def test_listings() -> None:
    exports = make("opt").exports
    assert "call" in exports.fib.slot_code()
    assert "define" in exports.fib.llvm_ir() and "define" in exports.fib.llvm_ir(optimized=False, level=0)
    assert ".loc" in exports.loop.asm()
