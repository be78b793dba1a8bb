"""ELF64 relocatable objects -> one flat position-independent image.

All references inside the image are relative to the place that refers, so the image runs at any page-aligned address.
What remains to be done at load time is little and listed: words that hold an address (`relocations`: the base is
added) and words that hold the address of an outside symbol (`imports`). All of them lie in the writable part.

    0            head      the caller's
    head         text      code, stubs for calls of outside functions, read-only data     read, execute
    end          padding
    relro        words     global offset table, constants that hold addresses             read-only once loaded
    data         data      variables, zeroed ones too                                     read, write
    size

Boundaries are multiples of the page."""

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wasmjit.native.elf import (
    SHF_EXECINSTR,
    SHF_WRITE,
    SHN_LORESERVE,
    SHN_UNDEF,
    SHT_NOBITS,
    STB_LOCAL,
    STT_FUNC,
    STT_TLS,
    Object,
    Relocation,
    Section,
)
from wasmjit.native.relocate import FlattenError, Machine, Need

ZEROED_MAX = 1 << 20  # zeroed variables are stored in the image; more than this is surely a mistake
WORD = 8


class Function(NamedTuple):
    """A function of the image: offset from the base and bytes, for profilers and disassembly."""

    offset: int
    size: int


class Flat:
    """A flattened object. Offsets are from the base, sizes in bytes; see the module's picture."""

    def __init__(self, machine: Machine, blob: bytearray) -> None:
        self.machine, self.blob = machine, blob
        self.end = self.relro = self.data = 0
        self.symbols: dict[str, int] = {}  # global ones
        self.functions: dict[str, Function] = {}
        self.imports: list[tuple[str, int]] = []
        self.relocations: list[int] = []


def flatten(objects: bytes | Sequence[bytes], *, head: int = 0) -> Flat:
    """Flatten an object, or several that refer to each other's global symbols, to one image.

    head: bytes left free at its start. Raises FlattenError.
    """
    return _Flattener([Object(data) for data in ([objects] if isinstance(objects, bytes) else objects)], head).run()


Place = tuple[int, int]  # (object, index of a section or symbol in it)
Target = Place | str  # a symbol inside the image; the name of one outside


class _Flattener:
    def __init__(self, objects: list[Object], head: int) -> None:
        self.objects = objects
        self.machine = objects[0].machine
        if any(each.machine is not self.machine for each in objects):
            raise FlattenError("objects for different machines")
        self.flat = Flat(self.machine, bytearray(head))
        self.kept = [(o, i) for o, each in enumerate(objects) for i in each.kept()]
        self.place: dict[Place, int] = dict.fromkeys(self.kept, 0)  # sections -> offset; which are inside is asked earlier
        self.placed: set[Place] = set()
        self.defined: dict[str, Place] = {}  # global symbols
        self.stubs: dict[Target, int] = {}  # offsets
        self.got: dict[Target, int] = {}

    def run(self) -> Flat:
        flat, machine = self.flat, self.machine
        self._check_size()
        self._define()
        stubbed, tabled = self._needs()

        self._put_sections(at for at in self.kept if self._section(at).flags & SHF_EXECINSTR)
        self._align(16, machine.trap)
        for target in stubbed:
            self.stubs[target] = self._grow(machine.stub_size)
        self._put_sections(at for at in self.kept if not self._section(at).flags & (SHF_EXECINSTR | SHF_WRITE))
        flat.end = len(flat.blob)
        flat.relro = self._align(machine.page)
        for target in tabled:
            self.got[target] = self._grow(WORD)
        writable = [at for at in self.kept if self._section(at).flags & SHF_WRITE]
        self._put_sections(at for at in writable if self._section(at).name.startswith(".data.rel.ro"))
        flat.data = self._align(machine.page)
        self._put_sections(at for at in writable if at not in self.placed)
        self._align(machine.page)

        self._name_symbols()
        for target, at in self.got.items():
            self._word(at, target, 0)
        for target, at in self.stubs.items():
            machine.write_stub(flat.blob, at, self.got[target])
        for section in self.kept:
            for relocation in self.objects[section[0]].relocations(section[1]):
                self._patch(section, relocation)
        return flat

    # layout

    def _section(self, at: Place) -> Section:
        return self.objects[at[0]].sections[at[1]]

    def _check_size(self) -> None:
        zeroed = sum(self._section(at).size for at in self.kept if self._section(at).kind == SHT_NOBITS)
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

    def _put_sections(self, places: Iterable[Place]) -> None:
        for at in list(places):
            s = self._section(at)
            self.placed.add(at)
            self.place[at] = self._align(s.align, self.machine.trap if s.flags & SHF_EXECINSTR else b"\0")
            self.flat.blob += bytes(s.size) if s.kind == SHT_NOBITS else self.objects[at[0]].data[s.offset : s.offset + s.size]

    def _needs(self) -> tuple[list[Target], list[Target]]:
        """What needs a stub, and what needs an entry in the global offset table, in order of appearance."""
        stubs: dict[Target, None] = {}
        table: dict[Target, None] = {}
        for section in self.kept:
            for r in self.objects[section[0]].relocations(section[1]):
                need = self.machine.need(r.kind, self._code_before(section, r))
                target = self._target(section[0], r.symbol)
                outside = isinstance(target, str)
                if need is Need.CALL and outside:
                    stubs[target] = table[target] = None
                elif need is Need.TABLE or (need is Need.RELAXED_TABLE and outside):
                    table[target] = None
        return list(stubs), list(table)

    def _code_before(self, section: Place, r: Relocation) -> bytes:
        at = self._section(section).offset + r.where
        return self.objects[section[0]].data[at - 2 : at]

    # symbols

    def _define(self) -> None:
        for o, each in enumerate(self.objects):
            for i, s in enumerate(each.symbols):
                if s.name and s.binding != STB_LOCAL and (o, s.section) in self.place:
                    if s.name in self.defined:
                        raise FlattenError(f"{s.name}: defined twice")
                    self.defined[s.name] = o, i

    def _target(self, o: int, symbol: int) -> Target:
        """What symbol `symbol` of object `o` stands for."""
        s = self.objects[o].symbols[symbol]
        if s.section == SHN_UNDEF:
            return self.defined.get(s.name, s.name)
        if s.section >= SHN_LORESERVE:
            raise FlattenError(f"{s.name}: symbol in special section {s.section:#x}")
        if s.kind == STT_TLS:
            raise FlattenError(f"{s.name}: thread-local variable")
        if (o, s.section) not in self.place:
            raise FlattenError(f"{s.name or self._section((o, s.section)).name}: refers to a section that is not in the image")
        return o, symbol

    def _address(self, symbol: Place) -> int:
        s = self.objects[symbol[0]].symbols[symbol[1]]
        return self.place[symbol[0], s.section] + s.value

    def _name_symbols(self) -> None:
        self.flat.symbols = {name: self._address(symbol) for name, symbol in self.defined.items()}
        for o, each in enumerate(self.objects):
            for i, s in enumerate(each.symbols):
                if s.name and s.kind == STT_FUNC and (o, s.section) in self.place:
                    self.flat.functions[s.name] = Function(self._address((o, i)), s.size)

    def _name(self, target: Target) -> str:
        return target if isinstance(target, str) else self.objects[target[0]].symbols[target[1]].name or "a local"

    # relocations

    def _word(self, at: int, target: Target, addend: int) -> None:
        """A 64-bit word that holds an address: finished at load time."""
        if at < self.flat.relro:
            raise FlattenError(f"address of {self._name(target)} in read-only data at {at:#x}: it would need a fix-up in shared pages")
        if at % WORD:
            raise FlattenError(f"unaligned address of {self._name(target)} at {at:#x}")
        if not isinstance(target, str):
            struct.pack_into("<Q", self.flat.blob, at, self._address(target) + addend)
            self.flat.relocations.append(at)
        elif addend:
            raise FlattenError(f"address inside the outside symbol {target}")
        else:
            self.flat.imports.append((target, at))

    def _patch(self, section: Place, r: Relocation) -> None:
        at = self.place[section] + r.where
        target = self._target(section[0], r.symbol)
        need = self.machine.need(r.kind, self._code_before(section, r))
        if need is Need.WORD:
            self._word(at, target, r.addend)
            return
        if need is Need.TABLE or (need is Need.RELAXED_TABLE and isinstance(target, str)):
            place = self.got[target]
        elif not isinstance(target, str):
            place = self._address(target)
        elif need is Need.CALL:
            place = self.stubs[target]
        else:
            raise FlattenError(f"{target}: an outside symbol is reached neither by a call nor through the global offset table")
        if need is Need.RELAXED_TABLE and not isinstance(target, str):
            self.machine.relax(self.flat.blob, at)
        try:
            self.machine.patch(self.flat.blob, at, r.kind, place, r.addend)
        except (struct.error, OverflowError) as error:
            raise FlattenError(f"{self._name(target)}: relocation at {at:#x} out of range") from error
