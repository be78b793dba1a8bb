"""`Table`: references to functions or objects, by index."""

from _operator import index

from ._config import DEFAULT_TABLE
from ._image import native
from ._types import TableType
from .runtime.codes import TABLE_MAX, VALUE_TYPES
from .runtime.functions import TYPE_NAMES
from .runtime.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Self

N = native()

MOST = 0xFFFF_FFFF


class Table:
    """A table of `min` elements of a reference type, all `init`, which may grow to `max`.

    "funcref" elements are Funcs, "externref" elements any objects; None is null. Indices outside raise IndexError, also
    negative ones; values of another type TypeError.
    """

    __slots__ = ("_address", "_store", "_owner", "__weakref__")

    _address: int
    _store: Store | None
    _owner: object  # capsule of a table made by Python; that of an instance belongs to its store

    def __init__(self, type: str, min: int, max: int | None = None, init: "Any" = None) -> None:
        if type not in ("funcref", "externref"):
            raise ValueError(f'a table is of "funcref" or "externref", not {type!r}')
        most = MOST if max is None else max
        if not 0 <= min <= most <= MOST:
            raise ValueError(f"a table's limits are at most {MOST}, and its minimum not above its maximum: {min}, {max}")
        self._address = N.table_make(VALUE_TYPES[type], min, most, DEFAULT_TABLE, 0 if max is None else TABLE_MAX)
        if self._address == 0:
            raise MemoryError(f"no table of {min} elements")
        self._owner = N.table_owner(self._address)
        self._store = Store() if type == "funcref" else None  # boxes of no store are never swept: nothing else knows this table
        if init is not None and min:
            self[0] = init
            N.table_repeat(self._address, 0)

    @classmethod
    def _of(cls, address: int, store: Store) -> "Self":
        """The object for a table of an instance."""
        self = cls.__new__(cls)
        self._address = address
        self._store = store
        self._owner = None
        return self

    @property
    def type(self) -> TableType:
        """Element type, elements now and at most."""
        address = self._address
        most = N.table_most(address) if N.table_flags(address) & TABLE_MAX else None
        return TableType(TYPE_NAMES[N.table_type(address)], N.table_size(address), most)

    def __len__(self) -> int:
        size: int = N.table_size(self._address)
        return size

    def __getitem__(self, key: int) -> "Any":
        return N.value_get(N.table_type(self._address), self._place(key), self._home())

    def __setitem__(self, key: int, value: "Any") -> None:
        N.value_set(N.table_type(self._address), self._place(key), self._home(), value)

    def __iter__(self) -> "Iterator[Any]":
        return (self[position] for position in range(len(self)))

    def grow(self, count: int, init: "Any" = None) -> int:
        """Add elements; returns the number before. MemoryError: beyond the maximum or a limit, or no memory."""
        if count < 0:
            raise ValueError("a table cannot shrink")
        before: int = N.table_grow(self._address, count if count < 1 << 63 else (1 << 63) - 1)
        if before < 0:
            raise MemoryError(f"cannot grow a table of {len(self)} elements by {count}")
        if init is not None and count:
            self[before] = init
            N.table_repeat(self._address, before)
        return before

    def _place(self, key: "Any") -> int:
        """Address of an element."""
        position = index(key)
        place: int = N.table_at(self._address, position) if 0 <= position <= MOST else 0
        if place == 0:
            raise IndexError(f"no element {position}: the table has {len(self)}")
        return place

    def _home(self) -> int:
        """Native address of the store where references live, 0 for none."""
        return self._store.root().address if self._store is not None else 0

    def __repr__(self) -> str:
        return f"<wasmjit.Table of {len(self)} {self.type.type}>"

    def __reduce__(self) -> "Any":
        raise TypeError("a Table cannot be pickled")
