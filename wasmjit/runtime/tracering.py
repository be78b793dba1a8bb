"""Events that happen in native code: a ring of records that whoever traces reads (restricted Python).

The places that note something are rare paths, and each tests `TRACING` first: an untraced process has no ring. Writers take a
number each and never wait, so that signal handlers may write; a reader that comes too late is told how much it missed.
"""

from wasmjit.native.capi import Py_BuildValue, PyBytes_FromStringAndSize, PyErr_NoMemory
from wasmjit.native.lang import (
    PyObject,
    addr,
    array,
    atomic_add,
    atomic_cas,
    atomic_load,
    atomic_store,
    boolean,
    export,
    fn,
    i64,
    ptr,
    sizeof,
    struct,
    u8,
    u32,
    u64,
    unlikely,
    var,
    void,
)
from wasmjit.native.libc import clock_gettime, free, malloc, memcpy, memset, syscall
from wasmjit.runtime.platform import CLOCK_MONOTONIC, SYS_GETTID
from wasmjit.runtime.structs import Code

RECORDS = 1 << 15  # that the ring holds: a power of two; 4 MiB
VALUES = 8  # slots of a frame that a record shows
BUSY = 1 << 63  # flags of Record.sequence: the event is being written,
LOST = 1 << 62  # or it found an older one that still was, and is not here
NUMBER = LOST - 1  # the rest of it


@struct
class Record:
    """An event. What a and b are depends on its kind, a TRACE_* of codes.py."""

    sequence: u64  # its number + 1 once it is complete, with flags before or instead
    time: u64  # CLOCK_MONOTONIC ns
    thread: u64  # of the system
    mod: u64  # address of the Mod
    kind: u32
    index: u32  # of the function
    a: u64
    b: u64
    nvalues: u64
    values: array[u64, VALUES]


@struct
class Ring:
    records: ptr[Record]  # kept once made: a writer may be at work in it
    written: u64  # numbers handed out
    read: u64  # the first number that was not read


TRACING = var("trace_on", u64)  # number of tracers
RING = var("trace_ring", Ring)


@fn(inline=True)
def tracing() -> boolean:
    """Does anybody listen?"""
    return unlikely(TRACING[0] != 0)


@fn(cold=True)
def trace_note(kind: u32, code: ptr[Code], a: u64, b: u64) -> void:
    """Write an event down, if anybody listens. Needs no GIL and takes no lock."""
    trace_frame(kind, code, a, b, ptr[u64](0), 0)


@fn(cold=True)
def trace_frame(kind: u32, code: ptr[Code], a: u64, b: u64, slots: ptr[u64], count: u64) -> void:
    """The same with the first values of a frame whose slots are memory."""
    if TRACING[0] == 0:
        return
    number = atomic_add(addr(RING.written), 1)
    record = RING.records + i64(number & (RECORDS - 1))
    if not record_claim(record, number + 1):
        return
    seconds = ptr[u64](addr(record.a))  # where a and b will stand
    clock_gettime(CLOCK_MONOTONIC, ptr[u8](seconds))
    record.time = record.a * 1_000_000_000 + record.b
    record.thread = u64(syscall(SYS_GETTID))
    record.mod = u64(code.mod)
    record.kind = kind
    record.index = code.index
    record.a = a
    record.b = b
    shown = count if count < VALUES else u64(VALUES)
    record.nvalues = shown
    i: u64 = 0
    while i < shown:
        record.values[i64(i)] = slots[i64(i)]
        i += 1
    if not atomic_cas(addr(record.sequence), (number + 1) | BUSY, number + 1):
        record_free(record)


@fn(cold=True)
def record_claim(record: ptr[Record], sequence: u64) -> boolean:
    """Begin to write a record. False: the ring has gone round meanwhile, or since an event that is still being written there; this one is
    lost, and the record says so. Nobody waits: the other may be what a signal interrupted in this thread.
    """
    while True:
        found = atomic_load(addr(record.sequence))
        if found & NUMBER >= sequence:
            return False
        if found & BUSY != 0:
            if atomic_cas(addr(record.sequence), found, sequence | BUSY | LOST):
                return False
        elif atomic_cas(addr(record.sequence), found, sequence | BUSY):
            return True


@fn(cold=True)
def record_free(record: ptr[Record]) -> void:
    """The event written here was overtaken by one that found no place: now there is neither."""
    while True:
        found = atomic_load(addr(record.sequence))
        if atomic_cas(addr(record.sequence), found, found & (BUSY - 1)):
            return


@export
def trace_start() -> ptr[PyObject]:
    """Listen from now on; once for each `trace_stop`. MemoryError: no memory for the ring. Returns how many listen."""
    if RING.records == 0:
        size = u64(RECORDS * sizeof(Record))
        block = malloc(size)
        if block == 0:
            return PyErr_NoMemory()
        memset(block, 0, size)
        RING.records = ptr[Record](block)
    if TRACING[0] == 0:
        RING.read = RING.written
    atomic_store(addr(TRACING[0]), TRACING[0] + 1)
    return Py_BuildValue(b"K", TRACING[0])


@export
def trace_stop() -> None:
    """One listener less."""
    if TRACING[0] != 0:
        atomic_store(addr(TRACING[0]), TRACING[0] - 1)


@export
def trace_drain(most: u32) -> ptr[PyObject]:
    """(records as bytes, at most `most` of them, laid out as Record; number of events lost since the last time).

    An event that is being written ends the answer: it comes the next time.
    """
    size = u64(sizeof(Record))
    copy = ptr[Record](malloc(u64(most) * size + 1))
    if copy == 0:
        return PyErr_NoMemory()
    before = RING.read
    taken: u64 = 0
    if RING.records != 0:
        taken = trace_copy(copy, u64(most))
    lost = RING.read - before - taken
    records = PyBytes_FromStringAndSize(ptr[u8](copy), i64(taken * size))
    free(ptr[u8](copy))
    if records == 0:
        return records
    return Py_BuildValue(b"(NK)", records, lost)


@fn
def trace_copy(copy: ptr[Record], most: u64) -> u64:
    """Copy what was not read yet, the oldest first, until a record that is being written; returns how many."""
    written = atomic_load(addr(RING.written))
    if written - RING.read > RECORDS:
        RING.read = written - RECORDS
    taken: u64 = 0
    while taken < most and RING.read != written:
        record = RING.records + i64(RING.read & (RECORDS - 1))
        wanted = RING.read + 1
        sequence = atomic_load(addr(record.sequence))
        if sequence & NUMBER < wanted or sequence == wanted | BUSY:
            break
        if sequence == wanted:  # else it is lost
            memcpy(ptr[u8](copy + i64(taken)), ptr[u8](record), u64(sizeof(Record)))
            if atomic_load(addr(record.sequence)) == sequence:
                taken += 1  # else it was written over meanwhile
        RING.read = wanted
    return taken
