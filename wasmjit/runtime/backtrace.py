"""Captured backtraces made readable: from (Code, slot code offset) to function names and offsets in the binary."""

from wasmjit._image import native
from wasmjit._traps import Frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

N = native()


def resolve(captured: bytes, modules: "Mapping[int, Any]") -> tuple[Frame, ...]:
    """The frames of a trap, innermost first. `captured`: see runtime.traps; `modules`: Module by native address.

    Frames left out of the middle of a deep stack are one Frame with index -1, whose offset is their number.
    """
    words = memoryview(captured).cast("Q")
    return tuple(_frame(words[i], words[i + 1], modules) for i in range(0, len(words), 2))


def _frame(code: int, slot_offset: int, modules: "Mapping[int, Any]") -> Frame:
    if code == 0:
        return Frame(-1, "...", offset=slot_offset)
    index = N.code_index(code)
    module = modules.get(N.code_mod(code))
    if module is None:  # a function of a store that the trap only passed through
        return Frame(index)
    return Frame(index, module.func_name(index), module.name, N.translate_locate(code, slot_offset))
