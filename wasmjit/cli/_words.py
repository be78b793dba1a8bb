"""What may stand where on a command line, read from the option tables: what completion scripts are made of."""

from importlib import import_module

from wasmjit.cli import COMMANDS
from wasmjit.cli._options import Command, Option
from wasmjit.cli._values import boolean

HELP = ("help", "tell the options of a command")  # is no module of its own, see _overview

# what the names of values in usage lines and help stand for
KINDS = {
    "MODULE": "modules",
    "FILE": "files",
    "FILE|DIR": "files",
    "DIR": "directories",
    "HOST[::GUEST[::ro]]": "directories",
    "NAME=PATH": "libraries",
}


class Values:
    """What a value may be. kind: "words", "keys", a kind of files (see KINDS), or "any" for what only the user knows.

    words: the words, or of keys `key=` where a value follows and `key` where y or n may.
    """

    __slots__ = ("kind", "words")

    def __init__(self, kind: str, words: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.words = words

    def __str__(self) -> str:
        return " ".join((self.kind, *self.words))


def commands() -> dict[str, Command]:
    """All commands by name, in the order of the help."""
    return {name: import_module(f"wasmjit.cli.{name}").COMMAND for name in COMMANDS}


def option_names(command: Command) -> list[str]:
    """The names of all options of a command."""
    return [name for option in command.options for name in option.names]


def option_values(option: Option) -> Values | None:
    """What the option takes; None for a flag."""
    if option.keys:
        return Values("keys", tuple([key.names[-1] + ("=" if key.metavar else "") for key in option.keys]))
    if option.convert is boolean:
        return Values("words", ("y", "n"))
    if not option.metavar:
        return None
    words: tuple[str, ...] = getattr(option.convert, "names", ())
    return Values("words", words) if words else Values(KINDS.get(option.metavar, "any"))


def operand_values(command: Command) -> Values:
    """What the first operand may be: alternatives in small letters are words to write, names in KINDS are files."""
    for word in command.usage.replace("...", "").strip("[]").split():
        if word in KINDS:
            return Values(KINDS[word])
        if "|" in word:
            return Values("words", tuple(word.split("|")))
    return Values("any")
