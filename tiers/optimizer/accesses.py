"""Whether an instruction of a unit's machine code takes or gives memory other than its frame and constants.

References: Intel SDM volume 2, chapter 2 and appendix A (forms of instructions, opcode maps); Arm ARM C4.1 (groups of encodings).
"""

_PREFIXES = frozenset((0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3))
_LEA = 0x8D
_MODRM = frozenset(op for op in range(0x40) if op & 7 < 4) | frozenset(
    (0x63, 0x69, 0x6B, *range(0x80, 0x90), 0xC0, 0xC1, 0xC6, 0xC7, *range(0xD0, 0xD4), *range(0xD8, 0xE0), 0xF6, 0xF7, 0xFE, 0xFF)
)  # opcodes of one byte with an operand that may be memory
_REGISTERS = frozenset((0x05, 0x0B, 0x77, 0xA2, *range(0x80, 0x90), *range(0xC8, 0xD0)))  # those behind 0F without one: ud2, jumps, bswap
_LONGER = (0x38, 0x3A)  # behind 0F: another byte of opcode
_VEX2, _VEX3, _EVEX = 0xC5, 0xC4, 0x62
_BEFORE = {_VEX2: 2, _VEX3: 3, _EVEX: 4}  # bytes before the opcode
_VZEROUPPER = 0x77
_SP, _BP = 4, 5  # as low bits of the base; the first means a byte SIB, the second without displacement what follows the instruction
_LONGEST = 15  # bytes of an instruction


def accesses(machine: int, code: bytes, at: int) -> bool:
    """Whether the instruction at an offset may access memory by a register that is not the stack or frame pointer.

    machine: ELF's e_machine. Of one that is not known every instruction may.
    """
    known = _MACHINES.get(machine)
    return known is None or known(code, at)


def _x86_64(code: bytes, at: int) -> bool:
    code = code[at : at + _LONGEST] + bytes(_LONGEST)
    p = 0
    while code[p] in _PREFIXES:
        p += 1
    high = False  # the base is one of r8 to r15
    if code[p] in _BEFORE:
        high = code[p] != _VEX2 and not code[p + 1] & 0x20
        p += _BEFORE[code[p]]
        if code[p] == _VZEROUPPER:
            return False
    else:
        if code[p] & 0xF0 == 0x40:  # REX
            high = bool(code[p] & 1)
            p += 1
        if code[p] == 0x0F:
            p += 1
            if code[p] in _LONGER:
                p += 1
            elif code[p] in _REGISTERS:
                return False
        elif code[p] not in _MODRM or code[p] == _LEA:
            return False
    form, sib = code[p + 1], code[p + 2]
    mode, base = form >> 6, form & 7
    if mode == 3 or (mode == 0 and base == _BP):
        return False
    if base == _SP:
        if sib >> 3 & 7 != _SP:  # there is an index
            return True
        base = sib & 7
    return high or base not in (_SP, _BP)


def _aarch64(code: bytes, at: int) -> bool:
    word = int.from_bytes(code[at : at + 4], "little")
    return word >> 25 & 0b0101 == 0b0100 and word & 0x3B000000 != 0x18000000 and word >> 5 & 31 not in (29, 31)


_MACHINES = {62: _x86_64, 183: _aarch64}
