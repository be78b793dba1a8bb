"""Units survive packing; what is damaged, cut or points outside is refused."""

import struct

import pytest

from wasmjit.native.imagefile import digest
from wasmjit.native.lang import offsetof, sizeof
from wasmjit.runtime.packed import MAGIC, NONE, PackedUnit
from wasmjit.tiers.optimizer.unit import Unit

UNIT = Unit(
    b"\x90" * 24 + bytes(8),
    24,
    62,
    1000,
    [(3, 0, 0, 16), (3, 77, 4, NONE), (5, 0, 8, 20)],
    [((3, 5), (2, 9)), ((3, 6),)],
    [(0, 1), (4, 2), (9, 0)],
    [(3, 5, 1), (3, 9, 0)],
    [2, 3],
    [(((2, 9),), 3)],
    {"level": 2, "seconds": 0.25},
)


def resealed(data: bytearray) -> bytes:
    struct.pack_into("<Q", data, offsetof(PackedUnit, "digest"), digest(data))
    return bytes(data)


def changed(field: str, value: int) -> bytes:
    data = bytearray(UNIT.pack())
    struct.pack_into("<I", data, offsetof(PackedUnit, field), value)
    return resealed(data)


def test_packing_loses_nothing() -> None:
    assert Unit.unpack(UNIT.pack()) == UNIT
    bare = Unit(b"\xc3" * 3, 3, 62, 8, [(0, 0, 0, 0)])
    packed = Unit.unpack(bare.pack())
    assert packed.blob == b"\xc3" * 3 + bytes(13) and packed.entries == bare.entries and not packed.sites and not packed.lines


def test_the_header_is_what_the_runtime_reads() -> None:
    data = UNIT.pack()
    words = {name: struct.unpack_from("<Q" if name in ("magic", "digest") else "<I", data, at)[0] for name, (_, at) in FIELDS.items()}
    assert sizeof(PackedUnit) == 64 and words["magic"] == MAGIC and words["size"] == len(data) and words["digest"] == digest(data)
    assert [words[name] for name in ("machine", "module", "text", "blob")] == [62, 1000, 24, 32]
    assert [words[name] for name in ("entries", "lines", "sites", "frames", "exits", "forms")] == [3, 3, 2, 3, 2, 2]


FIELDS: dict[str, tuple[object, int]] = getattr(PackedUnit, "fields")  # noqa: B009


@pytest.mark.parametrize("length", [0, 1, 63, 64, 100, -1])
def test_cut_short(length: int) -> None:
    with pytest.raises(ValueError):
        Unit.unpack(UNIT.pack()[:length])


def test_every_damaged_byte_is_noticed() -> None:
    data = UNIT.pack()
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1
        with pytest.raises(ValueError):
            Unit.unpack(bytes(damaged))


@pytest.mark.parametrize("field", ["size", "text", "blob", "entries", "lines", "sites", "frames", "exits", "forms", "extra"])
@pytest.mark.parametrize("value", [0, 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_counts_that_do_not_fit(field: str, value: int) -> None:
    with pytest.raises(ValueError):
        Unit.unpack(changed(field, value))


@pytest.mark.parametrize(
    "wrong",
    [
        {"entries": []},
        {"entries": [(3, 0, 0, 16), (3, 0, 4, 16)]},
        {"entries": [(5, 0, 0, 16), (3, 0, 4, 16)]},
        {"entries": [(3, 0, 24, 16)]},
        {"entries": [(3, 0, 0, 24)]},
        {"entries": [(3, 0, 0, NONE)]},
        {"entries": [(3, 77, 0, 4)]},
        {"lines": [(4, 1), (4, 2)]},
        {"lines": [(24, 1)]},
        {"lines": [(4, 3)]},
        {"sites": [()]},
        {"text": 0},
        {"text": 33},
    ],
    ids=str,
)
def test_what_points_outside(wrong: dict[str, object]) -> None:
    unit = Unit(**(vars(UNIT) | wrong))
    with pytest.raises(ValueError):
        Unit.unpack(unit.pack())
