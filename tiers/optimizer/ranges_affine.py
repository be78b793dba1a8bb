"""Values of i32 that are affine: sums of symbols times constants, exact modulo 2^32. What instructions make of them."""

from collections.abc import Callable
from typing import NamedTuple

from wasmjit.tiers.optimizer.decode import OP

MASK = 0xFFFFFFFF
Terms = tuple[tuple[int, int], ...]  # (symbol, factor), ascending: a local k, or a global ~k


class Affine(NamedTuple):
    """A sum: factors are signed and not 0, constant is unsigned."""

    terms: Terms
    constant: int


class Relation(NamedTuple):
    """A condition: `name` of two values, as in the table ("ne", "lt_s", ...)."""

    name: str
    a: Affine
    b: Affine


Value = Affine | Relation | None
NEGATED = {
    "eq": "ne", "ne": "eq", "lt_s": "ge_s", "lt_u": "ge_u", "gt_s": "le_s", "gt_u": "le_u",
    "le_s": "gt_s", "le_u": "gt_u", "ge_s": "lt_s", "ge_u": "lt_u",
}  # fmt: skip
ZERO = Affine((), 0)


def signed(value: int) -> int:
    """An i32 as the signed number."""
    return ((value & MASK) ^ 0x80000000) - 0x80000000


def constant(value: int) -> Affine:
    return Affine((), value & MASK)


def symbol(number: int) -> Affine:
    return Affine(((number, 1),), 0)


def plus(a: Affine, b: Affine, factor: int = 1) -> Affine:
    """a + factor * b."""
    factors = dict(a.terms)
    for key, value in b.terms:
        factors[key] = factors.get(key, 0) + factor * value
    terms = tuple(sorted((key, signed(value)) for key, value in factors.items() if value & MASK))
    return Affine(terms, (a.constant + factor * b.constant) & MASK)


def times(a: Affine, factor: int) -> Affine:
    return plus(ZERO, a, factor)


def _relation(name: str) -> Callable[[Value, Value], Value]:
    return lambda a, b: Relation(name, a, b) if isinstance(a, Affine) and isinstance(b, Affine) else None


def _add(a: Value, b: Value) -> Value:
    return plus(a, b) if isinstance(a, Affine) and isinstance(b, Affine) else None


def _sub(a: Value, b: Value) -> Value:
    return plus(a, b, -1) if isinstance(a, Affine) and isinstance(b, Affine) else None


def _mul(a: Value, b: Value) -> Value:
    if not isinstance(a, Affine) or not isinstance(b, Affine):
        return None
    return times(a, b.constant) if not b.terms else times(b, a.constant) if not a.terms else None


def _shl(a: Value, b: Value) -> Value:
    return times(a, 1 << (b.constant & 31)) if isinstance(a, Affine) and isinstance(b, Affine) and not b.terms else None


def _or(a: Value, b: Value) -> Value:
    """Of a multiple of 2^n and a constant below: a sum."""
    if not isinstance(a, Affine) or not isinstance(b, Affine) or b.terms:
        return None
    unit = 1 << b.constant.bit_length()
    fits = a.constant % unit == 0 and all(factor % unit == 0 for _, factor in a.terms)
    return plus(a, b) if fits else None


def _eqz(a: Value) -> Value:
    if isinstance(a, Relation):
        return a._replace(name=NEGATED[a.name])
    return Relation("eq", a, ZERO) if isinstance(a, Affine) else None


RULES: dict[int, Callable[..., Value]] = {
    OP["i32.add"]: _add, OP["i32.sub"]: _sub, OP["i32.mul"]: _mul, OP["i32.shl"]: _shl, OP["i32.or"]: _or, OP["i32.eqz"]: _eqz,
    **{OP[f"i32.{name}"]: _relation(name) for name in NEGATED},
}  # fmt: skip
