"""Packed units that are damaged, cut short, or made for another module: refused, never a crash."""

import random
import struct
from collections.abc import Iterator

import pytest

import wasmjit
from tests.units.making import N, compute, make, plain
from wasmjit.native.imagefile import digest
from wasmjit.native.lang import offsetof, ptr, sizeof
from wasmjit.runtime.packed import MAGIC, NONE, PackedUnit
from wasmjit.runtime.structs import Mod
from wasmjit.tiers.optimizer.unit import Unit

WAT = '(module (func (export "f") (param i64) (result i64) local.get 0) (func (loop (br 0))) (func))'
HEADER = struct.Struct("<QQ12I")
COUNTS = ("entries", "lines", "sites", "frames", "exits", "forms", "extra")


@pytest.fixture(scope="module")
def module() -> wasmjit.Module:
    return plain(WAT)


@pytest.fixture(scope="module")
def unit(module: wasmjit.Module) -> Unit:
    """A unit with rows of every kind."""
    at = body(module, 0)
    whole = make(
        module,
        compute("  %r = mul i64 %i0, 10\n", "%r"),
        sites=[((0, at),), ((2, body(module, 2)), (0, at))],
        lines=[(0, 1), (4, 0), (8, 2)],
        exits=[(0, at, 3)],
        forms=[0, 2],
    )
    assert N.unit_install(module.address, whole.pack())
    assert N.unit_retire(module.address, 0, 0)
    return whole


def body(module: wasmjit.Module, function: int) -> int:
    return int(ptr[Mod](module.address).codes[function].body)


def resealed(data: bytes | bytearray) -> bytes:
    """The bytes with a digest that fits them."""
    changed = bytearray(data)
    struct.pack_into("<Q", changed, offsetof(PackedUnit, "digest"), digest(changed))
    return bytes(changed)


def changed(data: bytes, **fields: int) -> bytes:
    """The unit with other header fields, sealed."""
    copy = bytearray(data)
    for name, value in fields.items():
        struct.pack_into("<Q" if name == "magic" else "<I", copy, offsetof(PackedUnit, name), value)
    return resealed(copy)


def test_the_digest_is_the_image_files(module: wasmjit.Module, unit: Unit) -> None:
    """Of any length: the extra part makes it uneven."""
    for length in range(9):
        unit.stats = {"x" * length: 1}
        assert N.unit_install(module.address, unit.pack()), length
        assert N.unit_retire(module.address, 0, 0)


def test_every_flipped_bit_is_noticed(module: wasmjit.Module, unit: Unit) -> None:
    data = unit.pack()
    for at in range(len(data)):
        copy = bytearray(data)
        copy[at] ^= 1 << random.randrange(8)
        assert N.unit_install(module.address, bytes(copy)) == 0, at


def test_every_shorter_and_longer_one_is_refused(module: wasmjit.Module, unit: Unit) -> None:
    data = unit.pack()
    for length in range(len(data)):
        assert N.unit_install(module.address, data[:length]) == 0
        if length >= sizeof(PackedUnit):
            assert N.unit_install(module.address, changed(data[:length], size=length)) == 0
    assert N.unit_install(module.address, data + b"\0") == 0
    assert N.unit_install(module.address, changed(data + b"\0", size=len(data) + 1)) == 0


def test_what_is_no_bytes_is_refused(module: wasmjit.Module, unit: Unit) -> None:
    assert N.unit_install(module.address, bytearray(unit.pack())) == 0
    assert N.unit_install(module.address, None) == 0


@pytest.mark.parametrize("name", COUNTS)
def test_counts_that_do_not_add_up_are_refused(module: wasmjit.Module, unit: Unit, name: str) -> None:
    data = unit.pack()
    (count,) = struct.unpack_from("<I", data, offsetof(PackedUnit, name))
    for wrong in (count + 1, count - 1, 0x1000_0000, NONE, 0x8000_0000):
        if wrong >= 0:
            assert N.unit_install(module.address, changed(data, **{name: wrong})) == 0


def headers(unit: Unit, module: wasmjit.Module) -> Iterator[dict[str, int]]:
    yield {"magic": MAGIC + (1 << 56)}
    yield {"machine": 3}
    yield {"module": 1}
    yield {"text": 0}
    yield {"text": len(unit.pack())}
    yield {"entries": 0}


def test_other_headers_are_refused(module: wasmjit.Module, unit: Unit) -> None:
    data = unit.pack()
    for fields in headers(unit, module):
        assert N.unit_install(module.address, changed(data, **fields)) == 0, fields
    assert N.unit_install(plain().address, data) == 0


def wrong_rows(module: wasmjit.Module) -> Iterator[tuple[str, object]]:
    first, loop = body(module, 0), body(module, 1) + 1
    yield "entries", [(3, 0, 0, 0)]
    yield "entries", [(NONE, 0, 0, 0)]
    yield "entries", [(0, 0, 1 << 20, 0)]
    yield "entries", [(0, 0, 0, 1 << 20)]
    yield "entries", [(0, 0, 0, NONE)]
    yield "entries", [(1, loop, 0, 0)]
    yield "entries", [(1, first, 0, NONE)]  # in another function
    yield "entries", [(1, loop + 1, 0, NONE)]  # no loop there
    yield "entries", [(0, 0, 0, 0), (0, 0, 4, 0)]
    yield "entries", [(2, 0, 0, 0), (0, 0, 0, 0)]
    yield "lines", [(4, 1), (4, 2)]
    yield "lines", [(8, 1), (4, 2)]
    yield "lines", [(0, 3)]
    yield "lines", [(1 << 20, 1)]
    yield "sites", [((3, first),), ((0, first),)]
    yield "sites", [((0, 0),), ((0, first),)]
    yield "sites", [((0, first + 1000),), ((0, first),)]
    yield "exits", [(3, first, 0)]
    yield "exits", [(0, 0, 0)]
    yield "forms", [3]
    yield "forms", [NONE]


def test_rows_out_of_range_are_refused(module: wasmjit.Module, unit: Unit) -> None:
    for part, rows in wrong_rows(module):
        right = getattr(unit, part)
        setattr(unit, part, rows)
        try:
            assert N.unit_install(module.address, unit.pack()) == 0, (part, rows)
        finally:
            setattr(unit, part, right)


def test_sites_without_frames_are_refused(module: wasmjit.Module, unit: Unit) -> None:
    data = unit.pack()
    sites = sizeof(PackedUnit) + len(unit.blob) + -len(unit.blob) % 16 + 16 * len(unit.entries) + 8 * len(unit.lines)
    for pair in ((0, 0), (2, 2), (NONE, 1), (1, NONE)):
        copy = bytearray(data)
        struct.pack_into("<II", copy, sites, *pair)
        assert N.unit_install(module.address, resealed(copy)) == 0


def test_sealed_nonsense_does_no_harm(module: wasmjit.Module, unit: Unit) -> None:
    """Whatever is accepted can be taken back; nothing of it is run."""
    data = unit.pack()
    generator = random.Random(5)
    accepted = 0
    for _ in range(20_000):
        copy = bytearray(data)
        for _ in range(generator.choice((1, 1, 2, 8))):
            word = generator.choice((0, 1, 2, 3, NONE, generator.getrandbits(32), generator.getrandbits(7)))
            struct.pack_into("<I", copy, generator.randrange(16, len(copy) - 3), word)
        if N.unit_install(module.address, resealed(copy)):
            accepted += 1
            for function in range(3):
                N.unit_retire(module.address, function, 0)
    assert 0 < accepted < 20_000
    assert N.mod_units(module.address) == []
    assert wasmjit.Instance(module).exports.f(4) == 4
