"""Which modules Emscripten built: its support functions among the imports, or those of its stack among the exports."""

from wasmjit.emscripten.table import OWN, is_invoke, signatures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

PREFIXES = ("emscripten_", "_emscripten_", "__syscall_")
STACKS = ({"stackSave", "stackRestore", "stackAlloc"}, {"_emscripten_stack_restore", "_emscripten_stack_alloc"})  # before 3.1.60, and since

MAINS = ("main", "__main_argc_argv", "__main_void", "_main")
FUNCTION_TABLE = "__indirect_function_table"
MADE = {("env", "memory", "memory"), ("env", FUNCTION_TABLE, "table")}  # what JavaScript makes for a module that imports it


def recognised(rows: "Iterable[Any]", exports: "Iterable[str]") -> bool:
    """Whether imports, as decoded, or names of exports are those of an Emscripten build whose names were not minified."""
    functions = [row for row in rows if row[0] == "env" and row[2] == "func"]
    if any([own(row[1]) or is_invoke(row[1], row[4]) for row in functions]):
        return True
    names = set(exports)
    return any([stack <= names for stack in STACKS])


def own(name: str) -> bool:
    """Whether no other toolchain has an import of this name."""
    return name in OWN or name.startswith(PREFIXES)


def provides(module: str, name: str, params: tuple[str, ...], results: tuple[str, ...]) -> bool:
    """Whether a function that a recognised module imports is implemented, those of WASI with halves of 64-bit integers included."""
    from wasmjit.wasi.table import MODULES, signature

    row = MODULES.get(module, {}).get(name)
    if row is not None and halved(signature(row, name), params, results) is not None:
        return True
    return signatures(module, name, params, results) is not None


def halved(types: "Any", params: tuple[str, ...], results: tuple[str, ...]) -> str | None:
    """A function's parameters in letters where the module passes each i64 of its types as two i32; None where it does not."""
    takes = "".join(["I" if kind == "i64" else "i" for kind in types[0]])
    return takes if len(takes.replace("I", "ii")) == len(params) and types[1] == results and set(params) <= {"i32"} else None
