"""Units that earlier runs left: a mapped file of the code cache, of which each unit is installed when a function of it is used.

Until then a unit costs a row. The first call of a function installs those with its body, in the thread that calls: that takes less than
translating it. Units that are only wanted for loops, where interpreted frames come to them, wait for the first sample that falls on the
function. By then all is installed: nobody else needs to know of what waits.

What is kept never replaces what is in place, which is newer, and a body that was given up does not come back.
"""

from wasmjit.native.capi import PyBytes_AsString, PyBytes_Size, PyErr_Clear
from wasmjit.native.lang import PyObject, addr, array, boolean, export, fn, i32, ptr, sizeof, struct, u8, u32, u64, void
from wasmjit.native.libc import calloc, free, malloc, mmap, munmap
from wasmjit.runtime.codes import TRACE_KEPT
from wasmjit.runtime.context import MAP_FAILED
from wasmjit.runtime.platform import MAP_PRIVATE, PROT_READ
from wasmjit.runtime.preempt import preempt_start
from wasmjit.runtime.structs import Code, Mod
from wasmjit.runtime.tracering import trace_note, tracing
from wasmjit.runtime.unitcheck import own_function
from wasmjit.runtime.unitinstall import unit_put
from wasmjit.runtime.units import units_lock, units_unlock


@struct
class KeptPlace:
    """A unit of the file, for one function; as Python gives it."""

    function: u32
    body: u32  # 1: it is wanted for the function's body, 0: only for loops
    offset: u64  # in the file
    size: u64


@struct
class KeptRow:
    """The same where it waits."""

    next: ptr["KeptRow"]  # of the same function
    data: ptr[u8]
    size: u64
    body: u64


@struct
class KeptFile:
    next: ptr["KeptFile"]  # of the same module
    place: u64
    nbytes: u64
    rows: array[KeptRow, 0]


@export
def units_keep(mod: ptr[Mod], fd: i32, nbytes: u64, places: ptr[PyObject]) -> u64:
    """Let units in the first bytes of a file wait for their functions: records KeptPlace, <IIQQ, as bytes, the first choice first.

    How many wait; 0: there is no memory, or the process cannot run optimized code. Records that are out of range are left out; the
    units are looked at when they are installed. The file stays mapped as long as the module lives and must not change.
    """
    size = PyBytes_Size(places)
    if size < 0:
        PyErr_Clear()
        return 0
    count = u64(size) // sizeof(KeptPlace)
    if count == 0 or not preempt_start():
        return 0
    file = ptr[KeptFile](malloc(sizeof(KeptFile) + count * sizeof(KeptRow)))
    if file == 0:
        return 0
    file.place = u64(mmap(ptr[u8](0), nbytes, PROT_READ, MAP_PRIVATE, fd, 0))
    if file.place == MAP_FAILED:
        free(ptr[u8](file))
        return 0
    if mod.waiting == 0:
        mod.waiting = ptr[ptr[KeptRow]](calloc(u64(mod.ncodes), 8))
        if mod.waiting == 0:
            munmap(ptr[u8](file.place), nbytes)
            free(ptr[u8](file))
            return 0
    file.nbytes = nbytes
    file.next = mod.kept
    mod.kept = file
    return kept_fill(mod, file, ptr[KeptPlace](PyBytes_AsString(places)), count)


@fn
def kept_fill(mod: ptr[Mod], file: ptr[KeptFile], places: ptr[KeptPlace], count: u64) -> u64:
    """Hand the rows to their functions, the last first: so each has its first choice first. How many are in range."""
    row = ptr[KeptRow](addr(file.rows))
    found: u64 = 0
    units_lock()
    at = count
    while at > 0:
        at -= 1
        place = places[at]
        code = own_function(mod, place.function)
        if code == 0 or place.size > file.nbytes or place.offset > file.nbytes - place.size:
            continue
        row.data = ptr[u8](file.place + place.offset)
        row.size = place.size
        row.body = u64(place.body)
        row.next = mod.waiting[place.function]
        mod.waiting[place.function] = row
        row = row + 1
        found += 1
    units_unlock()
    return found


@fn(inline=True)
def kept_waits(code: ptr[Code]) -> boolean:
    """Does something wait for a function of a module?"""
    return code.mod.waiting != 0 and code.mod.waiting[code.index] != 0


@fn
def kept_next(code: ptr[Code], everything: boolean) -> ptr[KeptRow]:
    """Take the first row of a function that is wanted, 0: there is none."""
    units_lock()
    place = code.mod.waiting + code.index
    while place[0] != 0 and not everything and place[0].body == 0:
        place = ptr[ptr[KeptRow]](addr(place[0].next))
    row = place[0]
    if row != 0:
        place[0] = row.next
    units_unlock()
    return row


@fn(cold=True)
def kept_install(code: ptr[Code], everything: boolean) -> void:
    """Install the units that wait for a function: those with its body, or everything. Needs no GIL; no lock is held."""
    row = kept_next(code, everything)
    while row != 0:
        if row.body == 0 or code.deopts == 0:
            blob = unit_put(code.mod, row.data, row.size, False)
            if blob != 0 and tracing():
                trace_note(TRACE_KEPT, code, blob, row.size)
        row = kept_next(code, everything)


@export
def function_kept(mod: ptr[Mod], function: u32) -> boolean:
    """Does something wait for the first call or sample of a function?"""
    code = own_function(mod, function)
    return code != 0 and kept_waits(code)


@fn
def kept_free(mod: ptr[Mod]) -> void:
    """Let go of the files of a module that nobody runs any more."""
    while mod.kept != 0:
        file = mod.kept
        mod.kept = file.next
        munmap(ptr[u8](file.place), file.nbytes)
        free(ptr[u8](file))
    free(ptr[u8](mod.waiting))
    mod.waiting = ptr[ptr[KeptRow]](0)
