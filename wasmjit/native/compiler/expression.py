"""Expressions of restricted Python: typed values, places, conditions."""

import ast
import builtins
import operator
import struct
from collections.abc import Callable
from typing import Any

from ..declare import Extern, ExternData, Function, Table, Variable
from ..intrinsics import Intrinsic
from ..pointers import is_array, is_float, is_integer, is_place, is_pointer, is_struct, ptr, resolve, size_of
from ..values import Float, Scalar, boolean, f64, i64, u8, u32, void
from .errors import RestrictedError, error
from .operations import INTRINSICS

ARITHMETIC = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor", ast.LShift: "shl"}
BY_SIGN = {ast.RShift: ("lshr", "ashr"), ast.FloorDiv: ("udiv", "sdiv"), ast.Mod: ("urem", "srem")}
FLOATS = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
ORDERS = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}
FOLD: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
}  # fmt: skip
NOT_STATIC = object()


class Value:
    """A typed IR value, or a literal: kind None and a Python number. A soft value was chosen among literals and takes any integer type."""

    __slots__ = ("kind", "soft", "text")

    def __init__(self, kind: Any, text: Any, soft: bool = False) -> None:
        self.kind, self.text, self.soft = kind, text, soft

    @property
    def literal(self) -> bool:
        return self.kind is None


class ExpressionCompiler:
    def __init__(self, program: Any, function: Function) -> None:
        self.program, self.function = program, function
        self.lines: list[str] = []
        self.allocas: list[str] = []
        self.locals: dict[str, Any] = {}
        self.count = 0
        self.open = True  # the current block has no terminator yet
        python = function.function
        cells = zip(python.__code__.co_freevars, python.__closure__ or (), strict=True)
        self.names = {**vars(builtins), **python.__globals__, **{name: cell.cell_contents for name, cell in cells}}

    def error(self, node: ast.AST, message: str) -> RestrictedError:
        return error(self.function.function.__code__.co_filename, node, message)

    # IR text

    def emit(self, line: str) -> None:
        self.lines.append("  " + line)

    def let(self, operation: str) -> str:
        self.count += 1
        self.emit(f"%t{self.count} = {operation}")
        return f"%t{self.count}"

    def label(self, name: str) -> str:
        self.count += 1
        return f"{name}{self.count}"

    def place_label(self, label: str) -> None:
        self.lines.append(label + ":")
        self.open = True

    def branch(self, label: str) -> None:
        if self.open:
            self.emit(f"br label %{label}")
        self.open = False

    def declare(self, name: str, kind: Any, node: ast.AST) -> None:
        kind = resolve(kind)
        if not (isinstance(kind, type) and issubclass(kind, Scalar)) or kind is void:
            raise self.error(node, f"{name}: a local holds a number or a pointer, not {kind!r}")
        known = self.locals.setdefault(name, kind)
        if known is not kind:
            raise self.error(node, f"{name} is {known.__name__}, not {kind.__name__}")
        line = f"  %v.{name} = alloca {'i8' if kind is boolean else kind.ir}"
        if line not in self.allocas:
            self.allocas.append(line)

    def load_place(self, place: str, kind: Any, align: str = "") -> Value:
        kind = resolve(kind)
        if is_place(kind):
            return Value(ptr[kind.elem if is_array(kind) else kind], place)
        if kind is boolean:
            return Value(boolean, self.let(f"trunc i8 {self.let(f'load i8, ptr {place}')} to i1"))
        return Value(kind, self.let(f"load {kind.ir}, ptr {place}{align}"))

    def store_place(self, place: str, kind: Any, text: str, align: str = "") -> None:
        if is_place(kind):
            raise TypeError("structs and arrays are not assigned")
        if kind is boolean:
            self.emit(f"store i8 {self.let(f'zext i1 {text} to i8')}, ptr {place}")
        else:
            self.emit(f"store {kind.ir} {text}, ptr {place}{align}")

    # types

    def literal_kind(self, value: Value) -> Any:
        if not value.literal:
            return value.kind
        return boolean if isinstance(value.text, bool) else f64 if isinstance(value.text, float) else i64

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
            return self.let(f"{'sext' if kind.signed else 'zext'} {have.ir} {value.text} to {kind.ir}")
        raise self.error(node, f"{have.__name__} where {kind.__name__} is needed: cast it")

    def literal(self, number: Any, kind: Any, node: ast.AST) -> str:
        if is_float(kind):
            raw = (number if isinstance(number, Float) else kind(number)).raw
            return f"bitcast (i{kind.bits} {raw} to {kind.ir})"
        if is_pointer(kind) and number == 0:
            return "null"
        if kind is boolean and isinstance(number, (bool, int)):
            return "true" if number else "false"
        if is_integer(kind) and isinstance(number, int) and -(1 << (kind.bits - 1)) <= int(number) < 1 << kind.bits:
            return str(int(number))
        raise self.error(node, f"{number!r} is no {kind.__name__}")

    def unify(self, node: ast.AST, a: Value, b: Value) -> tuple[Any, str, str]:
        if a.literal and b.literal:
            raise self.error(node, "two literals")
        kind = b.kind if a.literal or (a.soft and not b.literal) else a.kind
        if not a.literal and not b.literal and not a.soft and not b.soft and is_integer(a.kind) and is_integer(b.kind):
            if a.kind.signed is not b.kind.signed and a.kind is not b.kind:
                raise self.error(node, f"{a.kind.__name__} with {b.kind.__name__}: cast one of them")
            kind = a.kind if a.kind.bits >= b.kind.bits else b.kind
        return kind, self.coerce(a, kind, node), self.coerce(b, kind, node)

    # what is known when compiling

    def lookup(self, node: ast.expr) -> Any:
        """The Python object that a name stands for when compiling, or NOT_STATIC."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name) and node.id not in self.locals:
            if node.id not in self.names:
                raise self.error(node, f"{node.id} is not defined (a local is assigned before it is read)")
            return self.names[node.id]
        if isinstance(node, ast.Attribute):
            base = self.lookup(node.value)
            if base is not NOT_STATIC and not isinstance(base, (Variable, Table)) and hasattr(base, node.attr):
                return getattr(base, node.attr)
        if isinstance(node, ast.Subscript):
            base = self.lookup(node.value)
            if base is ptr:
                index = self.lookup(node.slice)
                return NOT_STATIC if index is NOT_STATIC else ptr[index]
            if isinstance(base, (tuple, list, dict)):
                index = self.lookup(node.slice)
                return base[index] if index is not NOT_STATIC else NOT_STATIC
        return NOT_STATIC

    def static(self, node: ast.expr) -> Any:
        found = self.lookup(node)
        if found is NOT_STATIC:
            raise self.error(node, f"{ast.unparse(node)} is not known when compiling")
        return found

    def static_condition(self, node: ast.expr) -> bool | None:
        try:
            value = self.fold(node)
        except RestrictedError:
            return None
        return None if value is NOT_STATIC else bool(value)

    def fold(self, node: ast.expr) -> Any:
        """A constant expression's value, emitting nothing; NOT_STATIC otherwise."""
        if isinstance(node, ast.BinOp) and type(node.op) in FOLD:
            a, b = self.fold(node.left), self.fold(node.right)
            return FOLD[type(node.op)](a, b) if a is not NOT_STATIC and b is not NOT_STATIC else NOT_STATIC
        if isinstance(node, ast.UnaryOp):
            a = self.fold(node.operand)
            if a is NOT_STATIC:
                return a
            return (
                not a
                if isinstance(node.op, ast.Not)
                else -a
                if isinstance(node.op, ast.USub)
                else ~a
                if isinstance(node.op, ast.Invert)
                else a
            )
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            a, b = self.fold(node.left), self.fold(node.comparators[0])
            if a is NOT_STATIC or b is NOT_STATIC:
                return NOT_STATIC
            op = type(node.ops[0])
            return (
                {ast.Eq: a == b, ast.NotEq: a != b}[op]
                if op in (ast.Eq, ast.NotEq)
                else {ast.Lt: a < b, ast.LtE: a <= b, ast.Gt: a > b, ast.GtE: a >= b}.get(op, NOT_STATIC)
            )
        if isinstance(node, ast.BoolOp):
            values = [self.fold(value) for value in node.values]
            if any(value is NOT_STATIC for value in values):
                return NOT_STATIC
            return all(values) if isinstance(node.op, ast.And) else any(values)
        found = self.lookup(node)
        return found if isinstance(found, (int, float, str, bytes, tuple, type(None))) or isinstance(found, type) else NOT_STATIC

    # expressions

    def expression(self, node: ast.expr) -> Value:
        if isinstance(node, (ast.Constant, ast.Name, ast.Attribute)):
            return self.atom(node)
        method = getattr(self, "ex_" + type(node).__name__, None)
        if method is None:
            raise self.error(node, f"{ast.unparse(node)}: {type(node).__name__} is not in the language")
        return method(node)  # type: ignore[no-any-return]

    def atom(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Name) and node.id in self.locals:
            return self.load_place(f"%v.{node.id}", self.locals[node.id])
        found = self.lookup(node)
        if found is NOT_STATIC:
            return self.load_place(*self.place(node))
        return self.static_value(node, found)

    def static_value(self, node: ast.AST, found: Any) -> Value:
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
            base = self.expression(node.value)
            if not is_pointer(base.kind) or not is_struct(resolve(base.kind.elem)):
                raise self.error(node, f".{node.attr} of {base.kind.__name__ if base.kind else base.text}")
            kind = resolve(base.kind.elem)
            if node.attr not in kind.fields:
                raise self.error(node, f"{kind.__name__} has no field {node.attr}")
            field, offset = kind.fields[node.attr]
            return self.let(f"getelementptr i8, ptr {base.text}, i64 {offset}"), resolve(field)
        if isinstance(node, ast.Subscript):
            base = self.expression(node.value)
            if not is_pointer(base.kind):
                raise self.error(node, f"{ast.unparse(node.value)} is not a pointer")
            return self.element(base, self.expression(node.slice), node), resolve(base.kind.elem)
        if isinstance(node, ast.Name) and node.id in self.locals:
            return f"%v.{node.id}", self.locals[node.id]
        raise self.error(node, f"{ast.unparse(node)} is no place")

    def element(self, base: Value, index: Value, node: ast.AST, negate: bool = False) -> str:
        text = self.wide(index, node)
        if negate:
            text = self.let(f"sub i64 0, {text}")
        return self.let(f"getelementptr [{size_of(base.kind.elem)} x i8], ptr {base.text}, i64 {text}")

    def wide(self, value: Value, node: ast.AST) -> str:
        """The value as i64, extended by its own signedness."""
        if value.literal:
            return self.literal(value.text, i64, node)
        if not is_integer(value.kind):
            raise self.error(node, f"{value.kind.__name__} as an index")
        if value.kind.bits == 64:
            return str(value.text)
        return self.let(f"{'sext' if value.kind.signed else 'zext'} {value.kind.ir} {value.text} to i64")

    def ex_Subscript(self, node: ast.Subscript) -> Value:
        found = self.lookup(node)
        return self.static_value(node, found) if found is not NOT_STATIC else self.load_place(*self.place(node))

    def ex_BinOp(self, node: ast.BinOp) -> Value:
        return self.binary(node, node.op, self.expression(node.left), self.expression(node.right))

    def binary(self, node: ast.AST, op: ast.operator, a: Value, b: Value) -> Value:
        if a.literal and b.literal:
            return Value(None, FOLD[type(op)](a.text, b.text))
        if is_pointer(a.kind) and isinstance(op, (ast.Add, ast.Sub)):
            return Value(a.kind, self.element(a, b, node, isinstance(op, ast.Sub)))
        kind, x, y = self.unify(node, a, b)
        if is_float(kind):
            if type(op) not in FLOATS:
                raise self.error(node, f"{type(op).__name__} of floats")
            return Value(kind, self.let(f"{FLOATS[type(op)]} {kind.ir} {x}, {y}"))
        if not is_integer(kind) or type(op) not in ARITHMETIC and type(op) not in BY_SIGN:
            raise self.error(node, f"{type(op).__name__} of {kind.__name__}")
        return Value(kind, self.let(f"{ARITHMETIC.get(type(op)) or BY_SIGN[type(op)][kind.signed]} {kind.ir} {x}, {y}"))

    def ex_UnaryOp(self, node: ast.UnaryOp) -> Value:
        if isinstance(node.op, ast.Not):
            return Value(boolean, self.let(f"xor i1 {self.truth(node.operand)}, true"))
        value = self.expression(node.operand)
        if value.literal:
            return Value(
                None, -value.text if isinstance(node.op, ast.USub) else ~value.text if isinstance(node.op, ast.Invert) else value.text
            )
        if is_float(value.kind) and isinstance(node.op, ast.USub):
            return Value(value.kind, self.let(f"fneg {value.kind.ir} {value.text}"))
        if not is_integer(value.kind):
            raise self.error(node, f"{type(node.op).__name__} of {value.kind.__name__}")
        if isinstance(node.op, ast.UAdd):
            return value
        return Value(
            value.kind,
            self.let(f"sub {value.kind.ir} 0, {value.text}" if isinstance(node.op, ast.USub) else f"xor {value.kind.ir} {value.text}, -1"),
        )

    def ex_IfExp(self, node: ast.IfExp) -> Value:
        known = self.static_condition(node.test)
        if known is not None:
            return self.expression(node.body if known else node.orelse)
        then, other, end = self.label("then"), self.label("else"), self.label("endif")
        self.condition(node.test, then, other)
        self.place_label(then)
        a = self.expression(node.body)
        held = len(self.lines)  # the first branch is closed once the type of both is known
        self.place_label(other)
        b = self.expression(node.orelse)
        kind = self.literal_kind(b if a.literal else a) if a.literal or b.literal else a.kind
        if a.literal and b.literal:
            kind = self.literal_kind(a)
        elif not a.literal and not b.literal and is_integer(a.kind) and is_integer(b.kind) and a.kind.bits < b.kind.bits:
            kind = b.kind
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

    def temporary(self, kind: Any) -> str:
        self.count += 1
        self.allocas.append(f"  %x{self.count} = alloca {'i8' if kind is boolean else kind.ir}")
        return f"%x{self.count}"

    # conditions

    def truth(self, node: ast.expr) -> str:
        """The node's truth as an i1, short circuits kept."""
        if isinstance(node, ast.BoolOp) or (isinstance(node, ast.Compare) and len(node.ops) > 1):
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

    def nonzero(self, value: Value, node: ast.AST) -> str:
        if value.literal:
            return "true" if value.text else "false"
        if value.kind is boolean:
            return str(value.text)
        if is_pointer(value.kind):
            return self.let(f"icmp ne ptr {value.text}, null")
        if not is_integer(value.kind):
            raise self.error(node, f"truth of {value.kind.__name__}")
        return self.let(f"icmp ne {value.kind.ir} {value.text}, 0")

    def condition(self, node: ast.expr, yes: str, no: str) -> None:
        if isinstance(node, ast.BoolOp):
            for value in node.values[:-1]:
                middle = self.label("and" if isinstance(node.op, ast.And) else "or")
                self.condition(value, *((middle, no) if isinstance(node.op, ast.And) else (yes, middle)))
                self.place_label(middle)
            self.condition(node.values[-1], yes, no)
            return
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.condition(node.operand, no, yes)
            return
        if isinstance(node, ast.Compare) and len(node.ops) > 1:
            left = self.expression(node.left)
            for i, (op, right_node) in enumerate(zip(node.ops, node.comparators, strict=True)):
                right = self.expression(right_node)
                test = self.compare(node, op, left, right)
                last = i == len(node.ops) - 1
                middle = yes if last else self.label("and")
                self.emit(f"br i1 {test}, label %{middle}, label %{no}")
                if not last:
                    self.place_label(middle)
                left = right
            self.open = False
            return
        weights = ""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("likely", "unlikely"):
            weights = ", !prof !0" if node.func.id == "likely" else ", !prof !1"
            node = node.args[0]
        self.emit(f"br i1 {self.truth(node)}, label %{yes}, label %{no}{weights}")
        self.open = False

    def ex_BoolOp(self, node: ast.BoolOp) -> Value:
        return Value(boolean, self.truth(node))

    def ex_Compare(self, node: ast.Compare) -> Value:
        if len(node.ops) > 1:
            return Value(boolean, self.truth(node))
        return Value(boolean, self.compare(node, node.ops[0], self.expression(node.left), self.expression(node.comparators[0])))

    def compare(self, node: ast.AST, op: ast.cmpop, a: Value, b: Value) -> str:
        if a.literal and b.literal:
            raise self.error(node, "a comparison of two literals")
        if not a.literal and not b.literal and is_pointer(a.kind) and is_pointer(b.kind):
            kind, x, y = a.kind, str(a.text), str(b.text)
        else:
            kind, x, y = self.unify(node, a, b)
        equal = isinstance(op, (ast.Eq, ast.NotEq))
        if not equal and type(op) not in ORDERS:
            raise self.error(node, f"{type(op).__name__} is not in the language")
        if is_float(kind):
            code = ("oeq" if isinstance(op, ast.Eq) else "une") if equal else "o" + ORDERS[type(op)]
            return self.let(f"fcmp {code} {kind.ir} {x}, {y}")
        code = ("eq" if isinstance(op, ast.Eq) else "ne") if equal else ("s" if getattr(kind, "signed", False) else "u") + ORDERS[type(op)]
        return self.let(f"icmp {code} {kind.ir} {x}, {y}")

    # calls

    def ex_Call(self, node: ast.Call) -> Value:
        if node.keywords:
            raise self.error(node, "no keyword arguments")
        callee = self.static(node.func)
        if isinstance(callee, Intrinsic):
            return INTRINSICS[callee.name](self, node)  # type: ignore[no-any-return]
        if isinstance(callee, (Function, Extern)):
            return self.call_function(node, callee)
        if isinstance(callee, type) and issubclass(callee, Scalar) and len(node.args) == 1:
            return self.cast(node, callee, self.expression(node.args[0]))
        raise self.error(node, f"{ast.unparse(node.func)} cannot be called")

    def call_function(self, node: ast.Call, callee: Function | Extern) -> Value:
        fixed, variadic = len(callee.params), isinstance(callee, Extern) and callee.variadic
        if len(node.args) < fixed or (len(node.args) > fixed and not variadic):
            raise self.error(node, f"{callee.symbol} takes {fixed} arguments")
        name = self.program.function(callee) if isinstance(callee, Function) else self.program.extern(callee)
        passed, kinds = [], []
        for argument, (_, kind) in zip(node.args, callee.params, strict=False):
            passed.append(f"{kind.ir} {self.coerce(self.expression(argument), kind, argument)}")
            kinds.append(kind.ir)
        for argument in node.args[fixed:]:
            value = self.expression(argument)
            kind = self.literal_kind(value)
            if is_integer(kind) and kind.bits < 32:
                raise self.error(argument, "pass u32 or wider to a variadic function")
            passed.append(f"{kind.ir} {self.coerce(value, kind, argument)}")
        prototype = f"{callee.result.ir} ({', '.join([*kinds, '...'])})" if variadic else callee.result.ir
        call = f"call {prototype} {name}({', '.join(passed)})"
        if callee.result is void:
            self.emit(call)
            result = Value(void, "")
        else:
            result = Value(resolve(callee.result), self.let(call))
        if callee.noreturn:
            self.emit("unreachable")
            self.open = False
        return result

    def cast(self, node: ast.AST, kind: Any, value: Value) -> Value:
        if value.literal:
            if is_integer(kind) and isinstance(value.text, int) and kind is not boolean:
                return Value(kind, str(int(kind(value.text))))
            if is_pointer(kind) and value.text:
                return Value(kind, f"inttoptr (i64 {value.text} to ptr)")
            return Value(kind, self.literal(value.text, kind, node))
        have, text = value.kind, value.text
        if have is kind or (is_pointer(have) and is_pointer(kind)):
            return Value(kind, text)
        if kind is boolean:
            return Value(kind, self.nonzero(value, node))
        if is_pointer(kind) and is_integer(have):
            return Value(kind, self.let(f"inttoptr i64 {self.wide(value, node)} to ptr"))
        if is_pointer(have) and is_integer(kind):
            return Value(kind, self.let(f"ptrtoint ptr {text} to {kind.ir}"))
        if is_integer(have) and is_integer(kind):
            if have.bits == kind.bits:
                return Value(kind, text)
            how = "trunc" if have.bits > kind.bits else "sext" if have.signed else "zext"
            return Value(kind, self.let(f"{how} {have.ir} {text} to {kind.ir}"))
        if is_float(have) and is_integer(kind):
            return Value(kind, self.let(f"{'fptosi' if kind.signed else 'fptoui'} {have.ir} {text} to {kind.ir}"))
        if is_integer(have) and is_float(kind):
            return Value(kind, self.let(f"{'sitofp' if have.signed else 'uitofp'} {have.ir} {text} to {kind.ir}"))
        if is_float(have) and is_float(kind):
            return Value(kind, self.let(f"{'fptrunc' if have.bits > kind.bits else 'fpext'} {have.ir} {text} to {kind.ir}"))
        raise self.error(node, f"no cast of {have.__name__} to {kind.__name__}")


__all__ = ["ExpressionCompiler", "Value", "struct", "u32"]
