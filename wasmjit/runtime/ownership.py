"""Who frees what: the native side of the store (restricted Python).

A store owns its instances; they are freed together, when the capsule of the Python `Store` dies. CPython destroys a capsule
only after it ran the finalizers of every object of a garbage cycle, so no Python code can still call into what is freed.
Memories count the holders of their mapping; tables and globals made by Python have capsules of their own.
"""

from wasmjit.binary.module import mod_free
from wasmjit.native.capi import PyCapsule_GetPointer, PyCapsule_New, PyErr_NoMemory
from wasmjit.native.lang import PyObject, boolean, export, extern, fn, fnptr, ptr, sizeof, struct, u8, u32, u64
from wasmjit.native.libc import calloc, free, malloc, munmap
from wasmjit.runtime.calls_boxes import store_boxes_free, store_boxes_join
from wasmjit.runtime.calls_store import NOBODY, store_limit, store_limit_end
from wasmjit.runtime.codes import STORE_ERROR, STORE_SWEEP
from wasmjit.runtime.instances import InstBlock, StoreBox, inst_free
from wasmjit.runtime.kept import kept_free
from wasmjit.runtime.structs import Ec, Mod
from wasmjit.runtime.unitfree import units_free


@extern
def slots_free(mod: ptr[Mod]) -> None:
    """Free the slot code of a module's functions (interpreter)."""
    ...


@struct
class ModuleBox:
    """A module and the mapping of its file, if any."""

    mod: ptr[Mod]
    mapping: u64
    nbytes: u64


@export
def store_new(py: ptr[PyObject]) -> ptr[StoreBox]:
    """A store without instances; `py`, the Python Store, is borrowed. 0: no memory. The capsule of `store_owner` frees it."""
    box = ptr[StoreBox](calloc(1, sizeof(StoreBox)))
    if box != 0:
        box.data.py = py
    return box


@export
def store_owner(box: ptr[StoreBox]) -> ptr[PyObject]:
    """A capsule that frees the store when it dies."""
    return PyCapsule_New(ptr[u8](box), b"wasmjit.store", fnptr(store_capsule_free))


@fn
def store_capsule_free(capsule: ptr[PyObject]) -> None:
    box = ptr[StoreBox](PyCapsule_GetPointer(capsule, b"wasmjit.store"))
    store_boxes_free(box.data)
    block = box.insts
    while block != 0:
        following = block.next
        inst_free(block)
        block = following
    free(ptr[u8](box))


@export
def store_join(into: ptr[StoreBox], other: ptr[StoreBox]) -> boolean:
    """Make the instances of `other` part of `into`. False: two threads are inside of them now.

    `other` has no instances afterwards. Activations inside of it count for `into` from now on; they may still look at its
    `data`, so the Python Store that keeps `into` keeps the capsule of `other` as well.
    """
    ours = into.data
    theirs = other.data
    if thread_inside(ours.owner) != 0 and thread_inside(theirs.owner) != 0 and ours.owner != theirs.owner:
        return False
    stack = ours.stack
    if stack == 0 or (theirs.stack != 0 and theirs.stack < stack):
        stack = theirs.stack
    store_limit_end(ours)
    store_limit_end(theirs)
    if theirs.owner != 0:
        act = theirs.owner.act
        while act != 0:
            if act.store == theirs:
                act.store = ours
            act = act.prev
        ours.owner = theirs.owner
        ours.depth = (ours.depth + u64(u32(theirs.depth))) | (theirs.depth & STORE_SWEEP)
        theirs.owner = ptr[Ec](0)
        theirs.depth = 0
    block = other.insts
    while block != 0:
        block.inst.store = ours
        block = block.next
    if other.insts != 0:
        if into.last == 0:
            into.insts = other.insts
        else:
            into.last.next = other.insts
        into.last = other.last
        other.insts = ptr[InstBlock](0)
        other.last = ptr[InstBlock](0)
    store_boxes_join(ours, theirs)
    if stack != 0:
        store_limit(ours, stack)
    theirs.into = ours
    ours.flags = ours.flags | theirs.flags
    theirs.py = ours.py
    return True


@fn
def thread_inside(owner: ptr[Ec]) -> ptr[Ec]:
    """The owner of a store if it is a thread, else 0."""
    return ptr[Ec](0) if owner == NOBODY else owner


@export
def store_refuse(box: ptr[StoreBox]) -> None:
    """From now on a thread that finds another one inside raises RuntimeError instead of waiting."""
    box.data.flags = box.data.flags | STORE_ERROR


@export
def store_busy(box: ptr[StoreBox]) -> boolean:
    """True while a call is inside the store."""
    return u32(box.data.depth) != 0


@export
def module_owner(mod: ptr[Mod], mapping: u64, nbytes: u64) -> ptr[PyObject]:
    """A capsule that frees the module when it dies, and unmaps its file if that was mapped."""
    box = ptr[ModuleBox](malloc(sizeof(ModuleBox)))
    if box == 0:
        return PyErr_NoMemory()
    box.mod = mod
    box.mapping = mapping
    box.nbytes = nbytes
    return PyCapsule_New(ptr[u8](box), b"wasmjit.module", fnptr(module_capsule_free))


@fn
def module_capsule_free(capsule: ptr[PyObject]) -> None:
    box = ptr[ModuleBox](PyCapsule_GetPointer(capsule, b"wasmjit.module"))
    units_free(box.mod)
    kept_free(box.mod)
    slots_free(box.mod)
    mod_free(box.mod)
    if box.mapping != 0:
        munmap(ptr[u8](box.mapping), box.nbytes)
    free(ptr[u8](box))
