"""Writers of events for tests of the ring (restricted Python)."""

from wasmjit.native.lang import alloca, export, u32, u64, var, void
from wasmjit.runtime.structs import Code
from wasmjit.runtime.tracering import trace_frame, trace_note

CODE = var("test_code", Code)


@export
def note(kind: u32, index: u32, a: u64, b: u64) -> void:
    """An event of function `index` of no module."""
    CODE.index = index
    trace_note(kind, CODE, a, b)


@export
def note_frame(kind: u32, count: u64) -> void:
    """An event with a frame of `count` slots, at most 16, that hold their numbers."""
    slots = alloca(u64, 16)
    for i in range(16):
        slots[i] = u64(u32(i))
    trace_frame(kind, CODE, 0, 0, slots, count)


@export(nogil=True)
def note_many(index: u32, count: u64) -> void:
    """`count` events of kind 1, numbered in a; the GIL is released meanwhile."""
    code = CODE
    i: u64 = 0
    while i < count:
        trace_note(1, code, i, u64(index))
        i += 1
