"""Units made by hand: LLVM IR in the native convention, compiled, packed and installed on modules."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import wasmjit
from wasmjit._image import native
from wasmjit.native.emit import emit
from wasmjit.native.flatten import flatten
from wasmjit.native.lang import offsetof, ptr
from wasmjit.native.target import EmitError
from wasmjit.runtime.natives import index as native_index
from wasmjit.runtime.packed import NONE
from wasmjit.runtime.platform import ELF_MACHINE
from wasmjit.runtime.structs import Ec, Mod
from wasmjit.tiers.optimizer.unit import Unit

N = native()

RESULT = "{i64, <2 x double>}"
INTEGERS, FLOATS = 4, 8  # registers of parameters
REGISTERS = ", ".join([*(f"i64 %i{k}" for k in range(INTEGERS)), *(f"<2 x double> %d{k}" for k in range(FLOATS))])
ATTRIBUTES = 'nounwind "frame-pointer"="all" "no-builtins"'
IDENTITY = '(module (func (export "f") (param i64) (result i64) local.get 0))'  # what most units here are for


class Entry(NamedTuple):
    """An entry of the unit: @body_<function> with @i2c_<function>, or @osr_<function>_<loop>."""

    function: int = 0
    loop: int = 0


def given(*values: str) -> str:
    """Arguments in registers: these integers, the rest poison."""
    return ", ".join([*(f"i64 {value}" for value in values), *["i64 poison"] * (INTEGERS - len(values)), *["<2 x double> poison"] * FLOATS])


def member(struct: Any, name: str, base: str, to: str) -> str:
    """IR: %<to> becomes the address of a field of the struct at %<base>."""
    return f"  %{to} = getelementptr i8, ptr %{base}, i64 {int(offsetof(struct, name))}\n"


def field(struct: Any, name: str, base: str, to: str, kind: str = "ptr") -> str:
    """IR: %<to> becomes the value of a field of the struct at %<base>."""
    return f"{member(struct, name, base, f'{to}.place')}  %{to} = load {kind}, ptr %{to}.place\n"


def call_runtime(entry: str, arguments: str, to: str, result: str = "void", tail: str = "") -> str:
    """IR: call an entry of the table at ec.rt; names begin with `to`, the result is %<to>."""
    return (
        f"{field(Ec, 'rt', 'ec', f'{to}.table')}"
        f"  %{to}.place = getelementptr ptr, ptr %{to}.table, i64 {native_index(entry)}\n"
        f"  %{to}.target = load ptr, ptr %{to}.place\n"
        f"  {'' if result == 'void' else f'%{to} = '}{tail}call {result} %{to}.target(ptr %ec, {arguments})\n"
    )


def body(text: str, result: str = "0", function: int = 0) -> str:
    """A body: `text` begins in a block named entry; `result` is its integer result."""
    return (
        f"define {RESULT} @body_{function}(ptr %ec, ptr %inst, {REGISTERS}) {ATTRIBUTES} {{\nentry:\n{text}"
        f"  %both = insertvalue {RESULT} poison, i64 {result}, 0\n  ret {RESULT} %both\n}}\n"
    )


def adapter(nparams: int, function: int = 0) -> str:
    """Its i2c: up to four integer parameters, one integer result."""
    lines = [field(Ec, "vs_top", "ec", "sp")]
    for k in range(nparams):
        lines.append(f"  %s{k} = getelementptr i64, ptr %sp, i64 {k}\n  %v{k} = load i64, ptr %s{k}\n")
    return (
        f"define void @i2c_{function}(ptr %ec, ptr %inst) {ATTRIBUTES} {{\n{''.join(lines)}"
        f"  %both = call {RESULT} @body_{function}(ptr %ec, ptr %inst, {given(*(f'%v{k}' for k in range(nparams)))})\n"
        f"  %r = extractvalue {RESULT} %both, 0\n  store i64 %r, ptr %sp\n  ret void\n}}\n"
    )


def compute(text: str, result: str, nparams: int = 1, function: int = 0) -> str:
    """A body and its adapter."""
    return body(text, result, function) + adapter(nparams, function)


def leave(function: int, slot: int, stores: str = "", number: int = 0) -> str:
    """A body and its adapter that leaves by an exit to one frame at once; `stores` fills slots from %top on."""
    land = call_runtime("land_called", f"ptr %inst, {given('%exit')}", "land", RESULT, "musttail ")
    return (
        f"@exit = internal constant [5 x i32] [i32 {number}, i32 1, i32 {function}, i32 {slot}, i32 0]\n"
        f"define {RESULT} @body_{function}(ptr %ec, ptr %inst, {REGISTERS}) {ATTRIBUTES} {{\n"
        f"{field(Ec, 'vs_top', 'ec', 'top')}{stores}"
        f"  %exit = ptrtoint ptr @exit to i64\n{land}  ret {RESULT} %land\n}}\n{adapter(1, function)}"
    )


def make(module: wasmjit.Module, ir: str, entries: Sequence[Entry] = (Entry(),), **rows: Any) -> Unit:
    """Compile IR text to a unit of the module. `rows`: what else Unit takes. EmitError: it refers to something outside."""
    flat = flatten(emit(ir, level=1))
    if flat.imports or flat.relocations:
        raise EmitError(f"the text refers to {flat.imports}")
    listed = []
    for function, loop in sorted(entries):
        native_code = flat.symbols[f"osr_{function}_{loop}" if loop else f"body_{function}"]
        listed.append((function, loop, native_code, NONE if loop else flat.symbols[f"i2c_{function}"]))
    text = max(function.offset + function.size for function in flat.functions.values())
    return Unit(bytes(flat.blob[: flat.relro]).rstrip(b"\0"), text, ELF_MACHINE, mod_of(module).nbytes, listed, **rows)


def install(module: wasmjit.Module, unit: Unit) -> int:
    """Install it; its address. RuntimeError: it was refused."""
    address: int = N.unit_install(module.address, unit.pack())
    if address == 0:
        raise RuntimeError("the unit was refused")
    return address


def plain(wat: str = IDENTITY) -> wasmjit.Module:
    """A module that nobody but the test compiles."""
    return wasmjit.Module(wat, config=wasmjit.Config(tier="interp"))


def mod_of(module: wasmjit.Module) -> Any:
    """The native Mod of a module."""
    return ptr[Mod](module.address)


def compiled(ir: str, wat: str = IDENTITY, imports: Any = None, **rows: Any) -> wasmjit.Instance:
    """An instance of a module whose function 0 is a unit made from IR."""
    module = plain(wat)
    instance = wasmjit.Instance(module, imports)
    install(module, make(module, ir, [Entry(int(mod_of(module).nimport_funcs))], **rows))
    return instance
