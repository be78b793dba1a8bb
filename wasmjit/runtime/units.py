"""Units: blobs of optimized code with what the runtime knows of them (packed: `runtime.packed`).

Outside, a unit is known by the address of its blob: whether that still is one can be told by looking.
"""

from wasmjit.native.lang import addr, atomic_add, fn, load, ptr, struct, u8, u32, u64, var, void
from wasmjit.runtime.codearena import code_owner
from wasmjit.runtime.locks import lock_drop, lock_take
from wasmjit.runtime.packed import UnitEntry, UnitExit, UnitFrame, UnitLine, UnitSite
from wasmjit.runtime.structs import Ec, Mod


@struct
class Unit:
    """An installed unit. The rows are those of its packed form."""

    next: ptr["Unit"]  # of the same module
    mod: ptr[Mod]
    blob: u64  # address
    nblob: u64
    ntext: u32
    nentries: u32
    nlines: u32
    nsites: u32
    nframes: u32
    nexits: u32
    nforms: u32
    live: u32  # entries through which it can be entered
    entries: ptr[UnitEntry]
    lines: ptr[UnitLine]
    sites: ptr[UnitSite]
    frames: ptr[UnitFrame]
    exits: ptr[UnitExit]
    forms: ptr[u32]
    counts: ptr[u32]  # by exit: how often it was taken
    taken: u64  # exits taken in all
    ticks: u64  # of the preemption timer that fell in it
    renewing: u64  # 1: it is left too often, and newer code was asked for
    later: ptr["Unit"]  # list of the retired ones
    inside: ptr[ptr[Ec]]  # retired: contexts that may still be inside, 0: not looked for yet
    ninside: u64


@struct
class Units:
    lock: u64
    retired: ptr[Unit]  # without entries, but a thread may be inside


UNITS = var("units", Units)


@fn
def units_lock() -> void:
    lock_take(addr(UNITS.lock))


@fn
def units_unlock() -> void:
    lock_drop(addr(UNITS.lock))


@fn
def unit_of_pc(pc: u64) -> ptr[Unit]:
    """The unit whose blob holds an address, 0: none. Takes no lock; the unit stays while a thread is inside of it."""
    return ptr[Unit](code_owner(pc))


@fn
def unit_site(unit: ptr[Unit], pc: u64) -> u32:
    """Number of the site that an address in a unit's code belongs to, 0: none. Of a return address: the one before it is the call's."""
    offset = pc - unit.blob
    if offset >= u64(unit.ntext):
        return 0
    low: u32 = 0
    high = unit.nlines
    while low < high:  # rows that begin at or below the address
        middle = (low + high) // 2
        if u64(unit.lines[middle].offset) <= offset:
            low = middle + 1
        else:
            high = middle
    return unit.lines[low - 1].site if low > 0 else u32(0)


@fn
def unit_frames(unit: ptr[Unit], site: u32) -> ptr[UnitFrame]:
    """The frames of a site, innermost first: as many as `unit_depth` says."""
    return unit.frames[unit.sites[site - 1].frame]


@fn
def unit_depth(unit: ptr[Unit], site: u32) -> u32:
    return unit.sites[site - 1].count


@fn
def unit_count(unit: ptr[Unit], descriptor: ptr[u8]) -> u32:
    """Count an exit by its descriptor, {u32 number, ...}; how often it was taken, 0 if it is none of the unit's."""
    number = load(u32, descriptor)
    if number >= unit.nexits:
        return 0
    atomic_add(addr(unit.taken), 1)
    return atomic_add(unit.counts + number, 1) + 1
