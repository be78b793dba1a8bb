"""Modules of later proposals are refused by the name of the feature; what a module uses of the supported ones is recorded."""

import pytest

from tests.binary.conftest import Decoder
from tests.binary.encode import (
    CODE,
    EXPORT,
    F32,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    I32,
    IMPORT,
    MEMORY,
    TABLE,
    TAG,
    TYPE,
    body,
    function,
    functype,
    leb,
    module,
    name,
    section,
    vector,
)
from wasmjit.binary.features import REFUSED
from wasmjit.isa import FEATURES

MEM = section(MEMORY, b"\x01\x00\x01")

NEEDED = {
    "v128 parameter": (module(section(TYPE, vector([functype(b"\x7b")]))), "simd", 13),
    "v128.const": (function(b"\xfd\x0c" + bytes(16) + b"\x1a"), "simd", 23),
    "relaxed instruction": (function(b"\xfd\x80\x02\x1a"), "relaxed-simd", 23),
    "v128 constant": (module(section(GLOBAL, b"\x01\x7f\0\xfd\x0c" + bytes(16) + b"\x0b")), "simd", 13),
    "return_call": (function(b"\x12\0"), "tail-call", 23),
    "return_call_indirect": (function(b"\x13\0\0"), "tail-call", 23),
    "call_ref": (function(b"\x14\0"), "function-references", 23),
    "reference type": (module(section(TYPE, vector([functype(b"\x63\x70")]))), "function-references", 13),
    "table with initializer": (module(section(TABLE, b"\1\x40\0\x70\0\1\xd0\x70\x0b")), "function-references", 11),
    "throw": (function(b"\x08\0"), "exceptions", 23),
    "try_table": (function(b"\x1f\x40\0\x0b"), "exceptions", 23),
    "try": (function(b"\x06\x40\x0b"), "legacy-exceptions", 23),
    "tag section": (module(section(TAG, b"\0")), "exceptions", 8),
    "tag import": (module(section(IMPORT, vector([b"\0\0\4\0\0"]))), "exceptions", 13),
    "tag export": (module(section(EXPORT, vector([b"\0\4\0"]))), "exceptions", 12),
    "struct type": (module(section(TYPE, b"\1\x5f\0")), "gc", 11),
    "recursive types": (module(section(TYPE, b"\1\x4e\0")), "gc", 11),
    "struct.new": (function(b"\xfb\0\0\x1a"), "gc", 23),
    "anyref local": (function(b"", groups=[(1, 0x6E)]), "gc", 24),
    "ref.null any": (function(b"\xd0\x6e\x1a"), "gc", 24),
    "continuation type": (module(section(TYPE, b"\1\x5d\0")), "stack-switching", 11),
    "suspend": (function(b"\xe2\0"), "stack-switching", 23),
    "shared memory": (module(section(MEMORY, b"\1\3\1\1")), "threads", 11),
    "atomic.fence": (function(b"\xfe\3\0"), "threads", 23),
    "64-bit memory": (module(section(MEMORY, b"\1\4\1")), "memory64", 11),
    "64-bit table": (module(section(TABLE, bytes([1, FUNCREF, 4, 1]))), "memory64", 12),
    "two memories": (module(section(MEMORY, b"\2\0\1\0\1")), "multi-memory", 10),
    "memory index": (function(b"\x41\0\x28\x42\1\0\x1a", before=MEM), "multi-memory", 30),
    "page size": (module(section(MEMORY, b"\1\x08\1\0")), "custom-page-sizes", 11),
    "i64.add128": (function(b"\xfc\x13"), "wide-arithmetic", 23),
}


@pytest.mark.parametrize(("data", "feature", "offset"), NEEDED.values(), ids=NEEDED.keys())
def test_refused_by_name(decoder: Decoder, data: bytes, feature: str, offset: int) -> None:
    refusal = decoder.refusal(data)
    assert refusal is not None
    assert refusal.feature == feature
    assert f"needs the feature {feature}" in refusal.message
    assert refusal.offset == offset


def test_every_refused_feature_is_tested() -> None:
    assert {feature for _, feature, _ in NEEDED.values()} == set(REFUSED)


def test_no_feature_is_both_supported_and_refused() -> None:
    assert not set(REFUSED) & set(FEATURES)


USED = {
    "mvp": function(b""),
    "sign-extension": function(b"\x41\0\xc0\x1a"),
    "nontrapping-fptoint": function(b"\x43\0\0\0\0\xfc\0\x1a"),
    "multi-value": module(
        section(TYPE, vector([functype(b"", bytes([I32, F32]))])),
        section(FUNCTION, vector([leb(0)])),
        section(CODE, vector([body(b"\x41\0\x43\0\0\0\0")])),
    ),
    "bulk-memory": function(b"\x41\0\x41\0\x41\0\xfc\x0b\0", before=MEM),
    "reference-types": function(b"\xd0\x6f\x1a"),
    "extended-const": module(section(GLOBAL, bytes([1, I32, 0, 0x41, 1, 0x41, 1, 0x6A, 0x0B]))),
    "mutable-global": module(section(IMPORT, vector([name("a") + name("b") + bytes([3, I32, 1])]))),
}


@pytest.mark.parametrize(("feature", "data"), USED.items(), ids=USED.keys())
def test_used_features_are_recorded(decoder: Decoder, feature: str, data: bytes) -> None:
    with decoder.load(data) as mod:
        bits = decoder.natives.mod_features(mod)
    assert {name for bit, name in enumerate(FEATURES) if bits >> bit & 1} == {"mvp", feature}
