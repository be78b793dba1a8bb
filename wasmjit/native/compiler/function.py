"""One restricted function: statements. Expressions are in expression.py."""

import ast
import inspect
import textwrap
from typing import Any

from ..declare import Function
from ..pointers import is_integer, is_pointer
from ..values import boolean, i64, void
from .expression import ExpressionCompiler, Value


class FunctionCompiler(ExpressionCompiler):
    def __init__(self, program: Any, function: Function) -> None:
        super().__init__(program, function)
        self.loops: list[tuple[str, str]] = []

    def compile(self) -> str:
        source, first = inspect.getsourcelines(self.function.function)
        tree = ast.parse(textwrap.dedent("".join(source)))
        ast.increment_lineno(tree, first - 1)
        node = tree.body[0]
        if not isinstance(node, ast.FunctionDef):
            raise self.error(node, "only functions made by def are compiled")
        for name, kind in self.function.params:
            self.declare(name, kind, node)
            self.store_place(f"%v.{name}", kind, f"%a.{name}")
        self.body(node.body)
        if self.open:
            if self.function.result is not void and not self.function.noreturn:
                raise self.error(node, f"{self.function.symbol} can end without a return")
            self.emit("unreachable" if self.function.noreturn else "ret void")
        return self.text()

    def text(self) -> str:
        function = self.function
        parameters = ", ".join(f"{kind.ir} %a.{name}" for name, kind in function.params)
        linkage = "linkonce_odr hidden" if function.inline else "hidden"
        flags = ["nounwind"] + ["alwaysinline"] * function.inline + ["cold", "noinline"] * function.cold + ["noreturn"] * function.noreturn
        return "\n".join(
            [
                f"define {linkage} {function.result.ir} @{function.symbol}({parameters}) {' '.join(flags)} {{",
                "entry:",
                *self.allocas,
                "  br label %start",
                "start:",
                *self.lines,
                "}",
            ]
        )

    def body(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            if not self.open:
                return  # what follows a return or break is not reached
            method = getattr(self, "on_" + type(statement).__name__, None)
            if method is None:
                raise self.error(statement, f"{type(statement).__name__} is not in the language")
            method(statement)

    def on_Pass(self, node: ast.Pass) -> None:
        pass

    def on_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.expression(node.value)

    def on_Assign(self, node: ast.Assign) -> None:
        if len(node.targets) != 1:
            raise self.error(node, "one target an assignment")
        self.assign(node.targets[0], self.expression(node.value))

    def on_AnnAssign(self, node: ast.AnnAssign) -> None:
        kind = self.static(node.annotation)
        if not isinstance(node.target, ast.Name):
            raise self.error(node, "only local names take a type")
        self.declare(node.target.id, kind, node)
        if node.value is not None:
            self.assign(node.target, self.expression(node.value))

    def on_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            old = self.expression(ast.copy_location(ast.Name(node.target.id, ast.Load()), node))
            self.assign(node.target, self.binary(node, node.op, old, self.expression(node.value)))
            return
        place, kind = self.place(node.target)
        self.store_place(
            place, kind, self.coerce(self.binary(node, node.op, self.load_place(place, kind), self.expression(node.value)), kind, node)
        )

    def assign(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            if target.id not in self.locals:
                kind = (
                    i64 if value.literal and isinstance(value.text, int) and not isinstance(value.text, bool) else self.literal_kind(value)
                )
                self.declare(target.id, kind, target)
            kind = self.locals[target.id]
            self.store_place(f"%v.{target.id}", kind, self.coerce(value, kind, target))
            return
        place, kind = self.place(target)
        self.store_place(place, kind, self.coerce(value, kind, target))

    def on_Return(self, node: ast.Return) -> None:
        if node.value is None or (self.function.result is void and isinstance(node.value, ast.Constant)):
            if self.function.result is not void:
                raise self.error(node, "a value is to be returned")
            self.emit("ret void")
        else:
            value = self.expression(node.value)
            if self.open:
                self.emit(f"ret {self.function.result.ir} {self.coerce(value, self.function.result, node)}")
        self.open = False

    def on_If(self, node: ast.If) -> None:
        known = self.static_condition(node.test)
        if known is not None:
            self.body(node.body if known else node.orelse)
            return
        then, other, end = self.label("then"), self.label("else"), self.label("endif")
        self.condition(node.test, then, other if node.orelse else end)
        reached = not node.orelse
        self.place_label(then)
        self.body(node.body)
        reached |= self.open
        self.branch(end)
        if node.orelse:
            self.place_label(other)
            self.body(node.orelse)
            reached |= self.open
            self.branch(end)
        if reached:
            self.place_label(end)

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
        self.place_label(body)
        self.loops.append((top, end))
        before = len(self.lines)
        self.body(node.body)
        self.loops.pop()
        self.branch(top)
        if not forever or any(f"label %{end}" in line for line in self.lines[before:]):
            self.place_label(end)

    def on_For(self, node: ast.For) -> None:
        if (
            not isinstance(node.target, ast.Name)
            or not isinstance(node.iter, ast.Call)
            or node.orelse
            or getattr(node.iter.func, "id", "") != "range"
        ):
            raise self.error(node, "for runs over range()")
        arguments = [self.expression(argument) for argument in node.iter.args]
        step = arguments[2].text if len(arguments) == 3 else 1
        if not isinstance(step, int) or step == 0:
            raise self.error(node, "the step is a constant")
        start, stop = (arguments[0], arguments[1]) if len(arguments) > 1 else (Value(None, 0), arguments[0])
        kind = stop.kind or start.kind or i64
        name = node.target.id
        if name not in self.locals:
            self.declare(name, kind, node)
        kind = self.locals[name]
        limit = self.coerce(stop, kind, node)
        self.store_place(f"%v.{name}", kind, self.coerce(start, kind, node))
        top, body, next_, end = self.label("for"), self.label("do"), self.label("next"), self.label("done")
        self.branch(top)
        self.place_label(top)
        now = self.load_place(f"%v.{name}", kind)
        order = ("s" if kind.signed else "u") + ("lt" if step > 0 else "gt")
        inside = self.let(f"icmp {order} {kind.ir} {now.text}, {limit}")
        self.emit(f"br i1 {inside}, label %{body}, label %{end}")
        self.open = False
        self.place_label(body)
        self.loops.append((next_, end))
        self.body(node.body)
        self.loops.pop()
        self.branch(next_)
        self.place_label(next_)
        now = self.load_place(f"%v.{name}", kind)
        self.store_place(f"%v.{name}", kind, self.let(f"add {kind.ir} {now.text}, {step}"))
        self.branch(top)
        self.place_label(end)

    def on_Break(self, node: ast.Break) -> None:
        self.branch(self.loops[-1][1])

    def on_Continue(self, node: ast.Continue) -> None:
        self.branch(self.loops[-1][0])


__all__ = ["FunctionCompiler", "boolean", "is_integer", "is_pointer"]
