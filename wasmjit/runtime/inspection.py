"""What Python asks of instances and functions by address, and closing an instance (restricted Python)."""

from wasmjit.native.capi import Py_BuildValue, Py_IncRef, PyBytes_FromStringAndSize
from wasmjit.native.lang import PyObject, boolean, export, fn, i64, ptr, u32, u64
from wasmjit.runtime.codes import FRAME_FLAGS, INST_CLOSED
from wasmjit.runtime.instances import StoreBox, block_of, inst_drop_memories
from wasmjit.runtime.structs import Code, FuncRef, Inst, Mod, Table


@export
def inst_close(inst: ptr[Inst], closed: ptr[FuncRef]) -> None:
    """Drop the memories of an instance in which no call is. Whoever refers to its functions calls `closed` instead, a raw host function."""
    count = u64(inst.mod.ncodes - inst.mod.nimport_funcs)
    i: u64 = 0
    while i < count:
        inst.own[i].code = closed.code
        inst.own[i].host = closed.host
        i += 1
    inst.flags = inst.flags | INST_CLOSED
    inst_drop_memories(block_of(inst))


@export
def inst_py(inst: ptr[Inst], py: ptr[PyObject]) -> None:
    """`py` is the Python Instance from now on, borrowed until `inst_orphan`."""
    inst.py = py


@export
def inst_orphan(inst: ptr[Inst], py: ptr[PyObject]) -> None:
    """The Python Instance `py` dies."""
    if inst.py == py:
        inst.py = ptr[PyObject](0)


@export
def inst_func(inst: ptr[Inst], index: u32) -> ptr[FuncRef]:
    """The function's reference; 0 beyond the last."""
    return inst.refs[index] if index < inst.mod.ncodes else ptr[FuncRef](0)


@export
def inst_table(inst: ptr[Inst], index: u32) -> ptr[Table]:
    return inst.tables[index]


@export
def inst_memory(inst: ptr[Inst], index: u32) -> u64:
    """Address of a Mem; 0 beyond the last."""
    return u64(inst.mems[index]) if index < inst.mod.nmems else u64(0)


@export
def inst_global(inst: ptr[Inst], index: u32) -> u64:
    """Address of a Cell."""
    return u64(inst.globals[index])


@export
def code_mod(code: ptr[Code]) -> ptr[Mod]:
    """The module of a function."""
    return code.mod


@export
def code_index(code: ptr[Code]) -> u32:
    return code.index


@export
def code_body(code: ptr[Code]) -> u32:
    """Offset of the function's body in the binary."""
    return code.body


@export
def trap_memory_size(box: ptr[StoreBox], code: ptr[Code]) -> i64:
    """Bytes of memory 0 of the store's one instance of the function's module; -1 if there are several. FRAME_* flags do no harm."""
    mod = ptr[Code](u64(code) & ~FRAME_FLAGS).mod
    found: i64 = -1
    block = box.insts
    while block != 0:
        inst = block.inst
        if inst.mod == mod and inst.mem0 != 0:
            if found != -1:
                return -1
            found = i64(inst.mem0.nbytes)
        block = block.next
    return found


@export
def inst_store(inst: ptr[Inst]) -> ptr[PyObject]:
    """The Python Store."""
    store = inst.store.py
    Py_IncRef(store)
    return store


@export
def inst_mod(inst: ptr[Inst]) -> ptr[Mod]:
    return inst.mod


@export
def inst_closed(inst: ptr[Inst]) -> boolean:
    return inst.flags & INST_CLOSED != 0


@export
def mod_nbytes(mod: ptr[Mod]) -> u64:
    """Length of the binary."""
    return mod.nbytes


@export
def mod_bytes(mod: ptr[Mod], first: u64, count: u64) -> ptr[PyObject]:
    """A copy of part of the binary, cut at its end."""
    if first > mod.nbytes:
        first = mod.nbytes
    if count > mod.nbytes - first:
        count = mod.nbytes - first
    return PyBytes_FromStringAndSize(mod.bytes + first, i64(count))


@export
def mod_start(mod: ptr[Mod]) -> i64:
    """Index of the start function, -1 without one."""
    return -1 if mod.start == 0xFFFF_FFFF else i64(u64(mod.start))


@export
def mod_flags(mod: ptr[Mod]) -> u32:
    """MOD_* of codes.py."""
    return mod.flags


@fn
def samples_of(code: ptr[Code]) -> u64:
    """Samples that fell on a function, on its entry and its loops."""
    samples = u64(code.hot)
    loop = code.loops
    while loop != 0:
        samples += u64(loop.hot)
        loop = loop.next
    return samples


@export
def function_samples(mod: ptr[Mod], index: u32) -> u64:
    """`samples_of` a function that the module defines; 0 for others."""
    if index < mod.nimport_funcs or index >= mod.ncodes:
        return 0
    return samples_of(mod.codes[index])


@export
def function_state(mod: ptr[Mod], index: u32) -> ptr[PyObject]:
    """(offset of the body in the binary, offset of its end, PHASE_*, units given up, samples on its entry) of a function that the module
    defines; all 0 for others."""
    if index < mod.nimport_funcs or index >= mod.ncodes:
        return Py_BuildValue(b"IIIII", 0, 0, 0, 0, 0)
    code = mod.codes[index]
    return Py_BuildValue(b"IIIII", code.body, code.end, code.phase, code.deopts, code.hot)
