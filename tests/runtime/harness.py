"""A world for tests of the runtime core: one instance whose functions are single stub handlers in place of an interpreter.

`run(which, a, b)` enters the function whose slot code is the word of handler `which`, with a and b in slots 0 and 1.
"""

from wasmjit.native.capi import Py_DecRef, Py_IncRef, PyErr_SetString, PyExc_RuntimeError, PyLong_AsUnsignedLongLong, PyObject_Vectorcall
from wasmjit.native.lang import PyObject, boolean, export, fn, i64, ptr, struct, symbol, u8, u32, u64, var, void
from wasmjit.runtime.bulk import data_drop, mem_copy, mem_fill, mem_init
from wasmjit.runtime.constexpr import const_eval
from wasmjit.runtime.context import current_ec
from wasmjit.runtime.entry import enter
from wasmjit.runtime.memory import mem_grow
from wasmjit.runtime.safepoints import gil_ensure
from wasmjit.runtime.structs import Cell, Code, Data, Ec, Elem, FuncRef, Host, Inst, Mem, Mod, Sig, Table
from wasmjit.runtime.tables import elem_drop, tab_copy, tab_fill, tab_grow, tab_init, table_free, table_new
from wasmjit.runtime.traps import disorder, throw_python, trap, trap_frames

HANDLERS = 9
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
    SLOTS[7 * WORDS] = symbol("stub_bulk")


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
    act = ec.act
    records = ec.cs_top
    result = PyObject_Vectorcall(WORLD.callable, ptr[ptr[PyObject]](0), 0, ptr[PyObject](0))
    if ec.cs_top != records:
        disorder(ec, act)
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


@fn
def stub_bulk_run(ec: ptr[Ec], sp: ptr[u64]) -> void:
    """The operation of slot 0 with operands from slot 1 on; its result to slot 0."""
    op = sp[0]
    if op == 0:
        sp[0] = u64(mem_fill(ec, u32(sp[1]), sp[2], u32(sp[3]), sp[4]))
    elif op == 1:
        sp[0] = u64(mem_copy(ec, u32(sp[1]), u32(sp[2]), sp[3], sp[4], sp[5]))
    elif op == 2:
        sp[0] = u64(mem_init(ec, u32(sp[1]), u32(sp[2]), sp[3], sp[4], sp[5]))
    elif op == 3:
        data_drop(ec, u32(sp[1]))
    elif op == 4:
        sp[0] = u64(tab_grow(ec, u32(sp[1]), sp[2], sp[3]))
    elif op == 5:
        sp[0] = u64(tab_fill(ec, u32(sp[1]), sp[2], sp[3], sp[4]))
    elif op == 6:
        sp[0] = u64(tab_copy(ec, u32(sp[1]), u32(sp[2]), sp[3], sp[4], sp[5]))
    elif op == 7:
        sp[0] = u64(tab_init(ec, u32(sp[1]), u32(sp[2]), sp[3], sp[4], sp[5]))
    elif op == 8:
        elem_drop(ec, u32(sp[1]))
    elif op == 9:
        sp[0] = u64(mem_grow(ec, ec.inst.mems[sp[1]], sp[2]))


@export
def bulk(op: u64, a: u64, b: u64, c: u64, d: u64, e: u64) -> i64:
    """Run a bulk operation from inside wasm; its result, -1000 - code if it was thrown out of."""
    ec = current_ec()
    sp = ec.vs_top
    sp[0] = op
    sp[1] = a
    sp[2] = b
    sp[3] = c
    sp[4] = d
    sp[5] = e
    code = enter(ec, REFS[7], sp)
    if code != 0:
        return -1000 - i64(code)
    return i64(sp[0])


@export
def set_binary(bytes: ptr[u8], datas: ptr[Data], elems: ptr[Elem]) -> void:
    """The module's bytes and segments; segments count as not dropped."""
    WORLD.mod.bytes = bytes
    WORLD.mod.datas = datas
    WORLD.mod.elems = elems
    for i in range(16):
        DROPPED[i] = 0


@export
def new_table(index: u64, least: u64, most: u64, limit: u64) -> boolean:
    table_free(TABLES[index])
    TABLES[index] = table_new(0x70, least, most, limit)
    return TABLES[index] != 0


@export
def table_get(index: u64, i: u64) -> u64:
    return TABLES[index].elems[i]


@export
def table_set(index: u64, i: u64, value: u64) -> void:
    TABLES[index].elems[i] = value


@export
def table_size(index: u64) -> u64:
    return TABLES[index].size


@export
def set_cell(index: u64, value: u64) -> void:
    CELLS[index].lo = value


@export
def evaluate(offset: u32) -> u64:
    return const_eval(WORLD.inst, offset)


@export
def ref_address(index: u64) -> u64:
    return u64(REFS[index])


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
    """What host functions call; kept for good."""
    Py_IncRef(callable)
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
