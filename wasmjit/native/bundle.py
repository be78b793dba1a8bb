"""The bytecode of the modules that the command needs, in one file of the cache. On the run path.

Finding, reading and checking a module costs importlib 0.1 ms, and a program needs some thirty of ours: more than a quarter of
the time to its first instruction. From a bundle it costs 0.03 ms. Only the command uses one, in its own process; `import wasmjit`
in other programs is the usual import. What a run had to load from files goes into the bundle for the next one.

An entry is: the digest of the rest, the length of the index, the marshalled index, the marshalled code objects one after
the other. The index is `(stamp, files, {module: (file, file of its bytecode, whether it is a package, start, end)})`. Its
name depends on the bytecode's format, its use on the files being as they were, and its trust on where it lies (see `cache`).
"""

import marshal
import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER

from wasmjit.native.cache import PACKAGE, SUFFIX, Cache, digest, sealed, stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType

    Row = tuple[str, str | None, bool, int, int]
    Index = tuple[int, list[str], dict[str, Row]]

_HEAD = 16  # bytes of the digest and the length of the index
_BUILDERS = ("wasmjit.native.build", "wasmjit.isa", "wasmjit.tiers.engine")  # a run that loaded these is not what the next one will do


class Bundle:
    """A finder and loader of modules (importlib.abc.MetaPathFinder, Loader), empty if the cache has no usable entry.

    setting: as `cache.locate` takes it.
    """

    def __init__(self, setting: bool | str = True) -> None:
        self._setting = setting
        self._rows: dict[str, Row] = {}
        self._code = memoryview(b"")
        self._files: list[str] = []
        self._stamp = 0
        self._early = set(sys.modules)  # what the bundle itself needs: it comes from files in each run
        with Cache(setting) as cache:
            descriptor = cache.read(_entry())
        if descriptor >= 0:
            try:
                data = os.read(descriptor, os.fstat(descriptor).st_size)
                written = int.from_bytes(data[:8], "little")
                if sealed(descriptor, written) or digest(data[8:]) == written:
                    self._load(memoryview(data))
            finally:
                os.close(descriptor)

    def install(self) -> None:
        """Let imports ask this bundle first."""
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None) -> ModuleSpec | None:
        """What importlib needs to know of a module in the bundle, None for others."""
        row = self._rows.get(name)
        if row is None:
            return None
        spec = ModuleSpec(name, self, origin=row[0], is_package=row[2])  # type: ignore[arg-type]
        spec.has_location = True
        spec.cached = row[1]
        if row[2]:
            spec.submodule_search_locations = [os.path.dirname(row[0])]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual kind of module."""

    def exec_module(self, module: "ModuleType") -> None:
        """Run the module's code."""
        exec(self.get_code(module.__name__), module.__dict__)

    def get_code(self, name: str) -> "CodeType":
        """The code object of a module in the bundle."""
        _, _, _, start, end = self._rows[name]
        code: CodeType = marshal.loads(self._code[start:end])
        return code

    def keep(self) -> None:
        """Write the bundle anew if modules were imported that are not in it. A cache that cannot be used is nothing new."""
        modules = {name: module for name, module in list(sys.modules.items()) if name.startswith("wasmjit.") and name not in self._early}
        if modules.keys() <= self._rows.keys() or any(name in modules for name in _BUILDERS):
            return
        specs = {name: self.find_spec(name) or modules[name].__spec__ for name in sorted(modules.keys() | self._rows.keys())}
        files = [os.path.relpath(spec.origin, PACKAGE) for spec in specs.values() if spec and spec.origin]
        made = stamp(PACKAGE, files)  # before the files are read: an edit meanwhile makes the entry stale
        if self._rows and stamp(PACKAGE, self._files) != self._stamp:
            return
        rows: dict[str, Row] = {}
        codes: list[bytes] = []
        end = 0
        for name, spec in specs.items():
            if spec is None or spec.origin is None or spec.loader is None or not hasattr(spec.loader, "get_code"):
                return
            codes.append(marshal.dumps(spec.loader.get_code(name)))
            start, end = end, end + len(codes[-1])
            rows[name] = (spec.origin, spec.cached, spec.submodule_search_locations is not None, start, end)
        index = marshal.dumps((made, files, rows))
        body = b"".join([len(index).to_bytes(8, "little"), index, *codes])
        seal = digest(body)
        with Cache(self._setting) as cache:
            cache.write(_entry(), seal.to_bytes(8, "little") + body, seal)

    def _load(self, data: memoryview) -> None:
        start = _HEAD + int.from_bytes(data[8:_HEAD], "little")
        index: Index = marshal.loads(data[_HEAD:start])
        made, files, rows = index
        if made == stamp(PACKAGE, files) != 0:
            self._stamp, self._files, self._rows = made, files, rows
            self._code = data[start:]


def _entry() -> str:
    """The cache entry for this installation and this kind of bytecode."""
    text = f"{PACKAGE}\n{sys.hexversion}\n{MAGIC_NUMBER!r}\n{sys.flags.optimize}"
    return f"bytecode-{digest(text.encode()):016x}{SUFFIX}"
