"""Pointers, structs and arrays of restricted Python; under CPython they read and write process memory through ctypes."""

import ctypes
from typing import Any

from .values import Float, Int, Scalar

STRUCTS: dict[str, type] = {}


class DeclarationError(TypeError):
    """A declaration that does not fit the others: a symbol of two things, a struct that nobody declares."""


def resolve(kind: Any) -> Any:
    """The type itself for a forward reference by name."""
    if isinstance(kind, str):
        if kind not in STRUCTS:
            raise DeclarationError(f"no struct named {kind!r}")
        return STRUCTS[kind]
    return kind


def size_of(kind: Any) -> int:
    """Bytes that a value of the type takes in memory."""
    return int(resolve(kind).size)


def align_of(kind: Any) -> int:
    kind = resolve(kind)
    return int(getattr(kind, "align", 0) or kind.size)


def read_memory(kind: Any, address: int) -> Any:
    kind = resolve(kind)
    if is_place(kind):
        return ptr[kind.elem if is_array(kind) else kind](address)
    raw = int.from_bytes(ctypes.string_at(address, kind.size), "little")
    return kind.from_raw(raw) if issubclass(kind, Float) else kind(raw)


def write_memory(kind: Any, address: int, value: Any) -> None:
    kind = resolve(kind)
    raw = kind(value).raw if issubclass(kind, Float) else int(value) & ((1 << 8 * kind.size) - 1)
    ctypes.memmove(address, raw.to_bytes(kind.size, "little"), kind.size)


def is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and hasattr(kind, "fields")


def is_array(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Array)


def is_place(kind: Any) -> bool:
    """Values of struct and array type are known by their address only."""
    return is_struct(kind) or is_array(kind)


def is_pointer(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Pointer)


class Array:
    """Type of a struct field that is a fixed array: `array[u8, 16]`."""

    elem: Any
    count: int
    size: int
    align: int


class _ArrayMaker:
    def __getitem__(self, key: tuple[Any, int]) -> Any:
        elem, count = key
        return type(
            f"array[{elem.__name__}, {count}]",
            (Array,),
            {"elem": elem, "count": count, "size": count * size_of(elem), "align": align_of(elem)},
        )


array = _ArrayMaker()


class PointerKind(type):
    """Of pointer types: their size is here, so that `p.size` is free for a struct's field of that name."""

    @property
    def size(cls) -> int:
        return 8


class Pointer(Scalar, metaclass=PointerKind):
    """A typed address; `p[i]` reads an element, for a struct element gives the pointer to it."""

    elem: Any = None
    size = property(lambda self: read_memory(*self._field("size")))
    ir = "ptr"
    __slots__ = ("_address", "_keep")

    def __init__(self, value: Any = 0, keep: Any = None) -> None:
        if isinstance(value, bytes):
            keep = ctypes.create_string_buffer(value)
            value = ctypes.addressof(keep)
        object.__setattr__(self, "_address", (value._address if isinstance(value, Pointer) else int(value)) & (2**64 - 1))
        object.__setattr__(self, "_keep", keep if keep is not None else getattr(value, "_keep", None))

    def __int__(self) -> int:
        return int(self._address)

    def __index__(self) -> int:
        return int(self._address)

    def __bool__(self) -> bool:
        return bool(self._address != 0)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._address:#x})"

    def _at(self, index: Any) -> int:
        return int(self._address) + int(index) * size_of(self.elem)

    def __getitem__(self, index: Any) -> Any:
        return read_memory(self.elem, self._at(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        write_memory(self.elem, self._at(index), value)

    def __add__(self, count: Any) -> Any:
        return type(self)(self._at(count), self._keep)

    def __sub__(self, count: Any) -> Any:
        return type(self)(self._at(-int(count)), self._keep)

    def _field(self, name: str) -> tuple[Any, int]:
        elem = resolve(self.elem)
        if name not in getattr(elem, "fields", {}):
            raise AttributeError(f"{type(self).__name__} has no field {name}")
        kind, offset = elem.fields[name]
        return kind, int(self._address) + offset

    def __getattr__(self, name: str) -> Any:
        return read_memory(*self._field(name))

    def __setattr__(self, name: str, value: Any) -> None:
        write_memory(*self._field(name), value)

    def __eq__(self, other: Any) -> bool:
        return int(self) == int(other)

    def __lt__(self, other: Any) -> bool:
        return int(self) < int(other)

    def __le__(self, other: Any) -> bool:
        return int(self) <= int(other)

    def __gt__(self, other: Any) -> bool:
        return int(self) > int(other)

    def __ge__(self, other: Any) -> bool:
        return int(self) >= int(other)

    def __hash__(self) -> int:
        return hash(self._address)


def field_pointer(pointer: Any, name: str) -> Any:
    """Pointer to a struct's field; for an array to its first element."""
    kind, address = pointer._field(name)
    return read_memory(kind, address) if is_place(resolve(kind)) else ptr[kind](address, pointer._keep)


class _PointerMaker:
    def __init__(self) -> None:
        self.made: dict[Any, Any] = {}

    def __getitem__(self, elem: Any) -> Any:
        name = elem if isinstance(elem, str) else elem.__name__
        if name not in self.made:
            self.made[name] = type(f"ptr[{name}]", (Pointer,), {"elem": elem, "__slots__": ()})
        return self.made[name]


ptr = _PointerMaker()


def struct(cls: type) -> type:
    """Class decorator: annotations become fields in C's natural layout; gives `fields` {name: (type, offset)}, `size`, `align`."""
    if cls.__name__ in STRUCTS:
        raise DeclarationError(f"struct {cls.__name__} is declared twice")
    offset, alignment, fields = 0, 1, {}
    for name, kind in cls.__annotations__.items():
        align = align_of(kind)
        offset = (offset + align - 1) // align * align
        fields[name] = (kind, offset)
        offset += size_of(kind)
        alignment = max(alignment, align)
    cls.fields = fields  # type: ignore[attr-defined]
    cls.size = (offset + alignment - 1) // alignment * alignment  # type: ignore[attr-defined]
    cls.align = alignment  # type: ignore[attr-defined]
    STRUCTS[cls.__name__] = cls
    return cls


@struct
class PyObject:
    """A Python object; its layout is CPython's business."""


def is_integer(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Int)


def is_float(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Float)
