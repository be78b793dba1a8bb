"""The `wasmjit` command: `wasmjit [COMMAND] [OPTIONS] ...`, `run` where no command is named.

One module a subcommand. Each has `COMMAND`, a `Command` row (name, summary, usage, example, options), and
`main(argv: list[str]) -> int`, which gets what stands behind the name and returns the exit code. `run` is what starts programs,
so the way to it imports nothing that it does not need: options are tables read by `_options`, there is no argparse, and a
command line that is just a program and its arguments needs no tables either.

Exit codes: the guest's own, 134 trap or timeout, 1 error, 2 usage, 130 Ctrl-C.
"""

import atexit
import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

COMMANDS = ("run", "invoke", "info", "wast", "cache")


def main(argv: list[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's own) and return the exit code; `SystemExit` is never raised here."""
    if argv is None:
        argv = sys.argv[1:]
    try:
        if sys.stdin is None or sys.stdout is None or sys.stderr is None:
            from wasmjit.cli._terminal import occupy_closed_streams

            occupy_closed_streams()
        code = dispatch(argv)
        if sys.stdout is not None:
            sys.stdout.flush()  # a full disk or a closed pipe is an error of this command, not of the interpreter's shutdown
        return code
    except BaseException as error:
        from wasmjit.cli._report import report

        return report(error)


def script() -> "NoReturn":
    """The installed command: `main`, and then the end of the process.

    The collector is off until a program starts (`_program.Program`): all that is made before stays. At the end nothing is left
    to do but to flush, so the interpreter is not torn down, which would take 2 ms, unless somebody waits for it: a profiler or
    a tracer, or what is registered with atexit.
    """
    gc.disable()
    from wasmjit.native.bundle import Bundle

    bundle = Bundle()
    bundle.install()
    code = main()
    bundle.keep()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:  # reported by main already
            pass
    if atexit._ncallbacks() or sys.gettrace() or sys.getprofile():
        sys.exit(code)
    os._exit(code & 0xFF)


def dispatch(argv: list[str]) -> int:
    """Give the command line to its subcommand. A subcommand's name wins over a file of that name: write `./run` for the file."""
    first = argv[0] if argv else ""
    if first in COMMANDS:
        if first != "run":
            gc.enable()
        code: int = __import__(f"wasmjit.cli.{first}", fromlist=["main"]).main(argv[1:])  # importlib itself would cost 2 ms
        return code
    if first in ("", "-h", "--help", "help", "-V", "--version"):
        from wasmjit.cli._overview import main as overview

        return overview(argv)
    if first[0] != "-":
        from wasmjit.cli._program import start_program

        return start_program({}, first, argv[1:])
    from wasmjit.cli.run import main as run

    return run(argv)
