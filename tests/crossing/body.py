"""One function of a unit written by hand. A value is an i64 name: the bits of an i32 or f32 are zero-extended."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tests.crossing.convention import ATTRIBUTES, GARBAGE, INTEGERS, NOTHING, PARAMETERS, RESULT, Frame, Signature, places
from wasmjit.native.lang import offsetof, sizeof
from wasmjit.runtime.natives import index
from wasmjit.runtime.structs import Code, Ec, FuncRef, Inst, Table

if TYPE_CHECKING:
    from tests.crossing.bodies import Bodies


class Body:
    """A function of a unit. Its end adds it to the unit: `ret`, `leave`, `trap`, `done`."""

    def __init__(self, bodies: "Bodies", function: int, signature: Signature, loop: int = 0) -> None:
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
        low = self.let(f"icmp ult i64 {here}, {self.field(Ec, '%ec', 'code_limit', 'i64')}")
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
