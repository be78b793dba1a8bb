"""The module level: which functions, tables, variables and strings go into the IR text."""

from types import ModuleType
from typing import Any

from ..declare import Extern, ExternData, Function, Table, Variable
from ..pointers import is_array, is_float, is_place, is_pointer, resolve, size_of
from ..values import Float, void
from .function import FunctionCompiler
from .wrapper import wrapper

MEMORY_TYPES = {"i1": "i8"}


def memory_type(kind: Any) -> str:
    """LLVM type of a value in memory."""
    kind = resolve(kind)
    if is_place(kind):
        return f"[{size_of(kind)} x i8]"
    ir: str = kind.ir
    return MEMORY_TYPES.get(ir, ir)


class Program:
    """Collects what the compiled functions refer to, each once."""

    def __init__(self) -> None:
        self.functions: dict[str, Function] = {}
        self.queue: list[Function] = []
        self.externs: dict[str, str] = {}
        self.globals: dict[str, str] = {}
        self.defined: set[str] = set()
        self.strings: dict[bytes, str] = {}
        self.owners: dict[str, Any] = {}

    def _claim(self, symbol: str, owner: Any) -> bool:
        """True the first time; an error when two different things have one symbol."""
        known = self.owners.setdefault(symbol, owner)
        if known is not owner:
            raise TypeError(f"symbol {symbol!r} is declared twice: {known!r} and {owner!r}")
        return symbol not in self.globals and symbol not in self.functions

    def function(self, function: Function) -> str:
        if self._claim(function.symbol, function):
            self.functions[function.symbol] = function
            self.queue.append(function)
        return "@" + function.symbol

    def extern(self, extern: Extern) -> str:
        parameters = [kind.ir for _, kind in extern.params] + (["..."] if extern.variadic else [])
        flags = "nonlazybind nounwind noreturn cold" if extern.noreturn else "nonlazybind nounwind"
        text = f"declare {extern.result.ir} @{extern.symbol}({', '.join(parameters)}) {flags}"
        known = self.externs.setdefault(extern.symbol, text)
        if known != text:
            raise TypeError(f"extern {extern.symbol} is declared twice:\n  {known}\n  {text}")
        return "@" + extern.symbol

    def extern_data(self, data: ExternData) -> str:
        self.externs.setdefault(data.symbol, f"@{data.symbol} = external global {data.kind.ir}")
        return "@" + data.symbol

    def named(self, name: str) -> str:
        """Address of a symbol that somebody else defines."""
        if name not in self.defined:
            self.externs.setdefault(name, f"@{name} = external global i8")
        return "@" + name

    def table(self, table: Table) -> str:
        if self._claim(table.symbol, table):
            kind = memory_type(table.elem)
            values = [self._constant(table.elem, value) for value in table.values]
            self.globals[table.symbol] = (
                f"@{table.symbol} = hidden constant [{len(values)} x {kind}] [{', '.join(f'{kind} {v}' for v in values)}]"
            )
        return "@" + table.symbol

    @staticmethod
    def _constant(kind: Any, value: Any) -> str:
        if is_float(kind):
            return f"0x{(value if isinstance(value, Float) else kind(value)).raw:016x}" if kind.bits == 64 else str(float(value))
        if is_pointer(kind) or is_place(kind):
            raise TypeError("constant tables hold numbers")
        return str(int(kind(value)))

    def variable(self, variable: Variable) -> str:
        if self._claim(variable.symbol, variable):
            size = size_of(variable.elem) * variable.count
            self.globals[variable.symbol] = f"@{variable.symbol} = hidden global [{size} x i8] zeroinitializer, align 16"
        return "@" + variable.symbol

    def string(self, value: bytes) -> str:
        if value not in self.strings:
            name = f"@.str.{len(self.strings)}"
            self.strings[value] = name
            data = "".join(f"\\{byte:02x}" for byte in value + b"\0")
            self.globals[name] = f'{name} = private unnamed_addr constant [{len(value) + 1} x i8] c"{data}"'
        return self.strings[value]


def compile_modules(modules: list[ModuleType]) -> str:
    """LLVM IR text of every function that the modules declare and all they refer to."""
    program = Program()
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, Function) and value.function.__module__ == module.__name__:
                program.function(value)
            elif isinstance(value, Variable):
                program.variable(value)
    bodies: list[str] = []
    done = 0
    while done < len(program.queue):
        function = program.queue[done]
        bodies.append(FunctionCompiler(program, function).compile())
        if function.export:
            bodies.append(wrapper(function, program))
        done += 1
    defined = {"@" + symbol for symbol in program.functions} | {line.split(" ", 1)[0] for line in program.globals.values()}
    declarations = [text for symbol, text in program.externs.items() if "@" + symbol not in defined]
    return "\n".join(
        [
            *program.globals.values(),
            *declarations,
            *bodies,
            '!0 = !{!"branch_weights", i32 2000000, i32 1}',
            '!1 = !{!"branch_weights", i32 1, i32 2000000}',
            "",
        ]
    )


__all__ = ["Program", "compile_modules", "is_array", "memory_type", "void"]
