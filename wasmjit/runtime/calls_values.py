"""One value between a Python object and its slot (spec 2.3.1; the embedding rules are those of `Func`).

A numeric value is unboxed to the 64 bits of its slot, the upper half of a 32-bit one zero. `FAILED` stands for an error
where PyErr_Occurred() agrees: an i64 can have these bits too. Messages say who was given the value: `who` is a Func and
`position` the argument's, or `who` is the name of a host function and `position` is RESULT, or `who` is null.
"""

from wasmjit.native.capi import (
    Py_DecRef,
    Py_IncRef,
    PyErr_Clear,
    PyErr_ExceptionMatches,
    PyErr_Format,
    PyErr_Occurred,
    PyExc_OverflowError,
    PyExc_SystemError,
    PyExc_TypeError,
    PyFloat_FromDouble,
    PyIndex_Check,
    PyLong_AsUnsignedLongLong,
    PyLong_FromLongLong,
    PyNumber_Index,
    PyObject_GetAttrString,
    PyObject_HasAttrString,
    PyType_GetName,
)
from wasmjit.native.lang import PyObject, bits, boolean, export, f32, f64, fn, from_bits, i32, i64, ptr, symbol, u32, u64, unlikely
from wasmjit.runtime.calls_boxes import box_get, box_make
from wasmjit.runtime.calls_funcs import func_box, func_from, func_unbox
from wasmjit.runtime.calls_numbers import float_value, int_value, type_of
from wasmjit.runtime.calls_object import is_func
from wasmjit.runtime.calls_types import EXTERNREF, F32, F64, FUNCREF, I32, I64, V128, type_name
from wasmjit.runtime.structs import FuncRef, StoreData

FAILED = 0x8BAD_F00D_DEAD_BEEF
RESULT = -1


@fn
def none() -> ptr[PyObject]:
    """A new reference to None."""
    object = ptr[PyObject](symbol("_Py_NoneStruct"))
    Py_IncRef(object)
    return object


@fn(inline=True)
def is_none(object: ptr[PyObject]) -> boolean:
    return u64(object) == u64(symbol("_Py_NoneStruct"))


@fn(cold=True)
def wrong_type(object: ptr[PyObject], type: u32, who: ptr[PyObject], position: i64) -> u64:
    """TypeError: the object is no value of the type. Returns FAILED."""
    name = PyType_GetName(type_of(object))
    if name != 0 and who == 0:
        PyErr_Format(PyExc_TypeError, b"%s expected, not %U", type_name(type), name)
    elif name != 0 and position == RESULT:
        PyErr_Format(PyExc_TypeError, b"host function %U returned %U, %s expected", who, name, type_name(type))
    elif name != 0:
        function = PyObject_GetAttrString(who, b"_name")
        if function != 0:
            PyErr_Format(PyExc_TypeError, b"%U() argument %zd must be %s, not %U", function, position + 1, type_name(type), name)
            Py_DecRef(function)
    if name != 0:
        Py_DecRef(name)
    return FAILED


@fn(cold=True)
def out_of_range(type: u32, who: ptr[PyObject], position: i64) -> u64:
    """OverflowError: the number does not fit the type, neither signed nor unsigned. Returns FAILED."""
    if who == 0:
        PyErr_Format(PyExc_OverflowError, b"value out of range for %s", type_name(type))
    elif position == RESULT:
        PyErr_Format(PyExc_OverflowError, b"host function %U returned a value out of range for %s", who, type_name(type))
    else:
        function = PyObject_GetAttrString(who, b"_name")
        if function != 0:
            PyErr_Format(PyExc_OverflowError, b"%U() argument %zd is out of range for %s", function, position + 1, type_name(type))
            Py_DecRef(function)
    return FAILED


@fn(cold=True)
def integer_failed(object: ptr[PyObject], type: u32, who: ptr[PyObject], position: i64) -> u64:
    """A conversion raised: say more than CPython where the object is no integer at all. What its __index__ raised stays."""
    if PyErr_ExceptionMatches(PyExc_TypeError) and not PyIndex_Check(object):
        PyErr_Clear()
        return wrong_type(object, type, who, position)
    return FAILED


@fn(cold=True)
def unbox_i32_rest(object: ptr[PyObject], value: i64, who: ptr[PyObject], position: i64) -> u64:
    """`value`: what int_value gave, -1 or out of range."""
    if value == -1:
        if PyErr_Occurred() == 0:
            return 0xFFFF_FFFF
        if not PyErr_ExceptionMatches(PyExc_OverflowError):
            return integer_failed(object, I32, who, position)
        PyErr_Clear()
    return out_of_range(I32, who, position)


@fn(inline=True)
def unbox_i32(object: ptr[PyObject], who: ptr[PyObject], position: i64) -> u64:
    """-2^31..2^32-1, from an int or what has __index__."""
    value = int_value(object)
    if unlikely(value == -1 or u64(value + 0x8000_0000) >= 0x1_8000_0000):
        return unbox_i32_rest(object, value, who, position)
    return u64(u32(value))


@fn(cold=True)
def unbox_i64_rest(object: ptr[PyObject], who: ptr[PyObject], position: i64) -> u64:
    if PyErr_Occurred() == 0:
        return 0xFFFF_FFFF_FFFF_FFFF
    if not PyErr_ExceptionMatches(PyExc_OverflowError):
        return integer_failed(object, I64, who, position)
    PyErr_Clear()
    number = PyNumber_Index(object)
    if number == 0:
        return FAILED
    value = PyLong_AsUnsignedLongLong(number)
    Py_DecRef(number)
    if value == 0xFFFF_FFFF_FFFF_FFFF and PyErr_Occurred() != 0:
        PyErr_Clear()
        return out_of_range(I64, who, position)
    return value


@fn(inline=True)
def unbox_i64(object: ptr[PyObject], who: ptr[PyObject], position: i64) -> u64:
    """-2^63..2^64-1, from an int or what has __index__."""
    value = int_value(object)
    if unlikely(value == -1):
        return unbox_i64_rest(object, who, position)
    return u64(value)


@fn(cold=True)
def float_failed(object: ptr[PyObject], type: u32, who: ptr[PyObject], position: i64) -> u64:
    """float_value gave -1: the bits of -1 if that is the value, else FAILED."""
    if PyErr_Occurred() == 0:
        if type == F32:
            return 0xBF80_0000
        return 0xBFF0_0000_0000_0000
    if PyErr_ExceptionMatches(PyExc_TypeError) and not PyObject_HasAttrString(type_of(object), b"__float__"):
        if not PyIndex_Check(object):
            PyErr_Clear()
            return wrong_type(object, type, who, position)
    return FAILED


@fn(inline=True)
def unbox_f32(object: ptr[PyObject], who: ptr[PyObject], position: i64) -> u64:
    """A real number, rounded to single precision."""
    value = float_value(object)
    if unlikely(value == -1.0):
        return float_failed(object, F32, who, position)
    return u64(bits(f32(value)))


@fn(inline=True)
def unbox_f64(object: ptr[PyObject], who: ptr[PyObject], position: i64) -> u64:
    """A real number."""
    value = float_value(object)
    if unlikely(value == -1.0):
        return float_failed(object, F64, who, position)
    return bits(value)


@fn(inline=True)
def unbox_number(type: u32, object: ptr[PyObject], who: ptr[PyObject], position: i64) -> u64:
    """The slot bits of an object as a number of the type; FAILED with an exception set."""
    if type == I32:
        return unbox_i32(object, who, position)
    if type == I64:
        return unbox_i64(object, who, position)
    if type == F64:
        return unbox_f64(object, who, position)
    return unbox_f32(object, who, position)


@fn
def unbox_funcref(object: ptr[PyObject], store: ptr[StoreData], who: ptr[PyObject], position: i64) -> u64:
    """The FuncRef address of a Func or HostFunc; FAILED with an exception set."""
    if is_func(object):
        ref = func_unbox(object, store)
        return u64(ref) if ref != 0 else u64(FAILED)
    func = func_from(object)
    if func == 0:
        return FAILED
    value: u64 = FAILED
    if is_func(func):
        value = unbox_funcref(func, store, who, position)
    else:
        wrong_type(object, FUNCREF, who, position)
    Py_DecRef(func)
    return value


@fn
def unbox(type: u32, object: ptr[PyObject], to: ptr[u64], store: ptr[StoreData], who: ptr[PyObject], position: i64) -> boolean:
    """Write the value to its slot. `store`: where references are to live. False: an exception is set."""
    value: u64 = 0
    if type >= F64:
        value = unbox_number(type, object, who, position)
    elif is_none(object):
        value = 0
    elif type == FUNCREF:
        value = unbox_funcref(object, store, who, position)
    elif type == EXTERNREF:
        value = box_make(store, object)
        if value == 0:
            value = FAILED
    else:
        PyErr_Format(PyExc_SystemError, b"values of type %s do not cross to Python yet", type_name(type))
        return False
    if unlikely(value == FAILED) and PyErr_Occurred() != 0:
        return False
    to[0] = value
    return True


@fn(inline=True)
def box_number(type: u32, value: u64) -> ptr[PyObject]:
    """The Python number of a numeric slot: integers are signed. New reference or null."""
    if type == I32:
        return PyLong_FromLongLong(i64(i32(value)))
    if type == I64:
        return PyLong_FromLongLong(i64(value))
    if type == F64:
        return PyFloat_FromDouble(from_bits(value))
    return PyFloat_FromDouble(f64(from_bits(u32(value))))


@fn
def box(type: u32, at: ptr[u64], owner: ptr[PyObject]) -> ptr[PyObject]:
    """The Python object of a slot. `owner` keeps functions of the store alive. New reference or null."""
    if type >= F64:
        return box_number(type, at[0])
    if type == V128:
        return PyErr_Format(PyExc_SystemError, b"values of type v128 do not cross to Python yet")
    if at[0] == 0:
        return none()
    if type == FUNCREF:
        return func_box(ptr[FuncRef](at[0]), owner)
    return box_get(at[0])


@export
def value_get(type: u32, at: ptr[u64], store: ptr[StoreData]) -> ptr[PyObject]:
    """The value of a global's cell or a table's element at an address, as an object; `type` as encoded. `store` may be 0 for numbers."""
    owner = ptr[PyObject](0)
    if store != 0:
        owner = store.py
    return box(type, at, owner)


@export
def value_set(type: u32, at: ptr[u64], store: ptr[StoreData], object: ptr[PyObject]) -> ptr[PyObject]:
    """Write an object's value to a global's cell or a table's element; None. TypeError and OverflowError as for arguments."""
    if not unbox(type, object, at, store, ptr[PyObject](0), 0):
        return ptr[PyObject](0)
    return none()
