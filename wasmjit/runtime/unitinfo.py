"""What Python is told of units: for traces, listings, tests."""

from wasmjit.native.capi import Py_BuildValue, Py_DecRef, PyBytes_AsString, PyBytes_FromStringAndSize, PyList_Append, PyList_New
from wasmjit.native.lang import PyObject, export, fn, i64, ptr, sizeof, store, u8, u32, u64
from wasmjit.runtime.packed import UnitEntry, UnitExit, UnitFrame
from wasmjit.runtime.structs import Mod
from wasmjit.runtime.units import Unit, unit_depth, unit_frames, unit_of_pc, unit_site, units_lock, units_unlock

LEFT_RECORD = 16  # bytes of a record of `mod_left`


@fn
def unit_at(blob: u64) -> ptr[Unit]:
    """The unit known by the address of its blob, 0: there is none."""
    unit = unit_of_pc(blob)
    if unit == 0 or unit.blob != blob:
        return ptr[Unit](0)
    return unit


@export
def unit_exits(blob: u64) -> ptr[PyObject]:
    """How often each exit of a unit was taken: u32 by exit number; empty if there is no such unit."""
    unit = unit_at(blob)
    if unit == 0:
        return PyBytes_FromStringAndSize(ptr[u8](0), 0)
    return PyBytes_FromStringAndSize(ptr[u8](unit.counts), i64(unit.nexits) * 4)


@export
def unit_entries(blob: u64) -> ptr[PyObject]:
    """Entries of a unit as records <IIII (function, loop offset or 0, offset of the body or OSR entry, of the adapter)."""
    unit = unit_at(blob)
    if unit == 0:
        return PyBytes_FromStringAndSize(ptr[u8](0), 0)
    return PyBytes_FromStringAndSize(ptr[u8](unit.entries), i64(u64(unit.nentries) * sizeof(UnitEntry)))


@export
def unit_exit_rows(blob: u64) -> ptr[PyObject]:
    """Exits of a unit by number, as records <III (function, wasm offset where it goes on, the optimizer's reason)."""
    unit = unit_at(blob)
    if unit == 0:
        return PyBytes_FromStringAndSize(ptr[u8](0), 0)
    return PyBytes_FromStringAndSize(ptr[u8](unit.exits), i64(u64(unit.nexits) * sizeof(UnitExit)))


@export
def unit_info(blob: u64) -> ptr[PyObject]:
    """(address of the Mod, bytes of the blob, bytes of code, entries in use, exits taken); all 0 if there is no such unit."""
    unit = unit_at(blob)
    if unit == 0:
        return Py_BuildValue(b"iiiii", 0, 0, 0, 0, 0)
    return Py_BuildValue(b"KKIIK", u64(unit.mod), unit.nblob, unit.ntext, unit.live, unit.taken)


@export
def unit_ticks(blob: u64) -> u64:
    """Ticks of the preemption timer that fell in a unit: how much of the time goes there; 0 if there is no such unit."""
    unit = unit_at(blob)
    return u64(0) if unit == 0 else unit.ticks


@export
def mod_units(mod: ptr[Mod]) -> ptr[PyObject]:
    """List of a module's units, the last installed first; those that were given up but not yet left are among them."""
    found = PyList_New(0)
    unit = mod.units
    while found != 0 and unit != 0:
        item = Py_BuildValue(b"K", unit.blob)
        failed = item == 0 or PyList_Append(found, item) != 0
        if item != 0:
            Py_DecRef(item)
        if failed:
            Py_DecRef(found)
            return ptr[PyObject](0)
        unit = unit.next
    return found


@fn
def left_write(mod: ptr[Mod], least: u64, record: ptr[u8], most: u64) -> u64:
    """Write at most so many of `mod_left`'s records, nowhere if `record` is 0; their number. Takes the units' lock."""
    written: u64 = 0
    units_lock()
    unit = mod.units
    while unit != 0:
        k: u32 = 0
        while k < unit.nentries and unit.live != 0 and unit.taken >= least and written < most:
            entry = unit.entries[k]
            k += 1
            if entry.loop == 0 and mod.codes[entry.function].unit != unit:
                continue
            if record != 0:
                at = record + written * LEFT_RECORD
                store(u32, at, entry.function)
                store(u32, at + 4, entry.loop)
                store(u64, at + 8, unit.taken)
            written += 1
        unit = unit.next
    units_unlock()
    return written


@export
def mod_left(mod: ptr[Mod], least: u64) -> ptr[PyObject]:
    """What is in place and was left so many times: records <IIQ (function, loop offset or 0, exits taken) as bytes."""
    number = left_write(mod, least, ptr[u8](0), ~u64(0))
    made = PyBytes_FromStringAndSize(ptr[u8](0), i64(number * LEFT_RECORD))
    if made != 0 and left_write(mod, least, PyBytes_AsString(made), number) < number:  # another thread gave some up meanwhile
        Py_DecRef(made)
        return mod_left(mod, least)
    return made


@export
def unit_place(pc: u64) -> ptr[PyObject]:
    """Where an address in optimized code belongs: (unit, its frames as records <II (function, wasm offset), innermost first).

    The unit is 0 for other addresses; adapters have no frames.
    """
    unit = unit_of_pc(pc)
    blob: u64 = 0
    frames = ptr[u8](0)
    nbytes: i64 = 0
    if unit != 0:
        blob = unit.blob
        site = unit_site(unit, pc)
        if site != 0:
            frames = ptr[u8](unit_frames(unit, site))
            nbytes = i64(u64(unit_depth(unit, site)) * sizeof(UnitFrame))
    return Py_BuildValue(b"(KN)", blob, PyBytes_FromStringAndSize(frames, nbytes))
