"""Which site each piece of machine code belongs to: the line numbers of an object's .debug_line, and nothing else of DWARF.

Reference: DWARF 5, section 6.2. Rows whose line does not differ from the one before are left out: the code in between has its site.
"""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from wasmjit.native.elf import Object
from wasmjit.native.relocate import FlattenError

SECTION = ".debug_line"
_COPY, _ADVANCE_PC, _ADVANCE_LINE, _SET_FILE, _SET_COLUMN, _CONST_ADD_PC, _FIXED_ADVANCE_PC = 1, 2, 3, 4, 5, 8, 9
_END_SEQUENCE, _SET_ADDRESS = 1, 2


def line_rows(elf: Object) -> list[tuple[int, int]]:
    """(offset in the code's section, line) where the line changes, ascending. FlattenError: the table is not as LLVM writes it."""
    at = next((i for i, section in enumerate(elf.sections) if section.name == SECTION), None)
    if at is None:
        return []
    section = elf.sections[at]
    data = bytearray(elf.data[section.offset : section.offset + section.size])
    for relocation in elf.relocations(at):  # of those the addresses of sequences are read: they become offsets in the section
        value = elf.symbols[relocation.symbol].value + relocation.addend
        if relocation.where + 8 <= len(data) and data[relocation.where - 1] == _SET_ADDRESS:
            struct.pack_into("<Q", data, relocation.where, value)
    rows: list[tuple[int, int]] = []
    start = 0
    while start < len(data):
        (length,) = struct.unpack_from("<I", data, start)
        _program(bytes(data[start : start + 4 + length]), rows)
        start += 4 + length
    rows.sort(key=lambda row: row[0])
    return _changes(rows)


def _program(data: bytes, rows: list[tuple[int, int]]) -> None:
    """Run one line number program."""
    version, _, _, header = struct.unpack_from("<HBBI", data, 4)
    if version != 5:
        raise FlattenError(f"line numbers of DWARF version {version}")
    least, _, _, base, span, first = struct.unpack_from("<BBBbBB", data, 12)
    lengths = data[18 : 18 + first - 1]
    p, end = 12 + header, len(data)
    address, line = 0, 1
    add, const_add = rows.append, (255 - first) // span * least
    advances = [((op - first) // span * least, base + (op - first) % span) if op >= first else (0, 0) for op in range(256)]
    while p < end:
        op = data[p]
        p += 1
        if op >= first:
            forward, lines = advances[op]
            address += forward
            line += lines
            add((address, line))
        elif op == _SET_COLUMN or op == _SET_FILE:
            while data[p] >= 0x80:
                p += 1
            p += 1
        elif op == _COPY:
            add((address, line))
        elif op == _ADVANCE_LINE:
            value, p = _signed(data, p)
            line += value
        elif op == _ADVANCE_PC:
            value, p = _unsigned(data, p)
            address += value * least
        elif op == _CONST_ADD_PC:
            address += const_add
        elif op == _FIXED_ADVANCE_PC:
            address += struct.unpack_from("<H", data, p)[0]
            p += 2
        elif op == 0:
            length, p = _unsigned(data, p)
            if data[p] == _END_SEQUENCE:
                add((address, 0))
                address, line = 0, 1
            elif data[p] == _SET_ADDRESS:
                (address,) = struct.unpack_from("<Q", data, p + 1)
            p += length
        else:
            for _ in range(lengths[op - 1]):
                _, p = _unsigned(data, p)


def _changes(rows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The last row of each address, where its line differs from the one before."""
    changes: list[tuple[int, int]] = []
    before = 0
    for i, (address, line) in enumerate(rows):
        if line != before and (i + 1 == len(rows) or rows[i + 1][0] != address):
            changes.append((address, line))
            before = line
    return changes


def filled(rows: Sequence[tuple[int, int]], functions: Iterable[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """The rows, with a line for all code of some functions: what LLVM gave none has that before it, or the function's own.

    functions: ascending, where each begins and ends, and its own line.
    """
    offsets = [offset for offset, _ in rows]
    changes = dict(rows)
    for start, end, own in functions:
        first, behind = bisect_left(offsets, start), bisect_left(offsets, end)
        for offset, line in rows[first:behind]:
            if line == 0:
                del changes[offset]
        changes[start] = changes.get(start, 0) or own
        changes.setdefault(end, rows[behind - 1][1] if behind else 0)
    return _changes(sorted(changes.items()))


def _unsigned(data: bytes, p: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[p]
        p += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, p


def _signed(data: bytes, p: int) -> tuple[int, int]:
    start = p
    value, p = _unsigned(data, p)
    sign = 1 << (7 * (p - start) - 1)
    return (value ^ sign) - sign, p
