"""What the compiled functions refer to: other functions, externs, tables, variables, strings; each goes into the IR text once."""

from typing import Any

from ..declare import Extern, ExternData, Function, Table, Variable
from ..pointers import DeclarationError, is_float, is_place, is_pointer, resolve, size_of
from ..values import Float, boolean, f64

BRANCH_WEIGHTS = ('!0 = !{!"branch_weights", i32 2000000, i32 1}', '!1 = !{!"branch_weights", i32 1, i32 2000000}')  # likely, unlikely


def memory_type(kind: Any) -> str:
    """LLVM type of a value in memory."""
    kind = resolve(kind)
    if is_place(kind):
        return f"[{size_of(kind)} x i8]"
    return "i8" if kind is boolean else str(kind.ir)


def constant(kind: Any, value: Any) -> str:
    """IR text of a table's element."""
    if is_float(kind):  # LLVM writes numbers of both widths as the bits of a double
        return f"0x{f64(value if isinstance(value, Float) else kind(value)).raw:016x}"
    if is_pointer(kind) or is_place(kind):
        raise DeclarationError("constant tables hold numbers")
    return str(int(kind(value)))


class Program:
    """Each method gives the IR name of a thing and sees that it is defined or declared.

    Raises DeclarationError when two different things have one symbol.
    """

    def __init__(self) -> None:
        self.functions: dict[str, Function] = {}
        self.queue: list[Function] = []
        self.externs: dict[str, str] = {}
        self.globals: dict[str, str] = {}
        self.strings: dict[bytes, str] = {}
        self._owners: dict[str, Any] = {}

    def _claim(self, symbol: str, owner: Any) -> bool:
        """True the first time."""
        known = self._owners.setdefault(symbol, owner)
        if known is not owner:
            raise DeclarationError(f"symbol {symbol!r} is declared twice")
        return symbol not in self.globals and symbol not in self.functions

    def function(self, function: Function) -> str:
        """A restricted function, to be compiled too."""
        if self._claim(function.symbol, function):
            self.functions[function.symbol] = function
            self.queue.append(function)
        return "@" + function.symbol

    def extern(self, extern: Extern) -> str:
        """A C function."""
        parameters = [kind.ir for _, kind in extern.params] + (["..."] if extern.variadic else [])
        flags = "nonlazybind nounwind noreturn cold" if extern.noreturn else "nonlazybind nounwind"
        text = f"declare {extern.result.ir} @{extern.symbol}({', '.join(parameters)}) {flags}"
        known = self.externs.setdefault(extern.symbol, text)
        if known != text:
            raise DeclarationError(f"extern {extern.symbol} is declared twice:\n  {known}\n  {text}")
        return "@" + extern.symbol

    def extern_data(self, data: ExternData) -> str:
        """A C variable."""
        self.externs.setdefault(data.symbol, f"@{data.symbol} = external global {data.kind.ir}")
        return "@" + data.symbol

    def named(self, name: str) -> str:
        """A symbol of any kind, whoever defines it."""
        self.externs.setdefault(name, f"@{name} = external global i8")
        return "@" + name

    def table(self, table: Table) -> str:
        """A read-only array."""
        if self._claim(table.symbol, table):
            kind = memory_type(table.elem)
            rows = ", ".join(f"{kind} {constant(table.elem, value)}" for value in table.values)
            self.globals[table.symbol] = f"@{table.symbol} = hidden constant [{len(table.values)} x {kind}] [{rows}]"
        return "@" + table.symbol

    def variable(self, variable: Variable) -> str:
        """Zeroed memory of the image."""
        if self._claim(variable.symbol, variable):
            size = size_of(variable.elem) * variable.count
            self.globals[variable.symbol] = f"@{variable.symbol} = hidden global [{size} x i8] zeroinitializer, align 16"
        return "@" + variable.symbol

    def string(self, value: bytes) -> str:
        """Constant bytes with a NUL behind them."""
        if value not in self.strings:
            name = f"@.str.{len(self.strings)}"
            self.strings[value] = name
            data = "".join(f"\\{byte:02x}" for byte in value + b"\0")
            self.globals[name] = f'{name} = private unnamed_addr constant [{len(value) + 1} x i8] c"{data}"'
        return self.strings[value]

    def text(self, bodies: list[str]) -> str:
        """The IR text: what was collected, then the functions."""
        defined = {"@" + symbol for symbol in self.functions} | {line.split(" ", 1)[0] for line in self.globals.values()}
        declarations = [text for symbol, text in self.externs.items() if "@" + symbol not in defined]
        return "\n".join([*self.globals.values(), *declarations, *bodies, *BRANCH_WEIGHTS, ""])
