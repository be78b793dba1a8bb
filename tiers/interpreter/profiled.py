"""The profiled form at run time: what it counts, and how others read that.

A count instruction adds to its Point; a note instruction keeps a small cache of targets inside itself. Threads that run a
function at once may lose a count: profiles are estimates.
"""

from wasmjit.native.capi import Py_BuildValue, Py_DecRef, PyBytes_AsString, PyBytes_FromStringAndSize, PyList_Append, PyList_New
from wasmjit.native.lang import PyObject, export, fn, i64, load, ptr, store, u8, u16, u32, u64, void
from wasmjit.runtime.codes import POINT_COUNTED, POINT_TARGETS
from wasmjit.runtime.structs import Code, Ec, FuncRef, Mod, Point

from .entry import tr_run_profiled
from .points import NOTE_SIZE, NOTE_TARGETS, NOTED
from .slotcode import slots_lock, slots_unlock

OTHERS = NOTED + 16 * NOTE_TARGETS
POINT_RECORD = 24
TARGET_RECORD = 16
NO_FUNCTION = 0xFFFF_FFFF


@fn
def note_target(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> void:
    """An indirect call comes: count its target. Those of other instances and what traps are no functions to compile for."""
    index = u64(u32(sp[load(u16, pc + 8)]))
    table = ec.inst.tables[load(u32, pc + 12)]
    if index >= table.size:
        return
    ref = ptr[FuncRef](table.elems[index])
    if ref == 0:
        return
    at = ptr[u64](pc + NOTED)
    if ref.inst == ec.inst and ref.host == 0:  # a closed instance's functions are one of the host
        code = u64(ref.code)
        k: u64 = 0
        while k < NOTE_TARGETS:
            if at[0] == 0:
                at[0] = code
            if at[0] == code:
                at[1] += 1
                return
            at = at + 2
            k += 1
    others = ptr[u64](pc + OTHERS)
    others[0] += 1


@fn
def profiled_form(code: ptr[Code]) -> u32:
    """Make the profiled form of a function if it has none; 0 or the TRAP_* code why it has none."""
    failed: u32 = 0
    if code.profiled == 0:
        slots_lock()
        if code.profiled == 0:
            failed = tr_run_profiled(code)
        slots_unlock()
    return failed


@fn
def own_code(mod: ptr[Mod], function: u32) -> ptr[Code]:
    """A function that the module defines; 0 for imported ones and beyond the last."""
    if function < mod.nimport_funcs or function >= mod.ncodes:
        return ptr[Code](0)
    return mod.codes[function]


@export
def profiled_make(mod: ptr[Mod], function: u32) -> u32:
    """Make the profiled form of a function that the module defines; 0, or the TRAP_* code why there is none."""
    code = own_code(mod, function)
    if code == 0:
        return 0
    return profiled_form(code)


@export
def profile_points(mod: ptr[Mod], function: u32) -> ptr[PyObject]:
    """The points of a function's profiled form: records <IIIIQ (wasm offset, 1 behind that instruction or 0 before, slot offset, 0, count).

    Sorted by offset. A point that nothing counts (calls) has the count of the block that it is in. Empty without that form.
    """
    code = own_code(mod, function)
    if code == 0 or code.profiled == 0:
        return PyBytes_FromStringAndSize(ptr[u8](0), 0)
    made = PyBytes_FromStringAndSize(ptr[u8](0), i64(code.npoints) * POINT_RECORD)
    if made == 0:
        return made
    record = ptr[Point](PyBytes_AsString(made))
    count: u64 = 0
    for k in range(code.npoints):
        point = code.points[k]
        if point.kind == POINT_COUNTED:
            count = point.count
        record[k].wasm = point.wasm
        record[k].after = point.after
        record[k].slot = point.slot
        record[k].kind = 0
        record[k].count = count
    return made


@export
def profile_functions(mod: ptr[Mod]) -> ptr[PyObject]:
    """List of the functions that have a profiled form."""
    found = PyList_New(0)
    k = mod.nimport_funcs
    while found != 0 and k < mod.ncodes:
        if mod.codes[k].profiled != 0:
            item = Py_BuildValue(b"I", k)
            if item == 0 or PyList_Append(found, item) != 0:
                Py_DecRef(found)
                found = ptr[PyObject](0)
            if item != 0:
                Py_DecRef(item)
        k += 1
    return found


@export
def profile_extent(mod: ptr[Mod], function: u32) -> u32:
    """Bytes of wasm of a function's blocks that were seen to run: what compiling it by its profile has to do with. 0: no profile."""
    code = own_code(mod, function)
    extent: u32 = 0
    if code == 0 or code.profiled == 0:
        return extent
    start = code.body
    seen: u64 = 0
    for k in range(code.npoints):
        point = code.points[k]
        if point.kind != POINT_COUNTED:
            continue
        if seen != 0:
            extent += point.wasm - start
        start = point.wasm
        seen = point.count
    if seen != 0:
        extent += code.end - start
    return extent


@fn
def targets_write(code: ptr[Code], record: ptr[u8], most: u64) -> u64:
    """Write at most so many of a function's noted targets as records, nowhere if `record` is 0; their number."""
    written: u64 = 0
    k: u32 = 0
    while k < code.npoints:
        point = code.points[k]
        k += 1
        if point.kind != POINT_TARGETS:
            continue
        at = ptr[u64](code.profiled + u64(point.slot) + NOTED)
        entry: u64 = 0
        while entry <= NOTE_TARGETS:
            target = ptr[Code](at[0]) if entry < NOTE_TARGETS else ptr[Code](0)
            count = at[1] if entry < NOTE_TARGETS else at[0]
            at = at + 2
            entry += 1
            if count == 0 or written == most:
                continue
            if record != 0:
                place = record + written * TARGET_RECORD
                store(u32, place, point.wasm)
                store(u32, place + 4, target.index if target != 0 else u32(NO_FUNCTION))
                store(u64, place + 8, count)
            written += 1
    return written


@export
def profile_targets(mod: ptr[Mod], function: u32) -> ptr[PyObject]:
    """Targets of a function's indirect calls: records <IIQ (wasm offset, function index, count).

    The index is 0xffffffff for functions of other instances and those that found no place in the cache of their call.
    """
    code = own_code(mod, function)
    if code == 0 or code.profiled == 0:
        return PyBytes_FromStringAndSize(ptr[u8](0), 0)
    number = targets_write(code, ptr[u8](0), ~u64(0))
    made = PyBytes_FromStringAndSize(ptr[u8](0), i64(number * TARGET_RECORD))
    if made != 0:
        targets_write(code, PyBytes_AsString(made), number)  # another thread may have noted more meanwhile
    return made


@export
def profile_reset(mod: ptr[Mod], function: u32) -> None:
    """Begin a function's profile anew: all counts 0, no targets."""
    code = own_code(mod, function)
    if code == 0 or code.profiled == 0:
        return
    for k in range(code.npoints):
        point = code.points[k]
        point.count = 0
        if point.kind == POINT_TARGETS:
            word = ptr[u64](code.profiled + u64(point.slot) + NOTED)
            end = ptr[u64](code.profiled + u64(point.slot) + NOTE_SIZE)
            while word < end:
                word[0] = 0
                word = word + 1
