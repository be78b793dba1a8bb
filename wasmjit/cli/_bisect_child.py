"""One run of a program for `wasmjit bisect`: `python -m wasmjit.cli._bisect_child FD ...` is `wasmjit run ...`.

At the end the instance's memories go, hashed, to the descriptor: two runs that print the same may still differ.
"""

import os
import sys
import zlib

import wasmjit
from wasmjit.cli._options import parse
from wasmjit.cli._program import Program, invoke, load
from wasmjit.cli._report import report
from wasmjit.cli.run import COMMAND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main(argv: list[str]) -> int:
    """Run it; returns the exit code."""
    to, *words = argv
    parsed = parse(COMMAND, words)
    if parsed is None:
        return 0
    values, (path, *args) = parsed
    try:
        name = values.get("invoke")
        program = load(values, path, [] if name else args)
        try:
            if name:
                invoke(program, name, args, COMMAND)
            else:
                program.call(program.instance.exports["_start"])
        finally:
            os.write(int(to), " ".join(hashes(program)).encode())
    except BaseException as error:
        return report(error)
    return 0


def hashes(program: Program) -> "list[Any]":
    """One for the memory, exported or not, and for each exported one."""
    found = []
    for name, item in [("", getattr(program.instance, "memory", None)), *program.instance.exports.items()]:
        if isinstance(item, wasmjit.Memory):
            found.append(f"{name}:{item.nbytes}:{zlib.crc32(item.view()):08x}")
    return found


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code & 0xFF)
