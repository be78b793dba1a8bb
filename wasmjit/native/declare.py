"""What a restricted module declares: functions, exports, externs, constant tables and variables."""

import ast
import ctypes
from collections.abc import Callable
from typing import Any

from .execution import executable
from .pointers import Pointer, ptr, size_of
from .values import Scalar, void


def _signature(function: Callable[..., Any]) -> tuple[tuple[tuple[str, Any], ...], Any]:
    """Parameters, each a name and a type, and the type of the result."""
    kinds = dict(function.__annotations__)
    result = kinds.pop("return", None) or void
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    for name, kind in (*((name, kinds.get(name)) for name in names), ("return", result)):
        if not (isinstance(kind, type) and issubclass(kind, Scalar)) or (kind is void and name != "return"):
            raise TypeError(f"{function.__name__}: {name} needs a type of numbers or pointers, not {kind!r}")
    return tuple((name, kinds[name]) for name in names), result


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
        self.params, self.result = _signature(function)
        self._executable: Callable[..., Any] | None = None
        self.__doc__ = function.__doc__

    def __call__(self, *arguments: Any) -> Any:
        if len(arguments) != len(self.params):
            raise TypeError(f"{self.symbol} takes {len(self.params)} arguments ({len(arguments)} given)")
        if self._executable is None:
            tree = self.definition()
            if not isinstance(tree, ast.FunctionDef):
                raise TypeError(f"{self.symbol} is not made by def")
            self._executable = executable(self.function, tree, dict(self.params))
        result = self._executable(*(kind(argument) for (_, kind), argument in zip(self.params, arguments, strict=True)))
        return None if self.result is void else self.result(result)

    def definition(self) -> ast.stmt:
        """Its syntax tree, lines numbered as in its file."""
        import inspect  # slow to import, and of no use to who only wants types
        import textwrap

        source, first = inspect.getsourcelines(self.function)
        tree = ast.parse(textwrap.dedent("".join(source)))
        ast.increment_lineno(tree, first - 1)
        return tree.body[0]


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
        self.params, self.result = _signature(function)

    def __call__(self, *arguments: Any) -> Any:
        """Under CPython: the process's own function, through ctypes."""
        found = ctypes.PyDLL(None)[self.symbol]
        found.restype = ctypes.c_uint64
        values = [kind(value) for (_, kind), value in zip(self.params, arguments, strict=False)]  # alive during the call
        result = found(*(ctypes.c_uint64(int(value)) for value in values))
        return None if self.result is void else self.result(result)


def extern(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Declare a C function by its signature; the body is `...`. Options: variadic, noreturn."""
    return (lambda f: Extern(f, **options)) if function is None else Extern(function)


class ExternData:
    """A C variable that the loader resolves; reading it loads it."""

    def __init__(self, symbol: str, kind: Any) -> None:
        self.symbol, self.kind = symbol, kind


def extern_data(symbol: str, kind: Any) -> Any:
    """A C variable by its symbol; evaluates to its value."""
    return ExternData(symbol, kind)


class _Memory:
    """A global that stands for the pointer to it; CPython makes the memory when it is first used."""

    symbol: str
    elem: Any
    _made: Pointer | None

    def _pointer(self) -> Pointer:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _make(self) -> Pointer:
        raise NotImplementedError

    def _allocate(self, count: int) -> Pointer:
        memory = ctypes.create_string_buffer(size_of(self.elem) * count + 16)
        return ptr[self.elem]((ctypes.addressof(memory) + 15) & ~15, memory)  # type: ignore[no-any-return]

    def __getitem__(self, index: Any) -> Any:
        return self._pointer()[index]

    def __int__(self) -> int:
        return int(self._pointer())

    def _field(self, name: str) -> tuple[Any, int]:
        return self._pointer()._field(name)

    def __add__(self, count: Any) -> Any:
        return self._pointer() + count


class Table(_Memory):
    """A read-only array of the image."""

    def __init__(self, symbol: str, elem: Any, values: Any) -> None:
        self.symbol, self.elem, self._values, self._made = symbol, elem, values, None

    @property
    def values(self) -> list[Any]:
        """Its elements."""
        if callable(self._values):
            self._values = list(self._values())
        return list(self._values)

    def _make(self) -> Pointer:
        pointer = self._allocate(len(self.values))
        for index, value in enumerate(self.values):
            pointer[index] = value
        return pointer


def const(symbol: str, elem: Any, values: Any) -> Any:
    """A read-only array: elements, or a function that makes them when the image is built. Evaluates to a pointer to the first."""
    return Table(symbol, elem, values)


class Variable(_Memory):
    """Zero-initialized writable memory of the image."""

    def __init__(self, symbol: str, elem: Any, count: int = 1) -> None:
        self.symbol, self.elem, self.count, self._made = symbol, elem, count, None

    def _make(self) -> Pointer:
        return self._allocate(self.count)

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
