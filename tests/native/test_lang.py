"""Restricted functions give the same bits under CPython and compiled."""

import itertools
import math
import random
from typing import Any

import pytest

from tests.native.language import control, memory, numbers
from wasmjit.native.build import build_and_load
from wasmjit.native.lang import f32, f64
from wasmjit.native.values import Float

WORDS = [0, 1, 2, 3, 5, 6, 7, 10, 13, 17, 21, 49, 50, 51, 99, 100, 255, 256, 1000, 2**16 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1]
NUMBERS = [0.0, 0.1, 0.5, 1.0, 1.5, 2.5, 3.0, 127.5, 2.0**24 + 1, 2.0**31, 2.0**52 + 1, 1e-45, 5e-324, 3.5e38, 1e308, math.inf, math.nan]
COMPILED_ONLY = ("function_pointers", "local_addresses", "small_result")


@pytest.fixture(scope="module")
def image() -> Any:
    return build_and_load([numbers, control, memory])


def plain(value: Any) -> Any:
    """What CPython's form gives, as the builtin gives it: floats by their bits, all NaNs as one."""
    if isinstance(value, float | Float):
        return "nan" if math.isnan(float(value)) else f64(float(value)).raw
    return value if value is None else int(value)


def boundary(kind: Any) -> list[int]:
    """Numbers at the ends of an integer type's range, around 0 and around powers of 2."""
    near = [base + step for base in (0, 1 << kind.bits - 1, 1 << kind.bits, 1 << kind.bits // 2, 100) for step in (-2, -1, 0, 1, 2)]
    return sorted({int(kind(value)) for value in near})


def differences(image: Any, function: Any, samples: list[tuple[Any, ...]], read: Any = plain) -> list[str]:
    native = getattr(image, function.symbol)
    rows = [(given, read(function(*given)), read(native(*given))) for given in samples]
    return [f"{function.symbol}{given}: CPython {a}, compiled {b}" for given, a, b in rows if a != b]


def allowed(name: str, kind: Any, a: int, b: int) -> bool:
    """Whether the operation is defined: no division by 0 or past the range, no shift beyond the width."""
    if name.startswith(("divide_", "remainder_")) and "literal" not in name:
        return b != 0 and not (kind.signed and b == -1 and a == -(1 << kind.bits - 1))
    return not name.startswith("shift_") or 0 <= b < kind.bits


@pytest.mark.parametrize("kind", numbers.INTEGERS, ids=lambda kind: kind.__name__)
def test_integers(image: Any, kind: Any) -> None:
    values = boundary(kind)
    shifts = [*range(8), kind.bits - 1]
    for function in numbers.BINARY[kind]:
        right = shifts if function.symbol.startswith("shift_") else values
        pairs = [(a, b) for a in values for b in right if allowed(function.symbol, kind, a, b)]
        assert pairs and differences(image, function, pairs) == []
    for function in numbers.UNARY[kind]:
        assert differences(image, function, list(itertools.product(values, [*shifts, kind.bits, kind.bits + 1]))) == []


@pytest.mark.parametrize("kind", numbers.FLOATS, ids=lambda kind: kind.__name__)
def test_floats(image: Any, kind: Any) -> None:
    numbers_of = [kind(sign * value).raw for value in NUMBERS for sign in (1, -1)]
    rng = random.Random(kind.bits)
    numbers_of += [rng.getrandbits(kind.bits) for _ in range(20)]
    for function in numbers.FLOATING[kind]:
        compares = function.symbol.startswith(("order", "rounded", "signs"))
        read = int if compares else lambda value: plain(kind.from_raw(int(value)))
        assert differences(image, function, list(itertools.product(numbers_of, numbers_of)), read) == []


def fits(value: float, kind: Any) -> bool:
    """Whether a float's whole part is in an integer type's range: a cast of others has no result."""
    low, high = (-(1 << kind.bits - 1), 1 << kind.bits - 1) if kind.signed else (0, 1 << kind.bits)
    return math.isfinite(value) and low <= math.trunc(value) < high


@pytest.mark.parametrize("source", numbers.NUMBERS, ids=lambda kind: kind.__name__)
def test_casts(image: Any, source: Any) -> None:
    if issubclass(source, Float):
        values: list[Any] = [float(source(sign * value)) for value in NUMBERS for sign in (1, -1)]
    else:
        values = [0, 1] if source.bits == 1 else boundary(source)
    for (of, to), function in numbers.CASTS.items():
        if of is source:
            chosen = [v for v in values if isinstance(v, int) or issubclass(to, Float) or fits(v, to)]
            assert differences(image, function, [(value,) for value in chosen]) == []


def test_widths_mix(image: Any) -> None:
    for (narrow, wide), function in numbers.WIDENED.items():
        assert differences(image, function, list(itertools.product(boundary(narrow), boundary(wide)))) == []


def exported(module: Any) -> list[Any]:
    found = [value for value in vars(module).values() if getattr(value, "export", False)]
    return [pytest.param(value, id=value.symbol) for value in found if value.symbol not in COMPILED_ONLY]


@pytest.mark.parametrize("function", exported(control))
def test_control(image: Any, function: Any) -> None:
    assert differences(image, function, list(itertools.product(WORDS, WORDS))) == []


@pytest.mark.parametrize("function", exported(memory))
def test_memory(image: Any, function: Any) -> None:
    assert differences(image, function, list(itertools.product(WORDS[::2], WORDS[::2]))) == []


def test_casts_of_floats_round_once() -> None:
    assert f32(2**24 + 1).raw == f32(2**24).raw
    assert f32(2**60 + 2**36 + 1).raw == f32(float(2**60 + 2**37)).raw


def test_function_pointers(image: Any) -> None:
    assert image.function_pointers(5, 2) == 35 + 2 + 4
    assert image.function_pointers(1, 2) == 2**64 - 1 + 2 + 4 - 2**64


def test_addresses_of_locals(image: Any) -> None:
    assert image.local_addresses(5, 9) == 18 + 9


def test_results_are_signed(image: Any) -> None:
    assert image.small_result(-7) == -3
