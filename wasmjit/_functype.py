"""`FuncType`: the type of a function (spec 2.3.5). Apart from the other types, of which running a program needs none."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Value:
    """A value: compared, hashed, shown and pickled by its fields, which nothing changes."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((type(self).__name__, *(getattr(self, name) for name in self.__slots__)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), tuple(getattr(self, name) for name in self.__slots__)


class FuncType(Value):
    """Parameter and result types of a function: `FuncType(["i32", "i32"], ["i32"])`; str is "(i32, i32) -> (i32)"."""

    __slots__ = ("params", "results")
    kind = "func"

    def __init__(self, params: "Iterable[str]" = (), results: "Iterable[str]" = ()) -> None:
        self.params = tuple(params)
        self.results = tuple(results)

    def __str__(self) -> str:
        return f"({', '.join(self.params)}) -> ({', '.join(self.results)})"
