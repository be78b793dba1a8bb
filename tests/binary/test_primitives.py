"""LEB128 numbers and UTF-8 names against Python's own idea of them, on random bytes."""

import random

import pytest

from tests.binary.conftest import Decoder
from tests.binary.encode import CUSTOM, function, module, name, section

ROUNDS = 5000


def signed_leb(raw: bytes, bits: int) -> tuple[int, int] | None:
    """Value and length of the signed number at the start of raw; None if it is malformed (spec 5.2.2)."""
    value = shift = 0
    for position, byte in enumerate(raw):
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            value -= (byte & 0x40) << 1 << (shift - 7)
            return (value, position + 1) if -(1 << bits - 1) <= value < 1 << bits - 1 else None
        if shift >= bits:
            return None
    return None


def random_leb(chance: random.Random, bits: int) -> bytes:
    """Bytes that look like a number, often one at the edge of what is allowed."""
    most = (bits + 6) // 7
    length = chance.choice((chance.randrange(1, most + 1), most, most, most + 1))
    fill = chance.choice((0x80, 0xFF, 0xFF, chance.randrange(128, 256)))
    return bytes([fill] * (length - 1)) + bytes([chance.choice((0, 1, 7, 8, 0x0F, 0x3F, 0x40, 0x70, 0x78, 0x7F, chance.randrange(128)))])


@pytest.mark.parametrize(("opcode", "bits"), [(0x41, 32), (0x42, 64)])
def test_signed_numbers(decoder: Decoder, opcode: int, bits: int) -> None:
    chance = random.Random(bits)
    accepted = 0
    for _ in range(ROUNDS):
        raw = random_leb(chance, bits)
        refusal = decoder.refusal(function(bytes([opcode]) + raw + b"\x1a"))
        assert (refusal is None) == (signed_leb(raw, bits) is not None), raw.hex()
        accepted += refusal is None
    assert ROUNDS // 10 < accepted < ROUNDS


def test_block_types(decoder: Decoder) -> None:
    """A block's type is a 33-bit number: any but type 0 and the negative ones that name a type is refused."""
    chance = random.Random(33)
    for _ in range(ROUNDS):
        raw = random_leb(chance, 33)
        refusal = decoder.refusal(function(b"\0\x02" + raw + b"\0\x0b\0"))
        found = signed_leb(raw, 33)
        single = len(raw) == 1 and raw[0] in (0x40, 0x7F, 0x7E, 0x7D, 0x7C, 0x70, 0x6F)
        assert (refusal is None) == (single or (found is not None and found[0] == 0)), raw.hex()


def test_names(decoder: Decoder) -> None:
    chance = random.Random(8)
    accepted = 0
    edges = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF]
    for _ in range(4 * ROUNDS):
        raw = b"x" * chance.choice((0, 0, 6, 8)) + bytes(chance.choice(edges) for _ in range(chance.randrange(6)))
        try:
            raw.decode()
            valid = True
        except UnicodeDecodeError:
            valid = False
        assert (decoder.refusal(module(section(CUSTOM, name(raw)))) is None) == valid, raw.hex()
        accepted += valid
    assert accepted > 100
