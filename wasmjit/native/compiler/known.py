"""What is known when compiling: names, constants, types, and expressions of them."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from ..declare import Table, Variable
from ..pointers import DeclarationError, is_place, ptr, resolve
from ..values import Scalar
from .errors import RestrictedError
from .program import Program
from .typed import Typed, Value

NOT_STATIC = object()
CONSTANTS = (int, float, str, bytes, tuple, type, type(None))
BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
}  # fmt: skip
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_, ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert,
}  # fmt: skip
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip


class Known(Typed):
    """Names stand for locals (memory of the frame), for values bound to them, or for what Python knows by that name.

    names: what Python knows. It has everything that exists when the function is compiled, constants or not.
    """

    def __init__(self, program: Program, filename: str, names: Mapping[str, Any]) -> None:
        super().__init__(program, filename)
        self.names = names
        self.locals: dict[str, Any] = {}
        self.bound: dict[str, Value] = {}
        self.stored: set[str] = set()  # names that the function assigns somewhere
        self.assigned: set[str] = set()  # locals that have a value on every way to here

    def lookup(self, node: ast.expr) -> Any:
        """The Python object that an expression names, or NOT_STATIC."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self._lookup_name(node)
        if isinstance(node, ast.Attribute):
            base = self.lookup(node.value)
            if base is not NOT_STATIC and not isinstance(base, (Variable, Table)) and hasattr(base, node.attr):
                return getattr(base, node.attr)
        if isinstance(node, ast.Subscript):
            base = self.lookup(node.value)
            if base is ptr or isinstance(base, (tuple, list, dict)):
                index = self.fold(node.slice)
                return NOT_STATIC if index is NOT_STATIC else self.evaluate(node, operator.getitem, base, index)
        return NOT_STATIC

    def _lookup_name(self, node: ast.Name) -> Any:
        if node.id in self.locals or node.id in self.bound:
            return NOT_STATIC
        if node.id in self.stored:
            raise self.error(node, f"{node.id} is read before it is assigned")
        if node.id not in self.names:
            raise self.error(node, f"{node.id} is not defined")
        return self.names[node.id]

    def static(self, node: ast.expr) -> Any:
        """The Python object that an expression names."""
        found = self.lookup(node)
        if found is NOT_STATIC:
            raise self.error(node, f"{ast.unparse(node)} is not known when compiling")
        return found

    def type_of(self, node: ast.expr) -> Any:
        """The scalar, struct or array type that an expression names."""
        found = self.static(node)
        try:
            kind = resolve(found)
        except DeclarationError as unknown:
            raise self.error(node, str(unknown)) from None
        if not (isinstance(kind, type) and (issubclass(kind, Scalar) or is_place(kind))):
            raise self.error(node, f"{ast.unparse(node)} is no type")
        return kind

    def scalar_type(self, node: ast.expr) -> Any:
        """The type of numbers or pointers that an expression names."""
        kind = self.type_of(node)
        if is_place(kind) or not kind.size:
            raise self.error(node, f"{ast.unparse(node)} is no type of numbers or pointers")
        return kind

    def static_condition(self, node: ast.expr) -> bool | None:
        """The truth of a condition that is known when compiling; None of others."""
        try:
            value = self.fold(node)
        except RestrictedError:
            return None  # compiling it as an ordinary condition says what is wrong
        return None if value is NOT_STATIC else bool(value)

    def fold(self, node: ast.expr) -> Any:
        """A constant expression's value, emitting nothing; NOT_STATIC otherwise."""
        if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
            return self._folded(node, BINARY[type(node.op)], node.left, node.right)
        if isinstance(node, ast.UnaryOp):
            return self._folded(node, UNARY[type(node.op)], node.operand)
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARE:
            return self._folded(node, COMPARE[type(node.ops[0])], node.left, node.comparators[0])
        if isinstance(node, ast.BoolOp):
            chosen = all if isinstance(node.op, ast.And) else any
            return self._folded(node, lambda *values: chosen(values), *node.values)
        found = self.lookup(node)
        return found if isinstance(found, CONSTANTS) else NOT_STATIC

    def _folded(self, node: ast.AST, operation: Callable[..., Any], *operands: ast.expr) -> Any:
        values = [self.fold(operand) for operand in operands]
        return NOT_STATIC if any(value is NOT_STATIC for value in values) else self.evaluate(node, operation, *values)

    def evaluate(self, node: ast.AST, operation: Callable[..., Any], *values: Any) -> Any:
        """An operation on constants, its failure a compile error."""
        try:
            return operation(*values)
        except (ArithmeticError, LookupError, TypeError, ValueError) as failure:
            raise self.error(node, f"{type(failure).__name__}: {failure}") from None
