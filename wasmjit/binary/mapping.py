"""Bytes of modules: file mappings and addresses of bytes objects."""

from wasmjit.native.capi import PyBytes_AsString, PyErr_SetFromErrno, PyExc_OSError, PyLong_FromUnsignedLongLong
from wasmjit.native.lang import PyObject, boolean, export, i32, ptr, u8, u64
from wasmjit.native.libc import mmap, munmap

PROT_READ = 1
MAP_PRIVATE = 2
MAP_POPULATE = 0x8000
MAP_FAILED = 0xFFFFFFFFFFFFFFFF


@export
def map_file(fd: i32, nbytes: u64) -> ptr[PyObject]:
    """Map a file's first bytes privately and read-only; its address. Raises OSError."""
    place = mmap(ptr[u8](0), nbytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0)
    if u64(place) == MAP_FAILED:
        return PyErr_SetFromErrno(PyExc_OSError)
    return PyLong_FromUnsignedLongLong(u64(place))


@export
def unmap_file(address: ptr[u8], nbytes: u64) -> boolean:
    """Undo map_file; whether there was such a mapping."""
    return munmap(address, nbytes) == 0


@export
def bytes_address(value: ptr[PyObject]) -> ptr[PyObject]:
    """Address of a bytes object's data. Raises TypeError for anything else."""
    place = PyBytes_AsString(value)
    if place == 0:
        return ptr[PyObject](0)
    return PyLong_FromUnsignedLongLong(u64(place))
