"""What instances show of themselves: `Exports` by name, `Functions` by name or index. Objects are made when first asked for."""

from ._image import native
from .runtime.functions import Func

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._module import Module
    from .runtime.store import Store

N = native()

FUNC, TABLE, MEMORY = 0, 1, 2
METHODS = ("get", "keys", "values", "items")  # of Exports: an export of such a name is more likely what is meant


def closed() -> "Any":
    """Whoever needs an open instance calls this when it is closed."""
    raise ValueError("the instance is closed")


class Exports:
    """The exports of an instance, as attributes and as items: Func, Memory, Table or Global.

    Attributes work for names that are Python identifiers, items for all. What is exported as `get`, `keys`, `values` or
    `items` hides the method of that name.
    """

    if TYPE_CHECKING:
        get: Any  # an export or a method: see METHODS
        keys: Any
        values: Any
        items: Any

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, module: "Module", store: "Store", address: int) -> None:
        self.__dict__["_Exports__handle"] = module, store, address, {}
        for name in METHODS:
            if N.export_find(module.address, name) >= 0:
                self.__dict__[name] = self[name]

    def __getitem__(self, name: str) -> "Any":
        module, store, address, made = self.__dict__["_Exports__handle"]
        found = made.get(name)
        if found is not None:
            return found
        if N.inst_closed(address):
            closed()
        place = N.export_find(module.address, name)
        if place < 0:
            raise KeyError(name)
        found = made[name] = _extern(module, store, address, place >> 32, place & 0xFFFF_FFFF)
        return found

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            try:
                found = self[name]
            except KeyError:
                module = self.__dict__["_Exports__handle"][0]
                raise AttributeError(f"{module.name or 'the module'} exports no {name!r}") from None
            if type(found) is Func:
                self.__dict__[name] = found
            return found

        def get(self, name: str, default: "Any" = None) -> "Any":
            """The export, or `default` when there is none of that name."""
            try:
                return self[name]
            except KeyError:
                return default

        def keys(self) -> list[str]:
            """Names in the order of the module."""
            return list(self)

        def values(self) -> "list[Any]":
            """The exports in the order of the module."""
            return [self[name] for name in self]

        def items(self) -> "list[tuple[str, Any]]":
            """Pairs of name and export."""
            return [(name, self[name]) for name in self]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("exports cannot be set")

    __delattr__ = __setattr__  # type: ignore[assignment]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and N.export_find(self.__dict__["_Exports__handle"][0].address, name) >= 0

    def __iter__(self) -> "Iterator[str]":
        return iter([row[0] for row in N.mod_exports(self.__dict__["_Exports__handle"][0].address)])

    def __len__(self) -> int:
        return len(N.mod_exports(self.__dict__["_Exports__handle"][0].address))

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self})

    def __repr__(self) -> str:
        names = list(self)
        shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        return f"<wasmjit.Exports {shown or 'none'}>"

    def __reduce_ex__(self, protocol: object) -> "Any":
        raise TypeError("exports belong to their instance and cannot be pickled; pickle the Module")


def _extern(module: "Module", store: "Store", inst: int, kind: int, index: int) -> object:
    """The Python object of an instance's item: `kind` and `index` as in an export."""
    if kind == FUNC:
        return N.func_new(N.inst_func(inst, index), store.root())
    if kind == MEMORY:
        from ._memory import Memory

        return Memory._of(N.inst_memory(inst, index), store)
    if kind == TABLE:
        from ._table import Table

        return Table._of(N.inst_table(inst, index), store)
    from ._global import Global
    from ._types import GlobalType

    valtype, mutable = N.mod_type(module.address, 3, index)
    return Global._of(GlobalType(valtype, mutable), N.inst_global(inst, index), store)


class Functions:
    """All functions of an instance: by index, imported ones first, or by name (exports, then the name section)."""

    __slots__ = ("_module", "_store", "_inst")

    def __init__(self, module: "Module", store: "Store", address: int) -> None:
        self._module = module
        self._store = store
        self._inst = address

    def __getitem__(self, key: int | str) -> Func:
        if N.inst_closed(self._inst):
            closed()
        if isinstance(key, str):
            key = self._index(key)
        elif not isinstance(key, int):
            raise TypeError(f"functions are found by name or index, not by {type(key).__name__}")
        ref = N.inst_func(self._inst, key) if 0 <= key <= 0xFFFF_FFFF else 0
        if ref == 0:
            raise IndexError(f"no function {key}: there are {len(self)}")
        func: Func = N.func_new(ref, self._store.root())
        return func

    def _index(self, name: str) -> int:
        place: int = N.export_find(self._module.address, name)
        if place >= 0 and place >> 32 == FUNC:
            return place
        for index in range(len(self)):
            if N.mod_func_name(self._module.address, index) == name:
                return index
        raise KeyError(name)

    def __len__(self) -> int:
        count: int = N.mod_counts(self._module.address)[1]
        return count

    def __iter__(self) -> "Iterator[Func]":
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"<wasmjit.Functions, {len(self)} of them>"
