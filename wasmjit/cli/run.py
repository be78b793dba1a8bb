"""`wasmjit run`: start a program."""

import wasmjit
from wasmjit.cli._options import Command, Option, UsageError, parse
from wasmjit.cli._program import OPTIONS, Program, invoke, load, print_stats

COMMAND = Command(
    "run",
    "run a WebAssembly program",
    usage="MODULE [ARGS...]",
    example="wasmjit run --dir . --env LANG=C tool.wasm input.txt",
    options=(*OPTIONS, Option("--invoke", "FN", "call the export FN; ARGS are its arguments")),
    program=True,
)


def main(argv: list[str]) -> int:
    """Run the program: its `_start`, or the export that --invoke names. Returns the program's exit code."""
    parsed = parse(COMMAND, argv)
    if parsed is None:
        return 0
    values, operands = parsed
    if not operands:
        raise UsageError("no module to run", COMMAND)
    path, *args = operands
    name = values.get("invoke")
    program = load(values, path, [] if name is not None else args)
    try:
        if name is not None:
            invoke(program, name, args, COMMAND)
        else:
            start(program, path)
    except wasmjit.Exit as error:
        return error.code
    finally:
        if "stats" in values:
            print_stats(program)
    return 0


def start(program: Program, path: str) -> None:
    """Call `_start`, what makes a module a program."""
    entry = program.instance.exports["_start"] if "_start" in program.instance.exports else None
    if not isinstance(entry, wasmjit.Func):
        raise UsageError(f"{path} is no program: it exports no function _start; call another export with --invoke FN", COMMAND)
    program.call(entry)
