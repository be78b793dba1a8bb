"""IR text of one function: lines, temporaries, labels, memory of the frame."""

import ast
from typing import Any

from ..pointers import size_of
from ..values import boolean
from .errors import RestrictedError, error
from .program import Program


class Lines:
    """Collects the text. LLVM's mem2reg makes registers of the frame's memory, so nothing here builds SSA form.

    filename: where errors say that the source stands.
    """

    def __init__(self, program: Program, filename: str) -> None:
        self.program, self.filename = program, filename
        self.lines: list[str] = []
        self.allocas: list[str] = []
        self.count = 0
        self.open = True  # the current block has no terminator yet

    def error(self, node: ast.AST, message: str) -> RestrictedError:
        """An error to raise, at the node's line."""
        return error(self.filename, node, message)

    def emit(self, line: str) -> None:
        self.lines.append("  " + line)

    def let(self, operation: str) -> str:
        """A fresh temporary that holds the operation's result."""
        self.count += 1
        self.emit(f"%t{self.count} = {operation}")
        return f"%t{self.count}"

    def label(self, name: str) -> str:
        """A fresh label, not placed yet."""
        self.count += 1
        return f"{name}{self.count}"

    def place_label(self, label: str) -> None:
        """Begin the block of that name."""
        self.lines.append(label + ":")
        self.open = True

    def branch(self, label: str) -> None:
        """End the current block, if it is open, by going to the label."""
        if self.open:
            self.emit(f"br label %{label}")
        self.open = False

    def branch_if(self, test: str, yes: str, no: str, weights: str = "") -> None:
        """End the current block by an i1."""
        self.emit(f"br i1 {test}, label %{yes}, label %{no}{weights}")
        self.open = False

    def temporary(self, kind: Any) -> str:
        """Memory of the frame for one value."""
        self.count += 1
        self.allocas.append(f"  %x{self.count} = alloca {'i8' if kind is boolean else kind.ir}")
        return f"%x{self.count}"

    def frame_memory(self, kind: Any, count: int) -> str:
        """Memory of the frame for some values or structs."""
        self.count += 1
        self.allocas.append(f"  %m{self.count} = alloca [{size_of(kind) * count} x i8], align 16")
        return f"%m{self.count}"
