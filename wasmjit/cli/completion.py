"""`wasmjit completion`: what makes a shell complete the command's words."""

from wasmjit.cli._options import Command, UsageError, instead, parse_one
from wasmjit.cli._terminal import require_stdout

SHELLS = ("bash", "zsh", "fish")

COMMAND = Command(
    "completion",
    "print the script by which a shell completes commands, options and files",
    usage="|".join(SHELLS),
    example="wasmjit completion bash > ~/.local/share/bash-completion/completions/wasmjit",
)


def main(argv: list[str]) -> int:
    """Print the script of the shell that `argv` names. What to do with it stands in its first lines."""
    parsed = parse_one(COMMAND, argv)
    if parsed is None:
        return 0
    _, shell = parsed
    if shell not in SHELLS:
        raise UsageError(f"no completion for {shell!r}; {instead(shell, SHELLS)}", COMMAND)
    require_stdout()
    from importlib import import_module

    from wasmjit.cli._words import commands

    print(import_module(f"wasmjit.cli._complete_{shell}").script(commands()), end="")
    return 0
