"""The heap type under `wasmjit.Memory`: holds a linear memory and lends it out by the buffer protocol (restricted Python).

A buffer's exporter is the Memory object, which counts as one holder of the mapping: a view stays valid, with the length
it was made with, when the memory grows, and when the instance is closed or gone.
"""

from wasmjit.native.capi import (
    Py_DecRef,
    Py_IncRef,
    PyBuffer_FillInfo,
    PyBuffer_Release,
    PyBytes_FromStringAndSize,
    PyErr_Clear,
    PyErr_ExceptionMatches,
    PyErr_Format,
    PyErr_Occurred,
    PyErr_SetString,
    PyExc_BufferError,
    PyExc_IndexError,
    PyExc_OverflowError,
    PyExc_ValueError,
    PyLong_AsLongLong,
    PyLong_FromLongLong,
    PyObject_GetBuffer,
    PyType_FromSpec,
    PyType_GetSlot,
)
from wasmjit.native.lang import (
    PyObject,
    alloca,
    array,
    boolean,
    call,
    export,
    fn,
    fnptr,
    i32,
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
from wasmjit.native.libc import memchr, memmove
from wasmjit.runtime.calls_object import TP_DEALLOC, TypeSlot, TypeSpec, slot
from wasmjit.runtime.memory import mem_release, mem_retain
from wasmjit.runtime.structs import Mem

# typeslots.h and object.h of CPython: part of its stable ABI
BF_GETBUFFER, TP_FREE = 1, 74
FLAG_BASETYPE = 1 << 10
ADDRESSES = 1 << 32  # what a negative i32 pointer counts down from


@struct
class MemoryData:
    """What follows the head of a Memory object."""

    mem: ptr[Mem]  # counted; 0 before `memory_attach`


@struct
class MemoryClass:
    head: u64  # bytes of an object's head
    type: ptr[PyObject]  # strong: the type never dies


@struct
class PyBuffer:
    """Py_buffer, part of CPython's stable ABI since 3.11."""

    buf: ptr[u8]
    obj: ptr[PyObject]
    len: i64
    itemsize: i64
    readonly: i32
    ndim: i32
    format: ptr[u8]
    pointers: array[u64, 4]  # shape, strides, suboffsets, internal


MEMORY = var("memory_class", MemoryClass)
EMPTY = var("memory_empty", Mem)


@fn(inline=True)
def memory_data(memory: ptr[PyObject]) -> ptr[MemoryData]:
    return ptr[MemoryData](ptr[u8](memory) + MEMORY.head)


@fn(inline=True)
def memory_of(memory: ptr[PyObject]) -> ptr[Mem]:
    """The memory of an object; one of 0 bytes for an object that was never initialised."""
    mem = memory_data(memory).mem
    if unlikely(mem == 0):
        return EMPTY
    return mem


@fn
def memory_dealloc(memory: ptr[PyObject]) -> None:
    kind = ptr[ptr[PyObject]](ptr[u8](memory) + MEMORY.head - 8)[0]
    mem = memory_data(memory).mem
    if mem != 0:
        mem_release(mem)
    call(void, PyType_GetSlot(kind, TP_FREE), memory)
    Py_DecRef(kind)


@fn
def memory_getbuffer(memory: ptr[PyObject], view: ptr[u8], flags: i32) -> i32:
    mem = memory_data(memory).mem
    if mem == 0:
        ptr[PyBuffer](view).obj = ptr[PyObject](0)
        PyErr_SetString(PyExc_BufferError, b"the Memory was never initialised")
        return -1
    return PyBuffer_FillInfo(view, memory, mem.base, i64(mem.nbytes), 0, flags)


@export
def memory_type_new(head: u64) -> ptr[PyObject]:
    """Make the type; `head` is object.__basicsize__. Made once: later calls return the same type."""
    if MEMORY.type == 0:
        MEMORY.head = head
        EMPTY.base = ptr[u8](EMPTY)  # no null pointer, which stands for an error
        slots = alloca(TypeSlot, 3)
        slot(slots, TP_DEALLOC, fnptr(memory_dealloc))
        slot(slots + 1, BF_GETBUFFER, fnptr(memory_getbuffer))
        slot(slots + 2, 0, ptr[u8](0))
        spec = alloca(TypeSpec)
        spec.name = b"wasmjit.MemoryBase"
        spec.basicsize = i32(head + sizeof(MemoryData))
        spec.itemsize = 0
        spec.flags = FLAG_BASETYPE
        spec.slots = slots
        MEMORY.type = PyType_FromSpec(ptr[u8](spec))
        if MEMORY.type == 0:
            return MEMORY.type
    Py_IncRef(MEMORY.type)
    return MEMORY.type


@export
def memory_attach(memory: ptr[PyObject], mem: ptr[Mem]) -> None:
    """Let a fresh Memory object hold `mem`. One that holds a memory keeps it: views may look at that."""
    data = memory_data(memory)
    if data.mem == 0:
        mem_retain(mem)
        data.mem = mem


@export
def memory_address(memory: ptr[PyObject]) -> ptr[Mem]:
    """Address of its Mem."""
    return memory_of(memory)


@export
def memory_nbytes(memory: ptr[PyObject]) -> u64:
    return memory_of(memory).nbytes


@export
def memory_limits(mem: ptr[Mem], which: u32) -> u64:
    """Of a Mem: 0 pages, 1 most pages, 2 flags (MEM_*)."""
    if which == 0:
        return mem.pages
    return mem.max_pages if which == 1 else u64(mem.flags)


@fn
def memory_number(object: ptr[PyObject], to: ptr[i64]) -> boolean:
    """Read an int argument. False: TypeError, or IndexError for one that no address reaches."""
    value = PyLong_AsLongLong(object)
    to[0] = value
    if value == -1 and PyErr_Occurred() != 0:
        if PyErr_ExceptionMatches(PyExc_OverflowError):
            PyErr_Clear()
            PyErr_SetString(PyExc_IndexError, b"address or length outside of every memory")
        return False
    return True


@fn
def memory_at(memory: ptr[PyObject], pointer: ptr[PyObject], count: i64) -> ptr[u8]:
    """Where [pointer, pointer + count) lies; a negative pointer is an i32's. Null: an exception is set."""
    mem = memory_of(memory)
    number = alloca(i64)
    if not memory_number(pointer, number):
        return ptr[u8](0)
    at = u64(number[0])
    if number[0] < 0:
        at = u64(number[0] + ADDRESSES)
    if unlikely(count < 0):
        PyErr_SetString(PyExc_ValueError, b"negative length")
        return ptr[u8](0)
    if unlikely(at > mem.nbytes or u64(count) > mem.nbytes - at):
        PyErr_Format(PyExc_IndexError, b"%zd bytes at %zd are outside of a memory of %zu bytes", count, number[0], mem.nbytes)
        return ptr[u8](0)
    return mem.base + at


@export
def memory_offset(memory: ptr[PyObject], pointer: ptr[PyObject], count: ptr[PyObject]) -> ptr[PyObject]:
    """The offset of [pointer, pointer + count), if it lies inside; else raises as `memory_read` does."""
    number = alloca(i64)
    if not memory_number(count, number):
        return ptr[PyObject](0)
    at = memory_at(memory, pointer, number[0])
    if at == 0:
        return ptr[PyObject](0)
    return PyLong_FromLongLong(i64(u64(at) - u64(memory_of(memory).base)))


@export
def memory_read(memory: ptr[PyObject], pointer: ptr[PyObject], count: ptr[PyObject]) -> ptr[PyObject]:
    """A copy as bytes. IndexError: outside of the memory; ValueError: negative length."""
    number = alloca(i64)
    if not memory_number(count, number):
        return ptr[PyObject](0)
    at = memory_at(memory, pointer, number[0])
    if at == 0:
        return ptr[PyObject](0)
    return PyBytes_FromStringAndSize(at, number[0])


@export
def memory_read_text(memory: ptr[PyObject], pointer: ptr[PyObject]) -> ptr[PyObject]:
    """The bytes up to the first zero byte; IndexError without one."""
    at = memory_at(memory, pointer, 0)
    if at == 0:
        return ptr[PyObject](0)
    mem = memory_of(memory)
    end = memchr(at, 0, mem.nbytes - (u64(at) - u64(mem.base)))
    if end == 0:
        PyErr_SetString(PyExc_IndexError, b"no zero byte ends the string")
        return ptr[PyObject](0)
    return PyBytes_FromStringAndSize(at, i64(u64(end) - u64(at)))


@export
def memory_write(memory: ptr[PyObject], pointer: ptr[PyObject], data: ptr[PyObject]) -> ptr[PyObject]:
    """Copy a contiguous buffer into the memory; the number of bytes."""
    view = alloca(PyBuffer)
    if PyObject_GetBuffer(data, ptr[u8](view), 0) != 0:
        return ptr[PyObject](0)
    count = view.len
    at = memory_at(memory, pointer, count)
    if at != 0:
        memmove(at, view.buf, u64(count))
    PyBuffer_Release(ptr[u8](view))
    if at == 0:
        return ptr[PyObject](0)
    return PyLong_FromLongLong(count)
