"""openat2(2), which Python's os module does not have: opening a path that must not lead out of the directory it starts from."""

from wasmjit.native.capi import (
    PyBytes_AsString,
    PyErr_SetFromErrno,
    PyEval_RestoreThread,
    PyEval_SaveThread,
    PyExc_OSError,
    PyLong_FromLongLong,
)
from wasmjit.native.lang import PyObject, alloca, export, i32, i64, ptr, u64
from wasmjit.native.libc import syscall

SYS_OPENAT2 = 437  # of every machine


@export
def openat2(directory: i32, path: ptr[PyObject], flags: u64, mode: u64, resolve: u64) -> ptr[PyObject]:
    """A host descriptor for a path (bytes) from an open directory; resolve: RESOLVE_* of Linux. Raises OSError, TypeError."""
    name = PyBytes_AsString(path)
    if name == 0:
        return ptr[PyObject](0)
    how = alloca(u64, 3)  # struct open_how
    how[0] = flags
    how[1] = mode
    how[2] = resolve
    state = PyEval_SaveThread()  # it may take long
    number = syscall(SYS_OPENAT2, i64(directory), name, how, u64(24))
    PyEval_RestoreThread(state)  # keeps errno
    if number < 0:
        return PyErr_SetFromErrno(PyExc_OSError)
    return PyLong_FromLongLong(number)
