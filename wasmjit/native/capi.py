"""The CPython API as restricted Python calls it: one extern a function, sorted by name. Only what is the same in all versions."""

from wasmjit.native.lang import PyObject, extern, extern_data, f64, i32, i64, ptr, u8, u64

PyExc_BufferError = extern_data("PyExc_BufferError", ptr[PyObject])
PyExc_IndexError = extern_data("PyExc_IndexError", ptr[PyObject])
PyExc_MemoryError = extern_data("PyExc_MemoryError", ptr[PyObject])
PyExc_OSError = extern_data("PyExc_OSError", ptr[PyObject])
PyExc_OverflowError = extern_data("PyExc_OverflowError", ptr[PyObject])
PyExc_RuntimeError = extern_data("PyExc_RuntimeError", ptr[PyObject])
PyExc_SystemError = extern_data("PyExc_SystemError", ptr[PyObject])
PyExc_TypeError = extern_data("PyExc_TypeError", ptr[PyObject])
PyExc_ValueError = extern_data("PyExc_ValueError", ptr[PyObject])


@extern(variadic=True)
def Py_BuildValue(format: ptr[u8]) -> ptr[PyObject]: ...


@extern
def Py_DecRef(value: ptr[PyObject]) -> None: ...


@extern
def Py_IncRef(value: ptr[PyObject]) -> None: ...


@extern
def PyBool_FromLong(value: i64) -> ptr[PyObject]: ...


@extern
def PyBuffer_FillInfo(view: ptr[u8], exporter: ptr[PyObject], buffer: ptr[u8], size: i64, readonly: i32, flags: i32) -> i32: ...


@extern
def PyBuffer_Release(view: ptr[u8]) -> None: ...


@extern
def PyBytes_AsString(object: ptr[PyObject]) -> ptr[u8]: ...


@extern
def PyBytes_FromStringAndSize(data: ptr[u8], size: i64) -> ptr[PyObject]: ...


@extern
def PyBytes_Size(object: ptr[PyObject]) -> i64: ...


@extern
def PyCapsule_GetPointer(capsule: ptr[PyObject], name: ptr[u8]) -> ptr[u8]: ...


@extern
def PyCapsule_New(pointer: ptr[u8], name: ptr[u8], destructor: ptr[u8]) -> ptr[PyObject]: ...


@extern
def PyDict_New() -> ptr[PyObject]: ...


@extern
def PyDict_SetItem(mapping: ptr[PyObject], key: ptr[PyObject], value: ptr[PyObject]) -> i32: ...


@extern
def PyErr_CheckSignals() -> i32: ...


@extern
def PyErr_Clear() -> None: ...


@extern
def PyErr_ExceptionMatches(kind: ptr[PyObject]) -> i32: ...


@extern
def PyErr_Fetch(kind: ptr[ptr[PyObject]], value: ptr[ptr[PyObject]], traceback: ptr[ptr[PyObject]]) -> None: ...


@extern(variadic=True)
def PyErr_Format(kind: ptr[PyObject], format: ptr[u8]) -> ptr[PyObject]: ...


@extern
def PyErr_NoMemory() -> ptr[PyObject]: ...


@extern
def PyErr_Occurred() -> ptr[PyObject]: ...


@extern
def PyErr_Restore(kind: ptr[PyObject], value: ptr[PyObject], traceback: ptr[PyObject]) -> None: ...


@extern
def PyErr_SetFromErrno(kind: ptr[PyObject]) -> ptr[PyObject]: ...


@extern
def PyErr_SetObject(kind: ptr[PyObject], value: ptr[PyObject]) -> None: ...


@extern
def PyErr_SetInterruptEx(signal: i32) -> i32: ...


@extern
def PyErr_SetString(kind: ptr[PyObject], message: ptr[u8]) -> None: ...


@extern
def PyEval_RestoreThread(state: ptr[u8]) -> None: ...


@extern
def PyEval_SaveThread() -> ptr[u8]: ...


@extern
def PyFloat_AsDouble(value: ptr[PyObject]) -> f64: ...


@extern
def PyFloat_FromDouble(value: f64) -> ptr[PyObject]: ...


@extern
def PyIndex_Check(value: ptr[PyObject]) -> i32: ...


@extern
def PyList_Append(sequence: ptr[PyObject], value: ptr[PyObject]) -> i32: ...


@extern
def PyInterpreterState_Get() -> ptr[u8]: ...


@extern
def PyInterpreterState_Main() -> ptr[u8]: ...


@extern
def PyList_GetItem(sequence: ptr[PyObject], index: i64) -> ptr[PyObject]: ...


@extern
def PyList_New(size: i64) -> ptr[PyObject]: ...


@extern
def PyList_Size(sequence: ptr[PyObject]) -> i64: ...


@extern
def PyLong_AsLongLong(value: ptr[PyObject]) -> i64: ...


@extern
def PyLong_AsUnsignedLongLong(value: ptr[PyObject]) -> u64: ...


@extern
def PyLong_FromLongLong(value: i64) -> ptr[PyObject]: ...


@extern
def PyLong_FromUnsignedLongLong(value: u64) -> ptr[PyObject]: ...


@extern
def PyNumber_Index(value: ptr[PyObject]) -> ptr[PyObject]: ...


@extern(variadic=True)
def PyObject_CallFunction(callable: ptr[PyObject], format: ptr[u8]) -> ptr[PyObject]: ...


@extern(variadic=True)
def PyObject_CallFunctionObjArgs(callable: ptr[PyObject]) -> ptr[PyObject]: ...


@extern
def PyObject_ClearWeakRefs(value: ptr[PyObject]) -> None: ...


@extern
def PyObject_GC_Del(value: ptr[PyObject]) -> None: ...


@extern
def PyObject_GC_UnTrack(value: ptr[PyObject]) -> None: ...


@extern
def PyObject_GetAttrString(value: ptr[PyObject], name: ptr[u8]) -> ptr[PyObject]: ...


@extern
def PyObject_GetBuffer(value: ptr[PyObject], view: ptr[u8], flags: i32) -> i32: ...


@extern
def PyObject_HasAttrString(value: ptr[PyObject], name: ptr[u8]) -> i32: ...


@extern
def PyObject_Vectorcall(callable: ptr[PyObject], args: ptr[ptr[PyObject]], flags: u64, names: ptr[PyObject]) -> ptr[PyObject]: ...


@extern
def PySequence_Concat(a: ptr[PyObject], b: ptr[PyObject]) -> ptr[PyObject]: ...


@extern
def PySequence_Tuple(value: ptr[PyObject]) -> ptr[PyObject]: ...


@extern
def PyTuple_GetItem(tuple: ptr[PyObject], index: i64) -> ptr[PyObject]: ...


@extern
def PyTuple_New(size: i64) -> ptr[PyObject]: ...


@extern
def PyTuple_SetItem(tuple: ptr[PyObject], index: i64, value: ptr[PyObject]) -> i32: ...


@extern
def PyTuple_Size(tuple: ptr[PyObject]) -> i64: ...


@extern
def PyType_FromSpec(spec: ptr[u8]) -> ptr[PyObject]: ...


@extern
def PyType_GenericAlloc(kind: ptr[PyObject], items: i64) -> ptr[PyObject]: ...


@extern
def PyType_GetName(kind: ptr[PyObject]) -> ptr[PyObject]: ...


@extern
def PyType_GetSlot(kind: ptr[PyObject], slot: i32) -> ptr[u8]: ...


@extern
def PyUnicode_AsUTF8AndSize(text: ptr[PyObject], size: ptr[i64]) -> ptr[u8]: ...


@extern
def PyUnicode_DecodeUTF8(data: ptr[u8], size: i64, errors: ptr[u8]) -> ptr[PyObject]: ...


@extern
def PyUnicode_InternFromString(text: ptr[u8]) -> ptr[PyObject]: ...
