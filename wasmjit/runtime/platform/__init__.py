"""One module a platform: context offsets, system constants, trampolines in assembler. Build time only.

A platform module defines: REG_PC, REG_SP, REG_ARG0 (offsets in ucontext_t of the program counter, the stack pointer and the
register of a C function's first argument), REG_SLOT_PC, REG_CSP and REG_EC (of the registers in which interpreter handlers keep
slot pc, control stack pointer and Ec), REG_FAULT (of the address that a fault is about), REG_FP (of the frame pointer),
REG_LINK (of the register with the return address, if there is one), UC_SIGMASK (of what is blocked), ENTRY_SP_BIAS, SYS_*,
ELF_MACHINE, `assembler()`: text that defines `enter` and `rt_throw`, and `thunk(name, target, returns)`: text of an entry of
runtime.natives.
What all of them share is here.
"""

import os
import sys

if not sys.platform.startswith("linux"):
    raise ImportError(f"wasmjit has no native runtime for {sys.platform}; it runs on Linux")
MACHINE = os.environ.get("WASMJIT_MACHINE") or os.uname().machine  # the variable is for cross-compiling the image
if MACHINE in ("x86_64", "AMD64"):
    from . import x86_64_linux as chosen
elif MACHINE in ("aarch64", "arm64"):
    from . import aarch64_linux as chosen  # type: ignore[no-redef]
else:
    raise ImportError(f"wasmjit has no native runtime for {MACHINE}; it runs on x86_64 and aarch64")

REG_PC, REG_SP, REG_ARG0 = chosen.REG_PC, chosen.REG_SP, chosen.REG_ARG0
REG_SLOT_PC, REG_CSP, REG_EC, REG_FAULT = chosen.REG_SLOT_PC, chosen.REG_CSP, chosen.REG_EC, chosen.REG_FAULT
SYS_GETTID, SYS_FUTEX = chosen.SYS_GETTID, chosen.SYS_FUTEX
ENTRY_SP_BIAS = chosen.ENTRY_SP_BIAS  # what a C function finds its stack pointer below a multiple of 16
ELF_MACHINE = chosen.ELF_MACHINE
SYS_TIMER_CREATE, SYS_TIMER_SETTIME, SYS_TIMER_DELETE = chosen.SYS_TIMER_CREATE, chosen.SYS_TIMER_SETTIME, chosen.SYS_TIMER_DELETE
REG_FP, REG_LINK = chosen.REG_FP, chosen.REG_LINK
UC_SIGMASK = chosen.UC_SIGMASK

# Linux and glibc or musl, 64 bit
PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC = 0, 1, 2, 4
MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_NORESERVE = 0x02, 0x10, 0x20, 0x4000
RLIMIT_AS = 9
CLOCK_MONOTONIC = 1
SIGBUS, SIGSEGV, SIGURG = 7, 11, 23
SIG_DFL, SIG_IGN = 0, 1
SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK = 0, 1, 2
SIGSET_BYTES = 128  # sigset_t
SA_SIGINFO, SA_ONSTACK, SA_RESTART, SA_NODEFER = 4, 0x08000000, 0x10000000, 0x40000000
SIGACTION_BYTES, SIGACTION_MASK, SIGACTION_FLAGS = 152, 8, 136  # struct sigaction: handler at 0
SIGINFO_CODE, SIGINFO_ADDR, SIGINFO_VALUE = 8, 16, 24  # siginfo_t
UC_STACK, UC_STACK_SIZE = 16, 32  # ucontext_t: the stack_t
SI_TIMER, SI_TKILL = -2, -6  # from timers; what raise() sends
SIGEV_THREAD_ID = 4
SIGEVENT_BYTES, SIGEVENT_SIGNAL, SIGEVENT_NOTIFY, SIGEVENT_THREAD = 64, 8, 12, 16  # struct sigevent: value at 0
PTHREAD_ATTR_BYTES = 64


def ir() -> str:
    """IR text with the platform's module assembler: the symbols that `runtime.entry` declares as extern."""
    return assembly(chosen.assembler())


def assembly(text: str) -> str:
    """Assembler text as IR."""
    return "".join(f'module asm "{line}"\n' for line in text.splitlines() if line.strip())
