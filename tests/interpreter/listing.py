"""Which forms of slot instructions a module was translated to: read from the slot code itself."""

import ctypes
import struct

import wasmjit
from wasmjit._image import native
from wasmjit.native.lang import sizeof
from wasmjit.runtime.structs import Code, Mod
from wasmjit.tiers.interpreter.forms import FORMS


def field(base: int, kind: object, name: str, format: str) -> int:
    """A field of a native structure at an address."""
    offset = kind.fields[name][1]  # type: ignore[attr-defined]
    return int(struct.unpack(format, ctypes.string_at(base + offset, struct.calcsize(format)))[0])


def handlers() -> dict[int, str]:
    """Names of forms by the address of their handler; forms without a handler of their own are left out."""
    table = native().handler_table_address()
    distances = struct.unpack(f"<{len(FORMS)}i", ctypes.string_at(table, 4 * len(FORMS)))
    return {table + distance: form.name for form, distance in zip(FORMS, distances, strict=True) if form.kind != "none"}


def forms_of(module: wasmjit.Module) -> set[str]:
    """Names of the forms in all functions of a module, which are translated now where they are not yet."""
    module.compile()
    names = handlers()
    found = set()
    codes = field(module.address, Mod, "codes", "<Q")
    for index in range(field(module.address, Mod, "nimport_funcs", "<I"), field(module.address, Mod, "ncodes", "<I")):
        code = codes + index * int(sizeof(Code))
        slots, nbytes = field(code, Code, "slots", "<Q"), field(code, Code, "nbytes", "<I")
        words = struct.unpack(f"<{nbytes // 8}Q", ctypes.string_at(slots, nbytes))
        found |= {names[word] for word in words if word in names}
    return found
