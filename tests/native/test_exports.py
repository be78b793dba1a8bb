"""Exported restricted functions as Python calls them: conversions, errors, the GIL."""

import sys
from typing import Any

import pytest

from tests.native.language import interface
from wasmjit.native.build import build_and_load
from wasmjit.native.lang import f32


@pytest.fixture(scope="module")
def image() -> Any:
    return build_and_load([interface])


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
def test_integers_wrap_to_their_type(image: Any, bits: int) -> None:
    signed, unsigned = getattr(image, f"same_i{bits}"), getattr(image, f"same_u{bits}")
    top = 1 << bits - 1
    for value in (0, 1, -1, top - 1, top, 2 * top - 1, 2 * top, -top, 2**64 - 1, -(2**63), 3 << 80):
        assert unsigned(value) == value % (2 * top)
        assert signed(value) == (value + top) % (2 * top) - top
    assert signed(True) == 1


def test_floats(image: Any) -> None:
    assert image.same_f64(0.1) == 0.1
    assert image.same_f32(0.1) == float(f32(0.1))
    assert image.same_f64(-1.0) == image.same_f64(-1) == -1.0
    assert str(image.same_f32(float("nan"))) == "nan"
    assert type(image.same_f32(3)) is float


def test_booleans(image: Any) -> None:
    assert [image.same_boolean(value) for value in (0, 1, 2, True, False, -256)] == [False, True, True, True, False, True]


def test_pointers_and_objects(image: Any) -> None:
    assert image.same_pointer(2**64 - 1) == 2**64 - 1
    value = ["an object"]
    before = sys.getrefcount(value)
    assert image.same_object(value) is value
    assert sys.getrefcount(value) == before


def test_no_result_is_none(image: Any) -> None:
    before = sys.getrefcount(None)
    assert all(image.nothing() is None for _ in range(1000))
    assert abs(sys.getrefcount(None) - before) < 500


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
def test_only_integers_are_integers(image: Any, bits: int) -> None:
    for wrong in (1.5, "1", None, [1]):
        with pytest.raises(TypeError):
            getattr(image, f"same_u{bits}")(wrong)


def test_only_numbers_are_floats(image: Any) -> None:
    for name in ("same_f32", "same_f64"):
        with pytest.raises(TypeError, match="must be real number, not str"):
            getattr(image, name)("1.5")


def test_errors_of_later_arguments(image: Any) -> None:
    assert image.third(None, -1.0, -1) == -1
    with pytest.raises(TypeError):
        image.third(None, "", 1)
    with pytest.raises(TypeError):
        image.third(None, 1.0, "")


def test_argument_counts(image: Any) -> None:
    with pytest.raises(TypeError, match=r"same_u8\(\) takes 1 arguments \(2 given\)"):
        image.same_u8(1, 2)
    with pytest.raises(TypeError, match=r"third\(\) takes 3 arguments \(0 given\)"):
        image.third()
    with pytest.raises(TypeError, match="keyword"):
        image.same_u8(x=1)


def test_a_null_object_is_the_exception_that_was_set(image: Any) -> None:
    with pytest.raises(ValueError, match="^code 4294967295 at A$"):
        image.raises(-1, 1.5)


def test_the_gil_is_released_only_where_asked(image: Any) -> None:
    assert image.holds_gil() is True
    assert image.holds_gil_without(1) is False
