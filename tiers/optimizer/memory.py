"""Loads and stores: addresses, checks, and which accesses cannot trap because one before reached as far.

Memory is contiguous from 0 and never shrinks: once an access of n bytes behind an address was fine, all of fewer bytes behind it are.
Accesses that may trap, and all stores, are volatile, so that everything before a trap has happened and nothing after it.
"""

from typing import Any

from wasmjit.isa import TABLE
from wasmjit.runtime.codes import GUARD_OFFSETS
from wasmjit.runtime.structs import Inst, Mem
from wasmjit.tiers.optimizer.decode import OP, number
from wasmjit.tiers.optimizer.frames import Frame
from wasmjit.tiers.optimizer.lower import FOLDED_LOADS, FOLDING, LOADS, PLAIN_LOADS, PLAIN_STORES, STORES, unfolded
from wasmjit.tiers.optimizer.state import LENGTH, Builder

LLVM = {"i32": "i32", "i64": "i64", "f32": "float", "f64": "double"}
ACCESSES: dict[int, tuple[Any, ...]] = {
    number(row): (row.access[0], LLVM[row.results[0]], LOADS[row.name], PLAIN_LOADS[row.name], FOLDED_LOADS.get(row.name))
    if row.kind == "load"
    else (row.access[0], LLVM[row.params[1]], STORES[row.name], PLAIN_STORES[row.name])
    for row in TABLE
    if row.kind in ("load", "store")
}
TAKERS = frozenset(OP[name] for name in FOLDING)


def place(b: Builder, f: Frame, address: str, offset: int, size: int, i: int) -> tuple[str, bool]:
    """The pointer of an access, and whether it may trap. What it shows to be accessible is noted."""
    t = b.t
    b.memory = True
    b.here(f, i)
    shown = b.reach.get(address)
    known = shown is not None and shown[0] >= offset + size
    if shown is not None and known:
        t.dbg = shown[1]  # should LLVM move it up, before the access that showed it, it faults in the place of that
    else:
        b.reach[address] = offset + size, t.dbg
        if b.program.checked or offset >= GUARD_OFFSETS:
            check(b, address, offset, size)
    t.n = n = t.n + 1
    if address[0] != "%":
        t.lines.append(f"  %p{n} = getelementptr i8, ptr %mem, i64 {(int(address) & 0xFFFFFFFF) + offset}")
    elif offset:
        t.lines.append(
            f"  %a{n} = zext i32 {address} to i64\n  %b{n} = getelementptr i8, ptr %mem, i64 %a{n}\n"
            f"  %p{n} = getelementptr i8, ptr %b{n}, i64 {offset}"
        )
    else:
        t.lines.append(f"  %a{n} = zext i32 {address} to i64\n  %p{n} = getelementptr i8, ptr %mem, i64 %a{n}")
    return f"%p{n}", not known


def check(b: Builder, address: str, offset: int, size: int) -> None:
    """Compare the end of an access with the memory's length."""
    t = b.t
    effective = str((int(address) & 0xFFFFFFFF) + offset) if address[0] != "%" else t.let(f"zext i32 {address} to i64")
    if offset and address[0] == "%":
        effective = t.let(f"add nuw i64 {effective}, {offset}")
    end = t.let(f"add nuw i64 {effective}, {size}")
    length = b.globals.get(LENGTH)
    if length is None:
        length = b.field(Mem, b.field(Inst, "%inst", "mem0"), "nbytes", "i64", invariant=False)
        b.globals = {**b.globals, LENGTH: length}
    with b.aside(b.guard(t.let(f"icmp ugt i64 {end}, {length}"))):
        b.running()
        t.runtime("void", "op_trap_memory", f"i64 {effective}, i64 {size}", "noreturn cold")
        t.emit("unreachable")


def load(b: Builder, f: Frame, o: int, offset: int, i: int) -> None:
    size, kind, access, plain, folded = ACCESSES[o]
    address = b.pop(f)
    key = address, offset, o
    value = b.cache.get(key)
    if value is None and b.fast is not None:
        b.here(f, i)
        value = b.cache[key] = plain(b.t, b.fast.pointer(b, i, offset))
    elif value is None:
        pointer, may_trap = place(b, f, address, offset, size, i)
        if may_trap and folded is not None and f.body.ops[i + 1] in TAKERS and b.program.folds and b.slow is None:
            value = folded(b.t, pointer)
            b.program.folded.add(b.t.site)
        else:
            value = access(b.t, pointer) if may_trap else plain(b.t, pointer)
        b.cache[key] = value
    elif value.startswith("%m"):
        unfolded(b.t, kind, value)
    f.vals.append(value)
    f.types.append(kind)


def store(b: Builder, f: Frame, o: int, offset: int, i: int) -> None:
    size, _, access, plain = ACCESSES[o]
    value = b.pop(f)
    address = b.pop(f)
    if b.fast is not None:
        b.here(f, i)
        plain(b.t, b.fast.pointer(b, i, offset), value)
    else:
        access(b.t, place(b, f, address, offset, size, i)[0], value)
    b.cache.clear()
