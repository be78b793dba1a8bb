"""How programs end, and what can only be a trap."""

from wasmjit.emscripten.guest import Guest, text
from wasmjit.wasi._memory import M32, memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


def trap(message: str) -> "NoReturn":
    """Raise a trap with this text."""
    from wasmjit._traps import Unreachable

    raise Unreachable(message)


def abort(guest: Guest, instance: "Any") -> "NoReturn":
    trap("abort() was called")


_abort_js = abort


def __assert_fail(guest: Guest, instance: "Any", condition: int, file: int, line: int, function: int) -> "NoReturn":
    window = memory(instance)
    place = f"{text(window, file, 'unknown file')}:{line}, {text(window, function, 'unknown function')}"
    trap(f"assertion failed: {text(window, condition)}, at {place}")


def exit(guest: Guest, instance: "Any", code: int) -> "NoReturn":
    from wasmjit._errors import Exit

    raise Exit(code & M32)


_exit = emscripten_force_exit = exit


def __handle_stack_overflow(guest: Guest, instance: "Any", requested: int) -> "NoReturn":
    trap(f"stack overflow: the stack pointer would be {requested & M32:#x}")


def segfault(guest: Guest, instance: "Any") -> "NoReturn":
    trap("an access that -sSAFE_HEAP refuses: a null pointer, or memory that was not allocated")


def alignfault(guest: Guest, instance: "Any") -> "NoReturn":
    trap("an access that -sSAFE_HEAP refuses: it is not aligned")


def _emscripten_runtime_keepalive_clear(guest: Guest, instance: "Any") -> None:
    """Nothing keeps a program alive behind its `main`."""


def emscripten_run_script(guest: Guest, instance: "Any", script: int) -> "NoReturn":
    trap(f"the program wants to run JavaScript: {text(memory(instance), script)[:200]}")


emscripten_run_script_int = emscripten_run_script_string = emscripten_run_script


def emscripten_asm_const_int(guest: Guest, instance: "Any", code: int, types: int, arguments: int) -> "NoReturn":
    """JavaScript of EM_ASM, which only a JavaScript engine could run."""
    trap(f"the program wants to run JavaScript (EM_ASM): {text(memory(instance), code)[:200]}")


emscripten_asm_const_double = emscripten_asm_const_int
