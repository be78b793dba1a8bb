"""docs/cli.md is what the commands say of themselves. Write it anew: `python -m tests.cli.test_docs > docs/cli.md`."""

from importlib import import_module

import pytest

from tests.paths import ROOT
from wasmjit.cli import COMMANDS
from wasmjit.cli._options import Command
from wasmjit.cli._overview import overview

HEAD = """# Command line

`wasmjit` is installed with the package; `python -m wasmjit` is the same. `run` needs no name: `wasmjit MODULE`. A command's name wins over
a file of that name (write `./run` for the file). Everything behind the module belongs to the program. Errors go to stderr as
`wasmjit: error: ...`, traps with the wasm backtrace; colour only on a terminal and not with NO_COLOR.
"""


def commands() -> list[Command]:
    return [import_module(f"wasmjit.cli.{name}").COMMAND for name in COMMANDS]


def reference() -> str:
    sections = [("wasmjit", overview())] + [(f"wasmjit {command.name}", command.help()) for command in commands()]
    return HEAD + "".join(f"\n## {title}\n\n```text\n{text}\n```\n" for title, text in sections)


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "cli.md").read_text() == reference(), "python -m tests.cli.test_docs > docs/cli.md"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_the_same_shape(name: str) -> None:
    module = import_module(f"wasmjit.cli.{name}")
    command = module.COMMAND
    assert command.name == name
    assert command.summary and "\n" not in command.summary and not command.summary.endswith(".")
    assert command.example.startswith("wasmjit ")
    assert (module.__doc__ or "").startswith(f"`wasmjit {name}`: ")
    assert all(len(line) <= 132 for line in command.help().splitlines())


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_an_answer(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    main = import_module(f"wasmjit.cli.{name}").main
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == import_module(f"wasmjit.cli.{name}").COMMAND.help() + "\n"


if __name__ == "__main__":
    print(reference(), end="")
