"""`wasmjit info`: what a module holds and needs."""

from __future__ import annotations

from wasmjit import Module
from wasmjit.cli._options import Command, UsageError, parse
from wasmjit.cli._terminal import require_stdout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COMMAND = Command(
    "info",
    "show a module's sections, imports, exports and the features it needs",
    usage="MODULE...",
    example="wasmjit info examples/hello.wasm",
)

SECTIONS = "custom type import function table memory global export start element code data data-count tag".split()  # by id, spec 5.5.2


def main(argv: list[str]) -> int:
    """Print a description of each module."""
    parsed = parse(COMMAND, argv)
    if parsed is None:
        return 0
    _, paths = parsed
    if not paths:
        raise UsageError("no module to look at", COMMAND)
    require_stdout()
    print("\n\n".join("\n".join(describe(path)) for path in paths))
    return 0
