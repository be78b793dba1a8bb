"""What builds with sanitizers ask before they start: no options, no colors, and addresses that have no symbols."""

from wasmjit.emscripten.guest import Guest, needed
from wasmjit.wasi._memory import memory, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = b"./this.program"  # what a program without arguments sees as its own name


def _emscripten_sanitizer_get_option(guest: Guest, instance: "Any", name: int) -> int:
    """An empty string, which the caller frees."""
    pointer: int = needed(instance, "emscripten_builtin_malloc", "malloc")(1)
    span(memory(instance), pointer, 1)[:] = b"\0"
    return pointer


def _emscripten_sanitizer_use_colors(guest: Guest, instance: "Any") -> int:
    return 0


def _emscripten_get_progname(guest: Guest, instance: "Any", buffer: int, size: int) -> None:
    name = (guest.context.arguments or [NAME])[0] + b"\0"
    cell = span(memory(instance), buffer, size)[: len(name)]
    cell[:] = name[: len(cell)]


def emscripten_stack_snapshot(guest: Guest, instance: "Any") -> int:
    """No stack can be told by addresses."""
    return 0


def emscripten_stack_unwind_buffer(guest: Guest, instance: "Any", address: int, buffer: int, count: int) -> int:
    return 0


def emscripten_pc_get_function(guest: Guest, instance: "Any", address: int) -> int:
    return 0


emscripten_pc_get_file = emscripten_pc_get_line = emscripten_pc_get_column = emscripten_pc_get_function
