"""What the optimizer knows of a module: types, functions, globals. Made from these sections of a validated binary."""

from collections.abc import Callable
from functools import lru_cache

from wasmjit.tiers import policy
from wasmjit.tiers.optimizer.decode import LLVM, Body, decode, skip_expression
from wasmjit.tiers.optimizer.leb import unsigned

Types = tuple[str, ...]  # LLVM types of values
REFERENCE = LLVM[0x70]

TYPE, IMPORT, FUNCTION, MEMORY, GLOBAL = 1, 2, 3, 5, 6  # sections
FUNC_KIND, TABLE_KIND, MEMORY_KIND, GLOBAL_KIND = range(4)  # imports


class View:
    """A module's index spaces, imported ones first.

    types: per type (parameters, results) as LLVM types; sigs: the same as encoded, which is what makes signatures equal.
    functions: type index of each. globals: (LLVM type, mutable). memories: (flags of the limits as
    encoded, bytes at least).
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.types: list[tuple[Types, Types]] = []
        self.sigs: list[bytes] = []
        self.functions: list[int] = []
        self.nimports = 0
        self.globals: list[tuple[str, bool]] = []
        self.nimport_globals = 0
        self.memories: list[tuple[int, int]] = []
        self._decoded: dict[tuple[int, int, bytes], Body] = {}
        self._sections()

    def signature(self, function: int) -> tuple[Types, Types]:
        """Parameter and result types of a function as LLVM types."""
        return self.types[self.functions[function]]

    def body(self, function: int, start: int, code: bytes) -> Body:
        """A function of the module's own, decoded. What may be inlined by other requests is kept."""
        key = function, start, code
        found = self._decoded.get(key)
        if found is None:
            found = decode(self, *key)
            if len(code) <= policy.INLINE_BYTES:
                self._decoded[key] = found
        return found

    def _sections(self) -> None:
        data, at = self.data, 0
        readers: dict[int, Callable[[int, int], object]] = {
            TYPE: self._types, IMPORT: self._imports, FUNCTION: self._functions, MEMORY: self._memory, GLOBAL: self._globals
        }  # fmt: skip
        while at < len(data):
            number = data[at]
            size, at = unsigned(data, at + 1)
            readers[number](*unsigned(data, at))
            at += size

    def _types(self, count: int, at: int) -> None:
        data = self.data
        for _ in range(count):
            start = at
            nparams, at = unsigned(data, at + 1)
            params = data[at : at + nparams]
            nresults, at = unsigned(data, at + nparams)
            results = data[at : at + nresults]
            at += nresults
            self.types.append((tuple(LLVM[t] for t in params), tuple(LLVM[t] for t in results)))
            self.sigs.append(data[start:at])

    def _imports(self, count: int, at: int) -> None:
        data = self.data
        for _ in range(count):
            for _ in range(2):
                length, at = unsigned(data, at)
                at += length
            kind = data[at]
            at += 1
            if kind == FUNC_KIND:
                index, at = unsigned(data, at)
                self.functions.append(index)
                self.nimports += 1
            elif kind == GLOBAL_KIND:
                self.globals.append((LLVM[data[at]], data[at + 1] != 0))
                self.nimport_globals += 1
                at += 2
            elif kind == MEMORY_KIND:
                at = self._memory(1, at)
            else:
                at = _limits(data, at + 1)[2]

    def _functions(self, count: int, at: int) -> None:
        data, functions = self.data, self.functions
        for _ in range(count):
            index, at = unsigned(data, at)
            functions.append(index)

    def _memory(self, count: int, at: int) -> int:
        for _ in range(count):
            flags, nbytes, at = _limits(self.data, at)
            self.memories.append((flags, nbytes))
        return at

    def _globals(self, count: int, at: int) -> None:
        data = self.data
        for _ in range(count):
            self.globals.append((LLVM[data[at]], data[at + 1] != 0))
            at = skip_expression(data, at + 2)


def _limits(data: bytes, at: int) -> tuple[int, int, int]:
    """Of limits: their flags, the minimum in bytes if they are a memory's, the position behind them."""
    flags = data[at]
    least, at = unsigned(data, at + 1)
    page = 16
    if flags & 1:
        _, at = unsigned(data, at)
    if flags & 8:
        page, at = unsigned(data, at)
    return flags, least << page, at


@lru_cache(maxsize=1)
def view(data: bytes) -> View:
    """The view of sections; the last one is kept, with the small bodies that it decoded."""
    return View(data)
