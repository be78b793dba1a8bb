"""From option values to a running program: what `run` and `invoke` have in common.

It knows no option tables, so a command line without options needs none: `start_program` is all of `wasmjit MODULE`.
"""

import gc
import os
from time import monotonic

import wasmjit  # its names are looked up when used: a usage error needs no runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from socket import socket
    from typing import Any

    from wasmjit.cli._options import Command


class Program:
    """An instance, and the seconds that are left for its calls. timeout: for everything from now on, None for no limit.

    libraries: (name, module) of what is instantiated before it and exports to it. The other settings are those of `Instance`.
    """

    def __init__(
        self,
        module: "wasmjit.Module",
        *,
        timeout: float | None,
        libraries: "Iterable[tuple[str, wasmjit.Module]]" = (),
        **settings: "Any",
    ) -> None:
        self.deadline = None if timeout is None else monotonic() + timeout
        instance = wasmjit.Instance
        if not gc.isenabled():  # see wasmjit.__main__: nearly all is imported by now, and will stay
            gc.freeze()
            gc.enable()
        if libraries:
            from wasmjit.cli._preload import preload

            settings = preload(libraries, self, settings)
        self.instance = instance(module, timeout=self.left(), **settings)

    def left(self) -> float | None:
        """The seconds that are left, None for no limit."""
        return None if self.deadline is None else max(0.0, self.deadline - monotonic())

    def call(self, function: "wasmjit.Func", arguments: "Iterable[object]" = ()) -> "Any":
        """Call a function of the instance in the time that is left."""
        if self.deadline is None:
            return function(*arguments)
        return function(*arguments, timeout=self.left())


last: Program | None = None  # a module that lives to the end of the process leaves what was not compiled in time, see tiers/finish.py


def load(values: "dict[str, Any]", path: str, args: list[str]) -> Program:
    """Load the module at `path` and make its instance, with `args` as the program's arguments and our standard streams as its own."""
    from wasmjit.wasi.hostfile import CommandOutput

    global last
    wasm, system = values.get("wasm", {}), values.get("wasi", {})
    config = config_of(values)
    module = read_module(path, config)
    environment = dict(os.environ) if system.get("inherit_env") else {}
    environment.update(pair for pair in values.get("env", ()) if pair is not None)
    repeatable = values.get("deterministic", False)
    last = Program(
        module,
        libraries=[(name, read_module(library, config)) for name, library in values.get("preload", ())],
        wasi=wasmjit.Wasi(
            [values.get("argv0", path), *args],
            environment,
            stdin=0,
            stdout=CommandOutput(1),
            stderr=CommandOutput(2),
            dirs=[wasmjit.Dir(*directory) for directory in values.get("dir", ())],
            clock=wasmjit.VirtualClock() if repeatable else None,
            random=0 if repeatable else None,
            sockets=listeners(system.get("tcplisten")),
        ),
        limits=wasmjit.Limits(memory=wasm.get("max_memory_size"), table=wasm.get("max_table_elements"), stack=wasm.get("max_wasm_stack")),
        unknown_imports="trap" if wasm.get("unknown_imports_trap") else "error",
        timeout=wasm.get("timeout"),
    )
    return last


def read_module(path: str, config: "wasmjit.Config | None" = None) -> "wasmjit.Module":
    """The module in a file. A CompileError says which file it is about."""
    try:
        return wasmjit.Module.from_file(path, config=config)
    except wasmjit.CompileError as error:
        raise in_file(path, error) from None
    except OSError as error:
        error.filename = error.filename or path  # reading tells none: of a directory
        raise


def in_file(path: str, error: "wasmjit.CompileError") -> "wasmjit.CompileError":
    """The error, with the file that it is about."""
    return wasmjit.CompileError(f"{path}: {error}", feature=error.feature)


def listeners(addresses: "list[tuple[str, int]] | None") -> "list[socket]":
    """A listening socket for each (host, port). OSError: an address that is none of this machine, or is in use."""
    if addresses is None:
        return []
    from wasmjit.cli._listen import listen

    return [listen(*address) for address in addresses]


def config_of(values: "dict[str, Any]") -> "wasmjit.Config":
    """The settings of tiers that options give."""
    try:
        cache = "WASMJIT_ONLY" not in os.environ  # see tiers/restrict.py: kept code would be that of all functions
        return wasmjit.Config(
            values.get("tier", "auto"),
            compile=values.get("compile"),
            stress=values.get("stress"),
            cache=cache,
            deterministic=values.get("deterministic", False),
        )
    except ValueError as error:
        from wasmjit.cli._options import UsageError

        raise UsageError(str(error)) from None


def start_program(values: "dict[str, Any]", path: str, args: list[str]) -> int:
    """Load a program and call its `_start`, or Emscripten's `main`: what makes a module a program. Returns its exit code."""
    program = load(values, path, args)
    from wasmjit._provided import program as find_program

    try:
        start = find_program(program.instance)
        if start is None:
            from wasmjit.cli._options import UsageError

            raise UsageError(f"{path} is no program: it exports no function _start; call another export with --invoke FN")
        return program.call(start) or 0
    except wasmjit.Exit as error:
        return error.code
    finally:
        account(values, program)


def traced(values: "dict[str, Any]", work: "Callable[[], int]") -> int:
    """Do what returns the exit code, and write the trace of it if --trace-out asks for one."""
    path = values.get("trace_out")
    if path is None:
        return work()
    with wasmjit.trace(path):
        return work()


def invoke(program: Program, name: str, texts: list[str], command: "Command") -> None:
    """Call the exported function `name` with arguments in text form and print its results, one a line."""
    from wasmjit.cli._options import UsageError
    from wasmjit.cli._terminal import require_stdout
    from wasmjit.cli._values import show_value, wasm_value

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


def account(values: "dict[str, Any]", program: Program) -> None:
    """Write what options ask for when a program has ended."""
    if "profile_out" in values:
        from wasmjit.cli.compile import write_profile

        write_profile(values["profile_out"], program.instance.module)
    if "stats" in values:
        print_stats(program)


def print_stats(program: Program) -> None:
    """Print the program's figures to stderr, one a line."""
    from wasmjit.cli._terminal import note

    for name, value in sorted(program.instance.stats.items()):
        note(f"{name:<24} {value}")
