"""AArch64 Linux: AAPCS64, and the convention of interpreter handlers, preserve_none.

CONVENTION: slot pc in x20, sp x21, memory 0 x22, Ec x23, csp x24, integer accumulator x25 (a function is entered with its
Code there), float accumulator d0, budget x26. A word of slot code holds the address of its handler.
"""

from wasmjit.native.lang import offsetof, sizeof
from wasmjit.runtime.structs import Act, Code, Ec, FuncRef, Inst

ELF_MACHINE = 183
SYS_TIMER_CREATE, SYS_TIMER_SETTIME, SYS_TIMER_DELETE = 107, 110, 111
REG_FP, REG_LINK = 416, 424  # x29, x30
REG_PC, REG_SP, REG_ARG0 = 440, 432, 184  # ucontext_t: pc, sp, x0
REG_SLOT_PC, REG_CSP, REG_EC = 344, 376, 368  # x20, x24, x23
REG_FAULT = 176
UC_SIGMASK = 40
ENTRY_SP_BIAS = 0
SYS_GETTID, SYS_FUTEX = 178, 98

_FRAME = (int(sizeof(Act)) + 15) & ~15
_PAIRS = [(f"x{n}", f"x{n + 1}") for n in range(19, 29, 2)] + [(f"d{n}", f"d{n + 1}") for n in range(8, 16, 2)]
_SAVED = 16 + 16 * len(_PAIRS)


def _at(struct: type, field: str, base: str) -> str:
    """Operand: a field of the struct that a register points to."""
    return f"[{base}, #{int(offsetof(struct, field))}]"


def assembler() -> str:
    """`enter` and `rt_throw`: see runtime.entry. The activation record stands where the stack pointer is during the call."""

    def ec(field: str) -> str:
        return _at(Ec, field, "x0")

    def act(field: str) -> str:
        return _at(Act, field, "sp")

    saved = ("vs_top", "cs_top", "inst", "mem0", "pc", "native_pc", "native_fp")
    save = "\n".join(f"  ldr x9, {ec(field)}\n  str x9, {act(field)}" for field in saved)
    restore = "\n".join(f"  ldr x9, {act(field)}\n  str x9, {ec(field)}" for field in saved)
    push = "\n".join(f"  stp {a}, {b}, [sp, #{16 + 16 * i}]" for i, (a, b) in enumerate(_PAIRS))
    pop = "\n".join(f"  ldp {a}, {b}, [sp, #{16 + 16 * i}]" for i, (a, b) in enumerate(_PAIRS))
    return f"""
  .text
  .p2align 4
  .globl enter
  .hidden enter
  .type enter, %function
enter:
  stp x29, x30, [sp, #-{_SAVED}]!
  mov x29, sp
{push}
  sub sp, sp, #{_FRAME}
  ldr x9, {ec("stack_limit")}
  mov x10, sp
  cmp x10, x9
  b.lo .Lenter_overflow
{save}
  str x0, {act("ec")}
  ldr x9, {ec("act")}
  str x9, {act("prev")}
  ldr x24, {ec("cs_top")}
  str x24, {act("cs_entry")}
  str x10, {ec("act")}
  ldr x9, {_at(FuncRef, "host", "x1")}
  cbnz x9, .Lenter_host
  ldr x9, {_at(FuncRef, "inst", "x1")}
  ldr x11, {_at(FuncRef, "code", "x1")}
  str x9, {ec("inst")}
  ldr x12, {_at(Inst, "mem0", "x9")}
  str x12, {ec("mem0")}
  ldr x22, {_at(Inst, "mem", "x9")}
  ldr x20, {_at(Code, "entry", "x11")}
  adrp x9, sentinel_word
  add x9, x9, :lo12:sentinel_word
  str x9, [x24], #16
  mov x21, x2
  mov x23, x0
  mov x25, x11
  ldr x26, {ec("budget")}
  ldr x9, [x20]
  blr x9
.Lenter_done:
  ldr x0, {act("ec")}
  mov x1, #0
.Lenter_exit:
  ldr x9, {ec("act")}
  mov x10, sp
  cmp x9, x10
  b.ne .Lenter_disorder
  ldr x9, {act("prev")}
  str x9, {ec("act")}
{restore}
  ldr x9, {ec("gil")}
  cbnz x9, .Lenter_gil
.Lenter_return:
  mov x0, x1
.Lenter_leave:
  add sp, sp, #{_FRAME}
{pop}
  ldp x29, x30, [sp], #{_SAVED}
  ret
.Lenter_overflow:
  bl enter_overflow
  b .Lenter_leave
.Lenter_host:
  bl enter_host
  b .Lenter_done
.Lenter_disorder:
  bl enter_disorder
  b .Lenter_leave
.Lenter_gil:
  str x1, {act("rsp")}
  bl gil_ensure
  ldr x1, {act("rsp")}
  b .Lenter_return
  .size enter, .-enter

  .globl rt_throw
  .hidden rt_throw
  .type rt_throw, %function
rt_throw:
  ldr x9, {ec("act")}
  mov sp, x9
  b .Lenter_exit
  .size rt_throw, .-rt_throw
"""


def thunk(name: str, target: str, returns: bool) -> str:
    """A function that notes the place of its call in the context, its first argument, and goes to `target`: see runtime.natives."""

    def ec(field: str) -> str:
        return _at(Ec, field, "x0")

    return f"""
  .text
  .p2align 4
  .globl {name}
  .hidden {name}
  .type {name}, %function
{name}:
  sub x16, x30, #1
  str x16, {ec("native_pc")}
  str x29, {ec("native_fp")}
  mov x16, #1
  str x16, {ec("pc")}
{_CALL.format(target=target, name=name, missed=_at(Ec, "missed", "x9")) if returns else f"  b {target}"}
  .size {name}, .-{name}
"""


_CALL = """\
  stp x29, x30, [sp, #-32]!
  str x0, [sp, #16]
  bl {target}
  ldr x9, [sp, #16]
  ldr x10, {missed}
  cbnz x10, .L{name}.late
  ldp x29, x30, [sp], #32
  ret
.L{name}.late:
  str x0, [sp, #24]
  mov x0, x9
  bl preempt_late
  ldr x0, [sp, #24]
  ldp x29, x30, [sp], #32
  ret"""
