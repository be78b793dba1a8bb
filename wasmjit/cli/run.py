"""`wasmjit run`: start a program."""

from wasmjit.cli._options import Command, Option, UsageError, parse
from wasmjit.cli._program import account, invoke, load, start_program, traced
from wasmjit.cli._settings import OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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
    return traced(values, lambda: execute(values, *operands))


def execute(values: "dict[str, Any]", path: str, *args: str) -> int:
    """The same with the command line read."""
    name = values.get("invoke")
    if name is None:
        return start_program(values, path, list(args))
    program = load(values, path, [])
    try:
        invoke(program, name, list(args), COMMAND)
    finally:
        account(values, program)
    return 0
