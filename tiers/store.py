"""The code cache: optimized code of modules, kept for the next run. On the way to running a module that has some.

One entry of the cache folder (`wasmjit.native.cache`, which says why it can be trusted) holds all that is kept of a module:

    8 bytes      digest of the length and the index
    8 bytes      length of the index
    index        marshalled: {"binary": SHA-256 of the module, "made": of what it was made by, "llvm": its version, "called": indices
                 of functions in the order of their first calls, u32, "units": [(entries, level, start, middle, end)]}: where units are
                 is counted from the first multiple of 16 behind the index
    units        packed as of `runtime.units`, each at a multiple of 16, with a digest of its own, which is looked at when it is installed;
                 from `middle` on what was counted of its functions (`counts`)

Its name depends on all else that the code depends on: processor, image, settings. It has few bits of the module, so that looking for an
entry costs little; the hash decides. An entry is replaced as a whole: processes that write at once lose a unit, never a file.

Loading a module maps its entry and hands native code a list of the units (`runtime.kept`), which installs those that are used. A thread
gets what was called ready before the program comes there (`interpreter.prepare`).
"""

import marshal
import os
import struct
import sys
from time import time_ns

from wasmjit._image import native
from wasmjit._version import __version__
from wasmjit.native import imagefile, processor
from wasmjit.native.cache import PACKAGE, SUFFIX, Cache, digest, locate, stamp
from wasmjit.runtime.codes import MOD_SYNC
from wasmjit.tiers import known, policy
from wasmjit.tiers.counts import unpacked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence, Set

    from wasmjit._module import Module
    from wasmjit.tiers.optimizer.request import Records

    Entries = tuple[tuple[int, int], ...]
    Row = tuple[Entries, int, int, int, int]  # entries, level, where it begins, ends, and what was counted ends in the file

N = native()

FORMAT = 4
_HEAD = 16
_ALIGN = 16  # of units in the file
_PIECE = 1 << 20  # bytes of a binary that are copied at once, to be hashed
_SAMPLE = 4096  # bytes at each end of a binary that its entry's name depends on
_PLACE = struct.Struct("<IIQQ")  # as of runtime.kept.KeptPlace


class Kept:
    """A unit: what it can be entered at, as (function, loop or 0), how strongly it was compiled, its packed form, and that of what was
    counted of its functions."""

    __slots__ = ("entries", "level", "data", "counted")

    def __init__(self, entries: "Entries", level: int, data: bytes, counted: bytes = b"") -> None:
        self.entries = entries
        self.level = level
        self.data = data
        self.counted = counted


_surroundings = ""
_pruned: set[bool | str] = set()  # folders whose least recently used entries were removed: once a process


def surroundings() -> str:
    """What code depends on beside its module: version, image, processor. The same for all modules of a process."""
    global _surroundings
    if not _surroundings:
        image = N._mapping[2][imagefile.KEY]
        _surroundings = f"{FORMAT} {__version__} {PACKAGE} {image} {processor.features()}"
    return _surroundings


def compiler_stamp() -> int:
    """Of the optimizer's files: in a checkout its code may change without a new version. 0: some are missing."""
    folder = f"{PACKAGE}/tiers/optimizer"
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return 0
    return stamp(PACKAGE, ["tiers/policy.py", *(f"tiers/optimizer/{name}" for name in names if name.endswith(".py"))])


class Entry:
    """Where the units of a module are kept. Raises nothing: what cannot be read is not there, what cannot be written is not kept.

    setting: the cache folder as `cache.locate` takes it; name: of the entry; binary: SHA-256 of the module, b"" until it is needed;
    called: functions in the order of their first calls, <I each, once something was read.
    """

    __slots__ = ("setting", "name", "binary", "called")

    def __init__(self, module: "Module") -> None:
        mod = module.address
        nbytes = N.mod_nbytes(mod)
        ends = N.mod_bytes(mod, 0, _SAMPLE) + N.mod_bytes(mod, max(nbytes - _SAMPLE, 0), _SAMPLE)
        self.setting = module.config.cache
        self.name = f"code-{digest(f'{surroundings()} {nbytes} {N.mod_flags(mod) & ~MOD_SYNC} {digest(ends)}'.encode()):016x}{SUFFIX}"
        self.binary = b""
        self.called = b""

    @classmethod
    def named(cls, setting: bool | str, name: str) -> "Entry":
        """The entry of a module that another process has loaded."""
        entry = cls.__new__(cls)
        entry.setting, entry.name, entry.binary, entry.called = setting, name, b"", b""
        return entry

    def folder(self) -> str | None:
        """The cache folder, None if there is none yet."""
        path = locate(self.setting)
        return path if path is not None and os.path.isdir(path) else None

    def size(self) -> int:
        """Bytes of the entry; 0 without one. Costs one look at the folder."""
        path = locate(self.setting)
        try:
            return 0 if path is None else os.stat(f"{path}/{self.name}").st_size
        except OSError:
            return 0

    def known(self, module: "Module") -> bool:
        """Set `binary` if that takes no time to speak of. Whether it is set."""
        if not self.binary and module.nbytes <= policy.HASHED_AT_LOAD:
            self.fingerprint(module)
        elif not self.binary and module._file is not None:
            self.binary = known.recall(self.setting, module._file)
        return bool(self.binary)

    def fingerprint(self, module: "Module") -> None:
        """Set `binary`."""
        large = module.nbytes > policy.HASHED_AT_LOAD
        if self.binary or (large and self.known(module)):
            return
        builtin = "_sha256" if sys.version_info < (3, 12) else "_sha2"  # hashlib's is faster, and slow to import
        hashed = __import__("hashlib" if large else builtin).sha256()
        for at in range(0, module.nbytes, _PIECE):
            hashed.update(N.mod_bytes(module.address, at, _PIECE))
        self.binary = hashed.digest()
        if large and module._file is not None:
            known.note(self.setting, module._file, self.binary)

    def read(self) -> list[Kept]:
        """What is kept, the oldest first. Needs the fingerprint."""
        return self._read("")

    def entries(self) -> "set[tuple[int, int]]":
        """What has code that is kept. Needs the fingerprint."""
        opened = self._open("")
        if opened is None:
            return set()
        os.close(opened[0])
        return {place for places, *_ in opened[2] for place in places}

    def counted(self) -> "dict[int, Records]":
        """What was counted of functions, for what is kept of them. Needs the fingerprint."""
        opened = self._open("")
        if opened is None:
            return {}
        descriptor, _, rows = opened
        found: dict[int, Records] = {}
        try:
            for _, _, _, middle, end in rows:
                if middle < end:
                    found |= unpacked(os.pread(descriptor, end - middle, middle))
        except OSError:
            pass
        finally:
            os.close(descriptor)
        return found

    def offer(self, module: "Module") -> int:
        """Have what is kept installed where it is used, and note that it was: how many functions' units wait. Finds the fingerprint."""
        self.fingerprint(module)
        opened = self._open("")
        if opened is None:
            return 0
        descriptor, nbytes, rows = opened
        try:
            return int(N.units_keep(module.address, descriptor, nbytes, b"".join([_PLACE.pack(*place) for place in places(rows)])))
        except struct.error:
            return 0
        finally:
            os.close(descriptor)

    def prepare(self, module: "Module") -> int:
        """Get the functions ready that earlier runs called, as `offer` found them: how many were not. Lets other threads run meanwhile."""
        return int(N.functions_prepare(module.address, self.called))

    def write(self, new: "Sequence[Kept]", gone: "Set[tuple[int, int]]", llvm: str, called: bytes | None = None) -> bool:
        """Add units in place of those that are not wanted beside them. False: nothing can be kept. Needs the fingerprint.

        gone: entries, as (function, loop or 0), of code that was given up: kept units with one of them go.
        llvm: the version that compiled; code of others goes. called: as the attribute, None: as it was.
        """
        kept = [unit for unit in self._read(llvm) if gone.isdisjoint(unit.entries)]
        for unit in new:
            kept = [old for old in kept if not set(old.entries) <= set(unit.entries)]
            kept.append(unit)
        rows: list[Row] = []
        pieces, end = [], 0
        for unit in wanted(kept):
            start = _aligned(end)
            pieces += [bytes(start - end), unit.data, unit.counted]
            middle = start + len(unit.data)
            end = middle + len(unit.counted)
            rows.append((unit.entries, unit.level, start, middle, end))
        if called is not None:
            self.called = called
        index = marshal.dumps({"binary": self.binary, "made": compiler_stamp(), "llvm": llvm, "called": self.called, "units": rows})
        head = len(index).to_bytes(8, "little") + index
        padding = bytes(_aligned(8 + len(head)) - 8 - len(head))
        with Cache(self.setting) as cache:
            if self.setting not in _pruned:
                _pruned.add(self.setting)
                cache.prune()
            return cache.write(self.name, b"".join([digest(head).to_bytes(8, "little"), head, padding, *pieces]))

    def _read(self, llvm: str) -> list[Kept]:
        opened = self._open(llvm)
        if opened is None:
            return []
        descriptor, _, rows = opened
        try:
            found = []
            for entries, level, start, middle, end in rows:
                data = os.pread(descriptor, end - start, start)
                found.append(Kept(entries, level, data[: middle - start], data[middle - start :]))
            return found
        except OSError:
            return []
        finally:
            os.close(descriptor)

    def _open(self, llvm: str) -> "tuple[int, int, list[Row]] | None":
        """The open entry, its size and its rows if it is this module's, and was compiled by this version of LLVM, "" for any."""
        with Cache(self.setting) as cache:
            descriptor = cache.read(self.name)
        if descriptor < 0:
            return None
        try:
            status = os.fstat(descriptor)
            nbytes = status.st_size
            head = os.pread(descriptor, _HEAD, 0)
            length = int.from_bytes(head[8:], "little")
            if nbytes <= 2 * policy.CACHE_LARGEST and _HEAD + length <= nbytes:
                index = os.pread(descriptor, length, _HEAD)
                if digest(head[8:] + index) == int.from_bytes(head[:8], "little"):
                    rows = self._rows(marshal.loads(index), llvm, _aligned(_HEAD + length), nbytes)
                    os.utime(descriptor, ns=(time_ns(), status.st_mtime_ns))
                    return descriptor, nbytes, rows
        except (OSError, ValueError, KeyError, TypeError, EOFError):
            pass
        os.close(descriptor)
        return None

    def _rows(self, index: "dict[str, object]", llvm: str, first: int, nbytes: int) -> "list[Row]":
        """The rows of an index, counted from the beginning of a file of so many bytes. ValueError: it is not ours, or lies."""
        if index["binary"] != self.binary or index["made"] != compiler_stamp() or (llvm and index["llvm"] != llvm):
            raise ValueError("of another module or compiler")
        rows: list[Row] = []
        for entries, level, start, middle, end in index["units"]:  # type: ignore[attr-defined]
            if not 0 <= start <= middle <= end <= nbytes - first or start % _ALIGN:
                raise ValueError("a unit outside")
            places = tuple((int(function), int(loop)) for function, loop in entries)
            rows.append((places, int(level), first + start, first + middle, first + end))
        self.called = bytes(index["called"])  # type: ignore[call-overload]
        return rows


def wanted(units: "Sequence[Kept]") -> list[Kept]:
    """Of units, the oldest first, those that something would be entered at, within the bounds."""
    taken: set[tuple[int, int]] = set()
    room = policy.CACHE_LARGEST
    rooms: dict[int, int] = {}
    found = []
    for unit in sorted(reversed(units), key=_strength):
        function, size = unit.entries[0][0], len(unit.data) + len(unit.counted)
        left = rooms.get(function, policy.FUNCTION_LARGEST)
        if taken.issuperset(unit.entries) or size > min(left, room):
            continue
        taken.update(unit.entries)
        rooms[function] = left - size
        room -= size
        found.append(unit)
    kept = set(map(id, found))
    return [unit for unit in units if id(unit) in kept]


def places(rows: "Sequence[Row]") -> "Iterator[tuple[int, bool, int, int]]":
    """Where native code finds units, the first choice of each function first: (function, whether for its body, offset, bytes)."""
    bodies: set[int] = set()
    for entries, _, start, end, _ in sorted(reversed(rows), key=lambda row: -row[1]):
        own = {function for function, loop in entries if not loop} - bodies
        bodies |= own
        for function in dict(entries):
            yield function, function in own, start, end - start


def _strength(unit: Kept) -> int:
    return -unit.level


def _aligned(place: int) -> int:
    return -(-place // _ALIGN) * _ALIGN
