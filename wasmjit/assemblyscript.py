"""What AssemblyScript's compiler expects of JavaScript: `abort`, `trace`, `seed`, and the `console`.

Strings of a guest are UTF-16 in its memory, their length in bytes in the four bytes before them.
"""

from wasmjit._functype import FuncType
from wasmjit.wasi._memory import M32, memory
from wasmjit.wasi.abi import MONOTONIC, REALTIME, Right
from wasmjit.wasi.errno import Raised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, NoReturn

    from wasmjit.wasi.context import Context

TEXT_MAX = 1 << 16  # bytes of a string that are shown
ABORT = FuncType(["i32"] * 4)
TYPES = {
    "abort": ABORT,
    "trace": FuncType(["i32", "i32", *["f64"] * 5]),
    "seed": FuncType([], ["f64"]),
    "Date.now": FuncType([], ["f64"]),
    "performance.now": FuncType([], ["f64"]),
    "process.exit": FuncType(["i32"]),
} | {f"console.{name}": FuncType(["i32"]) for name in ("log", "info", "debug", "warn", "error")}
ERRORS = ("console.warn", "console.error")  # what goes to stderr


def expected(rows: "Iterable[Any]") -> bool:
    """Whether imports, as decoded, have the `abort` of AssemblyScript, which every other toolchain gives another type."""
    return any([row[:3] == ("env", "abort", "func") and FuncType(*row[4:6]) == ABORT for row in rows])


def provides(module: str, name: str, kind: object) -> bool:
    """Whether an import of such a module is one of those here."""
    return module == "env" and TYPES.get(name) == kind


class AssemblyScript:
    """What stands for the imports of such a module. world: the import modules of WASI, whose streams, clocks and seeds are used."""

    def __init__(self, world: "Any") -> None:
        self.context: Context = world.context

    def find(self, row: "Any", found: "Any") -> "Any":
        """The function for an import of its exact type; what is not known is not given."""
        space, name, kind = row[:3]
        if kind != "func" or not provides(space, name, FuncType(*row[4:6])):
            return found
        functions: dict[str, Callable[..., Any]] = {
            "abort": self.abort,
            "trace": self.trace,
            "seed": lambda instance: float(int.from_bytes(self.context.random(6), "little")),
            "Date.now": lambda instance: float(self.context.clock(REALTIME) // 1_000_000),
            "performance.now": lambda instance: self.context.clock(MONOTONIC) / 1e6,
            "process.exit": self.exit,
        }
        call = functions.get(name) or self.console(name)

        def bound(instance: "Any", *arguments: "Any") -> "Any":
            return call(instance, *arguments)

        bound.__name__ = name
        bound._wasmjit_pass_instance = True  # type: ignore[attr-defined]
        bound._wasmjit_type = row[4:6]  # type: ignore[attr-defined]
        return bound

    def prepare(self, instance: "Any") -> None:
        """Its start function does all."""

    def program(self, instance: "Any") -> None:
        """None: there are only libraries."""

    def abort(self, instance: "Any", message: int, file: int, line: int, column: int) -> "NoReturn":
        from wasmjit._traps import Unreachable

        window = memory(instance)
        raise Unreachable(f"abort: {string(window, message)} at {string(window, file)}:{line & M32}:{column & M32}")

    def exit(self, instance: "Any", code: int) -> "NoReturn":
        from wasmjit._errors import Exit

        raise Exit(code & M32)

    def trace(self, instance: "Any", message: int, count: int, *numbers: float) -> None:
        shown = ", ".join([f"{number:g}" for number in numbers[: max(count, 0)]])
        self.write(1, f"trace: {string(memory(instance), message)}{' ' if shown else ''}{shown}")

    def console(self, name: str) -> "Callable[..., None]":
        """The function that writes a line to where `name` does."""
        number = 2 if name in ERRORS else 1
        return lambda instance, message: self.write(number, string(memory(instance), message))

    def write(self, number: int, line: str) -> None:
        """Write a line to a standard stream; nothing where the guest has none."""
        descriptor = self.context.files.get(number)
        if descriptor is None or not descriptor.rights & Right.FD_WRITE:
            return
        left = memoryview(f"{line}\n".encode(errors="replace"))
        try:
            while left:
                left = left[descriptor.write([left]) :]
        except Raised as error:
            raise error.error from error.error.__cause__


def string(window: memoryview, pointer: int) -> str:
    """A string as text: cut at TEXT_MAX bytes and where memory ends, "null" for a null pointer, "?" for what is outside of memory."""
    pointer &= M32
    if pointer == 0:
        return "null"
    if not 4 <= pointer <= len(window):
        return "?"
    count = min(int.from_bytes(window[pointer - 4 : pointer], "little"), TEXT_MAX) & ~1
    return bytes(window[pointer : min(pointer + count, len(window))]).decode("utf-16-le", errors="replace")
