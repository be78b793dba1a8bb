"""x86-64 Linux: System V convention, and that of interpreter handlers, preserve_none.

CONVENTION: slot pc in r12, sp r13, memory 0 r14, Ec r15, csp rdi, integer accumulator rsi (a function is entered with its
Code there), float accumulator xmm0, budget rdx. A word of slot code holds the address of its handler.
"""

from wasmjit.native.lang import offsetof, sizeof
from wasmjit.runtime.structs import Act, Code, Ec, FuncRef, Inst

ELF_MACHINE = 62
SYS_TIMER_CREATE, SYS_TIMER_SETTIME, SYS_TIMER_DELETE = 222, 223, 226
REG_FP, REG_LINK = 120, 0  # rbp
REG_PC, REG_SP, REG_ARG0 = 168, 160, 104  # ucontext_t: rip, rsp, rdi
REG_SLOT_PC, REG_CSP, REG_EC = 72, 104, 96  # r12, rdi, r15
REG_FAULT = 216  # cr2
UC_SIGMASK = 296
ENTRY_SP_BIAS = 8  # the return address
SYS_GETTID, SYS_FUTEX = 186, 202

_FRAME = int(sizeof(Act)) + (8 if int(sizeof(Act)) % 16 == 0 else 0)  # six registers are pushed above it


def _at(struct: type, field: str, base: str) -> str:
    """Operand: a field of the struct that a register points to."""
    return f"{int(offsetof(struct, field))}(%{base})"


def assembler() -> str:
    """`enter` and `rt_throw`: see runtime.entry.

    The activation record stands where the stack pointer is during the call, so throwing is: load ec.act, run the exit path.
    The handler that the function's slot code starts with is called as handlers call each other (CONVENTION): preserve_none
    saves nothing, so the registers saved here serve normal returns and throws alike. An exit that changed neither stack and
    left no outer activation has nothing to restore: no value travels through memory from one call to the next.
    """

    def ec(field: str) -> str:
        return _at(Ec, field, "rdi")

    def act(field: str) -> str:
        return _at(Act, field, "rsp")

    def copy(field: str, save: bool) -> str:
        source, target = (ec(field), act(field)) if save else (act(field), ec(field))
        return f"  movq {source}, %rcx\n  movq %rcx, {target}"

    outer = ("inst", "mem0", "pc", "native_pc", "native_fp")  # of the activation around this one
    save = "\n".join(copy(field, True) for field in outer)
    restore = "\n".join(copy(field, False) for field in ("vs_top", "cs_top"))
    restore_outer = "\n".join(copy(field, False) for field in outer)
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
  movq {ec("act")}, %rax
  movq %rax, {act("prev")}
  testq %rax, %rax
  jne .Lenter_nested
.Lenter_saved:
  movq %rdi, {act("ec")}
  movq %rdx, {act("vs_top")}
  movq {ec("cs_top")}, %r8
  movq %r8, {act("cs_top")}
  movq %r8, {act("cs_entry")}
  movq %rsp, {ec("act")}
  cmpq $0, {_at(FuncRef, "host", "rsi")}
  jne .Lenter_host
  movq {_at(FuncRef, "inst", "rsi")}, %rax
  movq {_at(FuncRef, "code", "rsi")}, %rsi
  movq %rax, {ec("inst")}
  movq {_at(Inst, "mem0", "rax")}, %rcx
  movq %rcx, {ec("mem0")}
  movq {_at(Inst, "mem", "rax")}, %r14
  movq {_at(Code, "entry", "rsi")}, %r12
  leaq sentinel_word(%rip), %rcx
  movq %rcx, (%r8)
  movq %rdx, %r13
  movq %rdi, %r15
  movq {ec("budget")}, %rdx
  leaq 16(%r8), %rdi
  callq *(%r12)
.Lenter_done:
  movq {act("ec")}, %rdi
  xorl %eax, %eax
  cmpq %rsp, {ec("act")}
  jne .Lenter_disorder
  movq {act("vs_top")}, %rcx
  cmpq %rcx, {ec("vs_top")}
  jne .Lenter_exit
  movq {act("cs_top")}, %rcx
  cmpq %rcx, {ec("cs_top")}
  jne .Lenter_exit
  cmpq $0, {act("prev")}
  jne .Lenter_exit
  movq $0, {ec("act")}
.Lenter_gil:
  cmpq $0, {ec("gil")}
  jne .Lenter_ensure
.Lenter_return:
  addq ${_FRAME}, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  retq
.Lenter_nested:
{save}
  jmp .Lenter_saved
.Lenter_exit:
  movq {act("prev")}, %rcx
  movq %rcx, {ec("act")}
{restore}
  cmpq $0, {act("prev")}
  je .Lenter_gil
{restore_outer}
  jmp .Lenter_gil
.Lenter_host:
  callq enter_host
  jmp .Lenter_done
.Lenter_overflow:
  callq enter_overflow
  jmp .Lenter_return
.Lenter_disorder:
  callq enter_disorder
  jmp .Lenter_return
.Lenter_ensure:
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


def thunk(name: str, target: str, returns: bool) -> str:
    """A function that notes the place of its call in the context, its first argument, and goes to `target`: see runtime.natives.

    Its arguments are in registers.
    """

    def ec(field: str) -> str:
        return _at(Ec, field, "rdi")

    return f"""
  .text
  .p2align 4
  .globl {name}
  .hidden {name}
  .type {name}, @function
{name}:
  movq (%rsp), %rax
  decq %rax
  movq %rax, {ec("native_pc")}
  movq %rbp, {ec("native_fp")}
  movq $1, {ec("pc")}
{_CALL.format(target=target, name=name, missed=ec("missed")) if returns else f"  jmp {target}"}
  .size {name}, .-{name}
"""


_CALL = """\
  pushq %rdi
  callq {target}
  popq %rdi
  cmpq $0, {missed}
  jne .L{name}.late
  retq
.L{name}.late:
  pushq %rax
  callq preempt_late
  popq %rax
  retq"""
