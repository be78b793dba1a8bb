"""The intrinsics: one function or row each."""

import ast
from collections.abc import Callable
from typing import Any

from ..declare import Extern, Function
from ..pointers import is_float, is_integer, is_place, is_pointer, ptr, resolve, size_of
from ..values import boolean, f32, f64, i64, u8, u32, u64, void

Emitter = Callable[[Any, ast.Call], Any]


def _value(kind: Any, text: Any) -> Any:
    from .expression import Value  # expression imports this table

    return Value(kind, text)


def _intrinsic(c: Any, name: str, kind: Any, arguments: list[str], result: Any = None) -> Any:
    """Call @llvm.<name>.<type>, declared once."""
    full = f"llvm.{name}.{'f' if is_float(kind) else 'i'}{kind.bits}"
    result = result or kind
    flags = [f"{kind.ir}"] * sum(not a.startswith("i1 ") for a in arguments) + ["i1"] * sum(a.startswith("i1 ") for a in arguments)
    c.program.externs.setdefault(full, f"declare {result.ir} @{full}({', '.join(flags)})")
    return _value(result, c.let(f"call {result.ir} @{full}({', '.join(arguments)})"))


def _unary(name: str, extra: str = "") -> Emitter:
    def emit(c: Any, node: ast.Call) -> Any:
        value = c.expression(node.args[0])
        return _intrinsic(c, name, value.kind, [f"{value.kind.ir} {value.text}"] + ([extra] if extra else []))

    return emit


def _binary(name: str) -> Emitter:
    def emit(c: Any, node: ast.Call) -> Any:
        kind, x, y = c.unify(node, c.expression(node.args[0]), c.expression(node.args[1]))
        return _intrinsic(c, name, kind, [f"{kind.ir} {x}", f"{kind.ir} {y}"])

    return emit


def _extreme(name: str) -> Emitter:
    """minimum and maximum; LLVM's own return a signalling NaN as it came, addition makes it quiet."""

    def emit(c: Any, node: ast.Call) -> Any:
        kind, x, y = c.unify(node, c.expression(node.args[0]), c.expression(node.args[1]))
        extreme = _intrinsic(c, name, kind, [f"{kind.ir} {x}", f"{kind.ir} {y}"]).text
        nan, either = c.let(f"fadd {kind.ir} {x}, {y}"), c.let(f"fcmp uno {kind.ir} {x}, {y}")
        return _value(kind, c.let(f"select i1 {either}, {kind.ir} {nan}, {kind.ir} {extreme}"))

    return emit


def _rotate(name: str) -> Emitter:
    def emit(c: Any, node: ast.Call) -> Any:
        kind, x, n = c.unify(node, c.expression(node.args[0]), c.expression(node.args[1]))
        return _intrinsic(c, name, kind, [f"{kind.ir} {x}", f"{kind.ir} {x}", f"{kind.ir} {n}"])

    return emit


def _sizeof(c: Any, node: ast.Call) -> Any:
    return _value(None, size_of(c.static(node.args[0])))


def _offsetof(c: Any, node: ast.Call) -> Any:
    return _value(None, resolve(c.static(node.args[0])).fields[c.static(node.args[1])][1])


def _alloca(c: Any, node: ast.Call) -> Any:
    kind = resolve(c.static(node.args[0]))
    count = c.fold(node.args[1]) if len(node.args) > 1 else 1
    c.count += 1
    c.allocas.append(f"  %m{c.count} = alloca [{size_of(kind) * int(count)} x i8], align 16")
    return _value(ptr[kind], f"%m{c.count}")


def _addr(c: Any, node: ast.Call) -> Any:
    place, kind = c.place(node.args[0])
    return _value(ptr[kind.elem if is_place(kind) and hasattr(kind, "elem") else kind], place)


def _fnptr(c: Any, node: ast.Call) -> Any:
    found = c.static(node.args[0])
    if not isinstance(found, (Function, Extern)):
        raise c.error(node, "fnptr takes a function")
    return _value(ptr[u8], c.program.function(found) if isinstance(found, Function) else c.program.extern(found))


def _symbol(c: Any, node: ast.Call) -> Any:
    return _value(ptr[u8], c.program.named(c.static(node.args[0])))


def _call(c: Any, node: ast.Call) -> Any:
    result, target = resolve(c.static(node.args[0])), c.expression(node.args[1])
    passed = []
    for argument in node.args[2:]:
        value = c.expression(argument)
        kind = c.literal_kind(value)
        passed.append(f"{kind.ir} {c.coerce(value, kind, argument)}")
    call = f"call {result.ir} {target.text}({', '.join(passed)})"
    if result is void:
        c.emit(call)
        return _value(void, "")
    return _value(result, c.let(call))


def _bits(c: Any, node: ast.Call) -> Any:
    value = c.expression(node.args[0])
    kind = u32 if value.kind.bits == 32 else u64
    return _value(kind, c.let(f"bitcast {value.kind.ir} {value.text} to {kind.ir}"))


def _from_bits(c: Any, node: ast.Call) -> Any:
    value = c.expression(node.args[0])
    if not is_integer(value.kind):
        raise c.error(node, "from_bits takes u32 or u64")
    kind = f32 if value.kind.bits == 32 else f64
    return _value(kind, c.let(f"bitcast {value.kind.ir} {value.text} to {kind.ir}"))


def _isnan(c: Any, node: ast.Call) -> Any:
    value = c.expression(node.args[0])
    return _value(boolean, c.let(f"fcmp uno {value.kind.ir} {value.text}, {value.text}"))


def _pointer(c: Any, node: ast.expr) -> Any:
    value = c.expression(node)
    if not is_pointer(value.kind):
        raise c.error(node, "a pointer is needed")
    return value


def _load(volatile: str) -> Emitter:
    def emit(c: Any, node: ast.Call) -> Any:
        kind, p = resolve(c.static(node.args[0])), _pointer(c, node.args[1])
        return _value(kind, c.let(f"load {volatile}{kind.ir}, ptr {p.text}, align 1"))

    return emit


def _store(volatile: str) -> Emitter:
    def emit(c: Any, node: ast.Call) -> Any:
        kind, p = resolve(c.static(node.args[0])), _pointer(c, node.args[1])
        c.emit(f"store {volatile}{kind.ir} {c.coerce(c.expression(node.args[2]), kind, node)}, ptr {p.text}, align 1")
        return _value(void, "")

    return emit


def _atomic_load(c: Any, node: ast.Call) -> Any:
    p = _pointer(c, node.args[0])
    kind = resolve(p.kind.elem)
    return _value(kind, c.let(f"load atomic {kind.ir}, ptr {p.text} seq_cst, align {kind.size}"))


def _atomic_store(order: str) -> Emitter:
    def emit(c: Any, node: ast.Call) -> Any:
        p = _pointer(c, node.args[0])
        kind = resolve(p.kind.elem)
        c.emit(f"store atomic {kind.ir} {c.coerce(c.expression(node.args[1]), kind, node)}, ptr {p.text} {order}, align {kind.size}")
        return _value(void, "")

    return emit


def _atomic_add(c: Any, node: ast.Call) -> Any:
    p = _pointer(c, node.args[0])
    kind = resolve(p.kind.elem)
    return _value(kind, c.let(f"atomicrmw add ptr {p.text}, {kind.ir} {c.coerce(c.expression(node.args[1]), kind, node)} seq_cst"))


def _atomic_cas(c: Any, node: ast.Call) -> Any:
    p = _pointer(c, node.args[0])
    kind = resolve(p.kind.elem)
    old, new = (c.coerce(c.expression(a), kind, node) for a in node.args[1:3])
    pair = c.let(f"cmpxchg ptr {p.text}, {kind.ir} {old}, {kind.ir} {new} seq_cst seq_cst")
    return _value(boolean, c.let(f"extractvalue {{ {kind.ir}, i1 }} {pair}, 1"))


def _barrier(c: Any, node: ast.Call) -> Any:
    c.emit('call void asm sideeffect "", "~{memory}"()')
    return _value(void, "")


def _thread_pointer(c: Any, node: ast.Call) -> Any:
    c.program.externs.setdefault("llvm.thread.pointer.p0", "declare ptr @llvm.thread.pointer.p0()")
    return _value(u64, c.let(f"ptrtoint ptr {c.let('call ptr @llvm.thread.pointer.p0()')} to i64"))


def _unreachable(c: Any, node: ast.Call) -> Any:
    c.emit("unreachable")
    c.open = False
    return _value(void, "")


def _truth(c: Any, node: ast.Call) -> Any:
    return _value(boolean, c.truth(node.args[0]))


INTRINSICS: dict[str, Emitter] = {
    "sizeof": _sizeof, "offsetof": _offsetof, "alloca": _alloca, "addr": _addr, "fnptr": _fnptr, "symbol": _symbol, "call": _call,
    "clz": _unary("ctlz", "i1 false"), "ctz": _unary("cttz", "i1 false"), "popcnt": _unary("ctpop"), "bswap": _unary("bswap"),
    "rotl": _rotate("fshl"), "rotr": _rotate("fshr"), "sqrt": _unary("sqrt"), "ceil": _unary("ceil"), "floor": _unary("floor"),
    "trunc": _unary("trunc"), "nearest": _unary("roundeven"), "fabs": _unary("fabs"), "copysign": _binary("copysign"),
    "fminimum": _extreme("minimum"), "fmaximum": _extreme("maximum"), "bits": _bits, "from_bits": _from_bits, "isnan": _isnan,
    "load": _load(""), "store": _store(""), "vload": _load("volatile "), "vstore": _store("volatile "),
    "atomic_load": _atomic_load, "atomic_store": _atomic_store("seq_cst"), "atomic_store_release": _atomic_store("release"),
    "atomic_add": _atomic_add, "atomic_cas": _atomic_cas, "barrier": _barrier, "thread_pointer": _thread_pointer,
    "unreachable": _unreachable, "likely": _truth, "unlikely": _truth,
}  # fmt: skip

__all__ = ["INTRINSICS", "i64"]
