"""The completion script for zsh: a function a command, in the terms of zsh's `_arguments`."""

from wasmjit.cli._options import Command, Option
from wasmjit.cli._words import HELP, Values, operand_values, option_values

MODULES = r"""_files -g "*.(wasm|wat)(-.)" """.strip()
ACTIONS = {"modules": MODULES, "files": "_files", "directories": "_files -/", "any": " ", "libraries": "_wasmjit_library"}

SCRIPT = r"""#compdef wasmjit
# Completion of wasmjit for zsh, written by `wasmjit completion zsh`. Keep it as _wasmjit in a folder of $fpath, or
# `source <(wasmjit completion zsh)` behind `compinit`.

_wasmjit_library() {  # NAME=PATH
    if compset -P '*='; then @MODULES@; else _message 'NAME=PATH'; fi
}

@FUNCTIONS@

_wasmjit_command() {
    local -a commands=(
@COMMANDS@
    )
    _describe -t commands command commands
}

_wasmjit() {
    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
        _alternative 'commands:command:_wasmjit_command' 'modules:module:@MODULES@'
    elif (( CURRENT > 2 )) && (( $+functions[_wasmjit_@DOLLAR@words[2]] )); then
        shift words
        (( CURRENT-- ))
        _wasmjit_$words[1]
    else
        _wasmjit_run
    fi
}

if [[ $funcstack[1] == _wasmjit ]]; then _wasmjit "$@"; else compdef _wasmjit wasmjit; fi
"""


def script(commands: dict[str, Command]) -> str:
    """The script for these commands."""
    rows = [(command.name, command.summary) for command in commands.values()] + [HELP]
    functions = [function(command) for command in commands.values()]
    functions.append(f"_wasmjit_{HELP[0]}() {{\n    _arguments '1:command:({' '.join(commands)})'\n}}")
    text = SCRIPT.replace("@FUNCTIONS@", "\n\n".join(functions)).replace("@MODULES@", MODULES).replace("@DOLLAR@", "$")
    return text.replace("@COMMANDS@", "\n".join(f"        {quoted(f'{name}:{summary}')}" for name, summary in rows))


def function(command: Command) -> str:
    """The function that completes what stands behind a command's name."""
    lines = [f"_wasmjit_{command.name}() {{", f"    _arguments -s -S {'-A ' + quoted('-*') + ' ' if command.program else ''}\\"]
    keys = []
    for option in command.options:
        lines += [f"        {quoted(spec(command, option, name))} \\" for name in option.names]
        if option.keys:
            rows = [f"        {quoted(key_spec(key))}" for key in option.keys]
            keys.append(" \\\n".join([f"{keys_function(command, option)}() {{\n    _values -s , key", *rows]) + "\n}\n")
    operand = operand_values(command)
    lines.append(f"        {quoted('1:' + field(command.usage) + ':' + action(operand))} \\")
    lines.append(f"        {quoted('*:argument:' + ('_files' if command.program else action(operand)))}")
    return "\n".join([*keys, *lines, "}"])


def keys_function(command: Command, option: Option) -> str:
    """Name of the function that completes the keys of an option."""
    return f"_wasmjit_{command.name}_{option.name}"


def spec(command: Command, option: Option, name: str) -> str:
    """What `_arguments` is told of an option under one of its names. One that may be repeated has a star."""
    star = "*" if option.many or option.keys else ""
    taken = option_values(option)
    if taken is None:
        return f"{star}{name}[{field(option.help)}]"
    how = keys_function(command, option) if option.keys else action(taken)
    return f"{star}{name}{'=' if name.startswith('--') else '+'}[{field(option.help)}]:{field(option.metavar)}:{how}"


def key_spec(key: Option) -> str:
    """What `_values` is told of a key."""
    taken = option_values(key)
    value = f":{field(key.metavar or 'y or n')}:{action(taken)}" if taken else ""
    return f"{key.names[-1]}[{field(key.help)}]{':' if value and not key.metavar else ''}{value}"


def action(values: Values) -> str:
    """How zsh finds the words for a value."""
    return f"({' '.join(values.words)})" if values.kind == "words" else ACTIONS[values.kind]


def field(text: str) -> str:
    """A text as a part of a specification: what would end it is escaped."""
    return "".join([f"\\{char}" if char in ":[]\\" else char for char in text])


def quoted(text: str) -> str:
    """A word of the shell."""
    return "'" + text.replace("'", "'\\''") + "'"
