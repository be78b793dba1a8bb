"""Building instances (spec 4.5.4): one block an instance, filled natively (restricted Python).

The block holds, in this order: InstBlock with the Inst and its own globals' cells, pointers to every function, global,
table and memory, the FuncRefs of its own functions, one byte a segment.
"""

from wasmjit.native.capi import PyErr_Clear, PyErr_Occurred, PyList_GetItem, PyLong_AsUnsignedLongLong
from wasmjit.native.lang import PyObject, addr, export, fn, i64, offsetof, ptr, sizeof, struct, u8, u32, u64
from wasmjit.native.libc import calloc, free
from wasmjit.runtime.codes import MEM_GUARD, MEM_MAX, MOD_CHECKED, TABLE_MAX
from wasmjit.runtime.constexpr import const_eval, const_expr
from wasmjit.runtime.faults import fault_assert
from wasmjit.runtime.memory import MEM_NO_ADDRESSES, MEM_OUT_OF_MEMORY, mem_new, mem_release, mem_retain
from wasmjit.runtime.structs import Cell, FuncRef, Inst, Mem, Mod, StoreData, Table
from wasmjit.runtime.tables import table_free, table_new

# what inst_new returns instead of an address
NO_MEMORY = 1
MEMORY_REFUSED = 2  # the minimum is beyond the limit, or the system gave no pages
NO_ADDRESSES = 3  # no address space for a memory: collecting garbage may help
TABLE_REFUSED = 4  # the minimum is beyond the limit, or no memory
BAD_IMPORTS = 5  # no list of addresses

HAS_MAX = 1
PAGES_32 = 65536  # the most that 32-bit addresses reach


@struct
class InstBlock:
    """An instance in its store's list."""

    next: ptr["InstBlock"]
    nmems: u32  # freeing does not look at the module: the collector may have freed it before
    ntables: u32
    nimport_tables: u32
    pad: u32
    inst: Inst


@struct
class StoreBox:
    """A store: `data` is what instances and activations point to."""

    data: StoreData
    insts: ptr[InstBlock]
    last: ptr[InstBlock]


@export
def inst_new(mod: ptr[Mod], store: ptr[StoreBox], imports: ptr[PyObject], memory_limit: u64, table_limit: u64) -> u64:
    """An instance up to its globals: the address of an Inst, or one of NO_MEMORY ... BAD_IMPORTS.

    `imports`: list of addresses (FuncRef, Table, Mem, Cell) in the module's order, of types that have been checked; their owners
    outlive the store, but memories, which are retained. Limits: bytes of a memory, elements of a table. The store owns it.
    """
    own_globals = u64(mod.nglobals - mod.nimport_globals)
    own_funcs = u64(mod.ncodes - mod.nimport_funcs)
    fixed = sizeof(InstBlock) + own_globals * sizeof(Cell)
    pointers = (u64(mod.ncodes) + mod.nglobals + mod.ntables + mod.nmems) * 8
    nbytes = fixed + pointers + own_funcs * sizeof(FuncRef) + mod.nelems + mod.ndatas
    block = ptr[InstBlock](calloc(1, nbytes))
    if block == 0:
        return NO_MEMORY
    block.nmems = mod.nmems
    block.ntables = mod.ntables
    block.nimport_tables = mod.nimport_tables
    inst = block.inst
    at = ptr[u8](block) + fixed
    inst.refs = ptr[ptr[FuncRef]](at)
    at = at + u64(mod.ncodes) * 8
    inst.globals = ptr[ptr[Cell]](at)
    at = at + u64(mod.nglobals) * 8
    inst.tables = ptr[ptr[Table]](at)
    at = at + u64(mod.ntables) * 8
    inst.mems = ptr[ptr[Mem]](at)
    at = at + u64(mod.nmems) * 8
    inst.own = ptr[FuncRef](at)
    at = at + own_funcs * sizeof(FuncRef)
    inst.elem_dropped = at
    inst.data_dropped = at + mod.nelems
    inst.mod = mod
    inst.codes = mod.codes
    inst.store = store.data
    inst.nbytes = nbytes

    fault_assert()
    inst_functions(inst)
    failure = inst_imports(inst, imports)
    if failure == 0:
        failure = inst_tables(inst, table_limit)
    if failure == 0:
        failure = inst_memories(inst, memory_limit)
    if failure == 0:
        inst_globals(inst)
    if failure != 0:
        inst_free(block)
        return failure

    if store.last == 0:
        store.insts = block
    else:
        store.last.next = block
    store.last = block
    return u64(inst)


@fn(inline=True)
def inst_functions(inst: ptr[Inst]) -> None:
    """FuncRefs of the instance's own functions."""
    mod = inst.mod
    first = u64(mod.nimport_funcs)
    count = u64(mod.ncodes) - first
    codes = mod.codes + first
    refs = inst.refs + first
    own = inst.own
    i: u64 = 0
    while i < count:
        own[i].code = codes[i]
        own[i].inst = inst
        own[i].sig = codes[i].sig
        refs[i] = own[i]
        i += 1


@fn
def inst_imports(inst: ptr[Inst], imports: ptr[PyObject]) -> u64:
    """Distribute the imported addresses; 0 or BAD_IMPORTS."""
    mod = inst.mod
    funcs: u64 = 0
    tables: u64 = 0
    mems: u64 = 0
    cells: u64 = 0
    i: u64 = 0
    while i < mod.nimports:
        item = PyList_GetItem(imports, i64(i))
        address: u64 = 0
        if item != 0:
            address = PyLong_AsUnsignedLongLong(item)
        if item == 0 or (address == 0xFFFF_FFFF_FFFF_FFFF and PyErr_Occurred() != 0):
            PyErr_Clear()
            return BAD_IMPORTS
        kind = mod.imports[i].kind
        if kind == 0:
            inst.refs[funcs] = ptr[FuncRef](address)
            funcs += 1
        elif kind == 1:
            inst.tables[tables] = ptr[Table](address)
            tables += 1
        elif kind == 2:
            inst.mems[mems] = ptr[Mem](address)
            mem_retain(ptr[Mem](address))
            mems += 1
        else:
            inst.globals[cells] = ptr[Cell](address)
            cells += 1
        i += 1
    return 0


@fn
def inst_tables(inst: ptr[Inst], limit: u64) -> u64:
    mod = inst.mod
    i = u64(mod.nimport_tables)
    while i < mod.ntables:
        decl = mod.tables[i]
        high = decl.limits.max if decl.limits.flags & HAS_MAX != 0 else u64(0xFFFF_FFFF)
        table = table_new(decl.type, decl.limits.min, high, limit)
        if table == 0:
            return TABLE_REFUSED
        table.flags = TABLE_MAX if decl.limits.flags & HAS_MAX != 0 else u32(0)
        inst.tables[i] = table
        i += 1
    return 0


@fn
def inst_memories(inst: ptr[Inst], limit: u64) -> u64:
    mod = inst.mod
    flags: u32 = 0
    if mod.flags & MOD_CHECKED == 0:
        flags = MEM_GUARD
    i = u64(mod.nimport_mems)
    while i < mod.nmems:
        decl = mod.mems[i]
        most = decl.max if decl.flags & HAS_MAX != 0 else u64(PAGES_32)
        mem = mem_new(decl.min, most, limit, flags | MEM_MAX if decl.flags & HAS_MAX != 0 else flags)
        if mem == MEM_OUT_OF_MEMORY:
            return MEMORY_REFUSED
        if mem == MEM_NO_ADDRESSES:
            return NO_ADDRESSES
        inst.mems[i] = ptr[Mem](mem)
        i += 1
    if mod.nmems != 0:
        inst.mem0 = inst.mems[0]
        inst.mem = inst.mems[0].base
    return 0


@fn
def inst_globals(inst: ptr[Inst]) -> None:
    """Own globals in order: an initial value may read the globals before it. Then the elements of tables that have an initial one."""
    mod = inst.mod
    i = u64(mod.nimport_globals)
    while i < mod.nglobals:
        decl = mod.globals[i]
        cell = inst.cells[decl.own]
        inst.globals[i] = cell
        const_expr(inst, decl.init, addr(cell.lo))
        i += 1
    i = u64(mod.nimport_tables)
    while i < mod.ntables:
        if mod.tables[i].init != 0:
            fill_table(inst.tables[i], const_eval(inst, mod.tables[i].init))
        i += 1


@fn
def fill_table(table: ptr[Table], bits: u64) -> None:
    i: u64 = 0
    while i < table.size:
        table.elems[i] = bits
        i += 1


@fn(inline=True)
def block_of(inst: ptr[Inst]) -> ptr[InstBlock]:
    return ptr[InstBlock](ptr[u8](inst) - offsetof(InstBlock, "inst"))


@fn
def inst_drop_memories(block: ptr[InstBlock]) -> None:
    """Let go of its memories, imported ones too: a mapping goes when nobody else holds it."""
    inst = block.inst
    i: u64 = 0
    while i < block.nmems:
        mem = inst.mems[i]
        inst.mems[i] = ptr[Mem](0)
        if mem != 0:
            mem_release(mem)
        i += 1
    inst.mem0 = ptr[Mem](0)
    inst.mem = ptr[u8](0)


@fn
def inst_free(block: ptr[InstBlock]) -> None:
    i = u64(block.nimport_tables)
    while i < block.ntables:
        table_free(block.inst.tables[i])
        i += 1
    inst_drop_memories(block)
    free(ptr[u8](block))
