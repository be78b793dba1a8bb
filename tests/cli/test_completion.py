"""`wasmjit completion`: the scripts have what the tables have, and the shells that are installed complete by them."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path
from types import ModuleType

import pytest

from tests.cli.conftest import Wasmjit
from wasmjit.cli import COMMANDS
from wasmjit.cli import _complete_bash as bash
from wasmjit.cli import _complete_fish as fish
from wasmjit.cli import _complete_zsh as zsh
from wasmjit.cli._words import commands, operand_values, option_values

ALL = commands()
OPTIONS = [(command, option, name) for command in ALL.values() for option in command.options for name in option.names]
# command line up to the cursor: what may follow, of the last word or of the part of it behind "=", ":" or ","
CASES = [
    ("wasmjit ", [*COMMANDS, "help", "prog.wasm", "text.wat", "sub"]),
    ("wasmjit in", ["invoke", "info"]),
    ("wasmjit help ca", ["cache"]),
    ("wasmjit run --ti", ["--tier"]),
    ("wasmjit --tier ", ["auto", "interp", "opt", "reference"]),
    ("wasmjit --tier=re", ["reference"]),
    ("wasmjit run --dir ", ["sub"]),
    ("wasmjit run --dir sub pr", ["prog.wasm"]),
    ("wasmjit run --tier interp ", ["prog.wasm", "text.wat", "sub"]),
    ("wasmjit run --preload lib=pr", ["prog.wasm"]),
    ("wasmjit run prog.wasm pl", ["plain.txt"]),
    ("wasmjit run prog.wasm --ti", []),
    ("wasmjit invoke -W max-w", ["max-wasm-stack="]),
    ("wasmjit run -W timeout=1s,un", ["unknown-imports-trap"]),
    ("wasmjit run -W unknown-imports-trap=", ["y", "n"]),
    ("wasmjit run --wasm=timeout=1s,max-t", ["max-table-elements="]),
    ("wasmjit run -Sin", ["inherit-env"]),
    ("wasmjit cache ", ["path", "list", "size", "clear"]),
    ("wasmjit completion ", ["bash", "zsh", "fish"]),
    ("wasmjit compile --memory c", ["checked"]),
    ("wasmjit stubs prog.wasm -", ["-o", "--output", "-h", "--help"]),
    ("wasmjit trace pl", ["plain.txt"]),
    ("wasmjit bisect --invoke f pr", ["prog.wasm"]),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("prog.wasm", "text.wat", "plain.txt"):
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    return tmp_path


def pieces(line: str) -> list[str]:
    """The words of a line as bash has them: parted also at = and :."""
    return [piece for word in line.split(" ") for piece in (re.findall(r"[=:]+|[^=:]+", word) or [""])]


def test_what_bash_completes(folder: Path) -> None:
    program = [bash.script(ALL)]
    for line, _ in CASES:
        words = pieces(line)
        quoted = " ".join(f"'{word}'" for word in words)
        program += [f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; COMP_LINE='{line}'; _wasmjit", 'echo "${COMPREPLY[*]}"']
    done = subprocess.run(["bash", "--norc"], input="\n".join(program), cwd=folder, capture_output=True, text=True)
    assert done.stderr == ""
    for (line, expected), answer in zip(CASES, done.stdout.splitlines(), strict=True):
        last = pieces(line)[-1]
        kept = last[: last.rfind(",") + 1] or (last[:2] if re.match(r"-[A-Z].", last) else "")  # bash has one word, which stays
        assert sorted(answer.split()) == sorted(kept + word for word in expected), line


def test_bash_knows_the_function() -> None:
    done = subprocess.run(["bash", "--norc"], input=bash.script(ALL) + "complete -p wasmjit", capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("complete -F _wasmjit wasmjit\n", "")


@pytest.mark.skipif(not shutil.which("fish"), reason="needs fish")
def test_what_fish_completes(folder: Path) -> None:
    (folder / "config").mkdir()
    (folder / "config").rename(folder.parent / f"{folder.name}-home")
    environment = {**os.environ, "HOME": str(folder.parent / f"{folder.name}-home")}
    for line, expected in CASES:
        program = f"{fish.script(ALL)}\ncomplete -C '{line}'"
        done = subprocess.run(["fish", "-N", "-c", program], cwd=folder, env=environment, capture_output=True, text=True)
        found = [answer.split("\t")[0].rstrip("/") for answer in done.stdout.splitlines()]
        assert done.stderr == ""
        assert sorted(re.sub(r"^(.*[,]|--[^=]*=|-[WS]|lib=|unknown-imports-trap=)(?=.)", "", word) for word in found) == sorted(expected), (
            line
        )


def zsh_completes(line: str, folder: Path) -> str:
    """What an interactive zsh shows for a line and a tab, as far as it is in it at the end."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PS1": "", "TERM": "dumb", "HOME": str(folder), "ZDOTDIR": str(folder)}
    process = subprocess.Popen(
        ["zsh", "-f", "-i"], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    os.write(ours, b"autoload -Uz compinit; compinit -u -D; source ./_wasmjit; LISTMAX=0; print READY\n")
    os.write(ours, line.encode() + b"\t\t")
    shown, end = b"", time.monotonic() + 5
    while time.monotonic() < end and select.select([ours], [], [], 1.5)[0]:
        shown += os.read(ours, 65536)
    process.kill()
    process.wait()
    os.close(ours)
    return shown.decode(errors="replace").rpartition("READY")[2]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("zsh"), reason="needs zsh")
def test_what_zsh_completes(folder: Path) -> None:
    (folder / "_wasmjit").write_text(zsh.script(ALL))
    for line, expected in CASES:
        shown = zsh_completes(line, folder)
        for word in expected:
            assert word.rstrip("=") in shown, (line, shown)


def test_scripts_have_the_options_of_the_tables() -> None:
    scripts = {module: module.script(ALL) for module in (bash, zsh, fish)}
    expected = {(command.name, name) for command, _, name in OPTIONS}
    rows = re.findall(r'^    (\w+)\) echo "(-[^"]*)" ;;$', scripts[bash], re.MULTILINE)
    assert {(command, name) for command, names in rows for name in names.split()} == expected
    functions = re.findall(r"^_wasmjit_(\w+)\(\) \{\n    _arguments(.*?)^\}$", scripts[zsh], re.MULTILINE | re.DOTALL)
    assert {
        (name, option) for name, body in functions for option in re.findall(r"^        '\*?(--?[\w-]+)[=+]?\[", body, re.MULTILINE)
    } == expected
    lines = re.findall(r"^complete -c wasmjit -n '__wasmjit_is (\w+)' ((?:-[sl] [\w-]+ )+)", scripts[fish], re.MULTILINE)
    named = {(name, kind, option) for name, options in lines for kind, option in re.findall(r"-([sl]) ([\w-]+)", options)}
    assert {(name, ("-" if kind == "s" else "--") + option) for name, kind, option in named} == expected


@pytest.mark.parametrize("module", [bash, zsh, fish])
def test_scripts_have_the_words_of_the_tables(module: ModuleType) -> None:
    text = module.script(ALL)
    for command, option, name in OPTIONS:
        taken = option_values(option)
        for word in taken.words if taken else ():
            assert word.rstrip("=") in text, (command.name, name, word)
    for command in ALL.values():
        assert command.name in text
        assert all(word in text for word in operand_values(command).words)
        assert operand_values(command).kind != "any", f"{command.name}: what is {command.usage}?"


def test_a_shell_that_is_none(wasmjit: Wasmjit) -> None:
    code, out, err = wasmjit("completion", "fsh")
    assert (code, out) == (2, "") and "no completion for 'fsh'; did you mean fish?" in err
    for shell in ("bash", "zsh", "fish"):
        assert wasmjit("completion", shell).out.startswith("#")
