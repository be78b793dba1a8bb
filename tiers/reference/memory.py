"""Memory and table instructions beside loads and stores (spec 4.4.7, 4.4.8)."""

import ctypes
from typing import Any

from wasmjit._image import native
from wasmjit._traps import MemoryOutOfBounds
from wasmjit.native.lang import u32, u64
from wasmjit.runtime import codes
from wasmjit.runtime.constexpr import elem_values
from wasmjit.tiers.reference.decode import Instruction
from wasmjit.tiers.reference.execution import Execution, action, trap

N = native()


def bytes_at(e: Execution, memory: int, start: int, count: int) -> int:
    """Address of bytes of a memory that exist. Traps otherwise."""
    mem = e.inst.mems[memory]
    if start + count > mem.nbytes:
        error = MemoryOutOfBounds()
        error.address, error.size, error.memory_size = start, count, int(mem.nbytes)
        raise error
    return int(mem.base) + start


def elements_at(table: Any, start: int, count: int) -> Any:
    """Pointer to elements of a table that exist. Traps otherwise."""
    if start + count > table.size:
        raise trap(codes.TRAP_TABLE)
    return table.elems + start


def numbers(e: Execution, count: int) -> list[int]:
    """Pop operands as plain integers, whose sums do not wrap."""
    return [int(value) for value in e.take(count)]


@action("memory.size")
def memory_size(e: Execution, i: Instruction) -> None:
    e.push(u32(e.inst.mems[i.immediates[0]].pages))


@action("memory.grow")
def memory_grow(e: Execution, i: Instruction) -> None:
    (pages,) = numbers(e, 1)
    e.push(u32(N.memory_grow(int(e.inst.mems[i.immediates[0]]), pages)))


@action("memory.fill")
def memory_fill(e: Execution, i: Instruction) -> None:
    to, value, count = numbers(e, 3)
    ctypes.memset(bytes_at(e, i.immediates[0], to, count), value & 0xFF, count)


@action("memory.copy")
def memory_copy(e: Execution, i: Instruction) -> None:
    to, source, count = numbers(e, 3)
    target = bytes_at(e, i.immediates[0], to, count)
    ctypes.memmove(target, bytes_at(e, i.immediates[1], source, count), count)


@action("memory.init")
def memory_init(e: Execution, i: Instruction) -> None:
    segment, memory = i.immediates
    to, source, count = numbers(e, 3)
    target = bytes_at(e, memory, to, count)
    data = e.mod.datas[segment]
    if source + count > (0 if e.inst.data_dropped[segment] else int(data.nbytes)):
        raise trap(codes.TRAP_MEMORY)
    ctypes.memmove(target, int(e.mod.bytes) + int(data.bytes) + source, count)


@action("data.drop")
def data_drop(e: Execution, i: Instruction) -> None:
    e.inst.data_dropped[i.immediates[0]] = 1


@action("table.get")
def table_get(e: Execution, i: Instruction) -> None:
    (index,) = numbers(e, 1)
    e.push(u64(elements_at(e.inst.tables[i.immediates[0]], index, 1)[0]))


@action("table.set")
def table_set(e: Execution, i: Instruction) -> None:
    index, value = numbers(e, 2)
    elements_at(e.inst.tables[i.immediates[0]], index, 1)[0] = value


@action("table.size")
def table_size(e: Execution, i: Instruction) -> None:
    e.push(u32(e.inst.tables[i.immediates[0]].size))


@action("table.grow")
def table_grow(e: Execution, i: Instruction) -> None:
    table = e.inst.tables[i.immediates[0]]
    value, count = numbers(e, 2)
    before = N.table_grow(int(table), count)
    if before >= 0:
        _repeat(table, before, value, count)
    e.push(u32(before))


@action("table.fill")
def table_fill(e: Execution, i: Instruction) -> None:
    start, value, count = numbers(e, 3)
    _repeat(e.inst.tables[i.immediates[0]], start, value, count)


def _repeat(table: Any, start: int, value: int, count: int) -> None:
    ctypes.memmove(int(elements_at(table, start, count)), value.to_bytes(8, "little") * count, 8 * count)


@action("table.copy")
def table_copy(e: Execution, i: Instruction) -> None:
    to, source, count = numbers(e, 3)
    target = elements_at(e.inst.tables[i.immediates[0]], to, count)
    ctypes.memmove(int(target), int(elements_at(e.inst.tables[i.immediates[1]], source, count)), 8 * count)


@action("table.init")
def table_init(e: Execution, i: Instruction) -> None:
    segment, table = i.immediates
    to, source, count = numbers(e, 3)
    target = elements_at(e.inst.tables[table], to, count)
    if source + count > (0 if e.inst.elem_dropped[segment] else int(e.mod.elems[segment].count)):
        raise trap(codes.TRAP_TABLE)
    elem_values(e.inst, segment, source, count, target)


@action("elem.drop")
def elem_drop(e: Execution, i: Instruction) -> None:
    e.inst.elem_dropped[i.immediates[0]] = 1
