"""The completion script for bash: tables from the commands, and the functions that read them."""

from wasmjit.cli._options import Command
from wasmjit.cli._words import HELP, operand_values, option_names, option_values

# @...@: the tables. Bash 3.2 and newer; nothing of the package bash-completion is needed.
SCRIPT = r"""# Completion of wasmjit for bash, written by `wasmjit completion bash`. Either `source` it, or keep it as
# ~/.local/share/bash-completion/completions/wasmjit, where the package bash-completion finds it.

_wasmjit_commands="@COMMANDS@"

_wasmjit_options() { # COMMAND: its options
    case $1 in
@OPTIONS@
    esac
}

_wasmjit_values() { # COMMAND OPTION: what the option takes, nothing for a flag
    case "$1 $2" in
@VALUES@
    esac
}

_wasmjit_operands() { # COMMAND: what its first operand is
    case $1 in
@OPERANDS@
    esac
}

_wasmjit_reply() { # KIND WORDS...: put what fits $cur into COMPREPLY
    local kind=$1 reply key
    shift
    case $kind in
    words) COMPREPLY=($(compgen -W "$*" -- "$cur")) ;;
    keys)
        cur=${cur##*,}
        if [[ $cur == *=* ]]; then
            key=${cur%%=*} cur=${cur#*=}
            [[ " $* " == *" $key "* ]] && COMPREPLY=($(compgen -W "y n" -- "$cur"))
        else
            COMPREPLY=($(compgen -W "$*" -- "$cur"))
            [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
        fi
        ;;
    libraries) [[ $cur == *=* ]] && cur=${cur#*=} && _wasmjit_reply modules ;;
    any) ;;
    *)
        compopt -o filenames 2>/dev/null
        while IFS= read -r reply; do COMPREPLY+=("$reply"); done < <(
            compgen -d -- "$cur"
            case $kind in
            files) compgen -f -- "$cur" ;;
            modules) compgen -f -X '!*.wasm' -- "$cur"; compgen -f -X '!*.wat' -- "$cur" ;;
            esac | while IFS= read -r reply; do [[ -d $reply ]] || printf '%s\n' "$reply"; done
        )
        ;;
    esac
}

_wasmjit() {
    local rest=$COMP_LINE command=run named= option= past= i n=-1 piece cur length
    local -a words
    COMPREPLY=()
    for ((i = 0; i <= COMP_CWORD; i++)); do # bash parts words at = and :, which are one word to us
        piece=${COMP_WORDS[i]}
        if [[ -n $piece && $i -gt 0 && $rest == "$piece"* ]]; then
            words[n]+=$piece
        else
            words[++n]=$piece
        fi
        [[ -n $piece ]] && rest=${rest#*"$piece"}
    done
    cur=${words[n]}
    for ((i = 1; i < n; i++)); do
        piece=${words[i]}
        if [[ -n $option ]]; then
            option=
        elif [[ $i -eq 1 && " $_wasmjit_commands " == *" $piece "* ]]; then
            command=$piece named=1
        elif [[ $piece == -- || $piece != -* ]]; then
            past=1
            [[ " @PROGRAMS@ " == *" $command "* ]] && break
        elif [[ ($piece == --* && $piece != *=*) || ${#piece} -eq 2 ]]; then
            [[ -n $(_wasmjit_values "$command" "$piece") ]] && option=$piece
        fi
    done
    if [[ -n $past && " @PROGRAMS@ " == *" $command "* ]]; then
        _wasmjit_reply files # the program's own arguments
    else
        if [[ -z $option && $cur == --*=* ]]; then
            option=${cur%%=*} cur=${cur#*=}
        elif [[ -z $option && $cur == -[A-Za-z]?* ]]; then
            option=${cur:0:2} cur=${cur:2}
        fi
        if [[ -n $option ]]; then
            _wasmjit_reply $(_wasmjit_values "$command" "$option")
        elif [[ $cur == -* ]]; then
            _wasmjit_reply words $(_wasmjit_options "$command")
        else
            _wasmjit_reply $(_wasmjit_operands "$command")
            [[ $n -eq 1 ]] && COMPREPLY+=($(compgen -W "$_wasmjit_commands" -- "$cur"))
        fi
    fi
    piece=${COMP_WORDS[COMP_CWORD]} # the part of the word that bash replaces
    [[ $piece == [=:]* ]] && piece=
    length=$((${#piece} - ${#cur}))
    for i in "${!COMPREPLY[@]}"; do
        if ((length > 0)); then COMPREPLY[i]=${piece:0:length}${COMPREPLY[i]}; else COMPREPLY[i]=${COMPREPLY[i]:-length}; fi
    done
}

complete -F _wasmjit wasmjit
"""


def script(commands: dict[str, Command]) -> str:
    """The script for these commands."""
    values = [
        f'    {"|".join(f"{chr(34)}{command.name} {name}{chr(34)}" for name in option.names)}) echo "{taken}" ;;'
        for command in commands.values()
        for option in command.options
        if (taken := option_values(option)) is not None
    ]
    tables = {
        "COMMANDS": " ".join((*commands, HELP[0])),
        "PROGRAMS": " ".join(command.name for command in commands.values() if command.program),
        "OPTIONS": "\n".join(f'    {command.name}) echo "{" ".join(option_names(command))}" ;;' for command in commands.values()),
        "VALUES": "\n".join(values),
        "OPERANDS": "\n".join(
            [f'    {command.name}) echo "{operand_values(command)}" ;;' for command in commands.values()]
            + [f'    {HELP[0]}) echo "words {" ".join(commands)}" ;;']
        ),
    }
    text = SCRIPT
    for name, table in tables.items():
        text = text.replace(f"@{name}@", table)
    return text
