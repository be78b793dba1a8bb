"""Statements. A local is memory of the frame; which locals have a value on every way to a statement is followed along."""

import ast
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..pointers import DeclarationError, is_integer, is_place, resolve
from ..values import Scalar, boolean, i64, void
from .expression import ExpressionCompiler
from .program import Program
from .typed import Value, own_kind


class Loop(NamedTuple):
    """A loop being compiled: where `continue` and `break` go, and what is assigned at each break."""

    again: str
    end: str
    breaks: list[set[str]]


class StatementCompiler(ExpressionCompiler):
    """result: the type that is returned."""

    def __init__(self, program: Program, filename: str, names: Mapping[str, Any], result: Any) -> None:
        super().__init__(program, filename, names)
        self.result = result
        self.loops: list[Loop] = []
        self.counting: list[str] = []  # variables of the for loops around

    def body(self, statements: list[ast.stmt]) -> None:
        """Statements one after the other."""
        for statement in statements:
            if not self.open:
                return  # what follows a return or break is not reached
            method = getattr(self, "on_" + type(statement).__name__, None)
            if method is None:
                raise self.error(statement, f"{type(statement).__name__} is not in the language")
            try:
                method(statement)
            except DeclarationError as failure:
                raise self.error(statement, str(failure)) from failure

    def declare(self, name: str, kind: Any, node: ast.AST) -> None:
        """Give a local its type; it has one all through the function."""
        kind = resolve(kind)
        if not (isinstance(kind, type) and issubclass(kind, Scalar)) or kind is void:
            raise self.error(node, f"{name}: a local holds a number or a pointer, not {getattr(kind, '__name__', repr(kind))}")
        known = self.locals.setdefault(name, kind)
        if known is not kind:
            raise self.error(node, f"{name} is {known.__name__}, not {kind.__name__}")
        line = f"  %v.{name} = alloca {'i8' if kind is boolean else kind.ir}"
        if line not in self.allocas:
            self.allocas.append(line)

    # assignments

    def on_Pass(self, node: ast.Pass) -> None:
        pass

    def on_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.expression(node.value)

    def on_Assign(self, node: ast.Assign) -> None:
        if len(node.targets) != 1:
            raise self.error(node, "one target an assignment")
        self.assign(node.targets[0], self.expression(node.value))

    def on_AnnAssign(self, node: ast.AnnAssign) -> None:
        if not isinstance(node.target, ast.Name):
            raise self.error(node, "only local names take a type")
        self.declare(node.target.id, self.type_of(node.annotation), node)
        if node.value is not None:
            self.assign(node.target, self.expression(node.value))

    def on_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            old = self.expression(ast.copy_location(ast.Name(node.target.id, ast.Load()), node))
            self.assign(node.target, self.binary(node, node.op, old, self.expression(node.value)))
            return
        place, kind = self.place(node.target)
        value = self.binary(node, node.op, self.load_place(place, kind), self.expression(node.value))
        self._store(place, kind, value, node)

    def assign(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            if target.id in self.counting:
                raise self.error(target, f"{target.id} counts the loop around")
            if target.id not in self.locals:
                self.declare(target.id, own_kind(value), target)
            self.assigned.add(target.id)
            self._store(f"%v.{target.id}", self.locals[target.id], value, target)
        else:
            self._store(*self.place(target), value, target)

    def _store(self, place: str, kind: Any, value: Value, node: ast.AST) -> None:
        if is_place(kind):
            raise self.error(node, f"a {kind.__name__} is not assigned as a whole")
        self.store_place(place, kind, self.coerce(value, kind, node))

    # ways through the function

    def on_Return(self, node: ast.Return) -> None:
        if node.value is None or (self.result is void and isinstance(node.value, ast.Constant) and node.value.value is None):
            if self.result is not void:
                raise self.error(node, f"a {self.result.__name__} is to be returned")
            self.emit("ret void")
        else:
            value = self.expression(node.value)
            if self.open:  # a function that does not return may stand here
                self.emit(f"ret {self.result.ir} {self.coerce(value, self.result, node)}")
        self.open = False

    def on_If(self, node: ast.If) -> None:
        known = self.static_condition(node.test)
        if known is not None:
            self.body(node.body if known else node.orelse)
            return
        then, other, end = self.label("then"), self.label("else"), self.label("endif")
        self.condition(node.test, then, other if node.orelse else end)
        before, ways = set(self.assigned), []
        for label, statements in ((then, node.body), (other, node.orelse)):
            self.assigned = set(before)
            if statements:
                self.place_label(label)
                self.body(statements)
            if self.open or not statements:
                ways.append(self.assigned)
            self.branch(end)
        if ways:
            self.place_label(end)
            self.assigned = set.intersection(*ways)

    def on_While(self, node: ast.While) -> None:
        if node.orelse:
            raise self.error(node, "while has no else")
        top, body, end = self.label("while"), self.label("do"), self.label("done")
        self.branch(top)
        self.place_label(top)
        forever = self.static_condition(node.test)
        if forever:
            self.branch(body)
        else:
            self.condition(node.test, body, end)
        before = set(self.assigned)
        ways = self._repeat(node.body, body, top, end)
        self.branch(top)
        if not forever:
            ways.append(before)
        if ways:
            self.place_label(end)
            self.assigned = set.intersection(*ways)

    def _repeat(self, statements: list[ast.stmt], body: str, again: str, end: str) -> list[set[str]]:
        """The body of a loop; what is assigned at each of its breaks."""
        self.place_label(body)
        loop = Loop(again, end, [])
        self.loops.append(loop)
        self.body(statements)
        self.loops.pop()
        return loop.breaks

    def on_For(self, node: ast.For) -> None:
        call = node.iter
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "range" or node.orelse:
            raise self.error(node, "for runs over range(), without else")
        if not isinstance(node.target, ast.Name) or call.keywords or not 1 <= len(call.args) <= 3:
            raise self.error(node, "for NAME in range([start,] stop[, step])")
        arguments = [self.expression(argument) for argument in call.args]
        step = arguments[2].text if len(arguments) == 3 else 1
        if not isinstance(step, int) or step == 0:
            raise self.error(node, "the step is a constant and not 0")
        start, stop = (arguments[0], arguments[1]) if len(arguments) > 1 else (Value(None, 0), arguments[0])
        self._counted(node, node.target.id, start, stop, step)

    def _counted(self, node: ast.For, name: str, start: Value, stop: Value, step: int) -> None:
        if name in self.counting:
            raise self.error(node, f"{name} counts the loop around")
        kind = self.locals.get(name) or stop.kind or start.kind or i64
        if not is_integer(kind) or kind is boolean:
            raise self.error(node, f"a loop counts integers, not {kind.__name__}")
        if not kind.signed and stop.literal and isinstance(stop.text, int) and stop.text < 0:
            raise self.error(node, f"{name} is {kind.__name__} and never below 0: the loop would not run")
        self.declare(name, kind, node)
        place = f"%v.{name}"
        limit = self.coerce(stop, kind, node)
        self.store_place(place, kind, self.coerce(start, kind, node))
        top, body, next_, end = self.label("for"), self.label("do"), self.label("next"), self.label("done")
        self.branch(top)
        self.place_label(top)
        now = self.load_place(place, kind)
        order = ("s" if kind.signed else "u") + ("lt" if step > 0 else "gt")
        self.branch_if(self.let(f"icmp {order} {kind.ir} {now.text}, {limit}"), body, end)
        before = self.assigned - {name}
        self.assigned = before | {name}
        self.counting.append(name)
        ways = self._repeat(node.body, body, next_, end)
        self.counting.pop()
        self.branch(next_)
        self.place_label(next_)
        now = self.load_place(place, kind)
        self.store_place(place, kind, self.let(f"add {kind.ir} {now.text}, {step}"))
        self.branch(top)
        self.place_label(end)
        self.assigned = set.intersection(before, *ways) if ways else before

    def on_Break(self, node: ast.Break) -> None:
        self.loops[-1].breaks.append(self.assigned)
        self.branch(self.loops[-1].end)

    def on_Continue(self, node: ast.Continue) -> None:
        self.branch(self.loops[-1].again)
