"""What a restricted module declares: functions, exports, externs, constant tables and variables."""

import ctypes
from collections.abc import Callable
from typing import Any

from .pointers import Pointer, ptr, size_of
from .values import void


class Function:
    """A function of restricted Python. Calling it runs it under CPython with its parameters and result converted to their types."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        symbol: str = "",
        inline: bool = False,
        cold: bool = False,
        noreturn: bool = False,
        export: bool = False,
        nogil: bool = False,
    ) -> None:
        self.function, self.symbol = function, symbol or function.__name__
        self.inline, self.cold, self.noreturn, self.export, self.nogil = inline, cold, noreturn, export, nogil
        kinds = dict(function.__annotations__)
        self.result: Any = kinds.pop("return", None) or void
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        missing = [name for name in names if name not in kinds]
        if missing:
            raise TypeError(f"{self.symbol}: parameters without a type: {', '.join(missing)}")
        self.params = tuple((name, kinds[name]) for name in names)
        self.__doc__ = function.__doc__

    def __call__(self, *arguments: Any) -> Any:
        if len(arguments) != len(self.params):
            raise TypeError(f"{self.symbol} takes {len(self.params)} arguments ({len(arguments)} given)")
        result = self.function(*(kind(argument) for (_, kind), argument in zip(self.params, arguments, strict=True)))
        return None if self.result is void else self.result(result)


def fn(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Declare a restricted function. Options: symbol, inline, cold, noreturn."""
    return (lambda f: Function(f, **options)) if function is None else Function(function)


def export(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Declare a restricted function that Python calls as a builtin of the loaded image. Options: symbol, nogil."""
    options["export"] = True
    return (lambda f: Function(f, **options)) if function is None else Function(function, export=True)


class Extern:
    """A C function that the loader resolves: in the image itself, libc or the CPython API."""

    def __init__(self, function: Callable[..., Any], variadic: bool = False, noreturn: bool = False) -> None:
        self.symbol, self.variadic, self.noreturn = function.__name__, variadic, noreturn
        kinds = dict(function.__annotations__)
        self.result: Any = kinds.pop("return", None) or void
        self.params = tuple(kinds.items())

    def __call__(self, *arguments: Any) -> Any:
        """Under CPython: the process's own function, through ctypes."""
        found = ctypes.PyDLL(None)[self.symbol]
        found.restype = ctypes.c_uint64
        words = [ctypes.c_uint64(int(kind(value))) for (_, kind), value in zip(self.params, arguments, strict=False)]
        result = found(*words)
        return None if self.result is void else self.result(result)


def extern(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Declare a C function by its signature; the body is `...`. Options: variadic, noreturn."""
    return (lambda f: Extern(f, **options)) if function is None else Extern(function)


class ExternData:
    """A C variable that the loader resolves; reading it loads it."""

    def __init__(self, symbol: str, kind: Any) -> None:
        self.symbol, self.kind = symbol, kind


def extern_data(symbol: str, kind: Any) -> Any:
    return ExternData(symbol, kind)


class Table:
    """A read-only array of the image."""

    def __init__(self, symbol: str, elem: Any, values: Any) -> None:
        self.symbol, self.elem, self._values = symbol, elem, values
        self._made: Any = None

    @property
    def values(self) -> list[Any]:
        if callable(self._values):
            self._values = list(self._values())
        return list(self._values)

    def __getitem__(self, index: Any) -> Any:
        """Under CPython."""
        return self.elem(self.values[int(index)])


def const(symbol: str, elem: Any, values: Any) -> Any:
    """A read-only array: elements, or a function that makes them when the image is built. Evaluates to a pointer to the first."""
    return Table(symbol, elem, values)


class Variable:
    """Zero-initialized writable memory of the image."""

    def __init__(self, symbol: str, elem: Any, count: int = 1) -> None:
        self.symbol, self.elem, self.count = symbol, elem, count
        self._made: Any = None

    def _pointer(self) -> Pointer:
        if self._made is None:
            memory = ctypes.create_string_buffer(size_of(self.elem) * self.count + 16)
            self._made = ptr[self.elem]((ctypes.addressof(memory) + 15) & ~15, memory)
        return self._made  # type: ignore[no-any-return]

    def __getitem__(self, index: Any) -> Any:
        return self._pointer()[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._pointer()[index] = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pointer(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("symbol", "elem", "count", "_made"):
            object.__setattr__(self, name, value)
        else:
            setattr(self._pointer(), name, value)


def var(symbol: str, elem: Any, count: int = 1) -> Any:
    """A zeroed global; evaluates to a pointer to it."""
    return Variable(symbol, elem, count)

