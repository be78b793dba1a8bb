"""Lines that JavaScript would write to the console, and random bytes."""

from wasmjit.emscripten.guest import TEXT_MAX, Guest, c_bytes
from wasmjit.wasi._memory import M32, memory, span
from wasmjit.wasi.abi import Right
from wasmjit.wasi.process import random_get

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STDOUT, STDERR = 1, 2
ENTROPY_MAX = 256  # bytes at once


def write(guest: Guest, number: int, line: bytes) -> None:
    """Write a line to a standard stream; nothing where the guest has closed it."""
    descriptor = guest.context.files.get(number)
    if descriptor is None or not descriptor.rights & Right.FD_WRITE:
        return
    left = memoryview(line + b"\n")
    while left:
        left = left[descriptor.write([left]) :]


def emscripten_out(guest: Guest, instance: "Any", text: int) -> None:
    write(guest, STDOUT, c_bytes(memory(instance), text, TEXT_MAX))


def emscripten_err(guest: Guest, instance: "Any", text: int) -> None:
    write(guest, STDERR, c_bytes(memory(instance), text, TEXT_MAX))


emscripten_console_log = emscripten_out
emscripten_console_warn = emscripten_console_error = emscripten_err


def getentropy(guest: Guest, instance: "Any", buffer: int, size: int) -> int:
    """-1 for more than it gives, as musl has it; errno stays."""
    if size & M32 > ENTROPY_MAX:
        return -1
    window = memory(instance)
    span(window, buffer, size)
    random_get(guest.context, window, buffer, size)
    return 0


def system(guest: Guest, instance: "Any", command: int) -> int:
    """There is no shell: 0 says so where none is asked to run anything."""
    return -1 if command else 0


_emscripten_system = system
