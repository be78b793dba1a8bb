"""A world for tests of the runtime core: one instance whose functions are single stub handlers in place of an interpreter.

`run(which, a, b)` enters the function whose slot code is the word of handler `which`, with a and b in slots 0 and 1.
"""

from wasmjit.native.capi import PyErr_SetString, PyExc_RuntimeError, PyLong_AsUnsignedLongLong, PyObject_Vectorcall, Py_DecRef
from wasmjit.native.lang import PyObject, addr, call, export, extern, fn, fnptr, i64, ptr, struct, symbol, u8, u32, u64, var, void
from wasmjit.runtime.bulk import data_drop, mem_copy, mem_fill, mem_init
from wasmjit.runtime.context import current_ec
from wasmjit.runtime.entry import enter
from wasmjit.runtime.safepoints import gil_ensure, safepoint
from wasmjit.runtime.structs import Cell, Code, Data, Ec, Elem, FuncRef, Host, Inst, Mem, Mod, Sig, Table
from wasmjit.runtime.tables import elem_drop, tab_copy, tab_fill, tab_grow, tab_init, table_free, table_new
from wasmjit.runtime.traps import throw_python, trap, trap_frames

HANDLERS = 8
WORDS = 64  # slot code of a function


@struct
class World:
    inst: Inst
    mod: Mod
    sig: Sig
    codes: ptr[Code]
    refs: ptr[FuncRef]
    callable: ptr[PyObject]


WORLD = var("test_world", World)
CODES = var("test_codes", Code, HANDLERS)
REFS = var("test_refs", FuncRef, HANDLERS)
REF_POINTERS = var("test_ref_pointers", ptr[FuncRef], HANDLERS)
SLOTS = var("test_slots", ptr[u8], HANDLERS * WORDS)
MEMS = var("test_mems", ptr[Mem], 2)
TABLES = var("test_tables", ptr[Table], 2)
CELLS = var("test_cells", Cell, 4)
CELL_POINTERS = var("test_cell_pointers", ptr[Cell], 4)
DROPPED = var("test_dropped", u8, 16)
HOST = var("test_host", Host)


@export
def world_init() -> void:
    """Function i runs stub handler i; the last one is a host function."""
    WORLD.sig.nparams = 2
    WORLD.sig.nresults = 1
    inst = WORLD.inst
    inst.mod = WORLD.mod
    inst.refs = REF_POINTERS
    inst.mems = MEMS
    inst.tables = TABLES
    inst.globals = CELL_POINTERS
    inst.elem_dropped = DROPPED
    inst.data_dropped = DROPPED + 8
    for i in range(4):
        CELL_POINTERS[i] = CELLS[i]
    for i in range(HANDLERS):
        CODES[i].slots = ptr[u8](SLOTS + i * WORDS)
        CODES[i].nbytes = WORDS * 8
        CODES[i].entry = CODES[i].slots
        CODES[i].sig = WORLD.sig
        CODES[i].index = u32(i)
        REFS[i].code = CODES[i]
        REFS[i].sig = WORLD.sig
        REFS[i].inst = inst
        REF_POINTERS[i] = REFS[i]
    REFS[HANDLERS - 1].host = HOST
    SLOTS[0 * WORDS] = symbol("stub_return")
    SLOTS[1 * WORDS] = symbol("stub_load")
    SLOTS[2 * WORDS] = symbol("stub_trap")
    SLOTS[3 * WORDS] = symbol("stub_spin")
    SLOTS[4 * WORDS] = symbol("stub_host")
    SLOTS[5 * WORDS] = symbol("stub_deep")
    SLOTS[6 * WORDS] = symbol("stub_wild")


@fn
def code_of_pc(pc: ptr[u8]) -> ptr[Code]:
    """Stand-in for the interpreter's registry."""
    word = (u64(pc) - u64(ptr[u8](SLOTS))) // 8
    if word >= HANDLERS * WORDS:
        return ptr[Code](0)
    return CODES[word // WORDS]


@fn
def host_call(ec: ptr[Ec], ref: ptr[FuncRef], sp: ptr[u64]) -> void:
    """Stand-in for the calls part: the world's callable without arguments, its int result to sp[0]."""
    gil_ensure(ec)
    result = PyObject_Vectorcall(WORLD.callable, ptr[ptr[PyObject]](0), 0, ptr[PyObject](0))
    if result == 0:
        throw_python(ec)
    sp[0] = PyLong_AsUnsignedLongLong(result)
    Py_DecRef(result)


@fn(cold=True)
def stub_deep_trap(ec: ptr[Ec], csp: ptr[u8], n: u64) -> void:
    """Push n calls of functions 0 and 1 in turn, every eighth across instances, and trap."""
    at = ptr[u64](csp)
    i: u64 = 0
    while i < n:
        if i % 8 == 7:
            at[0] = u64(symbol("restore_word"))
            at = at + 2
        at[0] = u64(SLOTS + (i % 2) * WORDS + 1 + i % 32)
        at = at + 2
        i += 1
    ec.cs_top = ptr[u8](at)
    trap(ec, 1)


@export
def run(which: u64, a: u64, b: u64) -> i64:
    """Enter function `which`: slot 0 afterwards, or -code. With code 14 (a Python exception is set) nothing is raised: -14."""
    ec = current_ec()
    sp = ec.vs_top
    sp[0] = a
    sp[1] = b
    code = enter(ec, REFS[which], sp)
    if code != 0:
        return 0 - i64(code)
    return i64(sp[0])


@export
def raising(which: u64, a: u64, b: u64) -> ptr[PyObject]:
    """As `run`, result None; the Python exception passes, other traps are RuntimeErrors."""
    ec = current_ec()
    sp = ec.vs_top
    sp[0] = a
    sp[1] = b
    code = enter(ec, REFS[which], sp)
    if code == 0:
        return trap_frames(ec)
    if code != 14:
        PyErr_SetString(PyExc_RuntimeError, b"trap")
    return ptr[PyObject](0)


@export
def repeat(which: u64, n: u64) -> u64:
    """Enter function `which` n times; the sum of the codes."""
    ec = current_ec()
    total: u64 = 0
    i: u64 = 0
    while i < n:
        total += enter(ec, REFS[which], ec.vs_top)
        i += 1
    return total


@export
def set_callable(callable: ptr[PyObject]) -> void:
    WORLD.callable = callable


@export
def set_memory(index: u64, mem: ptr[Mem]) -> void:
    MEMS[index] = mem
    if index == 0:
        WORLD.inst.mem0 = mem
        WORLD.inst.mem = mem.base


@export
def frames() -> ptr[PyObject]:
    return trap_frames(current_ec())


@export
def trap_word(which: u64) -> u64:
    """ec.trap, trap_addr, act, gil, vs_top - vs_base, cs_top - cs_base, interrupt, deadline."""
    ec = current_ec()
    if which == 0:
        return ec.trap
    if which == 1:
        return ec.trap_addr
    if which == 2:
        return u64(ec.act)
    if which == 3:
        return ec.gil
    if which == 4:
        return u64(ec.vs_top) - u64(ec.vs_base)
    if which == 5:
        return u64(ec.cs_top) - u64(ec.cs_base)
    if which == 6:
        return ec.interrupt
    if which == 7:
        return ec.deadline
    return u64(ec)
