"""What a meaning gives under CPython is what its compiled form gives, bit for bit, NaNs as far as the specification fixes them."""

import ctypes
import itertools
import random
from types import ModuleType
from typing import Any

import pytest

from tests.isa import kernels
from wasmjit.isa import Row
from wasmjit.native import lang
from wasmjit.native.build import build_and_load

QUIET = {32: 0x7FC0_0000, 64: 0x7FF8_0000_0000_0000}
FLOATS = [
    *(
        0.0,
        0.5,
        1.0,
        1.5,
        2.5,
        3.75,
        0.99999994,
        0.9999999999999999,
        127.0,
        128.0,
        32767.0,
        32768.0,
        65535.0,
        65536.0,
        8388607.5,
        8388609.0,
    ),
    *(16777217.0, 2147483520.0, 2147483647.0, 2147483648.0, 2147483649.0, 4294967040.0, 4294967295.0, 4294967295.5, 4294967296.0),
    *(4503599627370495.5, 9007199254740993.0, 9.223371487098962e18, 9.223372036854774e18, 9.223372036854776e18, 9.223372036854778e18),
    *(1.8446742974197924e19, 1.844674407370955e19, 1.8446744073709552e19, 5e-324, 2.2250738585072014e-308, 1e-45, 1.1754943508222875e-38),
    *(3.4028234663852886e38, 3.4028235677973366e38, 1.7976931348623157e308, float("inf")),
]


@pytest.fixture(scope="module")
def meanings(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return kernels.write(tmp_path_factory.mktemp("meanings"))


@pytest.fixture(scope="module")
def compiled(meanings: ModuleType) -> Any:
    return build_and_load([meanings])


def boundary(kind: str) -> list[int]:
    """Bits of values where something changes."""
    bits = kernels.width(kind)
    mask = (1 << bits) - 1
    if kind[0] == "f":
        scalar = getattr(lang, kind)
        numbers = [scalar(value).raw for value in FLOATS]
        quiet = QUIET[bits]
        infinity = scalar(float("inf")).raw
        values = [*numbers, quiet, quiet | 1, quiet | 0x1234, quiet - 1, infinity | 1, infinity | 0x1234]  # the last three signal
        return values + [value | 1 << (bits - 1) for value in values]
    powers = [1 << n for n in range(bits)]
    around = [power + step for power in powers for step in (-1, 0, 1)]
    return sorted({value & mask for value in [0, *around, *(-value for value in around)]})


def anything(kind: str, rng: random.Random) -> int:
    """Bits of a random value: of any magnitude, a small integer now and then."""
    bits = kernels.width(kind)
    if rng.random() < 0.3:
        small = rng.randrange(-300, 300)
        return int(getattr(lang, kind)(small / 4).raw) if kind[0] == "f" else small & ((1 << bits) - 1)
    value = rng.getrandbits(bits)
    return value if kind[0] == "f" or rng.random() < 0.5 else value >> rng.randrange(bits)


def values(row: Row, count: int) -> list[tuple[int, ...]]:
    """Tuples of bits for the operands: all pairs of boundary values as many as go into a half, then random ones."""
    kinds = list(kernels.operands(row).values())
    rng = random.Random(row.name)
    columns = [boundary(kind) for kind in kinds]
    tuples = list(itertools.product(*columns))
    if len(tuples) > count // 2 and len(kinds) == 2:
        tuples = rng.sample(tuples, count // 2)
    while len(tuples) < count:
        tuples.append(tuple(anything(kind, rng) for kind in kinds))
    return tuples


def in_python(meanings: ModuleType, index: int, row: Row, words: tuple[int, ...]) -> tuple[int, int]:
    """Trap number and bits, by CPython."""
    kinds = kernels.operands(row).values()
    arguments = []
    for kind, word in zip(kinds, words, strict=True):
        scalar = getattr(lang, kind)
        arguments.append(scalar.from_raw(word) if kind[0] == "f" else scalar(word))
    trap = int(getattr(meanings, f"check_{index}")(*arguments))
    if trap:
        return trap, 0
    value = getattr(meanings, f"mean_{index}")(*arguments)
    return 0, value.raw if isinstance(value, lang.f32 | lang.f64) else int(value) & ((1 << kernels.width(kernels.result(row))) - 1)


def in_native(compiled: Any, index: int, tuples: list[tuple[int, ...]]) -> list[tuple[int, int]]:
    """Trap numbers and bits, by the compiled form."""
    count = len(tuples)
    given, found = (ctypes.c_uint64 * (2 * count))(), (ctypes.c_uint64 * (2 * count))()
    for i, words in enumerate(tuples):
        given[2 * i : 2 * i + len(words)] = list(words)
    getattr(compiled, f"run_{index}")(ctypes.addressof(given), ctypes.addressof(found), count)
    return list(zip(found[::2], found[1::2], strict=True))


def keeps_bits(row: Row) -> bool:
    """Whether even the payload of a NaN is fixed."""
    return kernels.result(row)[0] != "f" or row.kind in ("load", "store") or "from_bits" in row.meaning


def same(row: Row, a: tuple[int, int], b: tuple[int, int]) -> bool:
    if a == b and (keeps_bits(row) or a[0]):
        return True
    if keeps_bits(row) or a[0] != b[0]:
        return False
    bits = kernels.width(kernels.result(row))
    number = {32: 0x7F80_0000, 64: 0x7FF0_0000_0000_0000}[bits]
    nans = [word & ~(1 << (bits - 1)) > number for word in (a[1], b[1])]
    if any(nans):
        return all(nans) and all(word & QUIET[bits] == QUIET[bits] for word in (a[1], b[1]))  # arithmetic NaNs are quiet
    return a[1] == b[1]


def differences(meanings: ModuleType, compiled: Any, index: int, row: Row, count: int) -> list[str]:
    tuples = values(row, count)
    rows = zip(tuples, in_native(compiled, index, tuples), strict=True)
    pairs = [(words, in_python(meanings, index, row, words), native) for words, native in rows]
    return [f"{row.name}{tuple(map(hex, words))}: CPython {a}, compiled {b}" for words, a, b in pairs if not same(row, a, b)]


NUMBERED = [pytest.param(index, row, id=row.name) for index, row in enumerate(kernels.ROWS)]


@pytest.mark.parametrize(("index", "row"), NUMBERED)
def test_cpython_is_compiled(meanings: ModuleType, compiled: Any, index: int, row: Row) -> None:
    assert differences(meanings, compiled, index, row, 100) == []


@pytest.mark.slow
@pytest.mark.parametrize(("index", "row"), NUMBERED)
def test_cpython_is_compiled_on_many_values(meanings: ModuleType, compiled: Any, index: int, row: Row) -> None:
    assert differences(meanings, compiled, index, row, 4000) == []
