"""Damaged modules never crash the process: every one is either valid or refused, the same way each time."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.binary.conftest import Decoder
from tests.paths import CORPUS, EXAMPLES

SMALL = 12_000  # bytes of a module that is cut at every byte
FLIPS = 3000


def samples() -> Iterator[Path]:
    yield from sorted(EXAMPLES.glob("*.wasm"))
    yield from sorted(path for path in CORPUS.glob("modules/*.wasm") if path.stat().st_size < 300_000)


SAMPLES = list(samples())


@pytest.mark.parametrize("path", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_truncated(decoder: Decoder, path: Path) -> None:
    data = path.read_bytes()
    with decoder.load(data) as mod:
        if decoder.natives.mod_error(mod) is not None:
            pytest.skip("needs a feature")
        boundaries = {8} | {offset + size for _, offset, size in decoder.natives.mod_sections(mod)}
    step = 1 if len(data) < SMALL else len(data) // 3000
    for length in range(0, len(data), step):
        refusal = decoder.refusal(data[:length])
        if refusal is None:
            assert length in boundaries
        else:
            assert refusal.offset <= length
            assert refusal.feature is None


@pytest.mark.parametrize("path", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_changed_bytes(decoder: Decoder, path: Path) -> None:
    """Wrong bytes here and there; with one and with several threads the first error is the same."""
    original = path.read_bytes()
    chance = random.Random(path.name)
    for _ in range(FLIPS if len(original) < SMALL else FLIPS // 10):
        data = bytearray(original)
        for _ in range(chance.choice((1, 1, 2, 8))):
            data[chance.randrange(8, len(data))] = chance.choice((0, 0x0B, 0x40, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        refusal = decoder.refusal(bytes(data))
        assert refusal is None or refusal.offset <= len(data)
        assert decoder.refusal(bytes(data), threads=4) == refusal


def test_random_bodies(decoder: Decoder) -> None:
    """Instructions by chance: mostly wrong, sometimes deep into unreachable code."""
    from tests.binary.encode import F64, I32, I64, MEMORY, TABLE, function, section

    chance = random.Random(7)
    before = section(TABLE, bytes([1, 0x70, 0, 1])) + section(MEMORY, b"\1\0\1")
    accepted = 0
    for _ in range(20_000):
        code = bytes(
            chance.choice((chance.randrange(256), chance.randrange(0x20), 0x00, 0x02, 0x40, 0x0C, 0x1A))
            for _ in range(chance.randrange(1, 30))
        )
        prefix = b"\0" if chance.random() < 0.7 else b""
        accepted += decoder.refusal(function(prefix + code, bytes([I32, I64]), groups=[(2, F64)], before=before)) is None
    assert accepted > 0


def test_names_section_of_rubbish(decoder: Decoder) -> None:
    """The name section's content is believed nowhere."""
    from tests.binary.encode import CUSTOM, function, name, section

    chance = random.Random(3)
    for _ in range(3000):
        rubbish = bytes(chance.choice((0, 1, 2, 0x7F, 0x80, 0xFF, chance.randrange(256))) for _ in range(chance.randrange(20)))
        with decoder.load(function(b"", after=section(CUSTOM, name("name") + rubbish))) as mod:
            assert decoder.natives.mod_error(mod) is None
            assert isinstance(decoder.natives.mod_func_name(mod, 0), str | None)
            assert isinstance(decoder.natives.mod_name(mod), str | None)
            assert decoder.natives.mod_func_name(mod, 1) is None
