"""Writes one handler: fields, operands, the row's meaning, the jump to the next instruction."""

import ast
from typing import Any

from wasmjit.isa.row import Row
from wasmjit.native import lang
from wasmjit.native.compiler.expression import ExpressionCompiler
from wasmjit.native.compiler.program import Program
from wasmjit.native.compiler.typed import Value
from wasmjit.native.lang import f32, f64, offsetof, u32, u64
from wasmjit.runtime import codes
from wasmjit.runtime.structs import Ec

CONVENTION = "preserve_nonecc"
PARAMETERS = "ptr %pc, ptr %sp, ptr %mem, ptr %ec, ptr %csp, i64 %r0, double %f0, i64 %budget"
KINDS: dict[str, Any] = {"i32": u32, "i64": u64, "f32": f32, "f64": f64}
TRAPS = {
    "divide": codes.TRAP_DIVIDE,
    "overflow": codes.TRAP_OVERFLOW,
    "conversion": codes.TRAP_CONVERSION,
    "unreachable": codes.TRAP_UNREACHABLE,
}


def value_kind(name: str) -> Any:
    """Restricted type of a wasm value type; references are 8-byte words."""
    return KINDS.get(name, u64)


class Handler(ExpressionCompiler):
    """Body of one handler in preserve_none convention: every way out is a musttail call."""

    def __init__(self, program: Program, name: str) -> None:
        super().__init__(program, f"<meaning of {name}>", vars(lang))
        self.name = name

    def text(self, flags: str = "") -> str:
        return "\n".join(
            [
                f"define hidden {CONVENTION} void @h.{self.name.translate(SAFE)}({PARAMETERS}) nounwind {flags}{{",
                "entry:",
                *self.allocas,
                *self.lines,
                "}",
            ]
        )

    # fields of the instruction

    def at(self, offset: int, base: str = "%pc") -> str:
        return self.let(f"getelementptr i8, ptr {base}, i64 {offset}") if offset else base

    def field(self, kind: str, offset: int, base: str = "%pc") -> str:
        """u16 fields zero-extended to i64, i32 ones as they are."""
        size = {"i16": 2, "i32": 4, "i64": 8, "ptr": 8}[kind]
        value = self.let(f"load {kind}, ptr {self.at(offset, base)}, align {size}")
        return self.let(f"zext i16 {value} to i64") if kind == "i16" else value

    def slot(self, offset: int, base: str = "%pc") -> str:
        """Address of the slot whose number is the field."""
        return self.let(f"getelementptr i64, ptr %sp, i64 {self.field('i16', offset, base)}")

    def ec(self, name: str, kind: str = "ptr") -> str:
        return self.let(f"load {kind}, ptr {self.ec_field(name)}")

    def ec_field(self, name: str) -> str:
        return self.at(offsetof(Ec, name), "%ec")

    def member(self, struct: Any, base: str, name: str, kind: str = "ptr") -> str:
        return self.let(f"load {kind}, ptr {self.at(offsetof(struct, name), base)}")

    # operands and results

    def operand(self, how: str, kind: Any, offset: int, constant: int = 0, base: str = "%pc") -> str:
        """An operand as IR of its type; `constant` is the place of a float constant."""
        if how == "s":
            return self.let(f"load {kind.ir}, ptr {self.slot(offset, base)}")
        if how == "k":
            if kind in (f32, f64):
                return self.let(f"load {kind.ir}, ptr {self.at(constant)}, align 8")
            value = self.field("i32", offset)
            return value if kind is u32 else self.let(f"sext i32 {value} to i64")
        if kind is f64:
            return "%f0"
        if kind is f32:
            return self.let(f"extractelement <2 x float> {self.let('bitcast double %f0 to <2 x float>')}, i64 0")
        return "%r0" if kind is u64 else self.let("trunc i64 %r0 to i32")

    def word(self, kind: Any, text: str) -> str:
        """An integer value as the i64 of the accumulator."""
        return text if kind.ir == "i64" else self.let(f"zext {kind.ir} {text} to i64")

    def finish(self, how: str, kind: Any, text: str, size: int, base: str = "%pc") -> None:
        """Put the result where the form says and go on behind the instruction, which stands at `base`."""
        if kind.ir == "i1":
            kind, text = u32, self.let(f"zext i1 {text} to i32")
        if how == "s":
            self.emit(f"store {kind.ir} {text}, ptr {self.slot(8, base)}")
            self.next(size, base=base)
        elif kind in (f32, f64):
            self.next(size, base=base, f0=self.accumulated(kind, text))
        else:
            self.next(size, base=base, r0=self.word(kind, text))

    def accumulated(self, kind: Any, text: str) -> str:
        """A float as the accumulator holds it: an f32 in the low lane, through a vector so that it stays in its register."""
        if kind is f64:
            return text
        lanes = self.let(f"insertelement <4 x float> poison, float {text}, i64 0")
        return self.let(f"extractelement <2 x double> {self.let(f'bitcast <4 x float> {lanes} to <2 x double>')}, i64 0")

    def compute(self, row: Row, operands: list[str]) -> Value:
        """The row's checks, each a branch to the trap, then its meaning."""
        self.bound = {name: Value(value_kind(kind), text) for name, kind, text in zip("abc", row.params, operands, strict=False)}
        for condition, trap in row.checks:
            self.guard(self.truth(ast.parse(condition, mode="eval").body), TRAPS[trap])
        value = self.expression(ast.parse(row.meaning, mode="eval").body)
        result = value_kind(row.results[0])
        if value.kind is not result and value.kind.ir != "i1":
            value = Value(result, self.coerce(value, result, ast.parse("0", mode="eval")))
        return value

    # ways out

    def guard(self, bad: str, code: int) -> None:
        """Trap with the code when the i1 is true."""
        trap, fine = self.label("trap"), self.label("fine")
        self.emit(f"br i1 {bad}, label %{trap}, label %{fine}, !prof !1")
        self.place_label(trap)
        self.leave("@h.trap", r0=str(code))
        self.place_label(fine)

    def leave(self, target: str, **changed: str) -> None:
        """musttail to a handler; what is not named stays."""
        values = {name: changed.get(name, "%" + name) for name in ("pc", "sp", "mem", "ec", "csp", "r0", "f0", "budget")}
        passed = ", ".join(f"{kind} {values[name]}" for kind, name in (part.split(" %") for part in PARAMETERS.split(", ")))
        self.emit(f"musttail call {CONVENTION} void {target}({passed})")
        self.emit("ret void")
        self.open = False

    def go(self, pc: str, **changed: str) -> None:
        """Run the instruction at pc."""
        self.leave(self.let(f"load ptr, ptr {pc}, align 8"), pc=pc, **changed)

    def next(self, size: int, **changed: str) -> None:
        self.go(self.at(size, changed.pop("base", "%pc")), **changed)

    def jump(self, offset: int, **changed: str) -> None:
        """Forward by the rel field."""
        self.go(self.let(f"getelementptr i8, ptr %pc, i64 {self.let('sext i32 ' + self.field('i32', offset) + ' to i64')}"), **changed)

    def jump_back(self, rel: int, weight: int) -> None:
        """Backward: takes the weight from the budget; below zero the safepoint runs at the loop header."""
        target = self.let(f"getelementptr i8, ptr %pc, i64 {self.let('sext i32 ' + self.field('i32', rel) + ' to i64')}")
        left = self.let(f"sub i64 %budget, {self.field('i16', weight)}")
        spent, go = self.label("spent"), self.label("go")
        self.emit(f"br i1 {self.let(f'icmp slt i64 {left}, 0')}, label %{spent}, label %{go}, !prof !1")
        self.place_label(spent)
        self.leave("@h.safepoint_loop", r0=self.let(f"ptrtoint ptr {target} to i64"))
        self.place_label(go)
        self.go(target, budget=left)


SAFE = str.maketrans({"@": ".", "!": "c", "+": "_"})
