"""From options to a running program: what `run` and `invoke` have in common. The option names are those of wasmtime."""

import os
from time import monotonic

import wasmjit  # its names are looked up when used: a usage error needs no runtime
from wasmjit._config import TIERS
from wasmjit.cli._options import Command, Option, UsageError
from wasmjit.cli._values import boolean, choice, count, duration, show_value, size, wasm_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def directory(text: str) -> tuple[str, str]:
    """`HOST::GUEST` or `HOST` (seen under the same name) as (guest, host)."""
    host, separator, guest = text.partition("::")
    if not host or (separator and not guest):
        raise ValueError(f"{text!r} is not HOST or HOST::GUEST")
    return guest or host, host


def variable(text: str) -> tuple[str, str] | None:
    """`NAME=VAL`, or `NAME` for the value that it has here; None where it has none."""
    name, equals, value = text.partition("=")
    if not name:
        raise ValueError(f"{text!r} is not NAME or NAME=VAL")
    if equals:
        return name, value
    return (name, os.environ[name]) if name in os.environ else None


WASM = Option(
    "-W --wasm",
    "KEY=VAL,...",
    "limits and features of WebAssembly:",
    keys=(
        Option("timeout", "TIME", "trap after TIME: 10 (seconds), 1.5s, 500ms", convert=duration),
        Option("max-memory-size", "SIZE", "bytes of each memory: 65536, 64M, 2G; growing beyond fails", convert=size),
        Option("max-table-elements", "N", "elements of each table", convert=count),
        Option("unknown-imports-trap", "", "imports that nothing provides trap when they are called", convert=boolean),
    ),
)
WASI = Option(
    "-S --wasi",
    "KEY=VAL,...",
    "what the program sees of the system:",
    keys=(Option("inherit-env", "", "all environment variables", convert=boolean),),
)
OPTIONS = (
    Option("--dir", "HOST[::GUEST]", "let the program use the directory HOST, named GUEST there", convert=directory, many=True),
    Option("--env", "NAME[=VAL]", "set an environment variable; without =VAL to its value here", convert=variable, many=True),
    Option("--argv0", "NAME", "what the program sees as its own name"),
    WASM,
    WASI,
    Option("--tier", "TIER", f"how the code runs: {', '.join(TIERS)}", convert=choice(*TIERS)),
    Option("--stats", "", "print figures of the run to stderr"),
)


class Program:
    """An instance, and the seconds that are left for its calls. timeout: for everything from now on, None for no limit.

    The other settings are those of `Instance`.
    """

    def __init__(self, module: "wasmjit.Module", *, timeout: float | None, **settings: "Any") -> None:
        self.deadline = None if timeout is None else monotonic() + timeout
        self.instance = wasmjit.Instance(module, timeout=timeout, **settings)

    def call(self, function: "wasmjit.Func", arguments: "Iterable[object]" = ()) -> "Any":
        """Call a function of the instance in the time that is left."""
        if self.deadline is None:
            return function(*arguments)
        return function(*arguments, timeout=max(0.0, self.deadline - monotonic()))


def load(values: "dict[str, Any]", path: str, args: list[str]) -> Program:
    """Load the module at `path` and make its instance, with `args` as the program's arguments and our standard streams as its own."""
    wasm = values.get("wasm", {})
    environment = dict(os.environ) if values.get("wasi", {}).get("inherit_env") else {}
    environment.update(pair for pair in values.get("env", ()) if pair is not None)
    return Program(
        wasmjit.Module.from_file(path, config=wasmjit.Config(tier=values.get("tier", "auto"))),
        wasi=wasmjit.Wasi([values.get("argv0", path), *args], environment, stdin=0, stdout=1, stderr=2, dirs=dict(values.get("dir", ()))),
        limits=wasmjit.Limits(memory=wasm.get("max_memory_size"), table=wasm.get("max_table_elements")),
        unknown_imports="trap" if wasm.get("unknown_imports_trap") else "error",
        timeout=wasm.get("timeout"),
    )


def invoke(program: Program, name: str, texts: list[str], command: Command) -> None:
    """Call the exported function `name` with arguments in text form and print its results, one a line."""
    from wasmjit.cli._terminal import require_stdout

    require_stdout()
    function = program.instance.exports[name] if name in program.instance.exports else None
    if not isinstance(function, wasmjit.Func):
        names = [export.name for export in program.instance.module.exports if export.kind == "func"]
        raise UsageError(f"no exported function {name!r}; there are: {', '.join(names) or 'none'}", command)
    params, results = function.type.params, function.type.results
    if len(texts) != len(params):
        raise UsageError(f"{name} takes {len(params)} arguments: {function.type}, not {len(texts)}", command)
    try:
        arguments = [wasm_value(kind, text) for kind, text in zip(params, texts, strict=True)]
    except ValueError as error:
        raise UsageError(f"{name}: {error}", command) from None
    value = program.call(function, arguments)
    shown = () if not results else (value,) if len(results) == 1 else value
    for kind, result in zip(results, shown, strict=True):
        print(show_value(kind, result), flush=True)


def print_stats(program: Program) -> None:
    """Print the program's figures to stderr, one a line."""
    from wasmjit.cli._terminal import note

    for name, value in sorted(program.instance.stats.items()):
        note(f"{name:<24} {value}")
