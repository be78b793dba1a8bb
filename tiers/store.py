"""The code cache: optimized code of modules, kept for the next run. On the way to running a module that has some.

One entry of the cache folder (`wasmjit.native.cache`, which says why it can be trusted) holds all that is kept of a module:

    8 bytes      digest of the rest, which is also the entry's seal
    8 bytes      length of the index
    index        marshalled: {"binary": SHA-256 of the module, "made": of what it was made by, "units": [(entries, level, start, end)]}
    units        packed as of `runtime.units`, one after the other

Its name depends on all else that the code depends on: processor, image, settings. It has few bits of the module, so that looking for an
entry costs little; the hash decides. An entry is replaced as a whole: processes that write at once lose a unit, never a file.
"""

import marshal
import os
import sys
from time import time_ns

from wasmjit._image import native
from wasmjit._version import __version__
from wasmjit.native import imagefile, processor
from wasmjit.native.cache import PACKAGE, SUFFIX, Cache, digest, locate, sealed, stamp
from wasmjit.runtime.codes import MOD_SYNC
from wasmjit.tiers import policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence, Set
    from typing import Any

    from wasmjit._module import Module

    Entries = tuple[tuple[int, int], ...]

N = native()

FORMAT = 1
_HEAD = 16
_PIECE = 1 << 20  # bytes of a binary that are copied at once, to be hashed
_SAMPLE = 4096  # bytes at each end of a binary that its entry's name depends on


class Kept:
    """A unit: what it can be entered at, as (function, loop or 0), how strongly it was compiled, and its packed form."""

    __slots__ = ("entries", "level", "data")

    def __init__(self, entries: "Entries", level: int, data: bytes) -> None:
        self.entries = entries
        self.level = level
        self.data = data


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

    setting: the cache folder as `cache.locate` takes it; name: of the entry; binary: SHA-256 of the module, b"" until it is needed.
    """

    __slots__ = ("setting", "name", "binary")

    def __init__(self, module: "Module") -> None:
        mod = module.address
        nbytes = N.mod_nbytes(mod)
        ends = N.mod_bytes(mod, 0, _SAMPLE) + N.mod_bytes(mod, max(nbytes - _SAMPLE, 0), _SAMPLE)
        self.setting = module.config.cache
        self.name = f"code-{digest(f'{surroundings()} {nbytes} {N.mod_flags(mod) & ~MOD_SYNC} {digest(ends)}'.encode()):016x}{SUFFIX}"
        self.binary = b""

    @classmethod
    def named(cls, setting: bool | str, name: str, binary: bytes) -> "Entry":
        """The entry of a module that another process has loaded."""
        entry = cls.__new__(cls)
        entry.setting, entry.name, entry.binary = setting, name, binary
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

    def fingerprint(self, module: "Module") -> None:
        """Set `binary`."""
        if not self.binary:
            mod, nbytes = module.address, module.nbytes
            builtin = "_sha256" if sys.version_info < (3, 12) else "_sha2"  # hashlib's is faster, and slow to import
            home = __import__(builtin if nbytes <= policy.HASHED_AT_LOAD else "hashlib")
            hashed = home.sha256()
            for at in range(0, nbytes, _PIECE):
                hashed.update(N.mod_bytes(mod, at, _PIECE))
            self.binary = hashed.digest()

    def read(self) -> list[Kept]:
        """What is kept, and note that it was used. Needs the fingerprint."""
        return self._load("")

    def write(self, new: "Sequence[Kept]", gone: "Set[int]", llvm: str) -> bool:
        """Add units in place of those with the same entries. False: nothing can be kept. Needs the fingerprint.

        gone: functions whose code was given up, so that what is kept of them goes. llvm: the version that compiled; code of others goes.
        """
        kept = [unit for unit in self._load(llvm) if gone.isdisjoint(function for function, _ in unit.entries)]
        for unit in new:
            kept = [old for old in kept if not set(old.entries) <= set(unit.entries)]
            kept.append(unit)
        while sum(len(unit.data) for unit in kept) > policy.CACHE_LARGEST:
            del kept[0]
        rows, end = [], 0
        for unit in kept:
            start, end = end, end + len(unit.data)
            rows.append((unit.entries, unit.level, start, end))
        index = marshal.dumps({"binary": self.binary, "made": compiler_stamp(), "llvm": llvm, "units": rows})
        body = b"".join([len(index).to_bytes(8, "little"), index, *(unit.data for unit in kept)])
        seal = digest(body)
        with Cache(self.setting) as cache:
            if self.setting not in _pruned:
                _pruned.add(self.setting)
                cache.prune()
            return cache.write(self.name, seal.to_bytes(8, "little") + body, seal)

    def _load(self, llvm: str) -> list[Kept]:
        """What is kept and was compiled by this version of LLVM, "" for any."""
        with Cache(self.setting) as cache:
            descriptor = cache.read(self.name)
        if descriptor < 0:
            return []
        try:
            status = os.fstat(descriptor)
            if status.st_size > 2 * policy.CACHE_LARGEST:
                return []
            data = _read(descriptor, status.st_size)
            written = int.from_bytes(data[:8], "little")
            if not sealed(descriptor, written) and digest(memoryview(data)[8:]) != written:
                return []
            first = _HEAD + int.from_bytes(data[8:_HEAD], "little")
            index = marshal.loads(memoryview(data)[_HEAD:first])
            if index["binary"] != self.binary or index["made"] != compiler_stamp() or (llvm and index["llvm"] != llvm):
                return []
            os.utime(descriptor, ns=(time_ns(), status.st_mtime_ns))  # the seal stays
            return [Kept(entries, level, data[first + start : first + end]) for entries, level, start, end in index["units"]]
        except (OSError, ValueError, KeyError, TypeError, EOFError):
            return []
        finally:
            os.close(descriptor)


def _read(descriptor: int, size: int) -> bytes:
    pieces = []
    while size > 0 and (piece := os.read(descriptor, size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def install(module: "Module", entry: Entry) -> None:
    """Install the units that are kept of a module."""
    entry.fingerprint(module)
    kept = entry.read()
    for unit in kept:
        handle = N.unit_install(module.address, unit.data)
        events = sys.modules.get("wasmjit.profiler.events")
        if handle and events is not None and events.active:
            _tell(events.emit, module, unit, handle)


def _tell(emit: "Callable[..., None]", module: "Module", unit: Kept, handle: int) -> None:
    """Emit the events of an installation."""
    from wasmjit.tiers.optimizer.unit import REASONS, Unit

    exits = tuple((function, wasm, REASONS[reason]) for function, wasm, reason in Unit.unpack(unit.data).exits)
    for function, loop in unit.entries:
        about: dict[str, Any] = {"mod": module.address, "module": module.name, "function": function, "pc": loop or None}
        about["name"] = module.func_name(function)
        emit("cache_hit", code_bytes=len(unit.data), **about)
        emit("install", unit=handle, exits=exits, tier_from="interp", tier_to="opt", **about)
