"""`wasmjit run`: start a program."""

from wasmjit.cli._options import Command, Option, UsageError, parse
from wasmjit.cli._program import invoke, load, print_stats, start_program
from wasmjit.cli._settings import OPTIONS

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
    if name is None:
        return start_program(values, path, args)
    program = load(values, path, [])
    try:
        invoke(program, name, args, COMMAND)
    finally:
        if "stats" in values:
            print_stats(program)
    return 0
