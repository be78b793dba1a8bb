"""`wasmjit stubs`: what a module exports and imports, as types for type checkers."""

import os

from wasmjit.cli._options import Command, Option, parse_one
from wasmjit.cli._program import read_module
from wasmjit.cli._terminal import require_stdout


def stub_file(text: str) -> str:
    """A file whose suffix says that it only has types: what is in it is not for running."""
    if not text.endswith(".pyi"):
        raise ValueError(f"{text!r} does not end in .pyi")
    return text


COMMAND = Command(
    "stubs",
    "write the types of a module's exports and imports, for type checkers",
    usage="MODULE",
    example="wasmjit stubs examples/statistics.wasm -o statistics.pyi",
    options=(Option("-o --output", "FILE", "write to FILE, a .pyi, instead of standard output", convert=stub_file),),
)


def main(argv: list[str]) -> int:
    """Write the stub; the same module and file name give the same text."""
    parsed = parse_one(COMMAND, argv)
    if parsed is None:
        return 0
    values, path = parsed
    target = values.get("output")
    if target is None:
        require_stdout()
    from wasmjit.cli._stubs import stub

    text = stub(read_module(path), os.path.basename(path))
    if target is None:
        print(text, end="")
        return 0
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)
    return 0
