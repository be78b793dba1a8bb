"""Types of functions, memories, tables and globals (spec 2.0, 2.3), and what a module imports and exports.

Value types are written as in the text format: "i32" "i64" "f32" "f64" "v128" "funcref" "externref".
"""

from ._functype import FuncType as FuncType
from ._functype import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PAGE = 65536


class MemoryType(Value):
    """Limits of a memory in pages of `page_size` bytes; `index` is the type of its addresses."""

    __slots__ = ("min", "max", "shared", "index", "page_size")
    kind = "memory"

    def __init__(self, min: int, max: int | None = None, shared: bool = False, index: str = "i32", page_size: int = PAGE) -> None:
        self.min = min
        self.max = max
        self.shared = shared
        self.index = index
        self.page_size = page_size

    def __str__(self) -> str:
        index = "i64 " if self.index == "i64" else ""
        size = "" if self.page_size == PAGE else f" (pagesize {self.page_size})"
        return f"memory {index}{_limits(self.min, self.max)}{' shared' if self.shared else ''}{size}"


class TableType(Value):
    """Element type and limits, in elements, of a table."""

    __slots__ = ("type", "min", "max")
    kind = "table"

    def __init__(self, type: str, min: int, max: int | None = None) -> None:
        self.type = type
        self.min = min
        self.max = max

    def __str__(self) -> str:
        return f"table {_limits(self.min, self.max)} {self.type}"


class GlobalType(Value):
    """Value type of a global, and whether it can be set."""

    __slots__ = ("type", "mutable")
    kind = "global"

    def __init__(self, type: str, mutable: bool = False) -> None:
        self.type = type
        self.mutable = mutable

    def __str__(self) -> str:
        return f"global (mut {self.type})" if self.mutable else f"global {self.type}"


ExternType = FuncType | MemoryType | TableType | GlobalType


class ImportType(Value):
    """One import of a module: `module` and `name` as written in it, and the type it asks for. `kind` is that of the type."""

    __slots__ = ("module", "name", "type")

    def __init__(self, module: str, name: str, type: ExternType) -> None:
        self.module = module
        self.name = name
        self.type = type

    @property
    def kind(self) -> str:
        """ "func", "memory", "table" or "global"."""
        return self.type.kind

    def __str__(self) -> str:
        return f"{self.module}.{self.name}: {self.type}"


class ExportType(Value):
    """One export of a module and its type. `kind` is that of the type."""

    __slots__ = ("name", "type")

    def __init__(self, name: str, type: ExternType) -> None:
        self.name = name
        self.type = type

    @property
    def kind(self) -> str:
        """ "func", "memory", "table" or "global"."""
        return self.type.kind

    def __str__(self) -> str:
        return f"{self.name}: {self.type}"


def _limits(low: int, high: int | None) -> str:
    return f"{low}" if high is None else f"{low} {high}"


# --- from the descriptions that the decoder gives (binary/__init__.py): the tail of a type, by kind


def extern_type(kind: str, tail: "Iterable[object]") -> ExternType:
    """The type object for a decoder's description: `kind` and the fields that follow it."""
    return _MAKERS[kind](*tail)


def _memory(low: int, high: int | None, flags: int) -> MemoryType:
    return MemoryType(low, high, bool(flags & 2), "i64" if flags & 4 else "i32")


_MAKERS: "dict[str, Callable[..., ExternType]]" = {
    "func": FuncType,
    "table": TableType,
    "memory": _memory,
    "global": GlobalType,
}
