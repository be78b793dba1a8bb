"""x86-64 Linux: System V convention; interpreter handlers are preserve_none (arguments in r12, r13, r14, r15, rdi, rsi)."""

from wasmjit.native.lang import offsetof, sizeof
from wasmjit.runtime.structs import Act, Code, Ec, FuncRef, Inst

REG_PC, REG_SP, REG_ARG0 = 168, 160, 104  # ucontext_t: rip, rsp, rdi
REG_SLOT_PC, REG_CSP = 72, 104  # r12, rdi
ENTRY_SP_BIAS = 8  # the return address
SYS_GETTID = 186

_FRAME = int(sizeof(Act)) + (8 if int(sizeof(Act)) % 16 == 0 else 0)  # six registers are pushed above it


def _at(struct: type, field: str, base: str) -> str:
    """Operand: a field of the struct that a register points to."""
    return f"{int(offsetof(struct, field))}(%{base})"


def assembler() -> str:
    """`enter` and `rt_throw`: see runtime.entry.

    The activation record stands where the stack pointer is during the call, so that throwing is: load ec.act, run the exit path.
    """

    def ec(field: str) -> str:
        return _at(Ec, field, "rdi")

    def act(field: str) -> str:
        return _at(Act, field, "rsp")

    saved = ("vs_top", "cs_top", "inst", "mem0", "pc")
    save = "\n".join(f"  movq {ec(field)}, %rax\n  movq %rax, {act(field)}" for field in saved)
    restore = "\n".join(f"  movq {act(field)}, %rcx\n  movq %rcx, {ec(field)}" for field in saved)
    return f"""
  .text
  .p2align 4
  .globl enter
  .hidden enter
  .type enter, @function
enter:
  pushq %rbp
  movq %rsp, %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  subq ${_FRAME}, %rsp
  cmpq {ec("stack_limit")}, %rsp
  jb .Lenter_overflow
{save}
  movq %rdi, {act("ec")}
  movq {ec("act")}, %rax
  movq %rax, {act("prev")}
  movq {ec("cs_top")}, %r8
  movq %r8, {act("cs_entry")}
  movq %rsp, {ec("act")}
  cmpq $0, {_at(FuncRef, "host", "rsi")}
  jne .Lenter_host
  movq {_at(FuncRef, "inst", "rsi")}, %rax
  movq {_at(FuncRef, "code", "rsi")}, %rsi
  movq %rax, {ec("inst")}
  movq {_at(Inst, "mem0", "rax")}, %rcx
  movq %rcx, {ec("mem0")}
  movq {_at(Inst, "mem", "rax")}, %rcx
  movq {_at(Code, "entry", "rsi")}, %rsi
  leaq sentinel_word(%rip), %rax
  movq %rax, (%r8)
  addq $16, %r8
  callq interp_run
.Lenter_done:
  movq {act("ec")}, %rdi
  xorl %eax, %eax
.Lenter_exit:
  cmpq %rsp, {ec("act")}
  jne .Lenter_disorder
  movq {act("prev")}, %rcx
  movq %rcx, {ec("act")}
{restore}
  cmpq $0, {ec("gil")}
  jne .Lenter_gil
.Lenter_return:
  addq ${_FRAME}, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  retq
.Lenter_overflow:
  callq enter_overflow
  jmp .Lenter_return
.Lenter_host:
  callq enter_host
  jmp .Lenter_done
.Lenter_disorder:
  movq %rsp, %rsi
  callq enter_disorder
  jmp .Lenter_return
.Lenter_gil:
  movq %rax, {act("rsp")}
  callq gil_ensure
  movq {act("rsp")}, %rax
  jmp .Lenter_return
  .size enter, .-enter

  .globl rt_throw
  .hidden rt_throw
  .type rt_throw, @function
rt_throw:
  movq {ec("act")}, %rsp
  movl %esi, %eax
  jmp .Lenter_exit
  .size rt_throw, .-rt_throw
"""
