"""Import resolution (spec 4.5.4): from what an embedder gives to the native addresses that an instance is built with.

A namespace is a mapping, an Instance, its exports, or any object with attributes. All imports are looked at before any
error is raised, so that one LinkError names everything that is missing or does not fit.
"""

from ._exports import Exports
from ._functype import FuncType
from ._image import native
from ._provided import MISSING, Provided
from .runtime.functions import HostFunc
from .runtime.store import Store, join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._config import Limits
    from ._global import Global
    from ._memory import Memory
    from ._module import Module
    from ._table import Table

N = native()

MATCHED = 0xFFFF_FFFF_FFFF_FFFF  # what link_check says when all fits
PYTHON = ("function", "method")  # types of callables written in Python
LISTED = 40  # imports that the message of a LinkError names
SHORT = "a"  # the module of all imports in builds that wasmjit.emscripten.glue is for


def resolve(
    module: "Module", imports: "Any", wasi: "Any", unknown: str, limits: "Limits", store: Store, adopted: "list[Any]"
) -> "tuple[list[int], Provided]":
    """Addresses for a module's imports, in order; `store` becomes part of the stores that they belong to and keeps the rest.
    Second, what stands behind those that nobody gave.

    What was made by Python and has no store yet is added to `adopted`: its `_store` is set once the instance exists, because
    a store sweeps the boxes of objects that no table or global of its instances holds.

    wasi: a Wasi, None, or "auto": one that is made when the module asks for it. unknown: "error", or "trap" for functions
    that raise when called. Raises LinkError.
    """
    rows = N.mod_imports(module.address)
    provided = Provided(module, wasi, limits)
    if not rows:
        return [], provided
    linker = _Linker(store, unknown, adopted)
    namespaces: dict[str, object] = {}
    lookup = _lookup(imports)
    addresses: list[int] = []
    for row in rows:
        space, name, kind = row[0], row[1], row[2]
        namespace = namespaces.get(space, MISSING)
        if namespace is MISSING:
            namespace = namespaces[space] = lookup(space)
        found = MISSING if namespace is None else member(namespace, name)
        if found is MISSING:
            found = provided.find(row)
        addresses.append(linker.address(row, kind, found))
    first = N.link_check(module.address, addresses, 0)
    while first != MATCHED:
        linker.misfit(rows[first])
        first = N.link_check(module.address, addresses, first + 1)
    if linker.failed:
        raise _link_error(module, linker.failed)
    for owner in linker.stores:
        join(store, owner)
    store.root().keep += linker.keep
    return addresses, provided


class _Linker:
    """Turns one found object after the other into an address, and remembers what failed."""

    __slots__ = ("store", "unknown", "adopted", "keep", "stores", "failed")

    def __init__(self, store: Store, unknown: str, adopted: "list[Any]") -> None:
        self.store = store
        self.unknown = unknown
        self.adopted = adopted
        self.keep: list[object] = []
        self.stores: set[Store] = set()
        self.failed: list[tuple[Any, str]] = []  # description of the import, what is wrong with it

    def address(self, row: "Any", kind: str, found: "Any") -> int:
        """The address for an import, 0 when it failed."""
        if found is MISSING:
            if self.unknown == "trap" and kind == "func":
                return self._host(row, unknown_function(row[0], row[1]))
            self.failed.append((row, "is missing"))
            return 0
        return _BY_KIND[kind](self, row, found)

    def misfit(self, row: "Any") -> None:
        """An address turned out to be of another type."""
        self.failed.append((row, "does not have this type"))

    def func(self, row: "Any", found: "Any") -> int:
        """A Func of an instance, a HostFunc, or any callable, which takes the type that is asked for."""
        ref: int = N.func_ref(found)
        if ref:
            self._own(N.func_owner(found))
            return ref
        if isinstance(found, HostFunc):
            if found.type is not None:
                self.keep.append(found)
                return found.address()
            return self._host(row, found)
        if callable(found):
            if getattr(found, "_wasmjit_type", row[4:6]) != row[4:6]:  # of a WASI function
                self.misfit(row)
                return 0
            return self._host(row, found)
        return self._wrong(row, found)

    def table(self, row: "Any", found: "Any") -> int:
        """A Table."""
        from ._table import Table

        if not isinstance(found, Table):
            return self._wrong(row, found)
        self.adopt(found)
        return found._address

    def memory(self, row: "Any", found: "Any") -> int:
        """A Memory."""
        from ._memory import Memory

        if not isinstance(found, Memory):
            return self._wrong(row, found)
        self.adopt(found)
        address: int = N.memory_address(found)
        return address

    def cell(self, row: "Any", found: "Any") -> int:
        """A Global, or a number for one that does not change."""
        from ._global import Global

        _, _, _, _, valtype, mutable = row
        if isinstance(found, int | float) and not mutable:
            from ._types import GlobalType

            found = Global(GlobalType(valtype), found)
        if not isinstance(found, Global):
            return self._wrong(row, found)
        if found.type.type != valtype or found.type.mutable != mutable:
            self.failed.append((row, f"is a {found.type}"))
            return 0
        self.adopt(found)
        return found._address

    def adopt(self, found: "Table | Memory | Global") -> None:
        """Let the store keep what was made by Python, or become part of the store that it came from."""
        if found._store is None:
            self.adopted.append(found)
        else:
            self.stores.add(found._store)
        if found._owner is not None:
            self.keep.append(found._owner)

    def _host(self, row: "Any", found: "Any") -> int:
        name = f"{row[0]}.{row[1]}"
        wanted = FuncType(row[4], row[5])
        host = found.bound(wanted, name) if isinstance(found, HostFunc) else HostFunc(found, wanted, name=name)
        if type(host.callable).__name__ in PYTHON and not hasattr(host.callable, "_wasmjit_type"):
            from ._signature import misfit

            reason = misfit(host.callable, wanted, host.pass_instance)
            if reason is not None:
                self.failed.append((row, reason))
                return 0
        self.keep.append(host)
        return host.address()

    def _wrong(self, row: "Any", found: object) -> int:
        self.failed.append((row, f"is a {type(found).__name__}"))
        return 0

    def _own(self, owner: object) -> None:
        if isinstance(owner, Store):
            self.stores.add(owner)
        elif owner is not None:
            self.keep.append(owner)


_BY_KIND = {"func": _Linker.func, "table": _Linker.table, "memory": _Linker.memory, "global": _Linker.cell}


def member(namespace: "Any", name: str) -> "Any":
    """What a namespace has under a name, or MISSING."""
    if type(namespace) is dict:
        return namespace.get(name, MISSING)
    exports: Any = getattr(namespace, "exports", None) if not hasattr(namespace, "__getitem__") else None
    if isinstance(exports, Exports):
        namespace = exports
    if hasattr(namespace, "__getitem__"):
        try:
            return namespace[name]
        except (KeyError, IndexError):
            return MISSING
    return getattr(namespace, name, MISSING)


def _lookup(imports: "Any") -> "Any":
    """The function that finds a namespace by name; None stands for one that is not given."""
    if imports is None:
        return lambda space: None
    if hasattr(imports, "get"):
        return imports.get
    if hasattr(imports, "__getitem__"):

        def find(space: str) -> object:
            try:
                return imports[space]
            except KeyError:
                return None

        return find
    raise TypeError(f"imports must be a mapping of namespaces by module name, not {type(imports).__name__}")


def unknown_function(space: str, name: str) -> "Any":
    """What stands for a function that nobody gave: raises Unreachable."""

    def unknown(*_: object) -> None:
        from ._traps import Unreachable

        error = Unreachable()
        error.add_note(f"the import {space}.{name} is not defined")
        raise error

    return unknown


def _link_error(module: "Module", failed: "list[tuple[Any, str]]") -> Exception:
    from ._errors import LinkError
    from ._types import ImportType, extern_type

    order = {row[:3]: i for i, row in enumerate(N.mod_imports(module.address))}
    failed.sort(key=lambda entry: order[entry[0][:3]])
    types = []
    lines = []
    for (space, name, kind, _, *tail), reason in failed:
        kind_of = ImportType(space, name, extern_type(kind, tuple(tail)))
        types.append(kind_of)
        lines.append(f"  {kind_of}: {reason}")
    if len(lines) > LISTED:
        lines[LISTED:] = [f"  ... and {len(lines) - LISTED} more"]
    if any([wanted.module == SHORT and len(wanted.name) <= 2 for wanted in types]):
        lines.append("it seems to be an optimized build of Emscripten: wasmjit.emscripten.glue reads the names from its JavaScript")
    count = "1 import" if len(failed) == 1 else f"{len(failed)} imports"
    return LinkError("\n".join([f"{module.name or 'the module'}: {count} cannot be linked:", *lines]), types)
