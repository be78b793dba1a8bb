"""`Global`: a variable that modules and Python share."""

from ._image import native
from ._types import GlobalType
from .runtime.codes import VALUE_TYPES
from .runtime.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

N = native()


class Global:
    """A global of a value type: `Global("i32", 5)`; with `mutable=True` its `value` can be set.

    type: "i32" ... "externref", or a GlobalType. Values as for arguments of a Func; None is null.
    """

    __slots__ = ("type", "_address", "_store", "_owner", "__weakref__")

    type: GlobalType
    _address: int
    _store: Store | None
    _owner: object  # capsule of a global made by Python; that of an instance belongs to its store

    def __init__(self, type: str | GlobalType, value: "Any" = None, mutable: bool = False) -> None:
        kind = type if isinstance(type, GlobalType) else GlobalType(type, bool(mutable))
        if kind.type not in VALUE_TYPES:
            raise ValueError(f"unknown value type {kind.type!r}; there are {', '.join(VALUE_TYPES)}")
        self.type = kind
        self._address = N.global_new()
        if self._address == 0:
            raise MemoryError("no memory for a global")
        self._owner = N.global_owner(self._address)
        self._store = Store() if kind.type == "funcref" else None
        if value is None and not kind.type.endswith("ref"):
            value = 0
        self._set(value)

    @classmethod
    def _of(cls, type: GlobalType, address: int, store: Store) -> "Self":
        """The object for a global of an instance."""
        self = cls.__new__(cls)
        self.type = type
        self._address = address
        self._store = store
        self._owner = None
        return self

    @property
    def value(self) -> "Any":
        """The value now. Setting it raises TypeError for a global that is not mutable, and for values of another type."""
        return N.value_get(VALUE_TYPES[self.type.type], self._address, self._home())

    @value.setter
    def value(self, value: "Any") -> None:
        if not self.type.mutable:
            raise TypeError("the global is not mutable")
        self._set(value)

    def _set(self, value: "Any") -> None:
        N.value_set(VALUE_TYPES[self.type.type], self._address, self._home(), value)

    def _home(self) -> int:
        """Native address of the store where references live, 0 for none."""
        return self._store.root().address if self._store is not None else 0

    def __repr__(self) -> str:
        return f"<wasmjit.Global {self.type}: {self.value!r}>"

    def __reduce__(self) -> "Any":
        raise TypeError("a Global cannot be pickled")
