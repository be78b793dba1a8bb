"""The handler generator: one function a kind of form; `handlers_ir` is the text of all of them."""

import ast
from collections.abc import Callable
from typing import Any

from wasmjit.isa.row import Row
from wasmjit.native import lang
from wasmjit.native.compiler.program import BRANCH_WEIGHTS, Program
from wasmjit.native.compiler.typed import Value
from wasmjit.native.lang import u32
from wasmjit.runtime.structs import Mem

from .control import CONTROL, fixed_handlers
from .emitter import SAFE, Handler, value_kind
from .forms import FORMS, Form, is_float

MEMORY_KINDS = {name: getattr(lang, name) for name in ("u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64")}


def binary(h: Handler, row: Row, d: str, combo: str) -> None:
    a, b, size = operands(h, row, combo, 10, 16)
    value = h.compute(row, [a, b])
    h.finish(d, value.kind, value.text, size)


def operands(h: Handler, row: Row, combo: str, first: int, constant: int) -> tuple[str, str, int]:
    """Both operands of a two-operand form and its size in the 16-byte layout. An immediate integer stands at 12 whichever side it is."""
    kind = value_kind(row.params[0])
    floating = is_float(row.params[0])
    swap = combo[0] == "k"
    a = h.operand(combo[0], kind, 12 if swap else first, constant)
    b = h.operand(combo[1], kind, first if swap else 12, constant)
    return a, b, 24 if floating and "k" in combo else 16


def pair(h: Handler, first: Row, second: Row, d: str, combo: str, side: str) -> None:
    kind, outer = value_kind(first.params[0]), value_kind(second.params[0])
    a = h.operand(combo[0], kind, 12)
    b = h.operand(combo[1], kind, 16 if combo[1] == "k" else 14)
    c = h.operand("k", outer, 20) if side == "k" else h.operand("s" if side in "lr" else "r", outer, 10)
    x = h.compute(first, [a, b]).text
    value = h.compute(second, [c, x] if side in "lL" else [x, c])
    h.finish(d, value.kind, value.text, 24 if "k" in combo + side else 16)


def step(h: Handler, row: Row, combo: str) -> None:
    """End of a counted loop: [a @8][weight @10][b or imm @12][rel @16][addend @20][Loop @24]: a += addend, back if a ? b."""
    place = h.slot(8)
    b = h.operand(combo[1], u32, 12)  # before the store: it may be the same slot only when read after it
    a = h.let(f"add i32 {h.let(f'load i32, ptr {place}')}, {h.field('i32', 20)}")
    h.emit(f"store i32 {a}, ptr {place}")
    taken, other = h.label("taken"), h.label("other")
    h.emit(f"br i1 {h.compute(row, [a, b]).text}, label %{taken}, label %{other}")
    h.place_label(taken)
    h.jump_back(16, 10)
    h.place_label(other)
    h.next(32)


def unary(h: Handler, row: Row, d: str, a: str) -> None:
    value = h.compute(row, [h.operand(a, value_kind(row.params[0]), 10)])
    h.finish(d, value.kind, value.text, 16)


def address(h: Handler, how: str, offset: int, size: int, checked: bool, static: int = 12) -> str:
    """Address of an access; in checked forms it is compared with the memory's length first. An addend stands behind the static offset."""
    effective = h.let(f"zext i32 {h.field('i32', static)} to i64")
    if how != "k":
        place = h.operand("s" if how == "p" else how, u32, offset)
        if how == "p":
            place = h.let(f"add i32 {place}, {h.field('i32', static + 4)}")
        index = h.let(f"zext i32 {place} to i64")
        effective = h.let(f"add i64 {index}, {effective}")
    if checked:
        length = h.member(Mem, h.ec("mem0"), "nbytes", "i64")
        end = h.let(f"add i64 {effective}, {size}")
        bad, fine = h.label("trap"), h.label("fine")
        h.emit(f"br i1 {h.let(f'icmp ugt i64 {end}, {length}')}, label %{bad}, label %{fine}, !prof !1")
        h.place_label(bad)
        h.emit(f"store i64 {size}, ptr {h.ec_field('trap_size')}")
        h.leave("@h.trap_memory", r0=effective)
        h.place_label(fine)
    return h.let(f"getelementptr i8, ptr %mem, i64 {effective}")


def pinned(h: Handler) -> str:
    """pc, kept in its register until after the access: the fault handler reads it there."""
    return h.let('call ptr asm sideeffect "", "=r,0,~{memory}"(ptr %pc)')


def load(h: Handler, row: Row, d: str, a: str, checked: bool) -> None:
    size, memory = row.access
    kind = MEMORY_KINDS[memory]
    place = address(h, a, 10, size, checked)
    h.bound = {"m": Value(kind, h.let(f"load {kind.ir}, ptr {place}, align 1"))}
    after = pinned(h)
    result = value_kind(row.results[0])
    h.finish(d, result, meaning(h, row, result), 24 if a == "p" else 16, after)


def meaning(h: Handler, row: Row, kind: Any) -> str:
    """The row's meaning over what h.bound holds, as a value of the type."""
    node = ast.parse(row.meaning, mode="eval").body
    return h.coerce(h.expression(node), kind, node)


def load_pair(h: Handler, first: Row, second: Row, d: str, how: str, side: str) -> None:
    size, memory = first.access
    kind, outer = MEMORY_KINDS[memory], value_kind(second.params[0])
    place = address(h, how, 12, size, False, 16)
    h.bound = {"m": Value(kind, h.let(f"load {kind.ir}, ptr {place}, align 1"))}
    after = pinned(h)
    x = meaning(h, first, outer)
    c = h.operand("s", outer, 10, base=after) if side in "lr" else h.operand("r", outer, 10)
    value = h.compute(second, [c, x] if side in "lL" else [x, c])
    h.finish(d, value.kind, value.text, 24, after)


def store(h: Handler, row: Row, combo: str, checked: bool) -> None:
    size, memory = row.access
    kind = MEMORY_KINDS[memory]
    value_type = value_kind(row.params[1])
    if combo[1] == "k":
        word = h.field("i32", 20 if combo[0] == "p" else 16)
        value = word if value_type is u32 else h.let(f"sext i32 {word} to i64")
    else:
        value = h.operand(combo[1], value_type, 10)
    h.bound = {"v": Value(value_type, value)}
    stored = meaning(h, row, kind)
    place = address(h, combo[0], 8, size, checked)
    h.emit(f"store {kind.ir} {stored}, ptr {place}, align 1")
    h.next(24 if combo[0] == "p" or combo[1] == "k" else 16, base=pinned(h))


def branch(h: Handler, row: Row, combo: str, sense: bool, back: bool) -> None:
    kind = value_kind(row.params[0])
    constant = 32 if back else 24
    a, b = h.operand(combo[0], kind, 8), h.operand(combo[1], kind, 12, constant)
    size = constant + (8 if is_float(row.params[0]) and "k" in combo else 0)
    taken, other = h.label("taken"), h.label("other")
    yes, no = (taken, other) if sense else (other, taken)
    h.emit(f"br i1 {h.compute(row, [a, b]).text}, label %{yes}, label %{no}")
    h.place_label(taken)
    if back:
        h.jump_back(16, 10)
    else:
        h.jump(16)
    h.place_label(other)
    h.next(size)


KINDS: dict[str, Callable[..., None]] = {
    "binary": binary,
    "pair": pair,
    "step": step,
    "unary": unary,
    "load": load,
    "load_pair": load_pair,
    "store": store,
    "branch": branch,
    **CONTROL,
}


def _one(program: Program, form: Form) -> str:
    handler = Handler(program, form.name)
    if form.row is not None:
        KINDS[form.kind](handler, form.row, *form.args)
    else:
        KINDS[form.kind](handler, *form.args)
    return handler.text()


def handlers_ir() -> str:
    """LLVM IR text: every handler, and `handler_table`, their distances from it by form number (i32 each)."""
    program = Program()
    bodies = [_one(program, form) for form in FORMS if form.kind not in ("none", "special")]
    bodies += fixed_handlers(program)
    symbols = ["@h." + ("bad" if form.kind == "none" else form.name.translate(SAFE)) for form in FORMS]
    rows = ", ".join(
        f"i32 trunc (i64 sub (i64 ptrtoint (ptr {symbol} to i64), i64 ptrtoint (ptr @handler_table to i64)) to i32)" for symbol in symbols
    )
    table = f"@handler_table = hidden constant [{len(symbols)} x i32] [{rows}]"
    return "\n".join(["; straight-line code", table, *program.globals.values(), *program.externs.values(), *bodies, *BRANCH_WEIGHTS, ""])
