"""Huge and hostile numbers: each is accepted or refused at its offset, in little time and memory."""

import resource
import time
from collections.abc import Iterator

import pytest

from tests.binary.conftest import Decoder
from tests.binary.encode import (
    CODE,
    CUSTOM,
    ELEM,
    EXPORT,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    I32,
    I64,
    IMPORT,
    MEMORY,
    TABLE,
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

MILLION = 1_000_000
GROWTH = 64 << 10  # KiB that a refused module may add to the peak


@pytest.fixture(autouse=True)
def bounded_time() -> Iterator[None]:
    """Seconds each of these may take, on a slow machine under load."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < 20


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("count", [1_000_000_000, 0xFFFFFFFF, 50_001])
def test_too_many_locals(decoder: Decoder, count: int) -> None:
    before = peak()
    refusal = decoder.refusal(function(b"", groups=[(count, I64)]))
    assert refusal is not None
    assert refusal.message == f"too many locals: {count}, at most 50000 are supported"
    assert refusal.offset == 23
    assert peak() - before < GROWTH


def test_locals_of_several_groups_add_up(decoder: Decoder) -> None:
    refusal = decoder.refusal(function(b"", groups=[(0xFFFFFFFF, I32)] * 2))
    assert refusal is not None and refusal.message.startswith("too many locals")


def test_as_many_locals_as_are_supported(decoder: Decoder) -> None:
    last = b"\x20" + leb(49_999) + b"\x1a"
    assert decoder.refusal(function(last, params=bytes([I32]), groups=[(49_999, I64)])) is None
    refusal = decoder.refusal(function(b"\x20" + leb(50_000) + b"\x1a", groups=[(50_000, I64)]))
    assert refusal is not None and refusal.message == "unknown local 50000"


@pytest.mark.parametrize("depth", [100_000, 999_000])
def test_nested_blocks(decoder: Decoder, depth: int) -> None:
    code = b"\x02\x40" * depth + b"\x0c" + leb(depth) + b"\x0b" * depth
    assert decoder.refusal(function(code)) is None


def test_blocks_nested_too_deep(decoder: Decoder) -> None:
    refusal = decoder.refusal(function(b"\x02\x40" * 2_200_000 + b"\x0b" * 2_200_000))
    assert refusal is not None and refusal.message.startswith("blocks nested deeper than 1000000")


@pytest.mark.parametrize("depth", [1, 1000])
def test_br_table_of_a_million_targets(decoder: Decoder, depth: int) -> None:
    targets = b"".join(leb(i % depth) for i in range(MILLION))
    code = b"\x02\x40" * depth + b"\x41\0\x0e" + leb(MILLION) + targets + b"\0" + b"\x0b" * depth
    assert decoder.refusal(function(code)) is None


def test_br_table_that_lies(decoder: Decoder) -> None:
    refusal = decoder.refusal(function(b"\x41\0\x0e\xff\xff\xff\xff\x0f\0"))
    assert refusal is not None and refusal.message.startswith("unexpected end of section or function: 4294967295 entries")


def many_functions(count: int, last: bytes = b"") -> bytes:
    bodies = leb(count) + body(b"") * (count - 1) + body(last)
    return module(section(TYPE, vector([functype()])), section(FUNCTION, leb(count) + b"\0" * count), section(CODE, bodies))


def test_a_million_functions(decoder: Decoder) -> None:
    data = many_functions(MILLION)
    with decoder.load(data) as mod:
        assert decoder.natives.mod_error(mod) is None
        assert decoder.natives.mod_counts(mod)[1] == MILLION
    data = many_functions(MILLION, last=b"\x6a")
    refusal = decoder.refusal(data, threads=3)
    assert refusal is not None
    assert refusal.offset == len(data) - 2


def test_a_million_types_and_exports(decoder: Decoder) -> None:
    types = vector(functype(bytes([I32, I64, 0x7D, 0x7C][i >> shift & 3] for shift in range(0, 18, 2))) for i in range(200_000))
    exports = vector(name(str(i)) + b"\2\0" for i in range(200_000))
    assert decoder.refusal(module(section(TYPE, types), section(MEMORY, b"\1\0\1"), section(EXPORT, exports))) is None


@pytest.mark.parametrize(("params", "results"), [(1000, 1000), (1001, 0), (0, 1001)])
def test_parameters_and_results(decoder: Decoder, params: int, results: int) -> None:
    refusal = decoder.refusal(module(section(TYPE, vector([functype(bytes([I32]) * params, bytes([I64]) * results)]))))
    if max(params, results) <= 1000:
        assert refusal is None
    else:
        assert refusal is not None and refusal.message.startswith("function type with 1001")


def test_many_results_on_the_stack(decoder: Decoder) -> None:
    """Calls and polymorphic blocks that push a thousand values each."""
    wide = functype(b"", bytes([I32]) * 1000)
    declared = section(TYPE, vector([functype(), wide])) + section(FUNCTION, vector([leb(0), leb(1)]))
    good = body(b"\x10\1" * 2000 + b"\x0c\0")
    assert decoder.refusal(module(declared, section(CODE, vector([good, body(b"\x02\1\0\x0b")])))) is None
    before = peak()
    refusal = decoder.refusal(module(declared, section(CODE, vector([body(b"\x10\1" * 200_000), body(b"\0")]))))
    assert refusal is not None and refusal.message.startswith("more than")
    assert peak() - before < 2 * GROWTH


@pytest.mark.parametrize("number", [TYPE, IMPORT, FUNCTION, TABLE, GLOBAL, EXPORT, ELEM])
@pytest.mark.parametrize("count", [0xFFFFFFFF, 0x7FFFFFFF, 5_000_000])
def test_lying_counts_allocate_nothing(decoder: Decoder, number: int, count: int) -> None:
    before = peak()
    assert decoder.refusal(module(section(number, leb(count) + b"\0" * 100))) is not None
    assert peak() - before < 1 << 10


def test_functions_that_cannot_have_bodies_allocate_nothing(decoder: Decoder) -> None:
    data = module(section(TYPE, vector([functype()])), section(FUNCTION, leb(3_000_000) + b"\0" * 3_000_000))
    before = peak()
    refusal = decoder.refusal(data)
    assert refusal is not None and refusal.message.startswith("function and code section have inconsistent lengths")
    assert peak() - before < 1 << 10


def test_customs_by_the_thousand(decoder: Decoder) -> None:
    data = module(section(CUSTOM, name("x")) * 100_000, section(TABLE, bytes([1, FUNCREF, 0, 0])))
    with decoder.load(data) as mod:
        assert len(decoder.natives.mod_customs(mod)) == 100_000


def test_deep_constant_expressions(decoder: Decoder) -> None:
    def constant(depth: int) -> bytes:
        return module(section(GLOBAL, bytes([1, I32, 0]) + b"\x41\0" * depth + b"\x6a" * (depth - 1) + b"\x0b"))

    assert decoder.refusal(constant(1024)) is None
    refusal = decoder.refusal(constant(1025))
    assert refusal is not None and refusal.message == "constant expression with more than 1024 operands"
