"""How units are given up: entries are swapped back while threads run the module. `unitfree` then frees the unit."""

from wasmjit.native.lang import (
    addr,
    atomic_cas,
    atomic_store,
    atomic_store_release,
    boolean,
    export,
    extern,
    fn,
    ptr,
    symbol,
    u8,
    u32,
    u64,
    void,
)
from wasmjit.runtime.codes import MOD_SYNC, MOD_TIERED, PHASE_COLD, PHASE_PROFILING, TRACE_REQUEST, TRACE_RETIRE
from wasmjit.runtime.inspection import samples_of
from wasmjit.runtime.structs import Code, Ec, Loop, Mod
from wasmjit.runtime.tracering import trace_note
from wasmjit.runtime.unitcheck import own_function
from wasmjit.runtime.unitfree import sweep
from wasmjit.runtime.units import UNITS, Unit, unit_count, unit_of_pc, units_lock, units_unlock


@extern
def requests_push(mod: ptr[Mod], function: u32, loop: u32, samples: u64) -> boolean:
    """Ask for optimized code (interpreter). False: there is no place."""
    ...


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


@fn
def unit_renew(unit: ptr[Unit]) -> boolean:
    """Ask for newer code for all entries that a unit still has. They stay in place until that is there: it is left too often, but still
    saves more than interpretation would. False: nobody compiles beside the program. Needs the units' lock."""
    mod = unit.mod
    if mod.flags & MOD_SYNC or mod.flags & MOD_TIERED == 0:
        return False
    if unit.renewing:
        return True
    unit.renewing = 1
    counted = ptr[Code](0)
    asked = False
    for i in range(unit.nentries):
        entry = unit.entries[i]
        code = mod.codes[entry.function]
        if entry.loop != 0:
            loop = loop_of(code, entry.loop)
            if loop == 0 or loop.unit != unit:
                continue
        elif code.unit != unit:
            continue
        samples = samples_of(code)
        trace_note(TRACE_REQUEST, code, u64(entry.loop), samples)
        if requests_push(mod, entry.function, entry.loop, samples):
            asked = True
            mod.calling = 1
            if code != counted:  # entries of a function stand together
                counted = code
                code.deopts += 1
    return asked


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
        if code.profiled != 0 and code.held == 0:
            atomic_cas(ptr[u64](addr(code.entry)), u64(code.profiled), u64(code.slots))
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
    """An exit of optimized code was taken: count it. When it has been taken Mod.exits times, and more often in a large unit, that is
    compiled anew with what the exit was seen to lead to; twice as many times for each unit of the function before.

    Where the running thread compiles, the unit is given up, and its functions are profiled first. The GIL need not be held.
    """
    unit = unit_of_pc(u64(descriptor))
    if unit == 0:
        return
    mod = unit.mod
    if mod.exit_sample != 0 and unit.taken % u64(mod.exit_sample) == 0:  # with what follows, as much as a sample
        mod.codes[unit.entries[0].function].hot += 1
    more = unit.ntext // mod.exit_bytes if mod.exit_bytes != 0 else u32(0)
    most = u64(mod.exits + more) << mod.codes[unit.entries[0].function].deopts
    if unit_count(unit, descriptor) == most and mod.exits != 0:
        units_lock()
        if unit.live != 0 and not unit_renew(unit):
            unit_give_up(unit, PHASE_PROFILING)
        units_unlock()
