"""Does a Python function fit the type that a module imports? Only what cannot work is told: the type itself comes from the module."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._functype import FuncType

VARIADIC = 4  # CO_VARARGS of inspect

# value types that an annotation goes with
TAKES: "dict[object, tuple[str, ...]]" = {
    int: ("i32", "i64"),
    float: ("i32", "i64", "f32", "f64"),
    str: ("externref",),
    bytes: ("externref",),
}
RETURNS: "dict[object, tuple[str, ...]]" = TAKES | {int: ("i32", "i64", "f32", "f64"), float: ("f32", "f64")}


def misfit(function: "Any", type: "FuncType", pass_instance: bool) -> str | None:
    """Why calls of the import would fail: wrong number of arguments, or annotations that contradict; None when they need not.

    Looks at functions and methods written in Python, and at annotations that are int, float, str or bytes.
    """
    bound = 0
    if hasattr(function, "__func__"):
        function, bound = function.__func__, 1
    code = getattr(function, "__code__", None)
    if code is None or hasattr(function, "__wrapped__"):
        return None
    most = code.co_argcount - bound
    count = len(type.params) + pass_instance
    least = most - len(function.__defaults__ or ())
    if code.co_kwonlyargcount > len(function.__kwdefaults__ or ()):
        return "has keyword arguments without a default"
    if count < least or (count > most and not code.co_flags & VARIADIC):
        takes = f"{most}" if most == least else f"{max(least, 0)} to {most}"
        return f"takes {takes} arguments, not {count}"
    annotations = function.__annotations__
    if annotations:
        names = code.co_varnames[bound + pass_instance : code.co_argcount]
        for name, wanted in zip(names, type.params, strict=False):
            if wanted not in TAKES.get(annotations.get(name), (wanted,)):
                return f"takes {annotations[name].__name__} as {name}, not {wanted}"
        returned = annotations.get("return")
        if len(type.results) == 1 and type.results[0] not in RETURNS.get(returned, type.results):
            return f"returns {returned.__name__}, not {type.results[0]}"
    return None
