"""Getting functions ready that a program is going to call: an earlier run called them.

A thread of its own does it, from the first that will be called on, and is soon ahead of the program: that seldom has to translate
anything. It translates into scratch space of its own and holds the lock of the translator only to store what it made.
"""

from wasmjit.binary.parallel import processors
from wasmjit.native.capi import (
    PyBytes_AsString,
    PyBytes_FromStringAndSize,
    PyBytes_Size,
    PyErr_Clear,
    PyEval_RestoreThread,
    PyEval_SaveThread,
)
from wasmjit.native.lang import PyObject, boolean, export, fn, i64, ptr, sizeof, u8, u32, u64
from wasmjit.native.libc import calloc, free
from wasmjit.runtime.kept import kept_install, kept_waits
from wasmjit.runtime.structs import Code, Mod
from wasmjit.runtime.unitcheck import own_function

from .entry import tr_body, tr_keep
from .slotcode import Block, SlotChunk, loops_free, slots_lock, slots_unlock
from .state import Trans


@fn
def chunk_blocks(chunk: ptr[SlotChunk], found: ptr[u32]) -> u64:
    """How many blocks are in a chunk; their functions, unless that is 0. Needs the lock."""
    count: u64 = 0
    block = ptr[Block](chunk.data)
    end = u64(chunk.data) + chunk.used
    while u64(block) < end:
        if found != 0:
            found[count] = block.code.index
        count += 1
        block = ptr[Block](u64(block) + block.nbytes)
    return count


@export
def functions_translated(mod: ptr[Mod]) -> ptr[PyObject]:
    """Functions that have slot code, in the order in which they got it: u32 indices as bytes. One with two forms is there twice."""
    slots_lock()
    at: u64 = 0
    chunk = mod.slots
    while chunk != 0:
        at += chunk_blocks(chunk, ptr[u32](0))
        chunk = chunk.next
    made = PyBytes_FromStringAndSize(ptr[u8](0), i64(at * sizeof(u32)))
    chunk = mod.slots if made != 0 else ptr[SlotChunk](0)
    while chunk != 0:  # the newest first
        at -= chunk_blocks(chunk, ptr[u32](0))
        chunk_blocks(chunk, ptr[u32](PyBytes_AsString(made)) + at)
        chunk = chunk.next
    slots_unlock()
    return made


@export
def functions_prepare(mod: ptr[Mod], wanted: ptr[PyObject]) -> u32:
    """Translate functions, or install the code that is kept for their calls: how many are ready that were not.

    wanted: their indices, u32 as bytes; those that the module does not have are left out. Does nothing where there is one processor only:
    then nothing would be gained for functions that the program does not call. The GIL is released; the module must live.
    """
    size = PyBytes_Size(wanted)
    if size < 0:
        PyErr_Clear()
        return u32(0)
    indices = ptr[u32](PyBytes_AsString(wanted))
    state = PyEval_SaveThread()
    made: u32 = 0
    t = ptr[Trans](calloc(1, sizeof(Trans))) if processors() > 1 else ptr[Trans](0)
    if t != 0:
        k: u64 = 0
        while k < u64(size) // sizeof(u32):
            code = own_function(mod, indices[k])
            if code != 0 and prepare(t, code):
                made += 1
            k += 1
        trans_free(t)
    PyEval_RestoreThread(state)
    return made


@fn
def prepare(t: ptr[Trans], code: ptr[Code]) -> boolean:
    if kept_waits(code):
        kept_install(code, False)
        if code.i2c != 0:
            return True
    if code.slots != 0 or code.i2c != 0 or tr_body(t, code) != 0:
        return False
    slots_lock()
    first = code.slots == 0
    if first:
        first = tr_keep(t) == 0
    else:
        loops_free(t.loops)  # the program came first
    slots_unlock()
    return first


@fn
def trans_free(t: ptr[Trans]) -> None:
    free(t.buf)
    free(ptr[u8](t.entries))
    free(t.types)
    free(ptr[u8](t.lazy))
    free(ptr[u8](t.labels))
    free(ptr[u8](t.fixups))
    free(ptr[u8](t.points))
    free(ptr[u8](t))
