"""How units are given up: entries are swapped back while threads run the module. `unitfree` then frees the unit."""

from wasmjit.native.lang import addr, atomic_store, atomic_store_release, boolean, export, fn, ptr, symbol, u8, u32, u64, void
from wasmjit.runtime.codes import PHASE_COLD, PHASE_PROFILING, TRACE_RETIRE
from wasmjit.runtime.structs import Code, Ec, Loop, Mod
from wasmjit.runtime.tracering import trace_note
from wasmjit.runtime.unitcheck import own_function
from wasmjit.runtime.unitfree import sweep
from wasmjit.runtime.units import UNITS, Unit, unit_count, unit_of_pc, units_lock, units_unlock


@fn
def loop_of(code: ptr[Code], wasm: u32) -> ptr[Loop]:
    loop = code.loops
    while loop != 0 and loop.wasm != wasm:
        loop = loop.next
    return loop


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
            if loop == 0 or loop.unit != unit:
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
    """An exit of optimized code was taken: count it. When it has been taken Mod.exits times, and more often in a large unit, that is given
    up; twice as many times for each unit of the function before.

    The unit's functions are profiled anew, so that the next window decides what they are compiled to. The GIL need not be held.
    """
    unit = unit_of_pc(u64(descriptor))
    if unit == 0:
        return
    mod = unit.mod
    more = unit.ntext // mod.exit_bytes if mod.exit_bytes != 0 else u32(0)
    most = u64(mod.exits + more) << mod.codes[unit.entries[0].function].deopts
    if unit_count(unit, descriptor) == most and mod.exits != 0:
        units_lock()
        if unit.live != 0:
            unit_give_up(unit, PHASE_PROFILING)
        units_unlock()
