"""Runs a module in a way of its own and tells everything that can be compared with another: results, traps, memory, globals.

NaNs are made equal first: which one an operation gives is not determined.
"""

import struct
from collections.abc import Callable
from importlib import import_module
from typing import Any

import wasmjit

Call = tuple[str, list[int]]  # export, bits of the arguments
Outcome = list[Any]
NUMBERS = ("i32", "i64", "f32", "f64")
NANS = {"f32": (0x7FFFFFFF, 0x7F800000), "f64": (0x7FFFFFFFFFFFFFFF, 0x7FF0000000000000)}


def plain(kind: str, bits: int) -> int | str:
    """The bits, or "nan"."""
    mask, infinity = NANS.get(kind, (0, 0))
    return "nan" if kind in NANS and bits & mask > infinity else bits


def floats_apart(memory: bytes) -> list[Any]:
    """The memory as tests.fuzz.programs uses it: bytes, then numbers from 2048 and 4096 on."""
    singles = [plain("f32", bits) for (bits,) in struct.iter_unpack("<I", memory[2048:4096])]
    doubles = [plain("f64", bits) for (bits,) in struct.iter_unpack("<Q", memory[4096:8192])]
    return [memory[:2048], singles, doubles, memory[8192:]]


def bits_of(kind: str, value: Any) -> int:
    """Bits of a number as an engine gives it."""
    if kind in NANS:
        value = float(value)
        return int(struct.unpack("<I" if kind == "f32" else "<Q", struct.pack("<f" if kind == "f32" else "<d", value))[0])
    return int(value) & ((1 << int(kind[1:])) - 1)


def number_of(kind: str, bits: int) -> Any:
    """The number of these bits, integers signed."""
    form = {"i32": "<I<i", "i64": "<Q<q", "f32": "<I<f", "f64": "<Q<d"}[kind]
    return struct.unpack(form[2:], struct.pack(form[:2], bits))[0]


def run_wasmjit(binary: bytes, calls: list[Call], view: Callable[[bytes], Any], config: wasmjit.Config) -> Outcome:
    """The outcome of calls one after the other. What a trap is called: its text."""
    try:
        instance = wasmjit.Instance(wasmjit.Module(binary, config=config))
    except wasmjit.Trap as trap:
        return [trap.code]
    except MemoryError:
        return ["out of memory"]
    outcome: Outcome = []
    for name, bits in calls:
        function = instance.exports[name]
        try:
            result = function.call_raw(*bits)
        except wasmjit.Trap as trap:
            outcome.append(trap.code)
        else:
            kinds = function.type.results
            values = () if not kinds else (result,) if len(kinds) == 1 else result
            outcome.append([plain(kind, value) for kind, value in zip(kinds, values, strict=True)])
    for name, found in instance.exports.items():
        if isinstance(found, wasmjit.Global) and found.type.type in NUMBERS:
            outcome.append((name, plain(found.type.type, bits_of(found.type.type, found.value))))
        elif isinstance(found, wasmjit.Memory):
            outcome.append((name, view(found.read(0, found.nbytes))))
    return outcome


TRAPS = {  # wasmtime's words where they are others
    "UNREACHABLE": "unreachable",
    "MEMORY_OUT_OF_BOUNDS": "out of bounds memory access",
    "TABLE_OUT_OF_BOUNDS": "out of bounds table access",
    "INDIRECT_CALL_TO_NULL": "uninitialized element",
    "BAD_SIGNATURE": "indirect call type mismatch",
    "INTEGER_OVERFLOW": "integer overflow",
    "INTEGER_DIVISION_BY_ZERO": "integer divide by zero",
    "BAD_CONVERSION_TO_INTEGER": "invalid conversion to integer",
    "STACK_OVERFLOW": "call stack exhausted",
}


def run_wasmtime(binary: bytes, calls: list[Call], view: Callable[[bytes], Any]) -> Outcome:
    """The same by wasmtime. It has one name for call_indirect and table instructions out of bounds: see `same`."""
    wasmtime: Any = import_module("wasmtime")
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    try:
        exports = wasmtime.Instance(store, wasmtime.Module(engine, binary), []).exports(store)
    except wasmtime.Trap as trap:
        return [trap_text(trap)]
    outcome: Outcome = []
    for name, bits in calls:
        function = exports[name]
        kind = function.type(store)
        try:
            result = function(store, *(number_of(str(param), value) for param, value in zip(kind.params, bits, strict=True)))
        except wasmtime.Trap as trap:
            outcome.append(trap_text(trap))
        else:
            kinds = [str(result) for result in kind.results]
            values = [] if not kinds else [result] if len(kinds) == 1 else result
            outcome.append([plain(k, bits_of(k, value)) for k, value in zip(kinds, values, strict=True)])
    for name, found in exports.items():
        if isinstance(found, wasmtime.Global):
            kind = str(found.type(store).content)
            if kind in NUMBERS:
                outcome.append((name, plain(kind, bits_of(kind, found.value(store)))))
        elif isinstance(found, wasmtime.Memory):
            outcome.append((name, view(bytes(found.read(store, 0, found.data_len(store))))))
    return outcome


def trap_text(trap: Any) -> str:
    """A trap of wasmtime in the specification's words."""
    code = trap.trap_code
    return "trap" if code is None else TRAPS.get(code.name, code.name)


def same(one: Outcome, other: Outcome) -> bool:
    """Whether outcomes are equal."""
    return _normal(one) == _normal(other)


def _normal(outcome: Outcome) -> Outcome:
    return ["out of bounds table access" if item == "undefined element" else item for item in outcome]
