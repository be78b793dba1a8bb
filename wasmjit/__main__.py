"""The `wasmjit` command as a process: `bin/wasmjit`, `python -m wasmjit`. What it does stands in `wasmjit.cli`."""

import gc
import os
import sys

from wasmjit.native.bundle import Bundle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def script() -> "NoReturn":
    """The installed command: `main`, and then the end of the process.

    The collector is off until a program starts (`_program.Program`): all that is made before stays. At the end nothing is left
    to do but to flush and what is registered with atexit, so the interpreter is not torn down, which would take 2 ms and wait for
    the compiler, unless a profiler or a tracer waits for it.
    """
    gc.disable()
    bundle = Bundle()
    bundle.install()
    from wasmjit.cli import main

    code = main()
    bundle.keep()
    if sys.gettrace() or sys.getprofile():
        sys.exit(code)
    if atexit := sys.modules.get("atexit"):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:  # reported by main already
            pass
    os._exit(code & 0xFF)


if __name__ == "__main__":
    script()
