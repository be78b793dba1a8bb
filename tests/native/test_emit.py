"""IR to objects: targets, and what a rejected text says."""

import pytest

from wasmjit.native.elf import Object
from wasmjit.native.emit import emit, host_target
from wasmjit.native.target import EmitError, Target

ADD = "define i32 @add(i32 %x) {\n  %y = add i32 %x, 1\n  ret i32 %y\n}"
AARCH64 = Target("aarch64-unknown-linux-gnu", "generic")


def test_object_defines_the_function() -> None:
    assert "add" in {symbol.name for symbol in Object(emit(ADD)).symbols}


def test_several_texts_become_one_object() -> None:
    names = {symbol.name for symbol in Object(emit([ADD, "declare i32 @add(i32)\n" + ADD.replace("@add", "@more")])).symbols}
    assert {"add", "more"} <= names


@pytest.mark.parametrize(("target", "machine"), [(Target("x86_64-unknown-linux-gnu", "x86-64-v2"), "x86_64"), (AARCH64, "aarch64")])
def test_cross_compilation(target: Target, machine: str) -> None:
    assert Object(emit(ADD, target)).machine.name == machine == target.machine


def test_host_has_a_processor() -> None:
    assert host_target().cpu and host_target().machine


def test_a_parse_error_shows_the_line_and_its_function() -> None:
    with pytest.raises(EmitError, match=r"(?s)in define i32 @add.*>\s+2   %y = add i64 %x, 1"):
        emit(ADD.replace("add i32", "add i64"))


def test_a_verifier_error_shows_the_instructions() -> None:
    ir = "define void @f(i32 %x) {\n  %z = add i32 %y, 1\n  %y = add i32 %x, 1\n  ret void\n}"
    with pytest.raises(EmitError, match=r"(?s)does not dominate.*>\s+2   %z = add i32 %y, 1"):
        emit(ir)


def test_only_what_is_entered_and_reached_stays() -> None:
    ir = """
module asm "trampoline: jmp from_assembly"
define void @py_entry() {
  call void @reached()
  ret void
}
define void @reached() noinline {
  call void asm sideeffect "nop", ""()
  ret void
}
define void @from_assembly() {
  ret void
}
define void @unreached() {
  ret void
}
"""
    names = {symbol.name for symbol in Object(emit(ir, entries=lambda name: name.startswith("py_"))).symbols}
    assert {"py_entry", "reached", "from_assembly"} <= names and "unreached" not in names


def test_a_symbol_defined_in_two_texts() -> None:
    with pytest.raises(EmitError, match="cannot link"):
        emit([ADD, ADD])


def test_an_unknown_target() -> None:
    with pytest.raises(EmitError, match="foo-bar"):
        emit(ADD, Target("foo-bar"))
