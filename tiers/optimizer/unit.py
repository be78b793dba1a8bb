"""Units: what a compile gives. Packed, they are what the runtime maps and the code cache keeps: bytes as `runtime.units` describes them.

The part that the runtime does not read ("extra") is the text of a Python literal: (inlined, stats).
"""

import struct
from ast import literal_eval
from typing import Any

from wasmjit.native.imagefile import digest
from wasmjit.native.lang import offsetof, sizeof
from wasmjit.runtime.packed import MAGIC, NONE, PackedUnit
from wasmjit.tiers.optimizer.text import Frames

REASONS = ("cold", "target", "stress")  # of exits: never seen by the profile, a guessed callee was wrong, asked for

_HEADER = struct.Struct("<QQ12I")
_PAIR, _TRIPLE, _QUAD = struct.Struct("<II"), struct.Struct("<III"), struct.Struct("<IIII")
_LARGEST = 1 << 31  # bytes


class Refused(Exception):
    """The optimizer will not compile this, or LLVM could not; the function stays interpreted. The message says why."""


class Unit:
    """Machine code of a request. Offsets are in the blob, wasm offsets in the binary.

    blob: code, then read-only data, position independent. text: bytes of it that are code. machine: ELF's number of the processor.
    module: bytes of the binary. entries: (function, loop's wasm offset | 0, offset of the code, offset of i2c | NONE), sorted.
    sites: frames of site 1 and so on. lines: (offset, site), ascending: the code from there on belongs to the site.
    exits: (function, wasm offset, reason) by number. forms: functions whose profiled form the exits land in.
    inlined: (frames of the call, callee). stats: numbers for people, by name.
    """

    def __init__(
        self,
        blob: bytes,
        text: int,
        machine: int,
        module: int,
        entries: list[tuple[int, int, int, int]],
        sites: list[Frames] | None = None,
        lines: list[tuple[int, int]] | None = None,
        exits: list[tuple[int, int, int]] | None = None,
        forms: list[int] | None = None,
        inlined: list[tuple[Frames, int]] | None = None,
        stats: dict[str, float] | None = None,
    ) -> None:
        self.blob, self.text, self.machine, self.module, self.entries = blob, text, machine, module, entries
        self.sites, self.lines, self.exits, self.forms, self.inlined = sites or [], lines or [], exits or [], forms or [], inlined or []
        self.stats = stats or {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unit) and vars(self) == vars(other)

    def pack(self) -> bytes:
        """The unit as bytes, sealed. Refused: it is too large."""
        blob = self.blob + bytes(-len(self.blob) % 16)
        extra = repr((self.inlined, self.stats)).encode()
        frames = [frame for site in self.sites for frame in site]
        sites, first = [], 0
        for site in self.sites:
            sites.append((first, len(site)))
            first += len(site)
        parts = [
            blob,
            _rows(_QUAD, self.entries),
            _rows(_PAIR, self.lines),
            _rows(_PAIR, sites),
            _rows(_PAIR, frames),
            _rows(_TRIPLE, self.exits),
            struct.pack(f"<{len(self.forms)}I", *self.forms),
            extra,
        ]
        size = sizeof(PackedUnit) + sum(map(len, parts))
        if size >= _LARGEST:
            raise Refused(f"the unit has {size} bytes")
        counts = (len(self.entries), len(self.lines), len(sites), len(frames), len(self.exits), len(self.forms), len(extra))
        parts.insert(0, _HEADER.pack(MAGIC, 0, size, self.machine, self.module, self.text, len(blob), *counts))
        data = bytearray().join(parts)
        struct.pack_into("<Q", data, offsetof(PackedUnit, "digest"), digest(data))
        return bytes(data)

    @classmethod
    def unpack(cls, data: bytes) -> "Unit":
        """What `pack` wrote. ValueError: anything else."""
        if len(data) < _HEADER.size:
            raise ValueError("not a unit: it is cut short")
        magic, seal, size, machine, module, text, nblob, *counts = _HEADER.unpack_from(data)
        if magic != MAGIC or size != len(data):
            raise ValueError("not a unit")
        if seal != digest(data):
            raise ValueError("a damaged unit")
        nentries, nlines, nsites, nframes, nexits, nforms, nextra = counts
        sizes = (nblob, 16 * nentries, 8 * nlines, 8 * nsites, 8 * nframes, 12 * nexits, 4 * nforms, nextra)
        if _HEADER.size + sum(sizes) != size:
            raise ValueError("not a unit: its parts have other lengths")
        pieces, at = [], _HEADER.size
        for length in sizes:
            pieces.append(data[at : at + length])
            at += length
        blob, entries, lines, sites, frames, exits, forms, extra = pieces
        frame_rows = list(_PAIR.iter_unpack(frames))
        site_rows = list(_PAIR.iter_unpack(sites))
        if any(count == 0 or first + count > nframes for first, count in site_rows):
            raise ValueError("not a unit: a site without frames")
        try:
            inlined, stats = literal_eval(extra.decode())
        except (ValueError, SyntaxError, TypeError) as error:
            raise ValueError("not a unit: what it says of itself") from error
        unit = cls(
            blob,
            text,
            machine,
            module,
            _listed(_QUAD, entries),
            [tuple(frame_rows[first : first + count]) for first, count in site_rows],
            _listed(_PAIR, lines),
            _listed(_TRIPLE, exits),
            list(struct.unpack(f"<{nforms}I", forms)),
            inlined,
            stats,
        )
        unit.check()
        return unit

    def check(self) -> None:
        """That every offset and number lies where it must. ValueError."""
        keys = [entry[:2] for entry in self.entries]
        offsets = [offset for offset, _ in self.lines]
        faults = (
            ("blob", len(self.blob) % 16 != 0 or not 0 < self.text <= len(self.blob)),
            ("entries", not keys or any(a >= b for a, b in zip(keys, keys[1:], strict=False))),
            ("code of an entry", any(code >= self.text for _, _, code, _ in self.entries)),
            ("adapters", any((i2c == NONE) != (loop != 0) or (loop == 0 and i2c >= self.text) for _, loop, _, i2c in self.entries)),
            ("lines", any(a >= b for a, b in zip(offsets, offsets[1:], strict=False)) or any(at >= self.text for at in offsets)),
            ("sites of lines", any(site > len(self.sites) for _, site in self.lines)),
        )
        for name, wrong in faults:
            if wrong:
                raise ValueError(f"not a unit: {name}")


def _rows(form: struct.Struct, rows: list[Any]) -> bytes:
    return b"".join([form.pack(*row) for row in rows])


def _listed(form: struct.Struct, data: bytes) -> list[Any]:
    return list(form.iter_unpack(data))
