"""Instructions that run as C functions: `op_<name>(ec, pc, sp)` returns 0 or a TRAP_* code.

Fields: [d u16 @8][top u16 @10][x u32 @12][y u32 @16]; operands stand in the slots from d on, the result replaces the first.
"""

from wasmjit.native.lang import fn, i64, load, ptr, u8, u16, u32, u64
from wasmjit.runtime.bulk import data_drop, mem_copy, mem_fill, mem_init
from wasmjit.runtime.codes import TRAP_TABLE
from wasmjit.runtime.memory import mem_grow_at
from wasmjit.runtime.structs import Ec
from wasmjit.runtime.tables import elem_drop, tab_copy, tab_fill, tab_grow, tab_init


@fn(inline=True)
def op_slots(pc: ptr[u8], sp: ptr[u64]) -> ptr[u64]:
    """The operands."""
    return sp + load(u16, pc + 8)


@fn(inline=True)
def op_x(pc: ptr[u8]) -> u32:
    return load(u32, pc + 12)


@fn(inline=True)
def op_y(pc: ptr[u8]) -> u32:
    return load(u32, pc + 16)


@fn(inline=True)
def op_u32(slots: ptr[u64], index: u64) -> u64:
    """An i32 operand as the address or length that it is."""
    return slots[index] & 0xFFFFFFFF


@fn
def op_memory_grow(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> u32:
    slots = op_slots(pc, sp)
    slots[0] = u64(u32(mem_grow_at(ec, op_x(pc), op_u32(slots, 0))))
    return 0


@fn
def op_memory_fill(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> u32:
    slots = op_slots(pc, sp)
    return mem_fill(ec, op_x(pc), op_u32(slots, 0), u32(slots[1]), op_u32(slots, 2))


@fn
def op_memory_copy(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> u32:
    slots = op_slots(pc, sp)
    return mem_copy(ec, op_x(pc), op_y(pc), op_u32(slots, 0), op_u32(slots, 1), op_u32(slots, 2))


@fn
def op_memory_init(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> u32:
    slots = op_slots(pc, sp)
    return mem_init(ec, op_y(pc), op_x(pc), op_u32(slots, 0), op_u32(slots, 1), op_u32(slots, 2))


@fn
def op_data_drop(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> u32:
    data_drop(ec, op_x(pc))
    return 0


@fn
def op_elem_drop(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> u32:
    elem_drop(ec, op_x(pc))
    return 0


@fn
def op_table_get(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> u32:
    slots = op_slots(pc, sp)
    table = ec.inst.tables[op_x(pc)]
    index = op_u32(slots, 0)
    if index >= table.size:
        return TRAP_TABLE
    slots[0] = table.elems[index]
    return 0


@fn
def op_table_set(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> u32:
    slots = op_slots(pc, sp)
    table = ec.inst.tables[op_x(pc)]
    index = op_u32(slots, 0)
    if index >= table.size:
        return TRAP_TABLE
    table.elems[index] = slots[1]
    return 0


@fn
def op_table_size(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> u32:
    op_slots(pc, sp)[0] = ec.inst.tables[op_x(pc)].size
    return 0


@fn
def op_table_grow(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> u32:
    slots = op_slots(pc, sp)
    slots[0] = u64(u32(tab_grow(ec, op_x(pc), slots[0], op_u32(slots, 1))))
    return 0


@fn
def op_table_fill(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> u32:
    slots = op_slots(pc, sp)
    return tab_fill(ec, op_x(pc), op_u32(slots, 0), slots[1], op_u32(slots, 2))


@fn
def op_table_copy(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> u32:
    slots = op_slots(pc, sp)
    return tab_copy(ec, op_x(pc), op_y(pc), op_u32(slots, 0), op_u32(slots, 1), op_u32(slots, 2))


@fn
def op_table_init(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> u32:
    slots = op_slots(pc, sp)
    return tab_init(ec, op_y(pc), op_x(pc), op_u32(slots, 0), op_u32(slots, 1), op_u32(slots, 2))


@fn
def op_ref_func(ec: ptr[Ec], pc: ptr[u8], sp: ptr[u64]) -> u32:
    op_slots(pc, sp)[0] = u64(ec.inst.refs[op_x(pc)])
    return 0


__all__ = ["i64"]
