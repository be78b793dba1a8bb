"""Units made by hand: LLVM IR in the native convention, compiled, packed and installed on modules."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import wasmjit
from wasmjit._image import native
from wasmjit.native.emit import emit
from wasmjit.native.flatten import flatten
from wasmjit.native.imagefile import ELF_MACHINES
from wasmjit.native.lang import offsetof, ptr
from wasmjit.native.target import EmitError
from wasmjit.runtime.natives import index as native_index
from wasmjit.runtime.platform import MACHINE
from wasmjit.runtime.structs import Code, Ec, Mod
from wasmjit.runtime.units import NONE
from wasmjit.tiers.optimizer.unit import Unit

N = native()

RESULT = "{i64, <2 x double>}"
INTEGERS = [f"i64 %i{k}" for k in range(4)]
FLOATS = [f"<2 x double> %d{k}" for k in range(8)]
PARAMETERS = ", ".join(["ptr %ec", "ptr %inst", *INTEGERS, *FLOATS])
_POISON = ", ".join(["i64 poison"] * 4 + ["<2 x double> poison"] * 8)
_ATTRIBUTES = 'nounwind "frame-pointer"="all" "no-builtins"'


class Entry(NamedTuple):
    """A function of the IR text that is an entry of the unit: @body_<function>, or @osr_<function>_<loop>."""

    function: int
    loop: int = 0

    @property
    def symbol(self) -> str:
        return f"osr_{self.function}_{self.loop}" if self.loop else f"body_{self.function}"


def field(struct: Any, name: str, base: str, to: str) -> str:
    """IR: %<to> = address of a field."""
    return f"  %{to} = getelementptr i8, ptr %{base}, i64 {int(offsetof(struct, name))}\n"


def body(function: int, text: str, result: str = "0") -> str:
    """A body of integer parameters; `result`: its i64."""
    return (
        f"define {RESULT} @body_{function}({PARAMETERS}) {_ATTRIBUTES} {{\nentry:\n{text}\n"
        f"  %both = insertvalue {RESULT} poison, i64 {result}, 0\n  ret {RESULT} %both\n}}\n"
    )


def i2c(function: int, nparams: int) -> str:
    """Its adapter: up to four integer parameters, one integer result or none."""
    lines = [field(Ec, "vs_top", "ec", "place"), "  %sp = load ptr, ptr %place\n"]
    for k in range(nparams):
        lines.append(f"  %s{k} = getelementptr i64, ptr %sp, i64 {k}\n  %v{k} = load i64, ptr %s{k}\n")
    passed = ", ".join([f"i64 %v{k}" for k in range(nparams)] + ["i64 poison"] * (4 - nparams) + ["<2 x double> poison"] * 8)
    return (
        f"define void @i2c_{function}(ptr %ec, ptr %inst) {_ATTRIBUTES} {{\n{''.join(lines)}"
        f"  %both = call {RESULT} @body_{function}(ptr %ec, ptr %inst, {passed})\n"
        f"  %r = extractvalue {RESULT} %both, 0\n  store i64 %r, ptr %sp\n  ret void\n}}\n"
    )


def exit_called(number: int, function: int, slot: int, stores: str = "") -> str:
    """IR that leaves a body by an exit to one frame; the descriptor @exit<number> is defined by `descriptor`."""
    name = f"x{number}"
    return (
        f"{stores}{field(Ec, 'rt', 'ec', f'{name}.rt')}  %{name}.table = load ptr, ptr %{name}.rt\n"
        f"  %{name}.place = getelementptr ptr, ptr %{name}.table, i64 {native_index('land_called')}\n"
        f"  %{name}.land = load ptr, ptr %{name}.place\n  %{name}.i = ptrtoint ptr @exit{number} to i64\n"
        f"  %{name}.r = musttail call {RESULT} %{name}.land(ptr %ec, ptr %inst, i64 %{name}.i, "
        f"{', '.join(['i64 poison'] * 3 + ['<2 x double> poison'] * 8)})\n  ret {RESULT} %{name}.r\n"
    )


def descriptor(number: int, function: int, slot: int) -> str:
    return f"@exit{number} = internal constant [5 x i32] [i32 {number}, i32 1, i32 {function}, i32 {slot}, i32 0]\n"


def make(module: wasmjit.Module, ir: str, entries: Sequence[Entry], **rows: Any) -> Unit:
    """Compile IR text to a unit of the module. `rows`: what else Unit takes."""
    flat = flatten(emit(ir, level=1, vectorize=True))
    if flat.imports or flat.relocations:
        raise EmitError(f"the text refers to {flat.imports}")
    listed = [
        (each.function, each.loop, flat.symbols[each.symbol], NONE if each.loop else flat.symbols[f"i2c_{each.function}"])
        for each in sorted(entries)
    ]
    text = max(function.offset + function.size for function in flat.functions.values())
    blob = bytes(flat.blob[: flat.relro]).rstrip(b"\0")
    machine = ELF_MACHINES["x86_64" if MACHINE in ("x86_64", "AMD64") else "aarch64"]
    return Unit(blob, text, machine, ptr[Mod](module.address).nbytes, listed, **rows)


def install(module: wasmjit.Module, unit: Unit) -> int:
    """Install it; its address. RuntimeError: it was refused."""
    address: int = N.unit_install(module.address, unit.pack())
    if address == 0:
        raise RuntimeError("the unit was refused")
    return address


def code(module: wasmjit.Module, function: int) -> Any:
    """The Code of a function."""
    return ptr[Mod](module.address).codes[function]


__all__ = ["Code", "Entry", "body", "code", "descriptor", "exit_called", "field", "i2c", "install", "make"]
