"""How units come and go: entries are set while threads run the module, and swapped back. `unitfree` then frees them."""

from wasmjit.native.capi import PyBytes_AsString, PyBytes_Size, PyErr_Clear
from wasmjit.native.lang import (
    PyObject,
    addr,
    atomic_cas,
    atomic_store,
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
from wasmjit.runtime.codes import PHASE_COLD, PHASE_COMPILED, PHASE_PROFILING, PHASE_REQUESTED, TRACE_ENTER, TRACE_RETIRE
from wasmjit.runtime.preempt import preempt_start
from wasmjit.runtime.structs import Code, Ec, Loop, Mod
from wasmjit.runtime.tracering import trace_note, tracing
from wasmjit.runtime.unitcheck import own_function, rows_end, unit_check
from wasmjit.runtime.unitfree import sweep
from wasmjit.runtime.units import (
    UNITS,
    PackedUnit,
    Unit,
    UnitEntry,
    UnitExit,
    UnitFrame,
    UnitLine,
    UnitSite,
    unit_count,
    unit_of_pc,
    units_lock,
    units_unlock,
)


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
def loop_of(code: ptr[Code], wasm: u32) -> ptr[Loop]:
    loop = code.loops
    while loop != 0 and loop.wasm != wasm:
        loop = loop.next
    return loop


@fn
def unit_ready(unit: ptr[Unit]) -> boolean:
    """Make the profiled forms that exits land in, and those of functions with OSR entries: then their loops are known."""
    for i in range(unit.nforms):
        if profiled_make(unit.mod, unit.forms[i]) != 0:
            return False
    for k in range(unit.nentries):
        entry = unit.entries[k]
        if entry.loop != 0:
            if profiled_make(unit.mod, entry.function) != 0 or loop_of(unit.mod.codes[entry.function], entry.loop) == 0:
                return False
    return True


@fn
def entries_set(unit: ptr[Unit]) -> void:
    """Let calls and loops come to the unit. Threads run the module meanwhile: what they read first is written last."""
    mod = unit.mod
    for i in range(unit.nentries):
        entry = unit.entries[i]
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
def trace_entered(code: ptr[Code]) -> void:
    """A compiled function that somebody traces is called for the first time."""
    atomic_cas(ptr[u64](addr(code.entry)), u64(symbol("first_word")), u64(symbol("native_word")))
    trace_note(TRACE_ENTER, code, 0, 0)


@fn
def entry_lost(unit: ptr[Unit]) -> void:
    """A unit, if it is one, has an entry less; without any it waits for threads inside to leave."""
    if unit != 0:
        unit.live -= 1
        if unit.live == 0:
            unit.later = UNITS.retired
            UNITS.retired = unit


@fn
def body_leave(code: ptr[Code], phase: u32) -> void:
    """Calls of a compiled function go to the interpreter again: to the profiled form if `phase` says so and there is one."""
    unit = code.unit
    entry = code.slots
    code.phase = phase
    code.window = 0
    if phase == PHASE_PROFILING:
        if code.profiled != 0:
            entry = code.profiled
        else:
            code.phase = PHASE_COLD
    if entry == 0:
        entry = symbol("lazy_word")
    code.unit = ptr[Unit](0)
    atomic_store_release(addr(code.entry), entry)
    atomic_store(addr(code.i2c), ptr[u8](0))
    atomic_store(addr(code.native), symbol("c2i"))
    entry_lost(unit)


@fn
def loop_leave(loop: ptr[Loop]) -> void:
    unit = loop.unit
    loop.unit = ptr[Unit](0)
    atomic_store(addr(loop.osr), ptr[u8](0))
    entry_lost(unit)


@fn
def unit_give_up(unit: ptr[Unit], phase: u32) -> void:
    """Take all entries from a unit that it still has. Needs the units' lock."""
    trace_note(TRACE_RETIRE, unit.mod.codes[unit.entries[0].function], unit.blob, unit.taken)
    counted = ptr[Code](0)
    for i in range(unit.nentries):
        entry = unit.entries[i]
        code = unit.mod.codes[entry.function]
        if entry.loop != 0:
            loop = loop_of(code, entry.loop)
            if loop.unit != unit:
                continue
            loop_leave(loop)
            if code.unit == 0:
                body_leave(code, phase)
        elif code.unit == unit:
            body_leave(code, phase)
        else:
            continue
        if code != counted:  # entries of a function stand together
            counted = code
            code.deopts += 1


@export
def unit_install(mod: ptr[Mod], data: ptr[PyObject]) -> u64:
    """Install a packed unit of a module, given as bytes; the unit's address, 0: it is damaged, made for another module, or cannot be.

    Functions that were compiled before go over to it. May be called while threads run the module.
    """
    size = PyBytes_Size(data)
    if size < 0:
        PyErr_Clear()
        return 0
    bytes = PyBytes_AsString(data)
    if not unit_check(mod, bytes, u64(size)):
        return 0
    unit = unit_new(mod, bytes)
    if unit == 0:
        return 0
    if not unit_ready(unit) or not preempt_start():
        free(ptr[u8](unit))
        return 0
    units_lock()
    blob = code_put(bytes + sizeof(PackedUnit), unit.nblob)
    if blob != 0:
        unit.blob = blob
        unit.next = mod.units
        mod.units = unit
        code_mark(blob, unit.nblob, u64(unit))
        entries_set(unit)
        sweep(ptr[Mod](0))
    units_unlock()
    if blob == 0:
        free(ptr[u8](unit))
    return blob


@export
def unit_retire(mod: ptr[Mod], function: u32, phase: u32) -> boolean:
    """Give up the optimized code of a function and its loops, if any; it is interpreted, in PHASE_* `phase`, from now on.

    False: it had none.
    """
    code = own_function(mod, function)
    if code == 0:
        return False
    found = False
    units_lock()
    if code.unit != 0:
        found = True
        body_leave(code, phase)
    else:
        code.phase = phase
        code.window = 0
    loop = code.loops
    while loop != 0:
        if loop.unit != 0:
            found = True
            loop_leave(loop)
        loop = loop.next
    sweep(ptr[Mod](0))
    units_unlock()
    return found


@fn
def unit_exit(ec: ptr[Ec], descriptor: ptr[u8]) -> void:
    """An exit of optimized code was taken: count it. When it has been taken Mod.exits times, its unit is given up; twice as many times
    for each unit of the function before.

    The unit's functions are profiled anew, so that the next window decides what they are compiled to. The GIL need not be held.
    """
    unit = unit_of_pc(u64(descriptor))
    if unit == 0:
        return
    most = u64(unit.mod.exits) << unit.mod.codes[unit.entries[0].function].deopts
    if unit_count(unit, descriptor) == most and most != 0:
        units_lock()
        if unit.live != 0:
            unit_give_up(unit, PHASE_PROFILING)
        units_unlock()
