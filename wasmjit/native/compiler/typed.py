"""Typed values: what they become where another type is wanted, and how they stand in memory."""

import ast
from typing import Any

from ..pointers import is_array, is_float, is_integer, is_place, is_pointer, ptr, resolve
from ..values import Float, boolean, f64, i64, u8, void
from .lines import Lines


class Value:
    """A typed IR value, or a literal: kind None and a Python number.

    A soft value was chosen among integer literals when running: it is an i64 that takes any integer type.
    """

    __slots__ = ("kind", "soft", "text")

    def __init__(self, kind: Any, text: Any, soft: bool = False) -> None:
        self.kind, self.text, self.soft = kind, text, soft

    @property
    def literal(self) -> bool:
        return self.kind is None


NOTHING = Value(void, "")


def own_kind(value: Value) -> Any:
    """The value's type; of a literal the one it has where nothing else decides."""
    if not value.literal:
        return value.kind
    return boolean if isinstance(value.text, bool) else i64 if isinstance(value.text, int) else f64


def name_of(value: Value) -> str:
    """The value's type for messages."""
    return f"the literal {value.text!r}" if value.literal else str(value.kind.__name__)


class Typed(Lines):
    """Conversions. Those the language does by itself (`coerce`, `unify`) lose nothing; `cast` is written in the source."""

    def coerce(self, value: Value, kind: Any, node: ast.AST) -> str:
        """IR text of the value as the type, where that loses nothing; otherwise a compile error."""
        kind = resolve(kind)
        if value.literal:
            return self.literal(value.text, kind, node)
        have = value.kind
        if value.soft and is_integer(kind) and kind is not boolean:
            return str(value.text) if kind.bits == 64 else self.let(f"trunc i64 {value.text} to {kind.ir}")
        if have is kind or (is_pointer(have) and is_pointer(kind) and kind.elem in (u8, have.elem)):
            return str(value.text)
        if is_integer(have) and is_integer(kind) and boolean not in (have, kind) and have.signed is kind.signed and have.bits < kind.bits:
            return self.extend(value, kind)
        raise self.error(node, f"{have.__name__} where {kind.__name__} is needed: cast it")

    def literal(self, number: Any, kind: Any, node: ast.AST) -> str:
        """IR text of a number as the type. Integers have the range of both signs of the type's width."""
        if is_float(kind):
            raw = (number if isinstance(number, Float) else kind(number)).raw
            return f"bitcast (i{kind.bits} {raw} to {kind.ir})"
        if is_pointer(kind) and number == 0:
            return "null"
        if kind is boolean and isinstance(number, int):
            return "true" if number else "false"
        if is_integer(kind) and isinstance(number, int) and -(1 << (kind.bits - 1)) <= int(number) < 1 << kind.bits:
            return str(int(number))
        raise self.error(node, f"{number!r} is no {kind.__name__}")

    def unify(self, node: ast.AST, a: Value, b: Value) -> tuple[Any, str, str]:
        """The type that two operands have in common, and both as IR text of it."""
        if a.literal and b.literal:
            raise self.error(node, "one of the two must have a type: cast it")
        kind = b.kind if a.literal or (a.soft and not b.literal) else a.kind
        if not a.literal and not b.literal and not a.soft and not b.soft and is_integer(a.kind) and is_integer(b.kind):
            if a.kind.signed is not b.kind.signed and a.kind is not b.kind:
                raise self.error(node, f"{a.kind.__name__} with {b.kind.__name__}: cast one of them")
            kind = a.kind if a.kind.bits >= b.kind.bits else b.kind
        if kind is void:
            raise self.error(node, "a function without a result is no operand")
        return kind, self.coerce(a, kind, node), self.coerce(b, kind, node)

    def extend(self, value: Value, kind: Any) -> str:
        """An integer as a wider one, by its own signedness."""
        return self.let(f"{'sext' if value.kind.signed else 'zext'} {value.kind.ir} {value.text} to {kind.ir}")

    def wide(self, value: Value, node: ast.AST) -> str:
        """An integer as i64, extended by its own signedness."""
        if value.literal:
            return self.literal(value.text, i64, node)
        if not is_integer(value.kind):
            raise self.error(node, f"{value.kind.__name__} where an integer is needed")
        return str(value.text) if value.kind.bits == 64 else self.extend(value, i64)

    def nonzero(self, value: Value, node: ast.AST) -> str:
        """The value's truth as an i1."""
        if value.literal:
            return "true" if value.text else "false"
        if value.kind is boolean:
            return str(value.text)
        if is_pointer(value.kind):
            return self.let(f"icmp ne ptr {value.text}, null")
        if not is_integer(value.kind):
            raise self.error(node, f"{value.kind.__name__} has no truth value: compare it")
        return self.let(f"icmp ne {value.kind.ir} {value.text}, 0")

    def cast(self, node: ast.AST, kind: Any, value: Value) -> Value:
        """`kind(value)`: wraps, extends by the source's signedness, truncates floats towards zero."""
        if value.literal:
            return Value(kind, self._cast_literal(node, kind, value.text))
        have, text = value.kind, value.text
        if have is kind or (is_pointer(have) and is_pointer(kind)):
            return Value(kind, text)
        if kind is boolean:
            return Value(kind, self.nonzero(value, node))
        if is_pointer(kind) and is_integer(have):
            return Value(kind, self.let(f"inttoptr i64 {self.wide(value, node)} to ptr"))
        if is_pointer(have) and is_integer(kind):
            return Value(kind, self.let(f"ptrtoint ptr {text} to {kind.ir}"))
        if is_integer(have) and is_integer(kind) and have.bits < kind.bits:
            return Value(kind, self.extend(value, kind))
        if is_integer(have) and is_integer(kind) and have.bits == kind.bits:
            return Value(kind, text)
        how = _conversion(have, kind)
        if not how:
            raise self.error(node, f"no cast of {have.__name__} to {kind.__name__}")
        return Value(kind, self.let(f"{how} {have.ir} {text} to {kind.ir}"))

    def _cast_literal(self, node: ast.AST, kind: Any, number: Any) -> str:
        if is_integer(kind) and kind is not boolean and isinstance(number, int):
            return str(int(kind(number)))
        if is_pointer(kind) and isinstance(number, int) and number:
            return f"inttoptr (i64 {number} to ptr)"
        return self.literal(number, kind, node)

    def load_place(self, place: str, kind: Any) -> Value:
        """What stands at an address; of a struct or array the pointer to it."""
        kind = resolve(kind)
        if is_place(kind):
            return Value(ptr[kind.elem if is_array(kind) else kind], place)
        if kind is boolean:
            return Value(boolean, self.let(f"trunc i8 {self.let(f'load i8, ptr {place}')} to i1"))
        return Value(kind, self.let(f"load {kind.ir}, ptr {place}"))

    def store_place(self, place: str, kind: Any, text: str) -> None:
        """Write a value, which is no struct or array, to an address."""
        if kind is boolean:
            self.emit(f"store i8 {self.let(f'zext i1 {text} to i8')}, ptr {place}")
        else:
            self.emit(f"store {kind.ir} {text}, ptr {place}")


def _conversion(have: Any, kind: Any) -> str:
    """LLVM's instruction from one number type to another; "" where there is none."""
    if is_integer(have) and is_integer(kind):
        return "trunc"
    if is_float(have) and is_integer(kind):
        return "fptosi" if kind.signed else "fptoui"
    if is_integer(have) and is_float(kind):
        return "sitofp" if have.signed else "uitofp"
    if is_float(have) and is_float(kind):
        return "fptrunc" if have.bits > kind.bits else "fpext"
    return ""
