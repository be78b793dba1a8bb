"""Flattening: layout, what is left to the loader, every reference, clear refusals."""

import struct

import pytest

from tests.native import sample
from wasmjit.native.emit import emit
from wasmjit.native.flatten import Flat, flatten
from wasmjit.native.relocate import MACHINES, FlattenError
from wasmjit.native.target import Target

X86_64 = Target("x86_64-unknown-linux-gnu", "x86-64-v2")
AARCH64 = Target("aarch64-unknown-linux-gnu", "generic")
TARGETS = pytest.mark.parametrize("target", [X86_64, AARCH64], ids=lambda target: target.machine)


def flat(ir: str, target: Target = X86_64, head: int = 0) -> Flat:
    return flatten(emit(ir, target), head=head)


def word(image: Flat, at: int) -> int:
    return int(struct.unpack_from("<Q", image.blob, at)[0])


@TARGETS
def test_parts_are_page_aligned_and_in_order(target: Target) -> None:
    image = flat(sample.IR, target, head=4096)
    page = image.machine.page
    assert image.blob[:4096] == bytes(4096)
    assert 4096 <= image.symbols["py_count"] < image.relro < image.data < len(image.blob)
    assert image.relro % page == image.data % page == len(image.blob) % page == 0
    assert image.relro <= image.symbols["places"] < image.data <= image.symbols["counter"]
    assert image.data <= image.symbols["zeroed"]


@TARGETS
def test_only_relro_is_left_to_the_loader(target: Target) -> None:
    image = flat(sample.IR, target)
    places = [*image.relocations, *(at for _, at in image.imports)]
    assert len(set(places)) == len(places)
    assert all(image.relro <= at < image.data for at in places)
    assert {name for name, _ in image.imports} == {
        "PyExc_ValueError", "PyErr_SetString", "PyLong_AsLong", "PyLong_FromLong", "PyLong_FromUnsignedLong", "strlen",
    }  # fmt: skip


@TARGETS
def test_addresses_in_constants(target: Target) -> None:
    image = flat(sample.IR, target)
    table = image.symbols["places"]
    assert word(image, table) == image.symbols["counter"]
    assert word(image, table + 8) == image.symbols["py_count"]
    assert {table, table + 8} <= set(image.relocations)
    assert ("strlen", table + 16) in image.imports


@TARGETS
def test_functions_have_sizes(target: Target) -> None:
    image = flat(sample.IR, target)
    assert image.functions["py_fail"].offset == image.symbols["py_fail"]
    assert 0 < image.functions["py_fail"].size < 200


@TARGETS
def test_a_local_function_needs_no_table_entry(target: Target) -> None:
    image = flat("define i32 @f() noinline {\n ret i32 1\n}\ndefine i32 @g() {\n %x = call i32 @f()\n ret i32 %x\n}", target)
    assert not image.imports and not image.relocations


def test_loads_of_a_defined_symbol_are_relaxed() -> None:
    image = flat(
        'module asm ".globl inside"\nmodule asm "inside: mov inside@GOTPCREL(%rip), %rax"\nmodule asm "call *inside@GOTPCREL(%rip)"'
    )
    assert image.blob[:7] == b"\x48\x8d\x05" + struct.pack("<i", -7)  # lea
    assert image.blob[7:13] == b"\x67\xe8" + struct.pack("<i", -13)  # call
    assert not image.imports and not image.relocations


def test_a_stub_jumps_through_the_table() -> None:
    image = flat('module asm ".globl f"\nmodule asm "f: call outside"')
    (distance,) = struct.unpack_from("<i", image.blob, 1)
    stub = 5 + distance
    assert image.blob[stub : stub + 2] == b"\xff\x25"
    (distance,) = struct.unpack_from("<i", image.blob, stub + 2)
    assert image.imports == [("outside", stub + 6 + distance)]


@TARGETS
def test_objects_refer_to_each_other(target: Target) -> None:
    first = "declare i32 @g()\n@x = hidden global i32 1\ndefine i32 @f() {\n %r = call i32 @g()\n ret i32 %r\n}"
    second = "@x = external hidden global i32\ndeclare i32 @f()\ndefine i32 @g() {\n %r = load i32, ptr @x\n ret i32 %r\n}"
    image = flatten([emit(first, target), emit(second, target)])
    assert {"f", "g", "x"} <= set(image.symbols)
    assert not image.imports and not image.relocations
    with pytest.raises(FlattenError, match="f: defined twice"):
        flatten([emit(first, target), emit(first, target)])


def test_objects_for_two_machines() -> None:
    with pytest.raises(FlattenError, match="different machines"):
        flatten([emit("@x = global i32 1", X86_64), emit("@x = global i32 1", AARCH64)])


def test_aarch64_page_references() -> None:
    image = flat("@x = hidden global i64 7\ndefine i64 @f() {\n %v = load i64, ptr @x\n ret i64 %v\n}", AARCH64)
    at = image.symbols["f"]
    adrp, load = struct.unpack_from("<II", image.blob, at)
    pages = (adrp >> 29 & 3) | (adrp >> 5 & 0x7FFFF) << 2
    assert (at & ~0xFFF) + (pages << 12) + (load >> 10 & 0xFFF) * 8 == image.symbols["x"]


@pytest.mark.parametrize(
    ("ir", "message"),
    [
        ("@x = thread_local global i64 1", "thread-local"),
        (f"@x = hidden global [{2 << 20} x i8] zeroinitializer", "zeroed variables"),
        ('module asm ".globl f"\nmodule asm "f: lea outside(%rip), %rax"', "outside: an outside symbol is reached neither"),
        ('module asm "mov $outside, %eax"', "relocation type 10"),
        ('module asm ".quad outside"', "read-only data"),
        ('module asm ".data"\nmodule asm ".quad outside + 8"', "inside the outside symbol outside"),
        ('module asm ".data"\nmodule asm ".byte 1"\nmodule asm ".quad outside"', "unaligned"),
        ('module asm ".comm x, 8"\nmodule asm "lea x(%rip), %rax"', "special section"),
        ('@x = global ptr @f, section ".init_array"\ndefine void @f() {\n ret void\n}', "init_array"),
    ],
)
def test_what_cannot_be_flattened(ir: str, message: str) -> None:
    with pytest.raises(FlattenError, match=message):
        flat(ir)


@pytest.mark.parametrize("data", [b"", b"\x7fELF\x01\x01" + bytes(60), b"MZ" + bytes(100)])
def test_no_object(data: bytes) -> None:
    with pytest.raises(FlattenError, match="ELF64"):
        flatten(data)


def test_out_of_reach() -> None:
    with pytest.raises(OverflowError):
        MACHINES[183].patch(bytearray(8), 0, 283, 1 << 28, 0)
    with pytest.raises(struct.error):
        MACHINES[62].patch(bytearray(8), 0, 4, 1 << 31, 0)
