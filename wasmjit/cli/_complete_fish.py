"""The completion script for fish: a line an option of each command, and the function that says which command is meant."""

from wasmjit.cli._options import Command, Option
from wasmjit.cli._words import HELP, Values, operand_values, option_names, option_values

SCRIPT = r"""# Completion of wasmjit for fish, written by `wasmjit completion fish`. Keep it as ~/.config/fish/completions/wasmjit.fish

function __wasmjit_words  # those in front of the cursor: the command, then `past` where an operand stands
    set -l words (commandline -opc)[2..]
    set -l command run
    if set -q words[1]; and contains -- $words[1] @COMMANDS@
        set command $words[1]
        set -e words[1]
    end
    echo $command
    while set -q words[1]
        switch $words[1]
            case '--*=*' '-??*'
                if string match -qr -- '^--[^=]*$' $words[1]; and contains -- "$command $words[1]" @VALUED@
                    set -e words[1]
                end
            case '-*'
                if contains -- "$command $words[1]" @VALUED@
                    set -e words[1]
                end
            case '*'
                echo past
                return
        end
        set -e words[1]
    end
end

function __wasmjit_is  # COMMAND: options of it may stand here
    set -l found (__wasmjit_words)
    test $found[1] = $argv[1]; and not begin
        set -q found[2]; and contains -- $argv[1] @PROGRAMS@
    end
end

function __wasmjit_operand  # COMMAND: its first operand stands here
    set -l found (__wasmjit_words)
    test $found[1] = $argv[1]; and not set -q found[2]
end

function __wasmjit_program  # COMMAND: an argument of the program that it runs stands here
    set -l found (__wasmjit_words)
    test $found[1] = $argv[1]; and set -q found[2]
end

function __wasmjit_keys  # KEY...: a list of them with commas; without = behind it y or n may follow
    set -l word (commandline -ct | string replace -r '^(-[A-Za-z]|--[^=]*=)' '')
    set -l done (string match -r '^.*,' -- $word)
    for key in $argv
        if not string match -q '*=*' -- (string replace -r '^.*,' '' -- $word)
            echo "$done$key"
        else if not string match -q '*=' -- $key
            printf '%s\n' "$done$key=y" "$done$key=n"
        end
    end
end

function __wasmjit_modules
    set -l word (commandline -ct | string replace -r '^--[^=]*=' '')
    set -l name (string match -r '^[^/]*=' -- $word)
    for file in (__fish_complete_path (string replace -r '^[^/]*=' '' -- $word) | string replace -r '\t.*' '')
        string match -qr '(/|\.wasm|\.wat)$' -- $file; and echo "$name$file"
    end
end

complete -c wasmjit -f
complete -c wasmjit -n 'test (count (commandline -opc)) -eq 1' -s V -l version -d 'show the version'
@LINES@
"""
ACTIONS = {
    "modules": "-k -xa '(__wasmjit_modules)'",
    "libraries": "-k -xa '(__wasmjit_modules)'",
    "files": "-F",
    "directories": "-xa '(__fish_complete_directories)'",
    "any": "",
}


def script(commands: dict[str, Command]) -> str:
    """The script for these commands."""
    rows = [(command.name, command.summary) for command in commands.values()] + [HELP]
    lines = [f"complete -c wasmjit -n 'test (count (commandline -opc)) -eq 1' -xa {name} -d {quoted(summary)}" for name, summary in rows]
    for command in commands.values():
        lines.append(f"complete -c wasmjit -n '__wasmjit_operand {command.name}' {action(operand_values(command))}".rstrip())
        if command.program:
            lines.append(f"complete -c wasmjit -n '__wasmjit_program {command.name}' -F")
        lines += [line(command, option) for option in command.options]
    lines.append(f"complete -c wasmjit -n '__wasmjit_operand {HELP[0]}' -xa '{' '.join(commands)}'")
    valued = [f"'{command.name} {name}'" for command in commands.values() for name in option_names(command) if takes_value(command, name)]
    text = SCRIPT.replace("@LINES@", "\n".join(lines)).replace("@VALUED@", " ".join(valued))
    text = text.replace("@PROGRAMS@", " ".join(command.name for command in commands.values() if command.program))
    return text.replace("@COMMANDS@", " ".join(name for name, _ in rows))


def takes_value(command: Command, name: str) -> bool:
    """Whether a value stands behind the option of this name."""
    return any(name in option.names and option_values(option) is not None for option in command.options)


def line(command: Command, option: Option) -> str:
    """What fish is told of an option."""
    named = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    values = option_values(option)
    how = "" if values is None else f" -r {action(values)}".rstrip()
    return f"complete -c wasmjit -n '__wasmjit_is {command.name}' {named}{how} -d {quoted(option.help)}"


def action(values: Values) -> str:
    """How fish finds the words for a value."""
    if values.kind == "words":
        return f"-xa '{' '.join(values.words)}'"
    return f"-xa '(__wasmjit_keys {' '.join(values.words)})'" if values.kind == "keys" else ACTIONS[values.kind]


def quoted(text: str) -> str:
    """A word of the shell."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
