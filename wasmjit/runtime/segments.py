"""Active element and data segments, the last native step of instantiation (spec 4.5.4; restricted Python).

Elements first, then data, in order. The first one out of bounds traps; what was written before it stays.
"""

from wasmjit.native.lang import export, ptr, u32, u64
from wasmjit.native.libc import memcpy
from wasmjit.runtime.codes import TRAP_MEMORY, TRAP_NONE, TRAP_TABLE
from wasmjit.runtime.constexpr import const_eval, elem_values
from wasmjit.runtime.structs import Inst

ACTIVE = 0
PASSIVE = 1


@export
def inst_segments(inst: ptr[Inst]) -> u32:
    """Write the active segments; TRAP_NONE, TRAP_TABLE or TRAP_MEMORY."""
    mod = inst.mod
    i: u64 = 0
    while i < mod.nelems:
        elem = mod.elems[i]
        if elem.mode == ACTIVE:
            table = inst.tables[elem.table]
            start = u64(u32(const_eval(inst, elem.offset)))
            if start > table.size or u64(elem.count) > table.size - start:
                return TRAP_TABLE
            elem_values(inst, u32(i), 0, elem.count, table.elems + start)
        if elem.mode != PASSIVE:
            inst.elem_dropped[i] = 1
        i += 1
    i = 0
    while i < mod.ndatas:
        data = mod.datas[i]
        if data.mode == ACTIVE:
            mem = inst.mems[data.memory]
            start = u64(u32(const_eval(inst, data.offset)))
            if start > mem.nbytes or u64(data.nbytes) > mem.nbytes - start:
                return TRAP_MEMORY
            memcpy(mem.base + start, mod.bytes + data.bytes, data.nbytes)
            inst.data_dropped[i] = 1
        i += 1
    return TRAP_NONE
