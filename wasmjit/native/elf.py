"""ELF64 relocatable object -> flat position-independent image.

All references inside the image are relative to the place that refers, so the image runs at any page-aligned address.
What remains to be done at load time is little and listed: words that hold an address (`relocations`: the base is
added) and words that hold the address of an outside symbol (`imports`). All of them lie in the writable part.

    0            head      the caller's
    head         text      code, stubs for calls of outside functions, read-only data     read, execute
    relro        words     global offset table, constants that hold addresses             read-only once loaded
    data         data      variables, zeroed ones too                                     read, write
    size

Boundaries are multiples of the page. Reference: System V ABI (ELF-64 object file format) and its processor supplements.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from wasmjit.native.relocate import MACHINES, FlattenError, Machine, Need

SHT_PROGBITS, SHT_SYMTAB, SHT_RELA, SHT_NOTE, SHT_NOBITS, SHT_REL = 1, 2, 4, 7, 8, 9
SHT_X86_64_UNWIND = 0x70000001
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 1, 2, 4, 0x400
SHN_UNDEF, SHN_LORESERVE, SHN_ABS = 0, 0xFF00, 0xFFF1
STB_LOCAL, STT_FUNC, STT_TLS = 0, 2, 6
ET_REL = 1
ZEROED_MAX = 1 << 20  # zeroed variables are stored in the image; more than this is surely a mistake
WORD = 8


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


class Function(NamedTuple):
    """A function of the image: offset from the base and bytes, for profilers and disassembly."""

    offset: int
    size: int


@dataclass
class Flat:
    """A flattened object. Offsets are from the base, sizes in bytes; see the module's picture."""

    machine: Machine
    blob: bytearray
    relro: int = 0
    data: int = 0
    symbols: dict[str, int] = field(default_factory=dict)  # global ones
    functions: dict[str, Function] = field(default_factory=dict)
    imports: list[tuple[str, int]] = field(default_factory=list)
    relocations: list[int] = field(default_factory=list)


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


def flatten(data: bytes, *, head: int = 0) -> Flat:
    """Flatten an object, leaving `head` bytes free at the start of the image. Raises FlattenError."""
    return _Flattener(Object(data), head).run()


class _Flattener:
    def __init__(self, obj: Object, head: int) -> None:
        self.object = obj
        self.machine = obj.machine
        self.flat = Flat(obj.machine, bytearray(head))
        self.place: dict[int, int] = {}  # section -> offset
        self.placed: set[int] = set()
        self.stubs: dict[int, int] = {}  # symbol -> offset
        self.got: dict[int, int] = {}  # symbol -> offset

    def run(self) -> Flat:
        flat, sections, machine = self.flat, self.object.sections, self.machine
        kept = self.object.kept()
        self._check_size(kept)
        self.place = dict.fromkeys(kept, 0)  # which symbols are inside is asked before places are known
        stubbed, tabled = self._needs(kept)

        self._put_sections(i for i in kept if sections[i].flags & SHF_EXECINSTR)
        self._align(16, machine.trap)
        for symbol in stubbed:
            self.stubs[symbol] = self._grow(machine.stub_size)
        self._put_sections(i for i in kept if not sections[i].flags & (SHF_EXECINSTR | SHF_WRITE))
        flat.relro = self._align(machine.page)
        for symbol in tabled:
            self.got[symbol] = self._grow(WORD)
        self._put_sections(i for i in kept if sections[i].flags & SHF_WRITE and sections[i].name.startswith(".data.rel.ro"))
        flat.data = self._align(machine.page)
        self._put_sections(i for i in kept if sections[i].flags & SHF_WRITE and i not in self.placed)
        self._align(machine.page)

        self._name_symbols()
        for symbol, at in self.got.items():
            self._word(at, symbol, 0)
        for symbol, at in self.stubs.items():
            machine.write_stub(flat.blob, at, self.got[symbol])
        for i in kept:
            for relocation in self.object.relocations(i):
                self._patch(i, relocation)
        return flat

    # layout

    def _check_size(self, kept: list[int]) -> None:
        zeroed = sum(self.object.sections[i].size for i in kept if self.object.sections[i].kind == SHT_NOBITS)
        if zeroed > ZEROED_MAX:
            raise FlattenError(f"{zeroed} bytes of zeroed variables: allocate them at run time")

    def _align(self, align: int, fill: bytes = b"\0") -> int:
        blob = self.flat.blob
        missing = -len(blob) % align
        blob += fill * (missing // len(fill)) if missing % len(fill) == 0 else bytes(missing)
        return len(blob)

    def _grow(self, size: int) -> int:
        at = len(self.flat.blob)
        self.flat.blob += bytes(size)
        return at

    def _put_sections(self, indices: Iterable[int]) -> None:
        for i in list(indices):
            s = self.object.sections[i]
            self.placed.add(i)
            self.place[i] = self._align(s.align, self.machine.trap if s.flags & SHF_EXECINSTR else b"\0")
            self.flat.blob += bytes(s.size) if s.kind == SHT_NOBITS else self.object.data[s.offset : s.offset + s.size]

    def _needs(self, kept: list[int]) -> tuple[list[int], list[int]]:
        """Symbols that need a stub, and symbols that need an entry in the global offset table, in order of appearance."""
        stubs: dict[int, None] = {}
        table: dict[int, None] = {}
        for i in kept:
            for r in self.object.relocations(i):
                need = self.machine.need(r.kind, self._code_before(i, r))
                inside = self._inside(r.symbol)
                if need is Need.CALL and not inside:
                    stubs[r.symbol] = table[r.symbol] = None
                elif need is Need.TABLE or (need is Need.RELAXED_TABLE and not inside):
                    table[r.symbol] = None
        return list(stubs), list(table)

    def _code_before(self, section: int, r: Relocation) -> bytes:
        at = self.object.sections[section].offset + r.where
        return self.object.data[at - 2 : at]

    # symbols

    def _inside(self, symbol: int) -> bool:
        s = self.object.symbols[symbol]
        if s.section == SHN_UNDEF:
            return False
        if s.section >= SHN_LORESERVE:
            raise FlattenError(f"{s.name}: symbol in special section {s.section:#x}")
        if s.kind == STT_TLS:
            raise FlattenError(f"{s.name}: thread-local variable")
        if s.section not in self.place:
            raise FlattenError(f"{s.name or self.object.sections[s.section].name}: refers to a section that is not in the image")
        return True

    def _address(self, symbol: int) -> int:
        s = self.object.symbols[symbol]
        return self.place[s.section] + s.value

    def _name_symbols(self) -> None:
        for i, s in enumerate(self.object.symbols):
            if not s.name or s.section not in self.place or s.section == SHN_UNDEF:
                continue
            if s.kind == STT_FUNC:
                self.flat.functions[s.name] = Function(self._address(i), s.size)
            if s.binding != STB_LOCAL:
                if s.name in self.flat.symbols:
                    raise FlattenError(f"{s.name}: defined twice")
                self.flat.symbols[s.name] = self._address(i)

    # relocations

    def _word(self, at: int, symbol: int, addend: int) -> None:
        """A 64-bit word that holds an address: finished at load time."""
        name = self.object.symbols[symbol].name
        if at < self.flat.relro:
            raise FlattenError(f"address of {name or 'a local'} in read-only data at {at:#x}: it would need a fix-up in shared pages")
        if at % WORD:
            raise FlattenError(f"unaligned address of {name} at {at:#x}")
        if self._inside(symbol):
            struct.pack_into("<Q", self.flat.blob, at, self._address(symbol) + addend)
            self.flat.relocations.append(at)
        elif addend:
            raise FlattenError(f"address inside the outside symbol {name}")
        else:
            self.flat.imports.append((name, at))

    def _patch(self, section: int, r: Relocation) -> None:
        at = self.place[section] + r.where
        name = self.object.symbols[r.symbol].name
        need = self.machine.need(r.kind, self._code_before(section, r))
        inside = self._inside(r.symbol)
        if need is Need.WORD:
            self._word(at, r.symbol, r.addend)
            return
        if need is Need.RELAXED_TABLE and inside:
            self.machine.relax(self.flat.blob, at)
            target = self._address(r.symbol)
        elif need in (Need.TABLE, Need.RELAXED_TABLE):
            target = self.got[r.symbol]
        elif inside:
            target = self._address(r.symbol)
        elif need is Need.CALL:
            target = self.stubs[r.symbol]
        else:
            raise FlattenError(f"{name}: an outside symbol is reached neither by a call nor through the global offset table")
        try:
            self.machine.patch(self.flat.blob, at, r.kind, target, r.addend)
        except (struct.error, OverflowError) as error:
            raise FlattenError(f"{name}: relocation at {at:#x} out of range") from error
