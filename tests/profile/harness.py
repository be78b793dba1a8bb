"""Modules made to run in the profiled form, and what that form has counted."""

import ctypes
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import wasmjit
from wasmjit._image import native
from wasmjit.native.lang import ptr
from wasmjit.runtime.codes import MOD_STRESS, MOD_TIERED, POINT_COUNTED
from wasmjit.runtime.structs import Mod
from wasmjit.tiers.interpreter.forms import FORMS, NUMBER

N = native()

# instructions as long as the one that counts, which leave something in an accumulator: words at 0 and 8
CLOBBERS = {"i32.add@rsk": 0x5A5A5A5A << 32, "f64.neg@rs": 0}


class Point(NamedTuple):
    wasm: int
    after: int
    slot: int
    zero: int
    times: int


def own_codes(module: wasmjit.Module) -> Iterator[tuple[int, Any]]:
    """Index and Code of each function that the module defines."""
    mod = ptr[Mod](module.address)
    for index in range(mod.nimport_funcs, mod.ncodes):
        yield index, mod.codes[index]


def run_profiled(module: wasmjit.Module) -> None:
    """From now on calls of the module's functions run the profiled form; what no form can be made of stays as it is."""
    for index, code in own_codes(module):
        if N.profiled_make(module.address, index) == 0:
            code.entry = code.profiled


def points(module: wasmjit.Module, index: int) -> list[Point]:
    return [Point(*record) for record in struct.iter_unpack("<IIIIQ", N.profile_points(module.address, index))]


def targets(module: wasmjit.Module, index: int) -> list[tuple[int, int, int]]:
    """(wasm offset, function index, count) of indirect calls."""
    return list(struct.iter_unpack("<IIQ", N.profile_targets(module.address, index)))


def handler(name: str) -> int:
    """Address of a form's handler."""
    table: int = N.handler_table_address()
    distances = ctypes.string_at(table, 4 * len(FORMS))
    return table + int(struct.unpack_from("<i", distances, 4 * NUMBER[name])[0])


def clobber(module: wasmjit.Module, name: str) -> None:
    """Let each block of the profiled form spoil an accumulator instead of counting."""
    words = struct.pack("<QQ", handler(name), CLOBBERS[name])
    for _, code in own_codes(module):
        for k in range(code.npoints):
            if code.points[k].kind == POINT_COUNTED:
                ctypes.memmove(int(code.profiled) + int(code.points[k].slot), words, len(words))


def tiered(module: wasmjit.Module, warm: int, window: int, more: int = 0) -> None:
    """Let the module's functions be promoted after so many samples; each back edge is one. For modules that have not run yet."""
    ptr[Mod](module.address).flags |= MOD_TIERED | MOD_STRESS | more
    N.tier_thresholds(module.address, warm, window, 100, 0)


def code_of(module: wasmjit.Module, index: int) -> Any:
    """The Code of a function."""
    return ptr[Mod](module.address).codes[index]


def loops_of(code: Any) -> list[Any]:
    """Its Loops."""
    found = []
    loop = code.loops
    while loop:
        found.append(loop)
        loop = loop.next
    return found
