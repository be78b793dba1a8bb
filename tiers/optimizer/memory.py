"""Loads and stores: addresses, checks, which accesses cannot trap because one before reached as far, what memory is known to hold.

Memory is contiguous from 0 and never shrinks: once an access of n bytes behind an address was fine, all of fewer bytes behind it are.
Accesses that may trap, and all stores, are volatile, so that everything before a trap has happened and nothing after it.
"""

from typing import Any

from wasmjit.isa import TABLE
from wasmjit.runtime.codes import GUARD_OFFSETS
from wasmjit.runtime.structs import Inst, Mem
from wasmjit.tiers.optimizer.decode import OP, number
from wasmjit.tiers.optimizer.frames import Frame
from wasmjit.tiers.optimizer.lower import FOLDED_LOADS, FOLDING, LOADS, PLAIN_LOADS, PLAIN_STORES, SEALED_LOADS, STORES, unfolded
from wasmjit.tiers.optimizer.state import LENGTH, Builder

LLVM = {"i32": "i32", "i64": "i64", "f32": "float", "f64": "double"}
ACCESSES: dict[int, tuple[Any, ...]] = {
    number(row): (
        row.access[0],
        LLVM[row.results[0]],
        LOADS[row.name],
        PLAIN_LOADS[row.name],
        FOLDED_LOADS.get(row.name),
        SEALED_LOADS.get(row.name),
    )
    if row.kind == "load"
    else (row.access[0], LLVM[row.params[1]], STORES[row.name], PLAIN_STORES[row.name])
    for row in TABLE
    if row.kind in ("load", "store")
}
I32_LOAD = OP["i32.load"]
SAME = {OP[f"{kind}.store"]: OP[f"{kind}.load"] for kind in LLVM}  # loads that give what a store got
TAKERS = frozenset(OP[name] for name in FOLDING)


def place(b: Builder, f: Frame, address: str, offset: int, size: int, i: int) -> tuple[str, bool]:
    """The pointer of an access, and whether it may trap. What it shows to be accessible is noted."""
    t = b.t
    b.memory = True
    b.here(f, i)
    shown = b.reach.get(address)
    known = shown is not None and shown[0] >= offset + size
    if shown is None:
        wide = t.let(f"zext i32 {address} to i64") if address[0] == "%" else str(int(address) & 0xFFFFFFFF)
    else:
        wide = shown[2]
    if shown is not None and known:
        t.at(t.unit.twin(shown[1]))  # should LLVM move it up, before the access that showed it, it faults in the place of that
    else:
        b.reach[address] = offset + size, t.site, wide
        if b.program.checked or offset >= GUARD_OFFSETS:
            check(b, wide, offset, size)
    if wide[0] != "%":
        return beside(b, "%mem", int(wide) + offset), not known
    key = t.block, wide
    base = b.bases.get(key)
    if base is None:
        base = b.bases[key] = beside(b, "%mem", wide)
    return beside(b, base, offset) if offset else base, not known


def beside(b: Builder, base: str, offset: str | int) -> str:
    """Address so many bytes behind a pointer into the memory."""
    t = b.t
    t.n = n = t.n + 1
    t.lines.append(f"  %p{n} = getelementptr i8, ptr {base}, i64 {offset}")
    return f"%p{n}"


def check(b: Builder, wide: str, offset: int, size: int) -> None:
    """Compare the end of an access with the memory's length; wide: its address as an i64."""
    t = b.t
    effective = str(int(wide) + offset) if wide[0] != "%" else t.let(f"add nuw i64 {wide}, {offset}") if offset else wide
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
    size, kind, access, plain, folded, sealed = ACCESSES[o]
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
            if may_trap and sealed is not None and (b.program.seals if o == I32_LOAD else not b.program.folds):
                access = sealed
            elif may_trap and sealed is not None:
                b.program.folded.add(b.t.site)
            value = access(b.t, pointer) if may_trap else plain(b.t, pointer)
        b.cache[key] = value
    elif value.startswith("%m"):
        unfolded(b.t, kind, value)
    f.vals.append(value)
    f.types.append(kind)


def store(b: Builder, f: Frame, o: int, offset: int, i: int) -> None:
    """What was loaded stays known where the same address with offsets shows that it is not what is stored, and so is what is stored."""
    size, _, access, plain = ACCESSES[o]
    value = b.pop(f)
    address = b.pop(f)
    if b.fast is not None:
        b.here(f, i)
        plain(b.t, b.fast.pointer(b, i, offset), value)
        b.cache.clear()
        return
    access(b.t, place(b, f, address, offset, size, i)[0], value)
    end = offset + size
    b.cache = {
        key: known for key, known in b.cache.items() if key[0] == address and (key[1] >= end or key[1] + ACCESSES[key[2]][0] <= offset)
    }
    if o in SAME:
        b.cache[address, offset, SAME[o]] = value
