"""When units are freed: those that were given up, when no thread can be inside of them; all of a module, with it.

A thread is outside when its context has no activation. All activations begin with the GIL held, so who holds the GIL sees those
of every thread that may have read an entry before it was swapped: units are freed with the GIL held only. A retired unit keeps a
list of the contexts that were inside when it was first looked at; those found outside are crossed off whenever units are swept.
"""

from wasmjit.native.lang import addr, atomic_load, boolean, export, fn, ptr, u8, u64, void
from wasmjit.native.libc import free, malloc
from wasmjit.runtime.codearena import code_give
from wasmjit.runtime.context import THREADS
from wasmjit.runtime.structs import Ec, Mod
from wasmjit.runtime.units import UNITS, Unit, units_lock, units_unlock


@fn
def unit_free(unit: ptr[Unit]) -> void:
    """Free a unit that is in no list of retired ones and that nobody can be inside of."""
    at = unit.mod.units
    if at == unit:
        unit.mod.units = unit.next
    else:
        while at.next != unit:
            at = at.next
        at.next = unit.next
    code_give(unit.blob, unit.nblob)
    free(ptr[u8](unit.inside))
    free(ptr[u8](unit))


@fn
def may_be_inside(ec: ptr[Ec]) -> boolean:
    return u64(atomic_load(addr(ec.act))) != 0


@fn
def look_inside(unit: ptr[Unit]) -> boolean:
    """Cross off the contexts that are outside; is none left?"""
    if unit.inside == 0:
        count: u64 = 0
        ec = THREADS.list
        while ec != 0:
            if may_be_inside(ec):
                count += 1
            ec = ec.link
        if count == 0:
            return True
        unit.inside = ptr[ptr[Ec]](malloc(count * 8))
        if unit.inside == 0:
            return False
        ec = THREADS.list
        while ec != 0 and unit.ninside < count:  # new contexts come first in the list, and they hold the GIL when they enter
            if may_be_inside(ec):
                unit.inside[unit.ninside] = ec
                unit.ninside += 1
            ec = ec.link
    kept: u64 = 0
    for i in range(unit.ninside):
        if may_be_inside(unit.inside[i]):
            unit.inside[kept] = unit.inside[i]
            kept += 1
    unit.ninside = kept
    return kept == 0


@fn
def sweep(mod: ptr[Mod]) -> void:
    """Free the retired units that nobody is inside of, and all of `mod`, which nobody runs. Needs the lock and the GIL."""
    place = ptr[ptr[Unit]](addr(UNITS.retired))
    while place[0] != 0:
        unit = place[0]
        if unit.mod == mod or look_inside(unit):
            place[0] = unit.later
            unit_free(unit)
        else:
            place = ptr[ptr[Unit]](addr(unit.later))


@export
def units_sweep() -> void:
    """Free the retired units that no thread can be inside of."""
    units_lock()
    sweep(ptr[Mod](0))
    units_unlock()


@fn
def units_free(mod: ptr[Mod]) -> void:
    """Free the units of a module that nobody runs any more. The GIL is held."""
    if mod.units == 0:
        return
    units_lock()
    sweep(mod)
    while mod.units != 0:
        unit_free(mod.units)
    units_unlock()
