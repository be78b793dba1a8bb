"""Optimized code written by hand: bodies, OSR entries and exits as IR text in the native convention, and units of them.

A value is an i64 name: the bits of an i32 or f32 are zero-extended. What the convention leaves open is filled with garbage.
Types are letters: i i32, I i64, f f32, F f64, R a reference.
"""

import struct
from collections.abc import Sequence
from typing import Any

import wasmjit
from wasmjit._image import native
from wasmjit.native.elf import SHF_EXECINSTR, Object
from wasmjit.native.flatten import flatten
from wasmjit.native.lang import offsetof, ptr, sizeof
from wasmjit.runtime.natives import index
from wasmjit.runtime.structs import Code, Ec, FuncRef, Inst, Mod, Table
from wasmjit.runtime.units import NONE
from wasmjit.tiers.optimizer.lines import line_rows
from wasmjit.tiers.optimizer.target import object_code
from wasmjit.tiers.optimizer.unit import Unit

N = native()
RESULT = "{i64, <2 x double>}"
INTEGERS, FLOATS = 4, 8
WORDS = [f"i64 %i{k}" for k in range(INTEGERS)]
LANES = [f"<2 x double> %d{k}" for k in range(FLOATS)]
PARAMETERS = ", ".join(["ptr %ec", "ptr %inst", *WORDS, *LANES])
NOTHING = ["i64 poison"] * INTEGERS + ["<2 x double> poison"] * FLOATS
GARBAGE = 0x5A5A5A5A00000000
ATTRIBUTES = 'nounwind noinline "frame-pointer"="all" "no-builtins"'
METADATA = """
!0 = !{}
!1 = !DIFile(filename: "wasm", directory: "")
!2 = distinct !DICompileUnit(language: DW_LANG_C, file: !1, isOptimized: true, emissionKind: LineTablesOnly)
!3 = !DISubroutineType(types: !0)
!4 = !{i32 2, !"Debug Info Version", i32 3}
!5 = !{i32 7, !"Dwarf Version", i32 5}
!llvm.dbg.cu = !{!2}
!llvm.module.flags = !{!4, !5}
declare i64 @llvm.fshl.i64(i64, i64, i64)
"""

Frame = tuple[int, int]  # (function, offset in the binary)
Signature = tuple[str, str]  # letters of parameters and of results


def points(module: wasmjit.Module, function: int) -> dict[tuple[int, int], int]:
    """Slot offsets of the points of a function's profiled form, which is made: {(offset in the binary, 1 after it): slot offset}."""
    assert N.profiled_make(module.address, function) == 0
    records = struct.iter_unpack("<IIIIQ", N.profile_points(module.address, function))
    return {(wasm, after): slot for wasm, after, slot, _, _ in records}


def places(params: str) -> list[tuple[str, int]]:
    """Where parameters travel: ("i", register), ("d", register), ("s", slot)."""
    found, integers, floats = [], 0, 0
    for k, kind in enumerate(params):
        if kind in "iIR":
            found.append(("i", integers) if integers < INTEGERS else ("s", k))
            integers += 1
        else:
            found.append(("d", floats) if floats < FLOATS else ("s", k))
            floats += 1
    return found


class Bodies:
    """A unit in the making."""

    def __init__(self, module: wasmjit.Module) -> None:
        self.module = module
        self.texts: list[str] = []
        self.entries: list[tuple[int, int]] = []
        self.sites: list[tuple[Frame, ...]] = []
        self.exits: list[tuple[int, int, int]] = []
        self.forms: set[int] = set()
        self.scopes = 0
        self.imported = int(ptr[Mod](module.address).nimport_funcs)

    def scope(self) -> int:
        """Number of the metadata of one more function."""
        self.scopes += 1
        number = 5 + self.scopes
        line = "line: 0, type: !3, unit: !2, spFlags: DISPFlagDefinition"
        self.texts.append(f'!{number} = distinct !DISubprogram(name: "f", file: !1, {line})')
        return number

    def body(self, function: int, signature: Signature) -> "Body":
        """The body of a function, to be written."""
        self.entries.append((function, 0))
        return Body(self, function, signature)

    def osr(self, function: int, loop: int) -> "Body":
        """Code that goes on at a loop's header, to be written; loop: its offset."""
        self.entries.append((function, loop))
        return Body(self, function, ("", ""), loop)

    def install(self) -> int:
        """Compile and install; the address of the unit."""
        data = object_code("\n".join([*self.texts, METADATA]), None, 1, True)
        elf, flat = Object(data), flatten(data)
        assert not flat.imports and not flat.relocations
        text = sum(elf.sections[i].size for i in elf.kept() if elf.sections[i].flags & SHF_EXECINSTR)
        entries = []
        for function, loop in sorted(self.entries):
            name = f"osr_{function}_{loop}" if loop else f"body_{function}"
            entries.append((function, loop, flat.symbols[name], NONE if loop else flat.symbols[f"i2c_{function}"]))
        lines = [row for row in line_rows(elf) if row[0] < text]
        size = int(ptr[Mod](self.module.address).nbytes)
        blob = bytes(flat.blob[: flat.relro])
        unit = Unit(blob, text, elf.machine.elf, size, entries, self.sites, lines, self.exits, sorted(self.forms))
        address: int = N.unit_install(self.module.address, unit.pack())
        assert address != 0
        return address


class Body:
    """A function of a unit. Its end adds it to the unit: `ret`, `leave`, `trap`, `done`."""

    def __init__(self, bodies: Bodies, function: int, signature: Signature, loop: int = 0) -> None:
        self.bodies, self.function, self.signature, self.loop = bodies, function, signature, loop
        self.lines: list[str] = ["entry:"]
        self.count = 0
        self.scope = bodies.scope()
        self.dbg = f", !dbg !DILocation(line: 0, scope: !{self.scope})"
        self.args = [] if loop else self._take()

    # lines

    def let(self, operation: str) -> str:
        self.count += 1
        self.lines.append(f"  %v{self.count} = {operation}")
        return f"%v{self.count}"

    def emit(self, line: str) -> None:
        self.lines.append("  " + line)

    def label(self, name: str) -> None:
        self.lines.append(name + ":")

    def field(self, struct: Any, base: str, name: str, kind: str = "ptr") -> str:
        return self.let(f"load {kind}, ptr {self.pointer(base, int(offsetof(struct, name)))}")

    def pointer(self, base: str, offset: int) -> str:
        return self.let(f"getelementptr i8, ptr {base}, i64 {offset}")

    def slot(self, k: int) -> str:
        """Address of a slot: from ec.vs_top on, in OSR code from the frame's slot 0 on."""
        return self.pointer("%sp" if self.loop else self.field(Ec, "%ec", "vs_top"), 8 * k)

    def at(self, *frames: Frame) -> None:
        """What follows belongs to the site of these frames, innermost first."""
        if frames not in self.bodies.sites:
            self.bodies.sites.append(frames)
        self.dbg = f", !dbg !DILocation(line: {self.bodies.sites.index(frames) + 1}, scope: !{self.scope})"

    # the convention

    def _take(self) -> list[str]:
        """The parameters."""
        values = []
        for kind, (where, k) in zip(self.signature[0], places(self.signature[0]), strict=True):
            if where == "i":
                value = f"%i{k}"
            elif where == "d":
                value = self.let(f"extractelement <2 x i64> {self.let(f'bitcast <2 x double> %d{k} to <2 x i64>')}, i64 0")
            else:
                value = self.let(f"load i64, ptr {self.slot(k)}")
            values.append(self._clean(kind, value))
        return values

    def _clean(self, kind: str, value: str) -> str:
        return self.let(f"and i64 {value}, 4294967295") if kind in "if" else value

    def _dirty(self, kind: str, value: str) -> str:
        return self.let(f"or i64 {value}, {GARBAGE}") if kind in "if" else value

    def _lane(self, value: str) -> str:
        lanes = self.let(f"insertelement <2 x i64> <i64 poison, i64 {GARBAGE}>, i64 {value}, i64 0")
        return self.let(f"bitcast <2 x i64> {lanes} to <2 x double>")

    def _pass(self, params: str, values: Sequence[str]) -> str:
        passed = NOTHING[:]
        for kind, value, (where, k) in zip(params, values, places(params), strict=True):
            value = self._dirty(kind, value)
            if where == "s":
                self.emit(f"store i64 {value}, ptr {self.slot_above(k)}")
            elif where == "i":
                passed[k] = f"i64 {value}"
            else:
                passed[INTEGERS + k] = f"<2 x double> {self._lane(value)}"
        return ", ".join(passed)

    def slot_above(self, k: int) -> str:
        return self.pointer(self.field(Ec, "%ec", "vs_top"), 8 * k)

    def _call(self, target: str, inst: str, signature: Signature, values: Sequence[str]) -> list[str]:
        passed = self._pass(signature[0], values)
        both = self.let(f"notail call {RESULT} {target}(ptr %ec, ptr {inst}, {passed}) nomerge{self.dbg}")
        results = []
        for k, kind in enumerate(signature[1]):
            if k:
                value = self.let(f"load i64, ptr {self.slot_above(k)}")
            elif kind in "iIR":
                value = self.let(f"extractvalue {RESULT} {both}, 0")
            else:
                lanes = self.let(f"bitcast <2 x double> {self.let(f'extractvalue {RESULT} {both}, 1')} to <2 x i64>")
                value = self.let(f"extractelement <2 x i64> {lanes}, i64 0")
            results.append(self._clean(kind, value))
        return results

    def call(self, function: int, signature: Signature, values: Sequence[str]) -> list[str]:
        """Call a function of the module, whoever runs it."""
        if function < self.bodies.imported:
            refs = self.field(Inst, "%inst", "refs")
            return self.call_reference(self.let(f"load ptr, ptr {self.pointer(refs, 8 * function)}"), signature, values)
        ref = self.pointer(self.field(Inst, "%inst", "own"), (function - self.bodies.imported) * int(sizeof(FuncRef)))
        self.emit(f"store ptr {ref}, ptr {self.pointer('%ec', int(offsetof(Ec, 'callee')))}")
        code = self.pointer(self.field(Inst, "%inst", "codes"), function * int(sizeof(Code)))
        return self._call(self.field(Code, code, "native"), "%inst", signature, values)

    def call_reference(self, ref: str, signature: Signature, values: Sequence[str]) -> list[str]:
        self.emit(f"store ptr {ref}, ptr {self.pointer('%ec', int(offsetof(Ec, 'callee')))}")
        self.own_instance()
        code, inst = self.field(FuncRef, ref, "code"), self.field(FuncRef, ref, "inst")
        return self._call(self.field(Code, code, "native"), inst, signature, values)

    def call_table(self, element: int, signature: Signature, values: Sequence[str]) -> list[str]:
        """Call an element of table 0."""
        table = self.let(f"load ptr, ptr {self.field(Inst, '%inst', 'tables')}")
        elems = self.field(Table, table, "elems")
        return self.call_reference(self.let(f"load ptr, ptr {self.pointer(elems, 8 * element)}"), signature, values)

    def call_near(self, function: int, signature: Signature, values: Sequence[str]) -> list[str]:
        """Call a body of the same unit."""
        return self._call(f"@body_{function}", "%inst", signature, values)

    def own_instance(self) -> None:
        self.emit(f"store ptr %inst, ptr {self.pointer('%ec', int(offsetof(Ec, 'inst')))}")
        mem0 = self.field(Inst, "%inst", "mem0")
        self.emit(f"store ptr {mem0}, ptr {self.pointer('%ec', int(offsetof(Ec, 'mem0')))}")

    def runtime(self, result: str, name: str, arguments: str) -> str:
        """Call an entry of the runtime."""
        self.own_instance()
        entry = self.let(f"load ptr, ptr {self.pointer(self.field(Ec, '%ec', 'rt'), 8 * index(name))}")
        call = f"call {result} {entry}(ptr %ec, {arguments}) nomerge{self.dbg}"
        if result == "void":
            self.emit(call)
            return ""
        return self.let(call)

    def trap(self, code: int) -> None:
        self.runtime("void", "op_trap", f"i64 {code}")
        self.emit("unreachable")

    def check_stack(self) -> None:
        """What the prologue of every body does."""
        here = self.let("ptrtoint ptr %here to i64")
        self.lines.insert(1, "  %here = call ptr @llvm.frameaddress.p0(i32 0)")
        low = self.let(f"icmp ult i64 {here}, {self.field(Ec, '%ec', 'stack_limit', 'i64')}")
        self.emit(f"br i1 {low}, label %overflow, label %room")
        self.label("overflow")
        self.trap(10)
        self.label("room")

    def memory(self, address: str, kind: str = "i64") -> str:
        """Load from memory 0; it may fault."""
        place = self.let(f"getelementptr i8, ptr {self.field(Inst, '%inst', 'mem')}, i64 {address}")
        return self.let(f"load volatile {kind}, ptr {place}, align 1{self.dbg}")

    def memory_set(self, address: int, value: str) -> None:
        place = self.pointer(self.field(Inst, "%inst", "mem"), address)
        self.emit(f"store volatile i64 {value}, ptr {place}, align 1{self.dbg}")

    def ret(self, values: Sequence[str] = ()) -> None:
        """Return."""
        returned = "poison"
        for k, (kind, value) in enumerate(zip(self.signature[1], values, strict=True)):
            value = self._dirty(kind, value)
            if k:
                self.emit(f"store i64 {value}, ptr {self.slot(k)}")
            elif kind in "iIR":
                returned = self.let(f"insertvalue {RESULT} poison, i64 {value}, 0")
            else:
                returned = self.let(f"insertvalue {RESULT} poison, <2 x double> {self._lane(value)}, 1")
        self.emit("ret ptr null" if self.loop else f"ret {RESULT} {returned}")

    def leave(self, frames: Sequence[tuple[int, int, int]], values: dict[int, str], wasm: int) -> None:
        """Exit. frames: (function, slot offset in its profiled form, base), outermost first; values: by slot of the root.

        wasm: the innermost one's offset in the binary.
        """
        for k, value in values.items():
            self.emit(f"store i64 {value}, ptr {self.slot(k)}")
        number = len(self.bodies.exits)
        self.bodies.exits.append((frames[-1][0], wasm, 0))
        self.bodies.forms |= {frame[0] for frame in frames}
        words = ", ".join(f"i32 {word}" for word in (number, len(frames), *(word for frame in frames for word in frame)))
        self.bodies.texts.append(f"@exit_{number} = internal constant [{2 + 3 * len(frames)} x i32] [{words}]")
        if self.loop:
            self.emit(f"ret ptr @exit_{number}")
            return
        land = self.let(f"load ptr, ptr {self.pointer(self.field(Ec, '%ec', 'rt'), 8 * index('land_called'))}")
        passed = ", ".join([f"i64 ptrtoint (ptr @exit_{number} to i64)", *NOTHING[1:]])
        self.emit(f"%left{number} = musttail call {RESULT} {land}(ptr %ec, ptr %inst, {passed})")
        self.emit(f"ret {RESULT} %left{number}")

    def done(self) -> None:
        """Add the function, and the adapter of a body, to the unit."""
        if self.loop:
            head = f"define ptr @osr_{self.function}_{self.loop}(ptr %ec, ptr %inst, ptr %sp)"
        else:
            head = f"define {RESULT} @body_{self.function}({PARAMETERS})"
            self._adapter()
        self.bodies.texts.append("\n".join([f"{head} {ATTRIBUTES} !dbg !{self.scope} {{", *self.lines, "}"]))

    def _adapter(self) -> None:
        """The i2c of the body."""
        at = Body.__new__(Body)
        at.bodies, at.loop, at.lines, at.count = self.bodies, 0, ["entry:"], 0
        scope = self.bodies.scope()
        at.dbg = f", !dbg !DILocation(line: 0, scope: !{scope})"
        passed = NOTHING[:]
        for k, (where, register) in enumerate(places(self.signature[0])):
            value = at.let(f"load i64, ptr {at.slot(k)}") if where != "s" else ""
            if where == "i":
                passed[register] = f"i64 {value}"
            elif where == "d":
                passed[INTEGERS + register] = f"<2 x double> {at._lane(value)}"
        both = at.let(f"notail call {RESULT} @body_{self.function}(ptr %ec, ptr %inst, {', '.join(passed)}){at.dbg}")
        if self.signature[1]:
            if self.signature[1][0] in "iIR":
                value = at.let(f"extractvalue {RESULT} {both}, 0")
            else:
                lanes = at.let(f"bitcast <2 x double> {at.let(f'extractvalue {RESULT} {both}, 1')} to <2 x i64>")
                value = at.let(f"extractelement <2 x i64> {lanes}, i64 0")
            at.emit(f"store i64 {value}, ptr {at.slot(0)}")
        at.emit("ret void")
        text = "\n".join([f"define void @i2c_{self.function}(ptr %ec, ptr %inst) {ATTRIBUTES} !dbg !{scope} {{", *at.lines, "}"])
        self.bodies.texts.append(text)
