"""The CPython API as restricted Python calls it: one extern a function, sorted by name. Only what is the same in all versions."""

from wasmjit.native.lang import PyObject, extern, extern_data, i32, i64, ptr, u8, u64

PyExc_BufferError = extern_data("PyExc_BufferError", ptr[PyObject])
PyExc_IndexError = extern_data("PyExc_IndexError", ptr[PyObject])
PyExc_MemoryError = extern_data("PyExc_MemoryError", ptr[PyObject])
PyExc_OverflowError = extern_data("PyExc_OverflowError", ptr[PyObject])
PyExc_RuntimeError = extern_data("PyExc_RuntimeError", ptr[PyObject])
PyExc_TypeError = extern_data("PyExc_TypeError", ptr[PyObject])
PyExc_ValueError = extern_data("PyExc_ValueError", ptr[PyObject])


@extern
def PyBuffer_FillInfo(view: ptr[u8], exporter: ptr[PyObject], buffer: ptr[u8], size: i64, readonly: i32, flags: i32) -> i32: ...


@extern
def PyCapsule_GetPointer(capsule: ptr[PyObject], name: ptr[u8]) -> ptr[u8]: ...


@extern
def PyCapsule_New(pointer: ptr[u8], name: ptr[u8], destructor: ptr[u8]) -> ptr[PyObject]: ...


@extern
def PyErr_NoMemory() -> ptr[PyObject]: ...


@extern
def PyErr_Occurred() -> ptr[PyObject]: ...


@extern
def PyErr_SetString(kind: ptr[PyObject], message: ptr[u8]) -> None: ...


@extern
def PyList_GetItem(sequence: ptr[PyObject], index: i64) -> ptr[PyObject]: ...


@extern
def PyList_Size(sequence: ptr[PyObject]) -> i64: ...


@extern
def PyLong_AsUnsignedLongLong(value: ptr[PyObject]) -> u64: ...


@extern
def PyType_FromSpec(spec: ptr[u8]) -> ptr[PyObject]: ...


@extern
def Py_DecRef(value: ptr[PyObject]) -> None: ...


@extern
def Py_IncRef(value: ptr[PyObject]) -> None: ...
