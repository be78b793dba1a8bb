"""The processor's signature and the baseline images it may run."""

import os

import pytest

from wasmjit.native import processor
from wasmjit.native.emit import emit, host_target
from wasmjit.native.flatten import flatten
from wasmjit.native.target import Target

IDENTIFY = """
    push %rbx
    mov %rdi, %r8
    mov $1, %eax
    xor %ecx, %ecx
    cpuid
    mov %eax, (%r8)
    mov %ecx, 4(%r8)
    mov %edx, 8(%r8)
    mov %ecx, %r9d
    mov $7, %eax
    xor %ecx, %ecx
    cpuid
    mov %ebx, 12(%r8)
    mov %ecx, 16(%r8)
    mov %edx, 20(%r8)
    mov $7, %eax
    mov $1, %ecx
    cpuid
    mov %eax, 24(%r8)
    mov %edx, 28(%r8)
    mov $0x80000001, %eax
    cpuid
    mov %ecx, 32(%r8)
    xor %eax, %eax
    bt $27, %r9d
    jnc 1f
    xor %ecx, %ecx
    xgetbv
    1: mov %eax, 36(%r8)
    pop %rbx
    ret
"""
only_x86_64 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="reads x86-64 words")


def test_the_bytes_are_this_assembly() -> None:
    lines = [".globl identify", "identify:", *(line.strip() for line in IDENTIFY.strip().splitlines())]
    ir = "".join(f'module asm "{line}"\n' for line in lines)
    blob = flatten(emit(ir, Target("x86_64-unknown-linux-gnu", "x86-64"))).blob
    code = processor._IDENTIFY_X86_64
    assert blob[: len(code)] == code and code.endswith(b"\xc3")


def test_features_do_not_change() -> None:
    assert processor.features() == processor.features()


@only_x86_64
def test_levels_agree_with_llvm() -> None:
    found = processor.levels(processor.features())
    assert ("x86_64-v3" in found) == ("+avx2" in host_target().features.split(","))
    assert ("x86_64-v2" in found) == ("+sse4.2" in host_target().features.split(","))


@only_x86_64
@pytest.mark.parametrize("index", [1, 3, 8, 9])
def test_a_missing_feature_lowers_the_level(index: int) -> None:
    best = [0, 0xFFFFFFFF, 0, 0xFFFFFFFF, 0, 0, 0, 0, 0xFFFFFFFF, 6]
    assert processor.levels(best) == ["x86_64-v3", "x86_64-v2"]
    best[index] = 0
    assert processor.levels(best) == ([] if index == 1 else ["x86_64-v2"])
    assert processor.levels([]) == []
