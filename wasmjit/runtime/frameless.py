"""Where optimized code runs without a frame of its own: between a function's entry and the set-up of its frame pointer, and from
the end of its frame to its return. There the frame pointer is still, or again, the caller's, whose place is the return address.

Told by the code's bytes: all functions have frame pointers, and LLVM has one way to set them up. Frames end in several ways; a
tail call that is not recognised costs the caller's frame in a backtrace, no more.
"""

from wasmjit.native.lang import boolean, fn, load, ptr, u8, u32, u64
from wasmjit.runtime.platform import ELF_MACHINE, REG_LINK, REG_SP

X86_64 = 62  # ELF's e_machine
LONGEST = 24  # instructions of an AArch64 prologue or epilogue


@fn
def frameless_return(pc: u64, context: ptr[u8]) -> u64:
    """The return address of the function interrupted at pc, 0 if it has a frame. context: the signal's, on whose stack it stands."""
    if ELF_MACHINE == X86_64:
        place = frameless_x86_64(ptr[u8](pc))
        return load(u64, ptr[u8](load(u64, context + REG_SP) + place - 1)) if place != 0 else u64(0)
    return load(u64, context + REG_LINK) if frameless_aarch64(ptr[u8](pc)) else u64(0)


@fn
def frameless_x86_64(code: ptr[u8]) -> u64:
    """At the instruction there: 1 + how many bytes above the stack pointer the return address stands, 0: there is a frame."""
    if code[0] == 0x55:  # pushq %rbp, then movq %rsp, %rbp
        return u64(1) if code[1] == 0x48 and code[2] == 0x89 and code[3] == 0xE5 else u64(0)
    if code[0] == 0x48:
        return u64(9) if code[1] == 0x89 and code[2] == 0xE5 else u64(0)
    end = code
    if code[0] == 0xC5 and code[1] == 0xF8 and code[2] == 0x77:  # vzeroupper
        end = code + 3
    if end[0] == 0xC3:  # retq
        return 1
    if end[0] == 0x41:  # the register's high bit
        end = end + 1
    if end[0] != 0xFF:  # jmpq *, a tail call behind popq %rbp; but also that of a jump table
        return 0
    if load(u8, code - 1) == 0x77:
        code = code - 3
    return u64(load(u8, code - 1) == 0x5D)


@fn
def frameless_aarch64(code: ptr[u8]) -> boolean:
    """Whether there is no frame at the instruction there: before its set-up and after its end only the stack pointer is a base."""
    for i in range(LONGEST):
        word = load(u32, code + i * 4)
        if word & 0xFFC003FF == 0x910003FD:  # add x29, sp, #
            return True
        if word == 0xD65F03C0:  # ret
            return True
        if word & 0xFFFFFC1F == 0xD61F0000:  # br: a tail call, where the stack was left before it
            before = load(u32, code + i * 4 - 4)
            return frame_loaded(before) or before & 0xFFC003FF == 0x910003FF  # add sp, sp, #
        if word >> 5 & 31 != 31 or frame_loaded(word):
            return False
    return False


@fn
def frame_loaded(word: u32) -> boolean:
    """ldp x29, x30"""
    return word & 0xFE40001F == 0xA840001D
