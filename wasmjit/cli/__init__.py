"""The `wasmjit` command: `wasmjit [COMMAND] [OPTIONS] ...`, `run` where no command is named.

One module a subcommand. Each has `COMMAND`, a `Command` row (name, summary, usage, example, options), and
`main(argv: list[str]) -> int`, which gets what stands behind the name and returns the exit code. `run` is what starts programs,
so the way to it imports nothing that it does not need: options are tables read by `_options`, there is no argparse, and a
command line that is just a program and its arguments needs no tables either.

Exit codes: the guest's own, 134 trap or timeout, 1 error, 2 usage, 130 Ctrl-C.
"""

import gc
import sys

COMMANDS = ("run", "invoke", "info", "stubs", "wast", "compile", "cache", "trace", "bench", "bisect", "completion")


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


def dispatch(argv: list[str]) -> int:
    """Give the command line to its subcommand. A subcommand's name wins over a file of that name: write `./run` for the file."""
    first = argv[0] if argv else ""
    if first in COMMANDS:
        if first != "run":
            gc.enable()
        code: int = __import__(f"wasmjit.cli.{first}", fromlist=["main"]).main(argv[1:])  # importlib itself would cost 2 ms
        return code
    if not argv or first in ("-h", "--help", "help", "-V", "--version"):
        from wasmjit.cli._overview import main as overview

        return overview(argv)
    if first[:1] != "-":
        from wasmjit.cli._program import start_program

        try:
            return start_program({}, first, argv[1:])
        except FileNotFoundError as error:
            if error.filename == first:
                from wasmjit.cli._overview import misspelt

                misspelt(first)
            raise
    from wasmjit.cli.run import main as run

    return run(argv)
