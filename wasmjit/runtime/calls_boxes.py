"""externref values: boxes that own one Python reference each.

A slot holds a handle, index + 1 in one table of the process; null is 0 and stands for None. A box belongs to a store and
dies with it, or in a sweep: when a store has many boxes and no activation, its tables and globals are the only roots.
One object has one box a store. Everything here runs with the GIL held.
"""

from wasmjit.native.capi import Py_DecRef, Py_IncRef, PyErr_NoMemory
from wasmjit.native.lang import PyObject, boolean, export, fn, ptr, sizeof, struct, u8, u32, u64, var
from wasmjit.native.libc import calloc, free, realloc
from wasmjit.runtime.calls_types import EXTERNREF
from wasmjit.runtime.codes import STORE_SWEEP
from wasmjit.runtime.instances import StoreBox
from wasmjit.runtime.structs import Inst, StoreData

FIRST_LIMIT = 1024  # boxes a store may have before its first sweep; later twice the survivors
FIRST_CAPACITY = 256

WHITE, BLACK, DEAD = 0, 1, 2  # `mark`: of a box in a sweep; new and used ones are black


@struct
class Box:
    object: ptr[PyObject]  # strong; null when free
    store: ptr[StoreData]
    next: u32  # handle of the store's next box, or of the next free one
    chain: u32  # handle of the next box with this hash
    mark: u32
    pad: u32


@struct
class Boxes:
    items: ptr[Box]
    buckets: ptr[u32]  # as many as capacity, a power of two
    capacity: u32
    used: u32  # items[used:] were never used
    free: u32
    pad: u32


BOXES = var("extern_boxes", Boxes)


@fn(inline=True)
def box_at(handle: u32) -> ptr[Box]:
    return BOXES.items + (handle - 1)


@fn
def box_bucket(object: ptr[PyObject], store: ptr[StoreData]) -> ptr[u32]:
    mixed = (u64(object) >> 4) * 0x9E37_79B9_7F4A_7C15 + (u64(store) >> 4) * 0xC2B2_AE3D_27D4_EB4F
    return BOXES.buckets + ((mixed >> 32) & u64(BOXES.capacity - 1))


@fn
def box_link(handle: u32) -> None:
    """Enter a box in the hash table."""
    box = box_at(handle)
    bucket = box_bucket(box.object, box.store)
    box.chain = bucket[0]
    bucket[0] = handle


@fn
def box_unlink(handle: u32) -> None:
    box = box_at(handle)
    bucket = box_bucket(box.object, box.store)
    if bucket[0] == handle:
        bucket[0] = box.chain
        return
    at = box_at(bucket[0])
    while at.chain != handle:
        at = box_at(at.chain)
    at.chain = box.chain


@fn(cold=True)
def boxes_grow() -> boolean:
    """Twice the boxes; False: no memory."""
    capacity: u32 = FIRST_CAPACITY
    if BOXES.capacity:
        capacity = BOXES.capacity * 2
    if capacity == 0x8000_0000:
        return False
    items = ptr[Box](realloc(ptr[u8](BOXES.items), u64(capacity) * sizeof(Box)))
    if items == 0:
        return False
    BOXES.items = items
    buckets = ptr[u32](calloc(u64(capacity), 4))
    if buckets == 0:
        return False
    free(ptr[u8](BOXES.buckets))
    BOXES.buckets = buckets
    BOXES.capacity = capacity
    handle: u32 = 1
    while handle <= BOXES.used:
        if box_at(handle).object != 0 and box_at(handle).mark != DEAD:
            box_link(handle)
        handle += 1
    return True


@fn
def box_get(handle: u64) -> ptr[PyObject]:
    """The object of a handle that is not null: a new reference."""
    object = box_at(u32(handle)).object
    Py_IncRef(object)
    return object


@fn
def box_make(store: ptr[StoreData], object: ptr[PyObject]) -> u64:
    """The handle of an object's box in a store, made if need be. 0: MemoryError is set.

    `store` 0 is that of tables and globals which no instance has: its boxes are never swept.
    """
    if store != 0 and store.depth == 0 and store.nboxes >= store.box_limit:
        store_sweep(store)
    if BOXES.capacity != 0:
        found = box_bucket(object, store)[0]
        while found != 0:
            if box_at(found).object == object and box_at(found).store == store:
                box_at(found).mark = BLACK
                return u64(found)
            found = box_at(found).chain
    handle = BOXES.free
    if handle != 0:
        BOXES.free = box_at(handle).next
    else:
        if BOXES.used == BOXES.capacity and not boxes_grow():
            PyErr_NoMemory()
            return 0
        BOXES.used += 1
        handle = BOXES.used
    box = box_at(handle)
    Py_IncRef(object)
    box.object = object
    box.store = store
    box.next = 0
    box.mark = BLACK
    box_link(handle)
    if store != 0:
        box.next = u32(store.boxes)
        store.boxes = u64(handle)
        store.nboxes += 1
        if store.nboxes >= store.box_limit:
            if store.box_limit == 0:
                store.box_limit = FIRST_LIMIT
            elif store.depth != 0:
                store.depth |= STORE_SWEEP
    return u64(handle)


@fn
def boxes_drop(first: u32) -> None:
    """Free a list of boxes that no store has any more. Dropping an object may run any Python code, so first none can be found."""
    handle = first
    while handle != 0:
        box_unlink(handle)
        box_at(handle).mark = DEAD
        handle = box_at(handle).next
    handle = first
    while handle != 0:
        box = box_at(handle)
        object = box.object
        following = box.next
        box.object = ptr[PyObject](0)
        box.next = BOXES.free
        BOXES.free = handle
        Py_DecRef(object)
        handle = following


@fn
def store_boxes_free(store: ptr[StoreData]) -> None:
    """The store dies: let go of all it boxed."""
    first = u32(store.boxes)
    store.boxes = 0
    store.nboxes = 0
    boxes_drop(first)


@fn
def store_boxes_join(to: ptr[StoreData], source: ptr[StoreData]) -> None:
    """Two stores become one: the boxes of `source` go to `to`, their handles stay valid."""
    handle = u32(source.boxes)
    last: u32 = 0
    while handle != 0:
        box_unlink(handle)
        box_at(handle).store = to
        box_link(handle)
        last = handle
        handle = box_at(handle).next
    if last != 0:
        box_at(last).next = u32(to.boxes)
        to.boxes = source.boxes
        to.nboxes += source.nboxes
        source.boxes = 0
        source.nboxes = 0
        if to.nboxes > to.box_limit:
            to.box_limit = to.nboxes


@fn
def box_mark(handle: u64) -> None:
    if handle != 0:
        box_at(u32(handle)).mark = BLACK


@fn
def inst_boxes_mark(inst: ptr[Inst]) -> None:
    """Mark what the tables and globals of an instance hold."""
    mod = inst.mod
    i: u32 = 0
    while i < mod.ntables:
        table = inst.tables[i]
        if table.type == EXTERNREF:
            at: u64 = 0
            while at < table.size:
                box_mark(table.elems[at])
                at += 1
        i += 1
    i = 0
    while i < mod.nglobals:
        if mod.globals[i].type == EXTERNREF:
            box_mark(inst.globals[i].lo)
        i += 1


@fn(cold=True)
def store_sweep(store: ptr[StoreData]) -> None:
    """Free the boxes that nothing in the store refers to. No activation of the store exists."""
    handle = u32(store.boxes)
    while handle != 0:
        box_at(handle).mark = WHITE
        handle = box_at(handle).next
    if store.py != 0:
        block = ptr[StoreBox](store).insts
        while block != 0:
            inst_boxes_mark(block.inst)
            block = block.next
    dead: u32 = 0
    kept: u32 = 0
    live: u64 = 0
    handle = u32(store.boxes)
    while handle != 0:
        box = box_at(handle)
        following = box.next
        if box.mark == BLACK:
            box.next = kept
            kept = handle
            live += 1
        else:
            box.next = dead
            dead = handle
        handle = following
    store.boxes = u64(kept)
    store.nboxes = live
    store.box_limit = live * 2
    if store.box_limit < FIRST_LIMIT:
        store.box_limit = FIRST_LIMIT
    boxes_drop(dead)


@export
def boxes_live() -> u64:
    """Boxes that are in use in the process: for tests."""
    count: u64 = 0
    handle: u32 = 1
    while handle <= BOXES.used:
        if box_at(handle).object != 0:
            count += 1
        handle += 1
    return count
