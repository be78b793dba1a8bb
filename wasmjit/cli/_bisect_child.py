"""One run of a program for `wasmjit bisect`: `python -m wasmjit.cli._bisect_child FD ...` is `wasmjit run ...`.

At the end the instance's memories go, hashed, to the descriptor: two runs that print the same may still differ. Nothing goes there when
nothing could be run.
"""

import os
import sys
import zlib

import wasmjit
from wasmjit.cli import _program
from wasmjit.cli._options import UsageError
from wasmjit.cli._report import report
from wasmjit.cli.run import main as run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main(argv: list[str]) -> int:
    """Run it; returns the exit code."""
    to, *words = argv
    try:
        code = run(words)
    except UsageError as error:
        return report(error)
    except BaseException as error:
        code = report(error)
    if _program.last is not None:
        os.write(int(to), (" ".join(hashes(_program.last)) or "none").encode())
    return code


def hashes(program: _program.Program) -> "list[Any]":
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
