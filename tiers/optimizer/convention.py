"""The native convention: how arguments and results travel, entries of bodies, the adapters that take arguments from slots.

Integers and references take i0 to i3 in order, floats lane 0 of d0 to d7; parameter k that finds no register, and result k >= 1, stand in
slot ec.vs_top[k]. The high half of an i32, the rest of an f32 and what is not used are unspecified.
"""

from collections.abc import Sequence

from wasmjit.runtime.structs import Ec
from wasmjit.tiers.optimizer.state import Builder
from wasmjit.tiers.optimizer.text import FunctionText

RESULT = "{ i64, <2 x double> }"
INTEGERS, FLOATS = 4, 8
PASSED = ", ".join(["i64 poison"] * INTEGERS + ["<2 x double> poison"] * FLOATS)
PARAMETERS = ", ".join(["ptr %ec", "ptr %inst", *(f"i64 %i{k}" for k in range(INTEGERS)), *(f"<2 x double> %d{k}" for k in range(FLOATS))])
ATTRIBUTES = 'noinline nounwind "frame-pointer"="all" "no-builtins"'  # inlining is the builder's: it knows the frames


def registers(types: Sequence[str]) -> list[tuple[str, int]]:
    """Where parameters travel: ("i", register), ("d", register) or ("s", index)."""
    places, integers, floats = [], 0, 0
    for k, kind in enumerate(types):
        if kind[0] == "i" and integers < INTEGERS:
            places.append(("i", integers))
            integers += 1
        elif kind[0] != "i" and floats < FLOATS:
            places.append(("d", floats))
            floats += 1
        else:
            places.append(("s", k))
    return places


def wide(t: FunctionText, kind: str, value: str) -> str:
    """A value as the register that carries it."""
    if kind == "i64":
        return value
    if kind == "i32":
        return t.let(f"zext i32 {value} to i64") if value[0] == "%" else value
    if kind == "double":
        return t.let(f"insertelement <2 x double> poison, double {value}, i64 0")
    lanes = t.let(f"insertelement <4 x float> poison, float {value}, i64 0")
    return t.let(f"bitcast <4 x float> {lanes} to <2 x double>")


def narrow(t: FunctionText, kind: str, register: str) -> str:
    """The value that a register carries."""
    if kind == "i64":
        return register
    if kind == "i32":
        return t.let(f"trunc i64 {register} to i32")
    if kind == "double":
        return t.let(f"extractelement <2 x double> {register}, i64 0")
    lanes = t.let(f"bitcast <2 x double> {register} to <4 x float>")
    return t.let(f"extractelement <4 x float> {lanes}, i64 0")


def parameters(b: Builder, types: Sequence[str]) -> list[str]:
    """Values of a body's parameters."""
    t = b.t
    values = []
    for kind, (where, k) in zip(types, registers(types), strict=True):
        if where == "s":
            values.append(b.read(b.field(Ec, "%ec", "vs_top"), 8 * k, kind))
        else:
            values.append(narrow(t, kind, f"%{where}{k}"))
    return values


def arguments(b: Builder, types: Sequence[str], values: Sequence[str]) -> str:
    """What a call passes behind ec and inst; arguments beyond the registers go to their slots."""
    t = b.t
    integers, floats = ["i64 poison"] * INTEGERS, ["<2 x double> poison"] * FLOATS
    for kind, value, (where, k) in zip(types, values, registers(types), strict=True):
        if where == "s":
            b.write(b.field(Ec, "%ec", "vs_top"), 8 * k, kind, value)
        elif where == "i":
            integers[k] = f"i64 {wide(t, kind, value)}"
        else:
            floats[k] = f"<2 x double> {wide(t, kind, value)}"
    return ", ".join(integers + floats)


def results(b: Builder, types: Sequence[str], returned: str) -> list[str]:
    """Values of what a call returned."""
    t = b.t
    values = []
    for k, kind in enumerate(types):
        if k:
            values.append(b.read(b.field(Ec, "%ec", "vs_top"), 8 * k, kind))
        else:
            values.append(narrow(t, kind, t.let(f"extractvalue {RESULT} {returned}, {int(kind[0] != 'i')}")))
    return values


def give(b: Builder, types: Sequence[str], values: Sequence[str]) -> None:
    """Return from a body."""
    t = b.t
    returned = "poison"
    for k, (kind, value) in enumerate(zip(types, values, strict=True)):
        if k:
            b.write(b.field(Ec, "%ec", "vs_top"), 8 * k, kind, value)
        else:
            register = f"i64 {wide(t, kind, value)}, 0" if kind[0] == "i" else f"<2 x double> {wide(t, kind, value)}, 1"
            returned = t.let(f"insertvalue {RESULT} poison, {register}")
    t.emit(f"ret {RESULT} {returned}")


def i2c(b: Builder, function: int) -> None:
    """The adapter `void i2c(ec, inst)`: arguments from the slots at ec.vs_top, the first result to the first of them."""
    t = b.t
    types, given = b.view.signature(function)
    top = b.field(Ec, "%ec", "vs_top") if types or given else ""
    integers, floats = ["i64 poison"] * INTEGERS, ["<2 x double> poison"] * FLOATS
    for k, (where, register) in enumerate(registers(types)):
        if where == "i":
            integers[register] = f"i64 {t.let(f'load i64, ptr {t.pointer(top, 8 * k)}')}"
        elif where == "d":
            word = t.let(f"load double, ptr {t.pointer(top, 8 * k)}")
            floats[register] = f"<2 x double> {t.let(f'insertelement <2 x double> poison, double {word}, i64 0')}"
    returned = t.let(f"notail call {RESULT} @body_{function}(ptr %ec, ptr %inst, {', '.join(integers + floats)}){t.dbg}")
    if given:
        kind = "i64" if given[0][0] == "i" else "double"
        word = t.let(f"extractvalue {RESULT} {returned}, {int(kind == 'double')}")
        t.emit(f"store {kind} {word if kind == 'i64' else narrow(t, kind, word)}, ptr {top}")
    t.emit("ret void")
