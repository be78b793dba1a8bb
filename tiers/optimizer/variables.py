"""Globals, references, operands that are moved about."""

from wasmjit.native.lang import offsetof, sizeof
from wasmjit.runtime.structs import Cell, Inst
from wasmjit.tiers.optimizer.frames import Frame
from wasmjit.tiers.optimizer.lower import settled
from wasmjit.tiers.optimizer.state import Builder
from wasmjit.tiers.optimizer.view import REFERENCE


def cell(b: Builder, index: int) -> str:
    """Address of a global: own ones behind the instance, imported ones through its array."""
    own = index - b.view.nimport_globals
    if own >= 0:
        return b.t.pointer("%inst", int(offsetof(Inst, "cells")) + own * sizeof(Cell))
    return b.element(b.field(Inst, "%inst", "globals"), index)


def known_global(b: Builder, index: int) -> str:
    """Value of a global."""
    value = b.globals.get(index)
    if value is None:
        value = b.t.let(f"load {b.view.globals[index][0]}, ptr {cell(b, index)}")
        b.globals = {**b.globals, index: value}
    return value


def global_get(b: Builder, f: Frame, index: int, i: int) -> int:
    b.push(f, known_global(b, index), b.view.globals[index][0])
    return i + 1


def global_set(b: Builder, f: Frame, index: int, i: int) -> int:
    """The store is volatile: it must have happened when something traps behind it. An imported global may be another name of any other."""
    kind, _ = b.view.globals[index]
    value = b.pop(f)
    b.t.emit(f"store volatile {kind} {value}, ptr {cell(b, index)}")
    first = b.view.nimport_globals
    known = {k: v for k, v in b.globals.items() if k >= first} if index < first else b.globals
    b.globals = {**known, index: value}
    return i + 1


def ref_null(b: Builder, f: Frame, _: None, i: int) -> int:
    b.push(f, "0", REFERENCE)
    return i + 1


def ref_func(b: Builder, f: Frame, index: int, i: int) -> int:
    reference = b.element(b.field(Inst, "%inst", "refs"), index)
    b.push(f, b.t.let(f"ptrtoint ptr {reference} to i64"), REFERENCE)
    return i + 1


def drop(b: Builder, f: Frame, _: None, i: int) -> int:
    f.vals.pop()
    f.types.pop()
    return i + 1


def select(b: Builder, f: Frame, _: object, i: int) -> int:
    t = b.t
    condition = b.truth(f)
    kind = f.types[-1]
    second, first = b.pop(f), b.pop(f)
    if first == second:
        b.push(f, first, kind)
    else:
        b.push(f, t.let(f"select i1 {condition}, {kind} {settled(t, kind, first)}, {kind} {settled(t, kind, second)}"), kind)
    return i + 1


def nop(b: Builder, f: Frame, _: None, i: int) -> int:
    return i + 1


HANDLERS = {
    "global.get": global_get, "global.set": global_set, "ref.null": ref_null, "ref.func": ref_func,
    "drop": drop, "select": select, "select_t": select, "nop": nop,
}  # fmt: skip
