"""ELF64 relocatable objects: their tables, parsed. Reference: System V ABI, object file format."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from wasmjit.native.relocate import MACHINES, FlattenError

SHT_PROGBITS, SHT_SYMTAB, SHT_RELA, SHT_NOTE, SHT_NOBITS, SHT_REL = 1, 2, 4, 7, 8, 9
SHT_X86_64_UNWIND = 0x70000001
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 1, 2, 4, 0x400
SHN_UNDEF, SHN_LORESERVE = 0, 0xFF00
STB_LOCAL, STT_FUNC, STT_TLS = 0, 2, 6
ET_REL = 1


class Section(NamedTuple):
    """One section header, and the name."""

    name: str
    kind: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry: int


class Symbol(NamedTuple):
    """One symbol; `value` is relative to its section."""

    name: str
    binding: int
    kind: int
    section: int
    value: int
    size: int


class Relocation(NamedTuple):
    """`where` is relative to the section patched; `symbol` an index."""

    where: int
    kind: int
    symbol: int
    addend: int


class Object:
    """The parsed tables of a relocatable object file. Raises FlattenError for anything else."""

    def __init__(self, data: bytes) -> None:
        if data[:6] != b"\x7fELF\x02\x01":
            raise FlattenError("not a little-endian ELF64 file")
        kind, machine = struct.unpack_from("<HH", data, 16)
        if kind != ET_REL:
            raise FlattenError(f"not a relocatable object: file type {kind}")
        if machine not in MACHINES:
            raise FlattenError(f"no relocations known for ELF machine {machine}")
        self.data = data
        self.machine = MACHINES[machine]
        self.sections = self._read_sections()
        self.symbols = self._read_symbols()

    def _read_sections(self) -> list[Section]:
        (table,) = struct.unpack_from("<Q", self.data, 0x28)
        entry, count, names = struct.unpack_from("<HHH", self.data, 0x3A)
        raw = [struct.unpack_from("<IIQQQQIIQQ", self.data, table + i * entry) for i in range(count)]
        return [
            Section(self._string(raw[names][4] + name), kind, flags, offset, size, link, info, max(align, 1), bytes_each)
            for name, kind, flags, _, offset, size, link, info, align, bytes_each in raw
        ]

    def _read_symbols(self) -> list[Symbol]:
        tables = [s for s in self.sections if s.kind == SHT_SYMTAB]
        if len(tables) != 1:
            raise FlattenError(f"{len(tables)} symbol tables")
        strings = self.sections[tables[0].link].offset
        symbols = []
        for at in range(tables[0].offset, tables[0].offset + tables[0].size, 24):
            name, info, _, section, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
            symbols.append(Symbol(self._string(strings + name), info >> 4, info & 15, section, value, size))
        return symbols

    def _string(self, at: int) -> str:
        return self.data[at : self.data.index(b"\0", at)].decode()

    def relocations(self, section: int) -> Iterator[Relocation]:
        """The relocations that patch a section, by its index."""
        for table in self.sections:
            if table.info != section or table.kind not in (SHT_RELA, SHT_REL):
                continue
            if table.kind == SHT_REL:
                raise FlattenError(f"{table.name}: relocations without addends")
            for at in range(table.offset, table.offset + table.size, 24):
                where, info, addend = struct.unpack_from("<QQq", self.data, at)
                yield Relocation(where, info & 0xFFFFFFFF, info >> 32, addend)

    def kept(self) -> list[int]:
        """Indices of the sections that belong in memory. Unwind tables do not: nothing unwinds by them."""
        kept = []
        for i, s in enumerate(self.sections):
            if not s.flags & SHF_ALLOC or not s.size or s.name.startswith(".eh_frame") or s.kind in (SHT_NOTE, SHT_X86_64_UNWIND):
                continue
            if s.flags & SHF_TLS:
                raise FlattenError(f"{s.name}: thread-local variables")
            if s.kind not in (SHT_PROGBITS, SHT_NOBITS):
                raise FlattenError(f"{s.name}: section type {s.kind:#x}")
            kept.append(i)
        return kept
