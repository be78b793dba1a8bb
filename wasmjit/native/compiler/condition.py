"""Conditions: truth values, comparisons, short circuits as branches."""

import ast
from typing import Any

from ..pointers import is_float, is_pointer
from ..values import boolean
from .known import COMPARE, Known
from .typed import Value

ORDERS = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}
WEIGHTS = {"likely": ", !prof !0", "unlikely": ", !prof !1"}  # metadata that program.py defines


def _branches(node: ast.expr) -> bool:
    """Whether the operands of a condition are evaluated by branches."""
    return isinstance(node, ast.BoolOp) or (isinstance(node, ast.Compare) and len(node.ops) > 1)


class Conditions(Known):
    def expression(self, node: ast.expr) -> Value:
        """The value of any expression; what compiles the operands of a condition is above this room."""
        raise NotImplementedError

    def place(self, node: ast.expr) -> tuple[str, Any]:
        """Address and type of what an lvalue names."""
        raise NotImplementedError

    def truth(self, node: ast.expr) -> str:
        """The node's truth as an i1, short circuits kept."""
        if _branches(node):
            place = self.temporary(boolean)
            yes, no, end = self.label("yes"), self.label("no"), self.label("known")
            self.condition(node, yes, no)
            for label, text in ((yes, "true"), (no, "false")):
                self.place_label(label)
                self.store_place(place, boolean, text)
                self.branch(end)
            self.place_label(end)
            return str(self.load_place(place, boolean).text)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self.let(f"xor i1 {self.truth(node.operand)}, true")
        return self.nonzero(self.expression(node), node)

    def condition(self, node: ast.expr, yes: str, no: str) -> None:
        """End the current block by the node's truth."""
        if isinstance(node, ast.BoolOp):
            conjunction = isinstance(node.op, ast.And)
            for value in node.values[:-1]:
                middle = self.label("and" if conjunction else "or")
                self.condition(value, *((middle, no) if conjunction else (yes, middle)))
                self.place_label(middle)
            self.condition(node.values[-1], yes, no)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.condition(node.operand, no, yes)
        elif isinstance(node, ast.Compare) and len(node.ops) > 1:
            self._chain(node, yes, no)
        else:
            weights = ""
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WEIGHTS and len(node.args) == 1:
                weights, node = WEIGHTS[node.func.id], node.args[0]
            self.branch_if(self.truth(node), yes, no, weights)

    def _chain(self, node: ast.Compare, yes: str, no: str) -> None:
        """a < b < c: each operand is evaluated once, and only when those before it hold."""
        left = self.expression(node.left)
        for i, (op, comparator) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right = self.expression(comparator)
            test = self.compare(node, op, left, right)
            last = i == len(node.ops) - 1
            middle = yes if last else self.label("and")
            self.branch_if(test, middle, no)
            if not last:
                self.place_label(middle)
            left = right

    def compare(self, node: ast.AST, op: ast.cmpop, a: Value, b: Value) -> str:
        """One comparison as an i1. Floats compare as IEEE 754 says: with a NaN only != holds."""
        equal = isinstance(op, (ast.Eq, ast.NotEq))
        if not equal and type(op) not in ORDERS:
            raise self.error(node, f"{type(op).__name__} is not in the language")
        if a.literal and b.literal:
            return "true" if self.evaluate(node, COMPARE[type(op)], a.text, b.text) else "false"
        if not a.literal and not b.literal and is_pointer(a.kind) and is_pointer(b.kind):
            kind, x, y = a.kind, str(a.text), str(b.text)
        else:
            kind, x, y = self.unify(node, a, b)
        if is_float(kind):
            code = ("oeq" if isinstance(op, ast.Eq) else "une") if equal else "o" + ORDERS[type(op)]
            return self.let(f"fcmp {code} {kind.ir} {x}, {y}")
        sign = "s" if getattr(kind, "signed", False) else "u"
        code = ("eq" if isinstance(op, ast.Eq) else "ne") if equal else sign + ORDERS[type(op)]
        return self.let(f"icmp {code} {kind.ir} {x}, {y}")
