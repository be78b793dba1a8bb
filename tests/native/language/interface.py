"""Sample of restricted Python: what Python may pass to exports and gets from them."""

from wasmjit.native.lang import (
    PyObject,
    boolean,
    export,
    extern,
    extern_data,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    ptr,
    u8,
    u16,
    u32,
    u64,
    void,
)

PyExc_ValueError = extern_data("PyExc_ValueError", ptr[PyObject])


@extern
def PyGILState_Check() -> i32: ...


@extern
def Py_IncRef(o: ptr[PyObject]) -> void: ...


@extern(variadic=True)
def PyErr_Format(kind: ptr[PyObject], text: ptr[u8]) -> ptr[PyObject]: ...


def identity(t):
    @export(symbol=f"same_{t.__name__}")
    def same(x: t) -> t:
        return x

    return same


for kind in (i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, boolean):
    globals()[f"same_{kind.__name__}"] = identity(kind)


@export
def same_pointer(p: ptr[u8]) -> ptr[u8]:
    return p


@export
def same_object(o: ptr[PyObject]) -> ptr[PyObject]:
    Py_IncRef(o)
    return o


@export
def nothing() -> void:
    pass


@export
def raises(code: u32, ratio: f64) -> ptr[PyObject]:
    """Raises ValueError; variadic arguments keep their types."""
    return PyErr_Format(PyExc_ValueError, b"code %u at %c", code, u32(65) if ratio > 1 else u32(66))


@export
def third(a: ptr[PyObject], b: f32, c: i64) -> i64:
    return c


@export
def holds_gil() -> boolean:
    return PyGILState_Check() != 0


@export(nogil=True)
def holds_gil_without(n: u64) -> boolean:
    return PyGILState_Check() != 0
