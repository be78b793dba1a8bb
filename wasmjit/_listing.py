"""What a function becomes, as text: slot code of the interpreter, IR and assembly of the optimizer. For people to read."""

import ctypes
import struct

from ._image import native
from .native.lang import sizeof
from .runtime.structs import Code, Mod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._module import Module

N = native()


def listing(module: "Module", index: int, kind: str, level: int | None) -> str:
    """A function as "slots", "ir", "optimized" or "asm". ValueError: it cannot become that; ImportError without llvmlite."""
    return slot_code(module.address, index) if kind == "slots" else optimized(module, index, kind, level)


def slot_code(mod: int, index: int) -> str:
    """The slot code of a function, which is translated now if it is not yet: offset, form, the words behind it."""
    from .tiers.interpreter.forms import FORMS

    code = _field(mod, Mod, "codes", "<Q") + index * int(sizeof(Code))
    if _field(code, Code, "slots", "<Q") == 0:
        N.profiled_make(mod, index)
    slots, nbytes = _field(code, Code, "slots", "<Q"), _field(code, Code, "nbytes", "<I")
    if slots == 0:
        raise ValueError(f"function {index} has no slot code: it is too large")
    table = N.handler_table_address()
    distances = struct.unpack(f"<{len(FORMS)}i", ctypes.string_at(table, 4 * len(FORMS)))
    names = {table + distance: form.name for form, distance in zip(FORMS, distances, strict=True) if form.kind != "none"}
    lines: list[str] = []
    for at, word in enumerate(struct.unpack(f"<{nbytes // 8}Q", ctypes.string_at(slots, nbytes // 8 * 8))):
        if word in names:
            lines.append(f"{8 * at:6}  {names[word]}")
        elif lines:
            lines[-1] += f" {word:#x}"
    return "\n".join(lines) + "\n"


def optimized(module: "Module", index: int, kind: str, level: int | None) -> str:
    """What the optimizer makes of a function as it is profiled now: "ir", "optimized" or "asm". ValueError: it will not compile it."""
    from .tiers.compiling import available
    from .tiers.counts import Counts, live
    from .tiers.optimizer.compile import listing
    from .tiers.optimizer.request import Options
    from .tiers.optimizer.unit import Refused
    from .tiers.policy import level_of
    from .tiers.sources import request_for, source_of

    missing = available()
    if missing:
        raise ImportError(missing)
    mod = module.address
    start, end, *_ = N.function_state(mod, index)
    options = Options(level=level_of(end - start) if level is None else level)
    try:
        return listing(request_for(mod, source_of(mod), ((index, 0),), options, Counts(live(mod))), kind)
    except Refused as refused:
        raise ValueError(str(refused)) from None


def _field(base: int, kind: object, name: str, format: str) -> int:
    """A field of a native structure at an address."""
    offset = kind.fields[name][1]  # type: ignore[attr-defined]
    return int(struct.unpack(format, ctypes.string_at(base + offset, struct.calcsize(format)))[0])
