"""The module `spectest`, which test scripts import from: host functions that print, globals, a table and a memory."""

from wasmjit import FuncType, Global, HostFunc, Memory, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PRINTED = ((), ("i32",), ("i64",), ("f32",), ("f64",), ("i32", "f32"), ("f64", "f64"))


def spectest() -> "dict[str, Any]":
    """A namespace of new objects. What is printed goes nowhere: scripts do not look at it."""
    namespace: dict[str, Any] = {}
    for params in PRINTED:
        namespace["_".join(("print", *params))] = HostFunc(_print, FuncType(params))
    for kind, value in (("i32", 666), ("i64", 666), ("f32", 666.6), ("f64", 666.6)):
        namespace[f"global_{kind}"] = Global(kind, value)
    namespace["table"] = Table("funcref", 10, 20)
    namespace["memory"] = Memory(1, 2)
    return namespace


def _print(*values: object) -> None:
    pass
