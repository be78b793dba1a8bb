"""From options to a running instance: what `run` and `invoke` have in common. The option names are those of wasmtime."""

from __future__ import annotations

import os
import sys

from wasmjit import Config, Func, Instance, Limits, Module, Wasi
from wasmjit._config import TIERS
from wasmjit.cli._options import Command, Option, UsageError
from wasmjit.cli._values import boolean, choice, count, duration, show_value, size, wasm_value

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    Option("--stats", "", "print what the run took to stderr"),
)


def instantiate(values: dict[str, Any], path: str, args: list[str]) -> Instance:
    """Load the module at `path` and make its instance, with `args` as the program's arguments and our standard streams as its own."""
    wasm = values.get("wasm", {})
    environment = dict(os.environ) if values.get("wasi", {}).get("inherit_env") else {}
    environment.update(pair for pair in values.get("env", ()) if pair is not None)
    wasi = Wasi(
        args=[values.get("argv0", path), *args],
        env=environment,
        stdin=0,
        stdout=1,
        stderr=2,
        dirs=dict(values.get("dir", ())),
    )
    return Instance(
        load_module(values, path),
        wasi=wasi,
        limits=Limits(memory=wasm.get("max_memory_size"), table=wasm.get("max_table_elements")),
        timeout=wasm.get("timeout"),
        unknown_imports="trap" if wasm.get("unknown_imports_trap") else "error",
    )


def load_module(values: dict[str, Any], path: str) -> Module:
    """The module in the file `path`, binary or text, in the tier that the options name."""
    return Module.from_file(path, config=Config(tier=values.get("tier", "auto")))


def invoke(instance: Instance, name: str, texts: list[str], command: Command) -> None:
    """Call the exported function `name` with arguments in text form and print its results, one a line."""
    functions = {export: item for export, item in instance.exports.items() if isinstance(item, Func)}
    if name not in functions:
        raise UsageError(f"no exported function {name!r}; there are: {', '.join(functions) or 'none'}", command)
    function = functions[name]
    params, results = function.type.params, function.type.results
    if len(texts) != len(params):
        raise UsageError(f"{name} takes {len(params)} arguments: {function.type}, not {len(texts)}", command)
    try:
        arguments = [wasm_value(kind, text) for kind, text in zip(params, texts, strict=True)]
    except ValueError as error:
        raise UsageError(f"{name}: {error}", command) from None
    value = function(*arguments)
    shown = () if not results else (value,) if len(results) == 1 else value
    sys.stdout.write("".join(f"{show_value(kind, result)}\n" for kind, result in zip(results, shown, strict=True)))
    sys.stdout.flush()


def print_stats(instance: Instance) -> None:
    """Print the instance's statistics to stderr, one a line."""
    from wasmjit.cli._terminal import note

    for name, value in sorted(instance.stats.items()):
        note(f"{name:<24} {value}")
