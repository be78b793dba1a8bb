"""Points: the places where the profiled form of a function is canonical, so that a frame can be looked at, left or continued there.

Each basic block of that form begins with an instruction that counts; before an indirect call stands one that notes where it goes.
In the fast form all of this is nothing.
"""

from wasmjit.native.lang import fn, ptr, sizeof, u8, u32, u64
from wasmjit.native.libc import realloc
from wasmjit.runtime.codes import POINT_COUNTED, POINT_TARGETS
from wasmjit.runtime.structs import Point

from .emit import NO_SPACE, tr_emit, tr_label_here, tr_put16, tr_put32
from .forms import NUMBER
from .state import Trans

COUNT, NOTE_TARGET = NUMBER["count"], NUMBER["note_target"]
COUNT_SIZE = 16  # [Point @8]
# [index slot u16 @8][table u32 @12], then NOTE_TARGETS times {Code, count} at NOTED, then the count of all others
NOTED = 16
NOTE_TARGETS = 4
NOTE_SIZE = NOTED + 16 * NOTE_TARGETS + 8


@fn
def tr_point(t: ptr[Trans], after: u32, kind: u32) -> None:
    """The frame is canonical here, before or after the instruction at t.at. Everything has been flushed."""
    if t.profile == 0:
        return
    tr_label_here(t)
    if t.record == 0:
        return
    if t.npoints == t.point_cap:
        cap = t.point_cap * 2 + 64
        grown = realloc(ptr[u8](t.points), cap * sizeof(Point))
        if grown == 0:
            t.error = NO_SPACE
            return
        t.points = ptr[Point](grown)
        t.point_cap = cap
    point = t.points[t.npoints]
    t.npoints += 1
    point.wasm = u32(t.at)
    point.after = after
    point.slot = u32(t.pos)
    point.kind = kind
    point.count = 0


@fn
def tr_block_start(t: ptr[Trans]) -> None:
    """A basic block begins behind the instruction at t.at; its counter is filled in once the points have their place."""
    if t.profile:
        tr_point(t, 1, POINT_COUNTED)
        tr_emit(t, COUNT, COUNT_SIZE)


@fn
def tr_note_targets(t: ptr[Trans], slot: u64, table: u64) -> None:
    """An indirect call comes, its table index in the slot."""
    tr_point(t, 0, POINT_TARGETS)
    position = tr_emit(t, NOTE_TARGET, NOTE_SIZE)
    tr_put16(t, position + 8, slot)
    tr_put32(t, position + 12, u32(table))
