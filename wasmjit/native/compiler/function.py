"""One restricted function: from its source to `define`."""

import ast
import builtins
from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import Any

from ..declare import Function
from ..values import void
from .program import Program
from .statement import StatementCompiler


def names_of(python: Callable[..., Any]) -> Mapping[str, Any]:
    """What a function's names mean to Python: variables of the functions around it, of its module, builtins."""
    import inspect

    closure = inspect.getclosurevars(python).nonlocals
    return ChainMap(dict(closure), python.__globals__, vars(builtins))


class FunctionCompiler(StatementCompiler):
    def __init__(self, program: Program, function: Function) -> None:
        python = function.function
        super().__init__(program, python.__code__.co_filename, names_of(python), function.result)
        self.function = function

    def compile(self) -> str:
        """The IR of the function. Raises RestrictedError."""
        function, node = self.function, self.function.definition()
        if not isinstance(node, ast.FunctionDef):
            raise self.error(node, "only functions made by def are compiled")
        if node.args.defaults or node.args.kwonlyargs or node.args.vararg or node.args.kwarg:
            raise self.error(node, "parameters are positional and have no defaults")
        if function.noreturn and function.result is not void:
            raise self.error(node, "a function that does not return has no result")
        for name, kind in function.params:
            self.declare(name, kind, node)
            self.store_place(f"%v.{name}", kind, f"%a.{name}")
            self.assigned.add(name)
        self.stored = _stored(node)
        self.body(node.body)
        if self.open:
            if function.result is not void:
                raise self.error(node, f"{function.symbol} can end without a return")
            self.emit("unreachable" if function.noreturn else "ret void")
        return self.text()

    def text(self) -> str:
        """The definition, of what was compiled."""
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


def _stored(node: ast.FunctionDef) -> set[str]:
    """Names that the function assigns: locals throughout, as in Python."""
    return {found.id for found in ast.walk(node) if isinstance(found, ast.Name) and isinstance(found.ctx, ast.Store)}
