"""How CPython runs a restricted function: its own code, in which locals keep their types.

The compiler gives a local the type of its annotation or first value, and a bare number is i64 or f64. CPython's locals
have no types, so a function is rewritten when it is first called: what is assigned passes through `Kinds.keep`, what is
counted through `Kinds.count`. `addr` becomes arithmetic, `and` and `or` give booleans.
"""

import ast
from collections.abc import Callable, Iterator
from typing import Any

from .pointers import field_pointer, ptr
from .values import Int, Scalar, boolean, f64, i64, u8

# names that no source has
_OUTER, _KINDS, _MAKE, _TRUTH, _FIELD = "(outer)", "(kinds)", "(make)", "(truth)", "(field)"


class Kinds(dict[str, Any]):
    """The types of a call's locals."""

    def declare(self, name: str, kind: Any) -> None:
        self[name] = kind

    def keep(self, name: str, value: Any) -> Any:
        """The value as the local's type, which is its own when the local has none yet."""
        kind = self.get(name)
        if kind is None:
            kind = self[name] = _kind_of(value)
        return value if kind is None else kind(value)

    def count(self, name: str, *bounds: Any) -> Iterator[Any]:
        """`range` with numbers of the local's type, or that of the bounds."""
        start, stop = bounds[:2] if len(bounds) > 1 else (0, bounds[0])
        kind = self.get(name) or next((type(bound) for bound in (stop, start) if isinstance(bound, Int)), i64)
        self[name] = kind
        return map(kind, range(*(int(bound) for bound in bounds)))


def _kind_of(value: Any) -> Any:
    if isinstance(value, Scalar):
        return type(value)
    if isinstance(value, bytes):
        return ptr[u8]
    return boolean if isinstance(value, bool) else i64 if isinstance(value, int) else f64 if isinstance(value, float) else None


def executable(python: Callable[..., Any], tree: ast.FunctionDef, kinds: dict[str, Any]) -> Callable[..., Any]:
    """What CPython runs in place of the function whose syntax tree it is; `kinds`: the types of its parameters."""
    rewritten = ast.FunctionDef(
        name=tree.name,
        args=ast.arguments([], [ast.arg(parameter.arg) for parameter in tree.args.args], None, [], [], None, []),
        body=[_assignment(_KINDS, _call(_MAKE)), *_Rewriter().visit(ast.Module(tree.body, [])).body],
        decorator_list=[],
    )
    free = dict(zip(python.__code__.co_freevars, (cell.cell_contents for cell in python.__closure__ or ()), strict=True))
    given = {_MAKE: lambda: Kinds(kinds), _TRUTH: boolean, _FIELD: field_pointer, **free}
    outer = ast.FunctionDef(
        name=_OUTER,
        args=ast.arguments([], [ast.arg(name) for name in given], None, [], [], None, []),
        body=[rewritten, ast.Return(_name(tree.name))],
        decorator_list=[],
    )
    module = ast.Module([outer], [])
    ast.copy_location(outer, tree)
    ast.fix_missing_locations(module)
    found: dict[str, Any] = {}
    exec(compile(module, python.__code__.co_filename, "exec"), python.__globals__, found)
    return found[_OUTER](*given.values())  # type: ignore[no-any-return]


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _call(function: str | ast.expr, *arguments: ast.expr) -> ast.Call:
    return ast.Call(_name(function) if isinstance(function, str) else function, list(arguments), [])


def _assignment(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def _of_kinds(method: str, name: str, *arguments: ast.expr) -> ast.Call:
    return _call(ast.Attribute(_name(_KINDS), method, ast.Load()), ast.Constant(name), *arguments)


class _Rewriter(ast.NodeTransformer):
    def visit(self, node: ast.AST) -> Any:
        made = super().visit(node)
        for new in made if isinstance(made, list) else [made]:
            ast.copy_location(new, node)
        return made

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        target = node.targets[0]
        return _assignment(target.id, _of_kinds("keep", target.id, node.value)) if isinstance(target, ast.Name) else node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return [node]
        name = node.target.id
        declared: list[ast.stmt] = [ast.Expr(_of_kinds("declare", name, node.annotation))]
        return declared if node.value is None else [*declared, _assignment(name, _of_kinds("keep", name, node.value))]

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return node
        name = node.target.id
        return _assignment(name, _of_kinds("keep", name, ast.BinOp(_name(name), node.op, node.value)))

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.target, ast.Name) and isinstance(node.iter, ast.Call):
            node.iter = _of_kinds("count", node.target.id, *node.iter.args)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        return _call(_TRUTH, node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "addr" and len(node.args) == 1:
            place = node.args[0]
            if isinstance(place, ast.Subscript):
                return ast.BinOp(place.value, ast.Add(), place.slice)
            if isinstance(place, ast.Attribute):
                return _call(_FIELD, place.value, ast.Constant(place.attr))
        return node
