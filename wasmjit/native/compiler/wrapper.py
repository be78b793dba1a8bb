"""The builtin's side of an exported function: METH_FASTCALL, arguments and result converted by type.

Integers of any size wrap to the parameter's type (PyLong_AsUnsignedLongLongMask); only what is no number is refused.
"""

from typing import Any

from ..declare import Function
from ..pointers import PyObject, is_float, is_pointer
from ..values import boolean, f64, void
from .program import Program

# functions of CPython: result, parameters
API = {
    "PyLong_AsUnsignedLongLongMask": ("i64", "ptr"),
    "PyFloat_AsDouble": ("double", "ptr"),
    "PyErr_Occurred": ("ptr", ""),
    "PyLong_FromLongLong": ("ptr", "i64"),
    "PyLong_FromUnsignedLongLong": ("ptr", "i64"),
    "PyFloat_FromDouble": ("ptr", "double"),
    "PyBool_FromLong": ("ptr", "i64"),
    "Py_IncRef": ("void", "ptr"),
    "PyEval_SaveThread": ("ptr", ""),
    "PyEval_RestoreThread": ("void", "ptr"),
    "PyErr_Format": ("ptr", "ptr, ptr, ..."),
}


def wrapper(function: Function, program: Program) -> str:
    """IR of `py_<symbol>(self, arguments, count)`."""
    return _Wrapper(function, program).text()


def _is_object(kind: Any) -> bool:
    return is_pointer(kind) and kind.elem is PyObject


class _Wrapper:
    """Blocks a<i> convert argument i, e<i> ask whether the -1 that came is an error; a<count> calls."""

    def __init__(self, function: Function, program: Program) -> None:
        self.function, self.program = function, program
        program.externs.setdefault("PyExc_TypeError", "@PyExc_TypeError = external global ptr")
        program.externs.setdefault("_Py_NoneStruct", "@_Py_NoneStruct = external global i8")

    def api(self, name: str) -> str:
        result, parameters = API[name]
        self.program.externs.setdefault(name, f"declare {result} @{name}({parameters}) nonlazybind nounwind")
        return "@" + name

    def text(self) -> str:
        function, count = self.function, len(self.function.params)
        message = self.program.string(f"{function.symbol}() takes {count} arguments (%zd given)".encode())
        lines = [
            f"define hidden ptr @py_{function.symbol}(ptr %self, ptr %args, i64 %count) nounwind {{",
            f"  %same = icmp eq i64 %count, {count}",
            "  br i1 %same, label %a0, label %arity, !prof !0",
        ]
        for i, (_, kind) in enumerate(function.params):
            lines += self.argument(i, kind)
        return "\n".join(
            [
                *lines,
                f"a{count}:",
                *self.call(),
                *self.result(),
                "arity:",
                "  %type = load ptr, ptr @PyExc_TypeError",
                f"  %none = call ptr (ptr, ptr, ...) {self.api('PyErr_Format')}(ptr %type, ptr {message}, i64 %count)",
                "  br label %fail",
                "fail:",
                "  ret ptr null",
                "}",
            ]
        )

    def argument(self, i: int, kind: Any) -> list[str]:
        """Convert argument i to %w<i>, or leave it in %o<i>, %v<i>: see `passed`."""
        lines = [f"a{i}:", f"  %p{i} = getelementptr ptr, ptr %args, i64 {i}", f"  %o{i} = load ptr, ptr %p{i}"]
        if _is_object(kind):
            return [*lines, f"  br label %a{i + 1}"]
        if is_float(kind):
            lines += [f"  %v{i} = call double {self.api('PyFloat_AsDouble')}(ptr %o{i})", f"  %m{i} = fcmp oeq double %v{i}, -1.0"]
            narrow = "" if kind is f64 else f"fptrunc double %v{i} to float"
        else:
            lines += [f"  %v{i} = call i64 {self.api('PyLong_AsUnsignedLongLongMask')}(ptr %o{i})", f"  %m{i} = icmp eq i64 %v{i}, -1"]
            if kind is boolean:
                narrow = f"icmp ne i64 %v{i}, 0"
            else:
                narrow = f"inttoptr i64 %v{i} to ptr" if is_pointer(kind) else "" if kind.bits == 64 else f"trunc i64 %v{i} to {kind.ir}"
        return [
            *lines,
            *([f"  %w{i} = {narrow}"] if narrow else []),
            f"  br i1 %m{i}, label %e{i}, label %a{i + 1}, !prof !1",
            f"e{i}:",
            f"  %x{i} = call ptr {self.api('PyErr_Occurred')}()",
            f"  %y{i} = icmp eq ptr %x{i}, null",
            f"  br i1 %y{i}, label %a{i + 1}, label %fail",
        ]

    @staticmethod
    def passed(i: int, kind: Any) -> str:
        """Argument i as it is passed on."""
        return f"{kind.ir} %{'o' if _is_object(kind) else 'v' if kind.ir in ('i64', 'double') else 'w'}{i}"

    def call(self) -> list[str]:
        function = self.function
        arguments = ", ".join(self.passed(i, kind) for i, (_, kind) in enumerate(function.params))
        call = f"  {'' if function.result is void else '%r = '}call {function.result.ir} @{function.symbol}({arguments})"
        if not function.nogil:
            return [call]
        return [
            f"  %state = call ptr {self.api('PyEval_SaveThread')}()",
            call,
            f"  call void {self.api('PyEval_RestoreThread')}(ptr %state)",
        ]

    def result(self) -> list[str]:
        """Make the object of %r."""
        kind = self.function.result
        if kind is void:
            return [f"  call void {self.api('Py_IncRef')}(ptr @_Py_NoneStruct)", "  ret ptr @_Py_NoneStruct"]
        if _is_object(kind):
            return ["  ret ptr %r"]
        if kind is boolean:
            make, widen = "PyBool_FromLong", "zext i1 %r to i64"
        elif is_float(kind):
            make, widen = "PyFloat_FromDouble", "" if kind is f64 else "fpext float %r to double"
        elif is_pointer(kind):
            make, widen = "PyLong_FromUnsignedLongLong", "ptrtoint ptr %r to i64"
        else:
            make = "PyLong_FromLongLong" if kind.signed else "PyLong_FromUnsignedLongLong"
            widen = "" if kind.bits == 64 else f"{'sext' if kind.signed else 'zext'} {kind.ir} %r to i64"
        return [
            *([f"  %wide = {widen}"] if widen else []),
            f"  %object = call ptr {self.api(make)}({API[make][1]} {'%wide' if widen else '%r'})",
            "  ret ptr %object",
        ]
