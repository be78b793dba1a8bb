"""`wasmjit`, `wasmjit --help` and `wasmjit --version`: what there is."""

import platform
from importlib import import_module

from wasmjit._version import __version__
from wasmjit.cli import COMMANDS
from wasmjit.cli._options import UsageError, instead, nearest
from wasmjit.cli._terminal import require_stdout


def overview() -> str:
    """The text of `wasmjit --help`, without a newline at the end."""
    lines = ["usage: wasmjit [COMMAND] [OPTIONS] ...", "", "A WebAssembly runtime. Without a command name: run.", "", "commands:"]
    for name in COMMANDS:
        lines.append(f"  {name:<10} {import_module(f'wasmjit.cli.{name}').COMMAND.summary}")
    lines += ["", "`wasmjit COMMAND --help` tells its options."]
    lines += ["Exit codes: the program's own, 134 trap or timeout, 1 error, 2 usage, 130 Ctrl-C."]
    return "\n".join(lines)


def misspelt(name: str) -> None:
    """UsageError if the file that is not there has the name of a command, nearly."""
    near = nearest(name, COMMANDS) if name.isalpha() else None
    if near is not None:
        raise UsageError(f"{name}: neither a file nor a command; did you mean {near}?")


def main(argv: list[str]) -> int:
    """Answer `argv`: nothing (a usage error), a request for help (of one command: `help NAME`), or for the version."""
    if not argv:
        raise UsageError("no module to run")
    require_stdout()
    if argv[0] in ("-V", "--version"):
        print(f"wasmjit {__version__} (Python {platform.python_version()}, {platform.system()} {platform.machine()})")
    elif argv[0] == "help" and len(argv) > 1:
        if argv[1] not in COMMANDS:
            raise UsageError(f"no command {argv[1]!r}; {instead(argv[1], COMMANDS)}")
        print(import_module(f"wasmjit.cli.{argv[1]}").COMMAND.help())
    else:
        print(overview())
    return 0
