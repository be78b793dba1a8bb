"""Command lines as tables: options, subcommands, parsing, help.

Hand-written because argparse costs more to import than the runtime takes to load. A subcommand declares a `Command` with its
`Option` rows; `parse` and `Command.help` are all that reads them, so help, errors and docs/cli.md cannot disagree with what is
accepted.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any


class UsageError(Exception):
    """The command line is wrong: exit code 2. `command` is the subcommand whose usage the message shows, if known."""

    def __init__(self, message: str, command: "Command | None" = None) -> None:
        super().__init__(message)
        self.command = command


class Option:
    """One option: `--name VALUE`, `--name=VALUE`, `-x VALUE` or `-xVALUE`; a flag where `metavar` is empty.

    convert: text to value; its ValueError becomes a UsageError. many: the option may be repeated, its value is a list.
    keys: the value is `key=value,...` with these rows; the option's value is the dict of what was given.
    """

    __slots__ = ("convert", "help", "keys", "many", "metavar", "name", "names")

    def __init__(
        self,
        names: str,
        metavar: str = "",
        help: str = "",
        *,
        convert: "Callable[[str], Any]" = str,
        many: bool = False,
        keys: "tuple[Option, ...]" = (),
    ) -> None:
        self.names = names.split()
        self.name = self.names[-1].lstrip("-").replace("-", "_")
        self.metavar = metavar
        self.help = help
        self.convert = convert
        self.many = many
        self.keys = keys


HELP = Option("-h --help", help="show this and exit")


class Command:
    """One subcommand: what `wasmjit --help` lists and what `parse` reads.

    usage: what follows `wasmjit NAME [OPTIONS]`. example: one command line that works. program: everything behind the first operand
    belongs to the WebAssembly program, so options end there; elsewhere options and operands may stand in any order.
    """

    __slots__ = ("example", "name", "options", "program", "summary", "usage")

    def __init__(
        self, name: str, summary: str, *, usage: str, example: str, options: tuple[Option, ...] = (), program: bool = False
    ) -> None:
        self.name = name
        self.summary = summary
        self.usage = usage
        self.example = example
        self.options = (*options, HELP)
        self.program = program

    @property
    def synopsis(self) -> str:
        """The usage line."""
        return f"usage: wasmjit {self.name} [OPTIONS] {self.usage}".rstrip()

    def help(self) -> str:
        """The whole help text, without a newline at the end."""
        lines = [self.synopsis, "", f"{self.summary[0].upper()}{self.summary[1:]}.", "", "options:"]
        for option in self.options:
            lines.append(_row(", ".join(option.names) + (f" {option.metavar}" if option.metavar else ""), option.help))
            lines += [_row("    " + key.names[-1] + (f"={key.metavar}" if key.metavar else ""), key.help) for key in option.keys]
        return "\n".join([*lines, "", "example:", f"  {self.example}"])


def nearest(word: str, names: "Iterable[str]") -> str | None:
    """The one of `names` that `word` was probably meant to be."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(names), 1)), None)


def instead(word: str, names: "Iterable[str]") -> str:
    """What a message about an unknown word ends with: the name that was probably meant, else all there are."""
    near = nearest(word, names)
    return f"did you mean {near}?" if near else f"there are: {', '.join(names)}"


def _row(left: str, right: str) -> str:
    return f"  {left:<34} {right}"


def parse(command: Command, argv: list[str]) -> "tuple[dict[str, Any], list[str]] | None":
    """Read `argv` by the tables of `command`: (option values by name, operands), or None when help was asked for and printed.

    Options that were not given are absent from the dict. Raises UsageError.
    """
    table = {name: option for option in command.options for name in option.names}
    values: dict[str, Any] = {}
    operands: list[str] = []
    position = 0
    while position < len(argv):
        word = argv[position]
        position += 1
        if word == "--":
            operands += argv[position:]
            break
        if len(word) < 2 or word[0] != "-" or word[1] in "0123456789.":  # no option begins like a number
            if command.program:
                operands += argv[position - 1 :]
                break
            operands.append(word)
            continue
        name, equals, text = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        option = table.get(name)
        if option is None:
            near = nearest(name, table)
            raise UsageError(f"unknown option {name!r}" + (f"; did you mean {near}?" if near else ""), command)
        if option is HELP:
            print(command.help())
            return None
        if not option.metavar:
            if equals:
                raise UsageError(f"option {name} takes no value", command)
            values[option.name] = True
            continue
        if not equals:
            if position == len(argv):
                raise UsageError(f"option {name} needs a value: {option.metavar}", command)
            text = argv[position]
            position += 1
        _store(values, option, name, text, command)
    return values, operands


def parse_one(command: Command, argv: list[str]) -> "tuple[dict[str, Any], str] | None":
    """As `parse`, of a command whose usage is one operand. Raises UsageError."""
    parsed = parse(command, argv)
    if parsed is None:
        return None
    values, operands = parsed
    if len(operands) != 1:
        raise UsageError(f"one {command.usage.lower()} is needed", command)
    return values, operands[0]


def _store(values: "dict[str, Any]", option: Option, name: str, text: str, command: Command) -> None:
    if option.keys:
        _store_keys(values.setdefault(option.name, {}), option, name, text, command)
        return
    try:
        value = option.convert(text)
    except ValueError as error:
        raise UsageError(f"option {name}: {error}", command) from None
    if option.many:
        values.setdefault(option.name, []).append(value)
    else:
        values[option.name] = value


def _store_keys(values: "dict[str, Any]", option: Option, name: str, text: str, command: Command) -> None:
    table = {key.names[-1]: key for key in option.keys}
    for item in text.split(","):
        word, equals, given = item.partition("=")
        key = table.get(word)
        if key is None:
            raise UsageError(f"option {name} has no key {word!r}; {instead(word, table)}", command)
        if key.metavar and not equals:
            raise UsageError(f"option {name}: {word} needs a value: {word}={key.metavar}", command)
        _store(values, key, f"{name} {word}", given, command)
