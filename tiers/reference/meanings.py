"""The table's meanings as Python functions over the scalar types of restricted Python."""

from collections.abc import Callable
from typing import Any

from wasmjit.isa import TYPES, Row
from wasmjit.native import lang
from wasmjit.native.lang import f32, f64, u32, u64
from wasmjit.runtime import codes

SCALARS: dict[str, Any] = {"i32": u32, "i64": u64, "f32": f32, "f64": f64, "ref": u64}
BY_CODE = {code: SCALARS.get(name, u64) for name, code in TYPES.items()}  # a reference is its address or handle
TRAPS = {"divide": codes.TRAP_DIVIDE, "overflow": codes.TRAP_OVERFLOW, "conversion": codes.TRAP_CONVERSION}

Check = tuple[Callable[..., Any], int]


def function(text: str, *names: str) -> Callable[..., Any]:
    """The expression as a function of its operands."""
    return eval(f"lambda {', '.join(names)}: {text}", vars(lang))  # type: ignore[no-any-return]


def meaning(row: Row) -> Callable[..., Any]:
    """What the row computes, from its operands; of a load from what it read, of a store from the value."""
    names = {"load": "m", "store": "v"}.get(row.kind) or "abc"[: len(row.params)]
    kind = row.access[1] if row.kind == "store" else SCALARS[row.results[0]].__name__
    return function(f"{kind}({row.meaning})", *names)


def checks(row: Row) -> list[Check]:
    """Conditions under which it traps, and the codes."""
    return [(function(condition, *"abc"[: len(row.params)]), TRAPS[trap]) for condition, trap in row.checks]


def from_slot(code: int, bits: int) -> Any:
    """The value of a type, as encoded, from its slot."""
    kind = BY_CODE[code]
    return kind.from_raw(bits & ((1 << kind.bits) - 1)) if issubclass(kind, lang.f32 | lang.f64) else kind(bits)


def to_slot(value: Any) -> int:
    """The slot of a value."""
    return int(value.raw) if isinstance(value, lang.f32 | lang.f64) else int(value)
