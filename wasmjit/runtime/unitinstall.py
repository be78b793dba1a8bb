"""How units come: entries are set while threads run the module.

Nothing is translated for a unit with a function's body: the forms that its exits land in are made when one is taken (`landing`), and
its OSR entries are set when the loops become known (`loops_attach`), which is before anything runs that could come to one.
"""

from wasmjit.native.capi import PyBytes_AsString, PyBytes_Size, PyErr_Clear
from wasmjit.native.lang import (
    PyObject,
    addr,
    atomic_cas,
    atomic_store_release,
    boolean,
    export,
    extern,
    fn,
    ptr,
    sizeof,
    symbol,
    u8,
    u32,
    u64,
    void,
)
from wasmjit.native.libc import calloc, free, memcpy
from wasmjit.runtime.codearena import code_mark, code_put
from wasmjit.runtime.codes import PHASE_COLD, PHASE_COMPILED, PHASE_REQUESTED, TRACE_ENTER
from wasmjit.runtime.packed import PackedUnit, UnitEntry, UnitExit, UnitFrame, UnitLine, UnitSite
from wasmjit.runtime.preempt import preempt_start
from wasmjit.runtime.structs import Code, Mod
from wasmjit.runtime.tracering import trace_note, tracing
from wasmjit.runtime.unitcheck import rows_end, unit_check
from wasmjit.runtime.unitfree import units_sweep
from wasmjit.runtime.unitleave import entry_lost, loop_of
from wasmjit.runtime.units import Unit, units_lock, units_unlock


@extern
def profiled_make(mod: ptr[Mod], function: u32) -> u32:
    """Make the profiled form of a function if it has none; 0, or the TRAP_* code why there is none (interpreter)."""
    ...


@fn
def unit_new(mod: ptr[Mod], data: ptr[u8]) -> ptr[Unit]:
    """A unit with the rows of a checked packed form, not installed; 0: no memory."""
    head = ptr[PackedUnit](data)
    rows = rows_end(head, 0)
    nrows = rows_end(head, 6) - rows
    unit = ptr[Unit](calloc(1, sizeof(Unit) + nrows + u64(head.exits) * 4))
    if unit == 0:
        return unit
    at = ptr[u8](unit) + sizeof(Unit)
    memcpy(at, data + rows, nrows)
    unit.mod = mod
    unit.nblob = u64(head.blob)
    unit.ntext = head.text
    unit.nentries = head.entries
    unit.nlines = head.lines
    unit.nsites = head.sites
    unit.nframes = head.frames
    unit.nexits = head.exits
    unit.nforms = head.forms
    unit.entries = ptr[UnitEntry](at)
    unit.lines = ptr[UnitLine](at + (rows_end(head, 1) - rows))
    unit.sites = ptr[UnitSite](at + (rows_end(head, 2) - rows))
    unit.frames = ptr[UnitFrame](at + (rows_end(head, 3) - rows))
    unit.exits = ptr[UnitExit](at + (rows_end(head, 4) - rows))
    unit.forms = ptr[u32](at + (rows_end(head, 5) - rows))
    unit.counts = ptr[u32](at + nrows)
    return unit


@fn
def unit_ready(unit: ptr[Unit]) -> boolean:
    """Translate the functions of which the unit has loops but no body, so that these are known."""
    body = ptr[Code](0)
    for k in range(unit.nentries):
        entry = unit.entries[k]
        code = unit.mod.codes[entry.function]
        if entry.loop == 0:
            body = code  # it stands before the loops
        elif code != body or code.loops != 0:
            if code.loops == 0 and profiled_make(unit.mod, entry.function) != 0:
                return False
            if loop_of(code, entry.loop) == 0:
                return False
    return True


@fn
def entry_wanted(unit: ptr[Unit], entry: ptr[UnitEntry], replace: boolean) -> boolean:
    """Is there a place for this entry now? Without `replace` what is in place stays."""
    code = unit.mod.codes[entry.function]
    if entry.loop == 0:
        return replace or code.unit == 0
    loop = loop_of(code, entry.loop)
    return loop != 0 and (replace or loop.unit == 0)


@fn
def unit_wanted(unit: ptr[Unit], replace: boolean) -> boolean:
    for i in range(unit.nentries):
        if entry_wanted(unit, unit.entries[i], replace):
            return True
    return False


@fn
def entries_set(unit: ptr[Unit], replace: boolean) -> void:
    """Let calls and loops come to the unit. Threads run the module meanwhile: what they read first is written last."""
    mod = unit.mod
    for i in range(unit.nentries):
        entry = unit.entries[i]
        if not entry_wanted(unit, entry, replace):
            continue
        code = mod.codes[entry.function]
        native = ptr[u8](unit.blob + u64(entry.native))
        if entry.loop != 0:
            loop = loop_of(code, entry.loop)
            old = loop.unit
            loop.unit = unit
            atomic_store_release(addr(loop.osr), native)
            if code.phase == PHASE_REQUESTED or code.phase == PHASE_COLD:  # COLD: the unit comes from the code cache
                code.phase = PHASE_COMPILED
                code.window = 0
        else:
            old = code.unit
            code.unit = unit
            atomic_store_release(addr(code.native), native)
            atomic_store_release(addr(code.i2c), ptr[u8](unit.blob + u64(entry.i2c)))
            code.window = 0
            code.phase = PHASE_COMPILED
            atomic_store_release(addr(code.entry), symbol("first_word") if tracing() else symbol("native_word"))
        unit.live += 1
        entry_lost(old)


@fn
def loops_attach(code: ptr[Code]) -> void:
    """The loops of a compiled function are known now: those that its unit has an entry at get it."""
    units_lock()
    unit = code.unit
    if unit != 0:
        for i in range(unit.nentries):
            entry = unit.entries[i]
            if entry.function == code.index and entry.loop != 0 and entry_wanted(unit, entry, False):
                loop = loop_of(code, entry.loop)
                loop.unit = unit
                unit.live += 1
                atomic_store_release(addr(loop.osr), ptr[u8](unit.blob + u64(entry.native)))
    units_unlock()


@fn
def trace_entered(code: ptr[Code]) -> void:
    """A compiled function that somebody traces is called for the first time."""
    atomic_cas(ptr[u64](addr(code.entry)), u64(symbol("first_word")), u64(symbol("native_word")))
    trace_note(TRACE_ENTER, code, 0, 0)


@export
def unit_install(mod: ptr[Mod], data: ptr[PyObject]) -> u64:
    """Install a packed unit of a module, given as bytes; the unit's address, 0: it is damaged, made for another module, or cannot be.

    Functions that were compiled before go over to it. May be called while threads run the module.
    """
    size = PyBytes_Size(data)
    if size < 0:
        PyErr_Clear()
        return 0
    if not preempt_start():
        return 0
    blob = unit_put(mod, PyBytes_AsString(data), u64(size), True)
    if blob != 0:
        units_sweep()
    return blob


@fn
def unit_put(mod: ptr[Mod], data: ptr[u8], size: u64, replace: boolean) -> u64:
    """Install a packed unit, see `unit_install`. Needs no GIL, takes the slot code's lock. replace: else it only fills what is empty."""
    if not unit_check(mod, data, size):
        return 0
    unit = unit_new(mod, data)
    if unit == 0:
        return 0
    blob: u64 = 0
    if unit_ready(unit):
        units_lock()
        if unit_wanted(unit, replace):
            blob = code_put(data + sizeof(PackedUnit), unit.nblob)
        if blob != 0:
            unit.blob = blob
            unit.next = mod.units
            mod.units = unit
            code_mark(blob, unit.nblob, u64(unit))
            entries_set(unit, replace)
        units_unlock()
    if blob == 0:
        free(ptr[u8](unit))
    return blob
