"""The builtin's side of an exported function: METH_FASTCALL, arguments and result converted by type."""

from typing import Any

from ..declare import Extern, Function
from ..pointers import PyObject, is_float, is_integer, is_pointer
from ..values import boolean, f64, i32, i64, u64, void


def _is_object(kind: Any) -> bool:
    return is_pointer(kind) and kind.elem is PyObject


class _Api:
    """CPython functions by signature text: (result, parameters)."""

    ROWS = {
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

    def __init__(self, program: Any) -> None:
        self.program = program

    def use(self, name: str) -> str:
        result, parameters = self.ROWS[name]
        self.program.externs.setdefault(name, f"declare {result} @{name}({parameters}) nonlazybind nounwind")
        return "@" + name


def wrapper(function: Function, program: Any) -> str:
    """IR of `py_<symbol>(self, arguments, count)`."""
    api, count = _Api(program), len(function.params)
    program.externs.setdefault("PyExc_TypeError", "@PyExc_TypeError = external global ptr")
    program.externs.setdefault("_Py_NoneStruct", "@_Py_NoneStruct = external global i8")
    message = program.string(f"{function.symbol}() takes {count} arguments (%zd given)".encode())
    lines = [f"define hidden ptr @py_{function.symbol}(ptr %self, ptr %args, i64 %count) nounwind {{",
             f"  %same = icmp eq i64 %count, {count}", "  br i1 %same, label %a0, label %arity, !prof !0"]  # fmt: skip
    passed = []
    for i, (_, kind) in enumerate(function.params):
        lines += [f"a{i}:", f"  %p{i} = getelementptr ptr, ptr %args, i64 {i}", f"  %o{i} = load ptr, ptr %p{i}"]
        if _is_object(kind):
            lines += [f"  br label %a{i + 1}"]
            passed.append(f"ptr %o{i}")
            continue
        if is_float(kind):
            lines += [f"  %v{i} = call double {api.use('PyFloat_AsDouble')}(ptr %o{i})", f"  %m{i} = fcmp oeq double %v{i}, -1.0"]
            value = f"%v{i}"
            if kind is not f64:
                lines.append(f"  %w{i} = fptrunc double %v{i} to float")
                value = f"%w{i}"
        else:
            lines += [f"  %v{i} = call i64 {api.use('PyLong_AsUnsignedLongLongMask')}(ptr %o{i})", f"  %m{i} = icmp eq i64 %v{i}, -1"]
            value = f"%v{i}"
            if is_pointer(kind):
                lines.append(f"  %w{i} = inttoptr i64 %v{i} to ptr")
                value = f"%w{i}"
            elif kind.ir != "i64":
                lines.append(f"  %w{i} = trunc i64 %v{i} to {kind.ir}")
                value = f"%w{i}"
        lines += [f"  br i1 %m{i}, label %e{i}, label %a{i + 1}, !prof !1", f"e{i}:", f"  %x{i} = call ptr {api.use('PyErr_Occurred')}()",
                  f"  %y{i} = icmp eq ptr %x{i}, null", f"  br i1 %y{i}, label %a{i + 1}, label %fail"]  # fmt: skip
        passed.append(f"{kind.ir} {value}")
    lines.append(f"a{count}:")
    if function.nogil:
        lines.append(f"  %state = call ptr {api.use('PyEval_SaveThread')}()")
    call = f"call {function.result.ir} @{function.symbol}({', '.join(passed)})"
    lines.append("  " + (call if function.result is void else f"%r = {call}"))
    if function.nogil:
        lines.append(f"  call void {api.use('PyEval_RestoreThread')}(ptr %state)")
    lines += [*_result(function.result, api), "arity:", "  %type = load ptr, ptr @PyExc_TypeError",
              f"  %none = call ptr (ptr, ptr, ...) {api.use('PyErr_Format')}(ptr %type, ptr {message}, i64 %count)",
              "  br label %fail", "fail:", "  ret ptr null", "}"]  # fmt: skip
    return "\n".join(lines)


def _result(kind: Any, api: _Api) -> list[str]:
    if kind is void:
        return [f"  call void {api.use('Py_IncRef')}(ptr @_Py_NoneStruct)", "  ret ptr @_Py_NoneStruct"]
    if _is_object(kind):
        return ["  ret ptr %r"]
    if kind is boolean:
        return ["  %wide = zext i1 %r to i64", f"  %object = call ptr {api.use('PyBool_FromLong')}(i64 %wide)", "  ret ptr %object"]
    if is_float(kind):
        wide = "%r" if kind is f64 else "%wide"
        return [
            *([] if kind is f64 else ["  %wide = fpext float %r to double"]),
            f"  %object = call ptr {api.use('PyFloat_FromDouble')}(double {wide})",
            "  ret ptr %object",
        ]
    if is_pointer(kind):
        return [
            "  %wide = ptrtoint ptr %r to i64",
            f"  %object = call ptr {api.use('PyLong_FromUnsignedLongLong')}(i64 %wide)",
            "  ret ptr %object",
        ]
    make = "PyLong_FromLongLong" if kind.signed else "PyLong_FromUnsignedLongLong"
    widen = [] if kind in (i64, u64) else [f"  %wide = {'sext' if kind.signed else 'zext'} {kind.ir} %r to i64"]
    return [*widen, f"  %object = call ptr {api.use(make)}(i64 {'%wide' if widen else '%r'})", "  ret ptr %object"]


__all__ = ["Extern", "i32", "is_integer", "wrapper"]
