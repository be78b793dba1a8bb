"""How each processor's relocations are applied: one `Machine` a processor. Used by `elf.flatten`."""

import struct
from enum import Enum, auto


class FlattenError(Exception):
    """An object holds what a flat image cannot."""


class Need(Enum):
    """What a relocation refers to."""

    PLACE = auto()  # the symbol itself, relative to the place
    CALL = auto()  # the same; outside the image: a stub
    TABLE = auto()  # the symbol's entry in the global offset table
    RELAXED_TABLE = auto()  # the same; inside the image the load turns into address arithmetic
    WORD = auto()  # the absolute address, 64 bits


class Machine:
    """A processor. Offsets are from the base of the image, which is page-aligned."""

    name = ""  # as os.uname says
    elf = 0  # e_machine
    page = 4096  # the largest page size its kernels use
    trap = b"\0"  # fills gaps between functions
    stub_size = 8

    def need(self, kind: int, before: bytes) -> Need:
        """What relocation `kind` refers to; `before` is the two bytes of code before the place."""
        raise NotImplementedError

    def patch(self, blob: bytearray, at: int, kind: int, target: int, addend: int) -> None:
        """Write the reference to `target` at `at`. Raises struct.error or OverflowError if it does not reach."""
        raise NotImplementedError

    def relax(self, blob: bytearray, at: int) -> None:
        """Turn the load from the global offset table at `at` into address arithmetic."""
        raise NotImplementedError

    def write_stub(self, blob: bytearray, at: int, slot: int) -> None:
        """Write the code at `at` that jumps to the address kept at `slot`."""
        raise NotImplementedError


class X86_64(Machine):
    """AMD64 supplement, table 4.9."""

    name, elf, page, trap = "x86_64", 62, 4096, b"\xcc"
    needs = {  # R_X86_64_...
        1: Need.WORD,  # 64
        2: Need.PLACE,  # PC32
        4: Need.CALL,  # PLT32
        9: Need.TABLE,  # GOTPCREL
        24: Need.PLACE,  # PC64
        41: Need.RELAXED_TABLE,  # GOTPCRELX
        42: Need.RELAXED_TABLE,  # REX_GOTPCRELX
        43: Need.TABLE,  # CODE_4_GOTPCRELX
    }
    MOV, LEA, CALL_INDIRECT, CALL_PADDED = 0x8B, 0x8D, b"\xff\x15", b"\x67\xe8"

    def need(self, kind: int, before: bytes) -> Need:
        if kind not in self.needs:
            raise FlattenError(f"x86-64 relocation type {kind}")
        need = self.needs[kind]
        if need is Need.RELAXED_TABLE and before[0] != self.MOV and before != self.CALL_INDIRECT:
            return Need.TABLE
        return need

    def patch(self, blob: bytearray, at: int, kind: int, target: int, addend: int) -> None:
        struct.pack_into("<q" if kind == 24 else "<i", blob, at, target + addend - at)

    def relax(self, blob: bytearray, at: int) -> None:
        if blob[at - 2] == self.MOV:
            blob[at - 2] = self.LEA
        else:
            blob[at - 2 : at] = self.CALL_PADDED

    def write_stub(self, blob: bytearray, at: int, slot: int) -> None:
        blob[at : at + 8] = b"\xff\x25" + struct.pack("<i", slot - (at + 6)) + b"\xcc\xcc"  # jmp *slot(%rip)


class AArch64(Machine):
    """ELF for the Arm 64-bit architecture, section 5.7."""

    name, elf, page, trap = "aarch64", 183, 65536, b"\0\0\x20\xd4"  # brk #0
    stub_size = 16
    needs = {  # R_AARCH64_...
        257: Need.WORD,  # ABS64
        260: Need.PLACE,  # PREL64
        261: Need.PLACE,  # PREL32
        275: Need.PLACE,  # ADR_PREL_PG_HI21
        277: Need.PLACE,  # ADD_ABS_LO12_NC
        278: Need.PLACE,  # LDST8_ABS_LO12_NC
        279: Need.PLACE,  # TSTBR14
        280: Need.PLACE,  # CONDBR19
        282: Need.CALL,  # JUMP26
        283: Need.CALL,  # CALL26
        284: Need.PLACE,  # LDST16_ABS_LO12_NC
        285: Need.PLACE,  # LDST32_ABS_LO12_NC
        286: Need.PLACE,  # LDST64_ABS_LO12_NC
        299: Need.PLACE,  # LDST128_ABS_LO12_NC
        311: Need.TABLE,  # ADR_GOT_PAGE
        312: Need.TABLE,  # LD64_GOT_LO12_NC
    }
    low12_scale = {277: 0, 278: 0, 284: 1, 285: 2, 286: 3, 299: 4, 312: 3}
    branches = {279: (14, 5), 280: (19, 5), 282: (26, 0), 283: (26, 0)}  # bits and position of the word offset

    def need(self, kind: int, before: bytes) -> Need:
        if kind not in self.needs:
            raise FlattenError(f"AArch64 relocation type {kind}")
        return self.needs[kind]

    def patch(self, blob: bytearray, at: int, kind: int, target: int, addend: int) -> None:
        value = target + addend
        if kind in (260, 261):
            struct.pack_into("<q" if kind == 260 else "<i", blob, at, value - at)
            return
        (word,) = struct.unpack_from("<I", blob, at)
        if kind in (275, 311):
            pages = _signed((value >> 12) - (at >> 12), 21)
            word |= (pages & 3) << 29 | (pages >> 2) << 5
        elif kind in self.low12_scale:
            word |= ((value & 0xFFF) >> self.low12_scale[kind]) << 10
        else:
            bits, position = self.branches[kind]
            word |= _signed((value - at) >> 2, bits) << position
        struct.pack_into("<I", blob, at, word)

    def write_stub(self, blob: bytearray, at: int, slot: int) -> None:
        struct.pack_into("<IIII", blob, at, 0x90000010, 0xF9400211, 0xD61F0220, 0xD4200000)  # adrp x16; ldr x17, [x16]; br x17
        self.patch(blob, at, 311, slot, 0)
        self.patch(blob, at + 4, 312, slot, 0)


def _signed(value: int, bits: int) -> int:
    """`value` as a two's complement field. Raises OverflowError if it does not fit."""
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise OverflowError(f"{value} in {bits} bits")
    return value & (1 << bits) - 1


MACHINES: dict[int, Machine] = {m.elf: m for m in (X86_64(), AArch64())}
