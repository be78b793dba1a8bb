"""The intrinsics, a function or row each: what `native/intrinsics.py` does under CPython, as IR."""

import ast
from collections.abc import Callable
from typing import Any

from ..declare import Extern, Function
from ..pointers import is_array, is_float, is_integer, is_pointer, ptr
from ..values import boolean, f32, f64, u8, u32, u64, void
from .condition import Conditions
from .known import NOT_STATIC
from .typed import NOTHING, Value, own_kind

Emitter = Callable[[Conditions, ast.Call], Value]
Accepts = Callable[[Any], bool]


def _operand(c: Conditions, node: ast.expr, accepts: Accepts, wanted: str) -> Value:
    value = c.expression(node)
    if value.literal or value.kind is boolean or not accepts(value.kind):
        raise c.error(node, f"{ast.unparse(node)} is no {wanted}: cast it")
    return value


def _pair(c: Conditions, node: ast.Call, accepts: Accepts, wanted: str) -> tuple[Any, str, str]:
    kind, x, y = c.unify(node, c.expression(node.args[0]), c.expression(node.args[1]))
    if kind is boolean or not accepts(kind):
        raise c.error(node, f"{kind.__name__} is no {wanted}")
    return kind, x, y


def _llvm(c: Conditions, name: str, kind: Any, *arguments: str) -> str:
    """Call @llvm.<name>.<type> with arguments of that type; one that begins with i1 is passed as it is."""
    full = f"llvm.{name}.{'f' if is_float(kind) else 'i'}{kind.bits}"
    passed = [argument if argument.startswith("i1 ") else f"{kind.ir} {argument}" for argument in arguments]
    types = ", ".join(argument.split(" ", 1)[0] for argument in passed)
    c.program.externs.setdefault(full, f"declare {kind.ir} @{full}({types})")
    return c.let(f"call {kind.ir} @{full}({', '.join(passed)})")


def _on_integer(name: str, *extra: str) -> Emitter:
    def emit(c: Conditions, node: ast.Call) -> Value:
        value = _operand(c, node.args[0], is_integer, "integer")
        return Value(value.kind, _llvm(c, name, value.kind, value.text, *extra))

    return emit


def _on_float(name: str) -> Emitter:
    def emit(c: Conditions, node: ast.Call) -> Value:
        value = _operand(c, node.args[0], is_float, "float")
        return Value(value.kind, _llvm(c, name, value.kind, value.text))

    return emit


def _bswap(c: Conditions, node: ast.Call) -> Value:
    value = _operand(c, node.args[0], lambda kind: is_integer(kind) and kind.bits > 8, "integer of 16 bits or more")
    return Value(value.kind, _llvm(c, "bswap", value.kind, value.text))


def _copysign(c: Conditions, node: ast.Call) -> Value:
    kind, x, y = _pair(c, node, is_float, "float")
    return Value(kind, _llvm(c, "copysign", kind, x, y))


def _extreme(name: str) -> Emitter:
    """minimum and maximum; LLVM's own return a signalling NaN as it came, addition makes it quiet."""

    def emit(c: Conditions, node: ast.Call) -> Value:
        kind, x, y = _pair(c, node, is_float, "float")
        extreme = _llvm(c, name, kind, x, y)
        nan, either = c.let(f"fadd {kind.ir} {x}, {y}"), c.let(f"fcmp uno {kind.ir} {x}, {y}")
        return Value(kind, c.let(f"select i1 {either}, {kind.ir} {nan}, {kind.ir} {extreme}"))

    return emit


def _rotate(name: str) -> Emitter:
    def emit(c: Conditions, node: ast.Call) -> Value:
        kind, x, n = _pair(c, node, is_integer, "integer")
        return Value(kind, _llvm(c, name, kind, x, x, n))

    return emit


def _bits(c: Conditions, node: ast.Call) -> Value:
    value = _operand(c, node.args[0], is_float, "float")
    kind = u32 if value.kind is f32 else u64
    return Value(kind, c.let(f"bitcast {value.kind.ir} {value.text} to {kind.ir}"))


def _from_bits(c: Conditions, node: ast.Call) -> Value:
    value = _operand(c, node.args[0], lambda kind: is_integer(kind) and kind.bits >= 32, "u32 or u64")
    kind = f32 if value.kind.bits == 32 else f64
    return Value(kind, c.let(f"bitcast {value.kind.ir} {value.text} to {kind.ir}"))


def _isnan(c: Conditions, node: ast.Call) -> Value:
    value = _operand(c, node.args[0], is_float, "float")
    return Value(boolean, c.let(f"fcmp uno {value.kind.ir} {value.text}, {value.text}"))


# types, places, addresses


def _sizeof(c: Conditions, node: ast.Call) -> Value:
    return Value(None, c.type_of(node.args[0]).size)


def _offsetof(c: Conditions, node: ast.Call) -> Value:
    kind, field = c.type_of(node.args[0]), c.static(node.args[1])
    if field not in getattr(kind, "fields", {}):
        raise c.error(node, f"{kind.__name__} has no field {field!r}")
    return Value(None, kind.fields[field][1])


def _alloca(c: Conditions, node: ast.Call) -> Value:
    kind, count = c.type_of(node.args[0]), c.fold(node.args[1]) if len(node.args) > 1 else 1
    if count is NOT_STATIC or not isinstance(count, int) or count < 1:
        raise c.error(node, "the count of an alloca is a constant above 0")
    return Value(ptr[kind.elem if is_array(kind) else kind], c.frame_memory(kind, int(count)))


def _addr(c: Conditions, node: ast.Call) -> Value:
    place, kind = c.place(node.args[0])
    if isinstance(node.args[0], ast.Name):
        c.assigned.add(node.args[0].id)  # who gets the address fills it
    return Value(ptr[kind.elem if is_array(kind) else kind], place)


def _fnptr(c: Conditions, node: ast.Call) -> Value:
    found = c.static(node.args[0])
    if not isinstance(found, (Function, Extern)):
        raise c.error(node, f"{ast.unparse(node.args[0])} is no function")
    return Value(ptr[u8], c.program.function(found) if isinstance(found, Function) else c.program.extern(found))


def _symbol(c: Conditions, node: ast.Call) -> Value:
    name = c.static(node.args[0])
    if not isinstance(name, str):
        raise c.error(node, f"{ast.unparse(node.args[0])} is no name")
    return Value(ptr[u8], c.program.named(name))


def _call(c: Conditions, node: ast.Call) -> Value:
    result = void if c.static(node.args[0]) in (void, None) else c.scalar_type(node.args[0])
    target = _pointer(c, node.args[1])
    passed = []
    for argument in node.args[2:]:
        value = c.expression(argument)
        kind = own_kind(value)
        passed.append(f"{kind.ir} {c.coerce(value, kind, argument)}")
    call = f"call {result.ir} {target.text}({', '.join(passed)})"
    if result is void:
        c.emit(call)
        return NOTHING
    return Value(result, c.let(call))


# memory


def _pointer(c: Conditions, node: ast.expr) -> Value:
    return _operand(c, node, is_pointer, "pointer")


def _target(c: Conditions, node: ast.expr) -> tuple[Value, Any]:
    """A pointer and the integer or pointer type it points to, as atomic operations want it."""
    p = _pointer(c, node)
    kind = p.kind.elem
    if kind is boolean or not (is_integer(kind) or is_pointer(kind)):
        raise c.error(node, f"{p.kind.__name__} is no pointer to an integer or a pointer")
    return p, kind


def _load(volatile: str) -> Emitter:
    def emit(c: Conditions, node: ast.Call) -> Value:
        kind, p = c.scalar_type(node.args[0]), _pointer(c, node.args[1])
        return Value(kind, c.let(f"load {volatile}{kind.ir}, ptr {p.text}, align 1"))

    return emit


def _store(volatile: str) -> Emitter:
    def emit(c: Conditions, node: ast.Call) -> Value:
        kind, p = c.scalar_type(node.args[0]), _pointer(c, node.args[1])
        c.emit(f"store {volatile}{kind.ir} {c.coerce(c.expression(node.args[2]), kind, node)}, ptr {p.text}, align 1")
        return NOTHING

    return emit


def _atomic_load(c: Conditions, node: ast.Call) -> Value:
    p, kind = _target(c, node.args[0])
    return Value(kind, c.let(f"load atomic {kind.ir}, ptr {p.text} seq_cst, align {kind.size}"))


def _atomic_store(order: str) -> Emitter:
    def emit(c: Conditions, node: ast.Call) -> Value:
        p, kind = _target(c, node.args[0])
        c.emit(f"store atomic {kind.ir} {c.coerce(c.expression(node.args[1]), kind, node)}, ptr {p.text} {order}, align {kind.size}")
        return NOTHING

    return emit


def _atomic_add(c: Conditions, node: ast.Call) -> Value:
    p, kind = _target(c, node.args[0])
    if not is_integer(kind):
        raise c.error(node, f"{p.kind.__name__} is no pointer to an integer")
    return Value(kind, c.let(f"atomicrmw add ptr {p.text}, {kind.ir} {c.coerce(c.expression(node.args[1]), kind, node)} seq_cst"))


def _atomic_cas(c: Conditions, node: ast.Call) -> Value:
    p, kind = _target(c, node.args[0])
    old, new = (c.coerce(c.expression(a), kind, node) for a in node.args[1:3])
    pair = c.let(f"cmpxchg ptr {p.text}, {kind.ir} {old}, {kind.ir} {new} seq_cst seq_cst")
    return Value(boolean, c.let(f"extractvalue {{ {kind.ir}, i1 }} {pair}, 1"))


def _barrier(c: Conditions, node: ast.Call) -> Value:
    c.emit('call void asm sideeffect "", "~{memory}"()')
    return NOTHING


def _thread_pointer(c: Conditions, node: ast.Call) -> Value:
    c.program.externs.setdefault("llvm.thread.pointer.p0", "declare ptr @llvm.thread.pointer.p0()")
    return Value(u64, c.let(f"ptrtoint ptr {c.let('call ptr @llvm.thread.pointer.p0()')} to i64"))


# control


def _unreachable(c: Conditions, node: ast.Call) -> Value:
    c.emit("unreachable")
    c.open = False
    return NOTHING


def _truth(c: Conditions, node: ast.Call) -> Value:
    return Value(boolean, c.truth(node.args[0]))


INTRINSICS: dict[str, Emitter] = {
    "sizeof": _sizeof, "offsetof": _offsetof, "alloca": _alloca, "addr": _addr, "fnptr": _fnptr, "symbol": _symbol, "call": _call,
    "clz": _on_integer("ctlz", "i1 false"), "ctz": _on_integer("cttz", "i1 false"), "popcnt": _on_integer("ctpop"), "bswap": _bswap,
    "rotl": _rotate("fshl"), "rotr": _rotate("fshr"), "sqrt": _on_float("sqrt"), "ceil": _on_float("ceil"), "floor": _on_float("floor"),
    "trunc": _on_float("trunc"), "nearest": _on_float("roundeven"), "fabs": _on_float("fabs"), "copysign": _copysign,
    "fminimum": _extreme("minimum"), "fmaximum": _extreme("maximum"), "bits": _bits, "from_bits": _from_bits, "isnan": _isnan,
    "load": _load(""), "store": _store(""), "vload": _load("volatile "), "vstore": _store("volatile "),
    "atomic_load": _atomic_load, "atomic_store": _atomic_store("seq_cst"), "atomic_store_release": _atomic_store("release"),
    "atomic_add": _atomic_add, "atomic_cas": _atomic_cas, "barrier": _barrier, "thread_pointer": _thread_pointer,
    "unreachable": _unreachable, "likely": _truth, "unlikely": _truth,
}  # fmt: skip
