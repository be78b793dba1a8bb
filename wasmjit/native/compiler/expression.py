"""Expressions: names, places, operators, conditional expressions, calls."""

import ast
from typing import Any

from ..declare import Extern, ExternData, Function, Table, Variable
from ..intrinsics import Intrinsic
from ..pointers import is_float, is_integer, is_pointer, is_struct, ptr, resolve, size_of
from ..values import Float, Scalar, boolean, i64, u8, void
from .condition import Conditions
from .intrinsics import INTRINSICS
from .known import BINARY, NOT_STATIC, UNARY
from .typed import NOTHING, Value, name_of, own_kind

ARITHMETIC = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor", ast.LShift: "shl"}
BY_SIGN = {ast.RShift: ("lshr", "ashr"), ast.FloorDiv: ("udiv", "sdiv"), ast.Mod: ("urem", "srem")}
FLOATS = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
LOGICAL = (ast.BitAnd, ast.BitOr, ast.BitXor)


class ExpressionCompiler(Conditions):
    def expression(self, node: ast.expr) -> Value:
        """The node's value; a compile error for what the language lacks."""
        if isinstance(node, (ast.Constant, ast.Name, ast.Attribute)):
            return self.atom(node)
        method = getattr(self, "ex_" + type(node).__name__, None)
        if method is None:
            raise self.error(node, f"{ast.unparse(node)}: {type(node).__name__} is not in the language")
        return method(node)  # type: ignore[no-any-return]

    def value(self, node: ast.expr) -> Value:
        """The value of an operand, which must have one."""
        value = self.expression(node)
        if value.kind is void:
            raise self.error(node, f"{ast.unparse(node)} has no value")
        return value

    # names and places

    def atom(self, node: ast.expr) -> Value:
        """The value of a name, an attribute or a literal."""
        if isinstance(node, ast.Name) and node.id in self.bound:
            return self.bound[node.id]
        found = self.lookup(node)
        return self.load(node) if found is NOT_STATIC else self.static_value(node, found)

    def load(self, node: ast.expr) -> Value:
        """What stands in a place."""
        if isinstance(node, ast.Name) and node.id not in self.assigned:
            raise self.error(node, f"{node.id} is read before it is assigned")
        place, kind = self.place(node)
        if kind is void:
            raise self.error(node, f"{ast.unparse(node)} has no value")
        return self.load_place(place, kind)

    def static_value(self, node: ast.AST, found: Any) -> Value:
        """The value of a Python object that a name stands for."""
        if isinstance(found, Variable):
            return Value(ptr[resolve(found.elem)], self.program.variable(found))
        if isinstance(found, Table):
            return Value(ptr[found.elem], self.program.table(found))
        if isinstance(found, ExternData):
            return Value(found.kind, self.let(f"load {found.kind.ir}, ptr {self.program.extern_data(found)}"))
        if isinstance(found, bytes):
            return Value(ptr[u8], self.program.string(found))
        if isinstance(found, (int, float, Float)):
            return Value(None, found)
        raise self.error(node, f"{found!r} is no value")

    def place(self, node: ast.expr) -> tuple[str, Any]:
        """Address and type of what an lvalue names."""
        if isinstance(node, ast.Attribute):
            return self._field(node)
        if isinstance(node, ast.Subscript):
            base = self.expression(node.value)
            if not is_pointer(base.kind):
                raise self.error(node, f"{ast.unparse(node.value)} is not a pointer")
            return self.element(base, self.expression(node.slice), node), resolve(base.kind.elem)
        if isinstance(node, ast.Name) and node.id in self.locals:
            return f"%v.{node.id}", self.locals[node.id]
        raise self.error(node, f"{ast.unparse(node)} is no place")

    def _field(self, node: ast.Attribute) -> tuple[str, Any]:
        base = self.expression(node.value)
        if not is_pointer(base.kind) or not is_struct(resolve(base.kind.elem)):
            raise self.error(node, f".{node.attr} of {name_of(base)}")
        kind = resolve(base.kind.elem)
        if node.attr not in kind.fields:
            raise self.error(node, f"{kind.__name__} has no field {node.attr}")
        field, offset = kind.fields[node.attr]
        return self.let(f"getelementptr i8, ptr {base.text}, i64 {offset}"), resolve(field)

    def element(self, base: Value, index: Value, node: ast.AST, negate: bool = False) -> str:
        """Address of an element, counted from a pointer."""
        text = self.wide(index, node)
        if negate:
            text = self.let(f"sub i64 0, {text}")
        return self.let(f"getelementptr [{size_of(base.kind.elem)} x i8], ptr {base.text}, i64 {text}")

    def ex_Subscript(self, node: ast.Subscript) -> Value:
        found = self.lookup(node)
        return self.load(node) if found is NOT_STATIC else self.static_value(node, found)

    # operators

    def ex_BinOp(self, node: ast.BinOp) -> Value:
        return self.binary(node, node.op, self.expression(node.left), self.expression(node.right))

    def binary(self, node: ast.AST, op: ast.operator, a: Value, b: Value) -> Value:
        """a op b. Integers wrap; `//` and `%` truncate; a shift count is below the width."""
        if a.literal and b.literal:
            return Value(None, self.evaluate(node, BINARY.get(type(op), _missing), a.text, b.text))
        if is_pointer(a.kind) and isinstance(op, (ast.Add, ast.Sub)):
            return Value(a.kind, self.element(a, b, node, isinstance(op, ast.Sub)))
        kind, x, y = self.unify(node, a, b)
        if is_float(kind) and type(op) in FLOATS:
            return Value(kind, self.let(f"{FLOATS[type(op)]} {kind.ir} {x}, {y}"))
        name = ARITHMETIC.get(type(op)) or BY_SIGN.get(type(op), ("", ""))[getattr(kind, "signed", False)]
        if not name or not is_integer(kind) or (kind is boolean and not isinstance(op, LOGICAL)):
            raise self.error(node, f"{type(op).__name__} of {kind.__name__}")
        return Value(kind, self.let(f"{name} {kind.ir} {x}, {y}"))

    def ex_UnaryOp(self, node: ast.UnaryOp) -> Value:
        if isinstance(node.op, ast.Not):
            return Value(boolean, self.let(f"xor i1 {self.truth(node.operand)}, true"))
        value = self.expression(node.operand)
        kind = value.kind
        if value.literal:
            return Value(None, self.evaluate(node, UNARY[type(node.op)], value.text))
        if is_float(kind) and isinstance(node.op, ast.USub):
            return Value(kind, self.let(f"fneg {kind.ir} {value.text}"))
        if not is_integer(kind) or kind is boolean or isinstance(node.op, ast.UAdd):
            raise self.error(node, f"{type(node.op).__name__} of {kind.__name__}")
        operation = f"sub {kind.ir} 0, {value.text}" if isinstance(node.op, ast.USub) else f"xor {kind.ir} {value.text}, -1"
        return Value(kind, self.let(operation))

    def ex_BoolOp(self, node: ast.BoolOp) -> Value:
        return Value(boolean, self.truth(node))

    def ex_Compare(self, node: ast.Compare) -> Value:
        if len(node.ops) > 1:
            return Value(boolean, self.truth(node))
        return Value(boolean, self.compare(node, node.ops[0], self.expression(node.left), self.expression(node.comparators[0])))

    def ex_IfExp(self, node: ast.IfExp) -> Value:
        known = self.static_condition(node.test)
        if known is not None:
            return self.expression(node.body if known else node.orelse)
        then, other, end = self.label("then"), self.label("else"), self.label("endif")
        self.condition(node.test, then, other)
        self.place_label(then)
        a = self.value(node.body)
        held = len(self.lines)  # the first branch is closed once the type of both is known
        self.place_label(other)
        b = self.value(node.orelse)
        kind = _common(a, b)
        tail, self.lines = self.lines[held:], self.lines[:held]
        place = self.temporary(kind)
        self.store_place(place, kind, self.coerce(a, kind, node))
        self.emit(f"br label %{end}")
        self.lines += tail
        self.store_place(place, kind, self.coerce(b, kind, node))
        self.branch(end)
        self.place_label(end)
        result = self.load_place(place, kind)
        result.soft = kind is i64 and (a.literal or a.soft) and (b.literal or b.soft)
        return result

    # calls

    def ex_Call(self, node: ast.Call) -> Value:
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self.error(node, "arguments are passed by position, one by one")
        callee = self.static(node.func)
        if isinstance(callee, Intrinsic):
            self._check_count(node, callee.name, callee.least, callee.most)
            return INTRINSICS[callee.name](self, node)
        if isinstance(callee, (Function, Extern)):
            return self._call_function(node, callee)
        if isinstance(callee, type) and issubclass(callee, Scalar) and callee is not void:
            self._check_count(node, callee.__name__, 1, 1)
            return self.cast(node, callee, self.value(node.args[0]))
        raise self.error(node, f"{ast.unparse(node.func)} cannot be called")

    def _check_count(self, node: ast.Call, name: str, least: int, most: int | None) -> None:
        if len(node.args) < least or (most is not None and len(node.args) > most):
            takes = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
            raise self.error(node, f"{name} takes {takes} argument{'' if takes == '1' else 's'} ({len(node.args)} given)")

    def _call_function(self, node: ast.Call, callee: Function | Extern) -> Value:
        fixed, variadic = len(callee.params), isinstance(callee, Extern) and callee.variadic
        self._check_count(node, callee.symbol, fixed, None if variadic else fixed)
        name = self.program.function(callee) if isinstance(callee, Function) else self.program.extern(callee)
        passed, kinds = [], []
        for argument, (_, kind) in zip(node.args, callee.params, strict=False):
            passed.append(f"{kind.ir} {self.coerce(self.expression(argument), kind, argument)}")
            kinds.append(kind.ir)
        for argument in node.args[fixed:]:
            value = self.value(argument)
            kind = own_kind(value)
            if kind.size < 4 or (is_float(kind) and kind.bits < 64):  # C promotes such arguments; the language converts nothing unasked
                raise self.error(argument, f"{kind.__name__} to a variadic function: cast it to a wider type")
            passed.append(f"{kind.ir} {self.coerce(value, kind, argument)}")
        prototype = f"{callee.result.ir} ({', '.join([*kinds, '...'])})" if variadic else callee.result.ir
        call = f"call {prototype} {name}({', '.join(passed)})"
        result = NOTHING
        if callee.result is void:
            self.emit(call)
        else:
            result = Value(resolve(callee.result), self.let(call))
        if callee.noreturn:
            self.emit("unreachable")
            self.open = False
        return result


def _missing(a: Any, b: Any) -> Any:
    raise TypeError("the operator is not in the language")


def _common(a: Value, b: Value) -> Any:
    """The type of a conditional expression; the branch that does not fit it is refused when it is stored."""
    if a.literal and b.literal:
        return own_kind(a)
    if a.literal or b.literal:
        return own_kind(b if a.literal else a)
    return b.kind if is_integer(a.kind) and is_integer(b.kind) and a.kind.bits < b.kind.bits else a.kind
