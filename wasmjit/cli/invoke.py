"""`wasmjit invoke`: call one exported function."""

from wasmjit.cli import _program
from wasmjit.cli._options import Command, UsageError, parse
from wasmjit.cli._settings import OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COMMAND = Command(
    "invoke",
    "call an exported function and print its results, one a line",
    usage="MODULE FN [ARGS...]",
    example="wasmjit invoke examples/hello.wasm add 2 3",
    options=OPTIONS,
    program=True,
)


def main(argv: list[str]) -> int:
    """Call the function. Arguments are read by its parameter types; references can only be `null`."""
    parsed = parse(COMMAND, argv)
    if parsed is None:
        return 0
    values, operands = parsed
    if len(operands) < 2:
        raise UsageError("a module and the name of an exported function are needed", COMMAND)
    return _program.traced(values, lambda: execute(values, *operands))


def execute(values: "dict[str, Any]", path: str, name: str, *args: str) -> int:
    """The same with the command line read."""
    program = _program.load(values, path, [])
    try:
        _program.invoke(program, name, list(args), COMMAND)
    finally:
        _program.account(values, program)
    return 0
