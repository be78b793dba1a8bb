"""Which instructions access memory, as LLVM encodes them."""

import platform

import pytest

from wasmjit.native.elf import SHF_EXECINSTR, Object
from wasmjit.native.target import Target
from wasmjit.tiers.optimizer.accesses import accesses
from wasmjit.tiers.optimizer.target import object_code

X86_64 = Target("x86_64-unknown-linux-gnu", "x86-64-v4", "+avx512bw,+avx512vl")
AARCH64 = 183  # ELF's number; llvmlite has no assembler for it
MEMORY = (
    "movl (%rax), %ecx",
    "movl 8(%r12), %ecx",
    "movl 8(%r13), %ecx",
    "movl (%r15,%rax), %ecx",
    "movl 1000(%rbp,%rax), %ecx",
    "movzbl 100(%r15,%rax), %ecx",
    "movswq (%r15,%r8), %r9",
    "movslq (%rdi), %rax",
    "movbel (%rdi), %eax",
    "movb %cl, (%r15,%rax)",
    "movw %cx, (%rdi)",
    "movl $7, (%rdi)",
    "addl $7, 100(%rdi,%rax,4)",
    "addq (%rdi), %rax",
    "cmpb $0, (%rdi)",
    "testb $1, (%rdi)",
    "imull $10, (%rdi), %eax",
    "negl (%rdi)",
    "shll $3, (%rdi)",
    "incl (%rdi)",
    "lock xaddl %eax, (%rdi)",
    "movsd (%rdi), %xmm0",
    "addsd (%r8), %xmm0",
    "pextrb $1, %xmm0, (%rdi)",
    "vmovss 8(%r15,%rax), %xmm0",
    "vaddsd (%r13), %xmm9, %xmm0",
    "vmovsd (%r8,%r9), %xmm0",
    "vpmovzxbd (%r12), %ymm0",
    "vmovdqu64 (%r13), %zmm0",
    "vaddps (%rdi){1to16}, %zmm1, %zmm2",
    "vroundsd $1, (%rdi), %xmm1, %xmm2",
    "callq *(%rax)",
)
NONE = (
    "movl %eax, %ecx",
    "movswq %ax, %rcx",
    "movslq %eax, %rcx",
    "movsbl %r12b, %eax",
    "movl $7, %eax",
    "movabsq $4294970967, %rax",
    "leaq 8(%rax,%rcx), %rdx",
    "xorl %esi, %esi",
    "decl %eax",
    "bswapl %eax",
    "cltq",
    "cqto",
    "pushq %r15",
    "retq",
    "ud2",
    "jmp 1f\n1:",
    "je 1f\n.skip 300, 0x90\n1:",
    "callq 1f\n1:",
    "callq *%rax",
    "movl 8(%rsp), %eax",
    "movl -36(%rbp), %eax",
    "vmovss -36(%rbp), %xmm0",
    "vmovsd 8(%rsp), %xmm9",
    "vmovups 64(%rsp), %zmm20",
    "vmovss 100(%rip), %xmm0",
    "vaddsd %xmm8, %xmm9, %xmm10",
    "vzeroupper",
    "vcvtsi2ss %r12d, %xmm15, %xmm0",
    "lzcntl %eax, %ecx",
)

AARCH64_MEMORY = (
    (0xB9400020, "ldr w0, [x1]"),
    (0x38626820, "ldrb w0, [x1, x2]"),
    (0x7980C820, "ldrsh x0, [x1, #100]"),
    (0xF85FF020, "ldur x0, [x1, #-1]"),
    (0xFC624820, "ldr d0, [x1, w2, uxtw]"),
    (0x3D800020, "str q0, [x1]"),
    (0x78226820, "strh w0, [x1, x2]"),
    (0xA9400440, "ldp x0, x1, [x2]"),
)
AARCH64_NONE = (
    (0x8B020020, "add x0, x1, x2"),
    (0x93403C20, "sxth x0, w1"),
    (0xF94007E0, "ldr x0, [sp, #8]"),
    (0xB81FC3A0, "stur w0, [x29, #-4]"),
    (0x5C000000, "ldr d0, ."),
    (0x1E622820, "fadd d0, d1, d2"),
    (0x17FFFFFE, "b .-8"),
    (0xD28000E0, "mov x0, #7"),
)


def encoded(text: str) -> tuple[int, bytes]:
    """ELF's number of x86-64, and the code of assembly."""
    lines = "\n".join(f'module asm "{line}"' for line in (".text", ".globl f", "f:", *text.split("\n")))
    elf = Object(object_code(lines, X86_64, 0))
    (section,) = (elf.sections[i] for i in elf.kept() if elf.sections[i].flags & SHF_EXECINSTR and elf.sections[i].size)
    return elf.machine.elf, elf.data[section.offset : section.offset + section.size]


needs_assembler = pytest.mark.skipif(platform.machine() != "x86_64", reason="llvmlite assembles only for the machine that it runs on")


@needs_assembler
@pytest.mark.parametrize("text", MEMORY)
def test_access(text: str) -> None:
    machine, code = encoded(text)
    assert accesses(machine, code, 0)
    assert accesses(machine, b"\0\0\0\0" + code, 4)


@needs_assembler
@pytest.mark.parametrize("text", NONE)
def test_no_access(text: str) -> None:
    machine, code = encoded(text)
    assert not accesses(machine, code, 0)


@pytest.mark.parametrize("word", [word for word, _ in AARCH64_MEMORY], ids=[text for _, text in AARCH64_MEMORY])
def test_access_of_aarch64(word: int) -> None:
    assert accesses(AARCH64, bytes(4) + word.to_bytes(4, "little"), 4)


@pytest.mark.parametrize("word", [word for word, _ in AARCH64_NONE], ids=[text for _, text in AARCH64_NONE])
def test_no_access_of_aarch64(word: int) -> None:
    assert not accesses(AARCH64, bytes(4) + word.to_bytes(4, "little"), 4)


@needs_assembler
def test_code_that_ends_within_an_instruction() -> None:
    machine, code = encoded("vaddsd 1000(%r13), %xmm9, %xmm0")
    for length in range(len(code)):
        assert accesses(machine, code[:length], 0) in (True, False)
    assert accesses(machine, b"\x66" * 20, 0) in (True, False)


def test_of_a_machine_that_is_not_known_every_instruction_may() -> None:
    assert accesses(0, b"\xc3", 0)
