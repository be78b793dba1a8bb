"""Captured backtraces made readable: from addresses of functions and places in them to names and offsets in the binary."""

from wasmjit._image import native
from wasmjit._traps import Frame
from wasmjit.runtime.codes import FRAME_FLAGS, FRAME_INLINED, FRAME_OPTIMIZED, FRAME_PROFILED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

N = native()


def resolve(captured: bytes, modules: "Mapping[int, Any]") -> tuple[Frame, ...]:
    """The frames of a trap, innermost first. `captured`: see runtime.frames; `modules`: Module by native address.

    Frames left out of the middle of a deep stack are one Frame with index -1, whose offset is their number.
    """
    words = memoryview(captured).cast("Q")
    return tuple(_frame(words[i], words[i + 1], modules) for i in range(0, len(words), 2))


def _frame(word: int, place: int, modules: "Mapping[int, Any]") -> Frame:
    if word == 0:
        return Frame(-1, "...", offset=place)
    code, flags = word & ~FRAME_FLAGS, word & FRAME_FLAGS
    tier, inlined = "opt" if flags & FRAME_OPTIMIZED else "interp", bool(flags & FRAME_INLINED)
    index = N.code_index(code)
    module = modules.get(N.code_mod(code))
    if module is None:  # a function of a store that the trap only passed through
        return Frame(index, tier=tier, inlined=inlined)
    if not flags & FRAME_OPTIMIZED:
        place = (N.profiled_locate if flags & FRAME_PROFILED else N.translate_locate)(code, place)
    return Frame(index, module.func_name(index), module.name, place, tier, inlined=inlined)
