"""Pointers and structs of restricted Python under CPython: what they read and write is process memory."""

import ctypes

from wasmjit.native.lang import array, f32, i16, ptr, sizeof, u8, u32, u64
from wasmjit.native.pointers import STRUCTS, size_of, struct

FIELDS = {"size": u64, "next": ptr["PointersSample"], "kind": u8, "delta": i16, "ratio": f32, "raw": array[u8, 3]}


def declared() -> type:
    """A struct whose field `size` is called like an attribute of types."""
    return STRUCTS.get("PointersSample") or struct(type("PointersSample", (), {"__annotations__": FIELDS}))


def test_fields_are_laid_out_as_in_c() -> None:
    kind = declared()
    assert sizeof(kind) == 32
    assert size_of(ptr[kind]) == ptr[kind].size == 8


def test_fields_are_read_and_written() -> None:
    kind = declared()
    memory = (ctypes.c_uint8 * 64)()
    p = ptr[kind](ctypes.addressof(memory))
    p.size, p.kind, p.delta, p.ratio = 40, 255, -2, 1.5
    p.raw[2] = 7
    p.next = p + 1
    assert (p.size, p.kind, p.delta, float(p.ratio), p.raw[2]) == (40, 255, -2, 1.5, 7)
    assert p.next == p + 1
    assert int(p + 1) - int(p) == 32
    p.next.size = 9
    assert p[1].size == 9
    assert bytes(memory[:8]) == (40).to_bytes(8, "little")


def test_arithmetic_wraps_and_truncates() -> None:
    assert u32(0xFFFF_FFFF) + 2 == 1
    assert i16(-7) // 2 == -3
    assert i16(-7) % 2 == -1
