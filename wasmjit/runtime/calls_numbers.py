"""Reading Python's numbers without calling CPython: its layouts are learned when the Func type is made.

Where the learned layout does not show on known numbers, the C API reads them.
"""

from wasmjit.native.capi import Py_DecRef, PyFloat_AsDouble, PyFloat_FromDouble, PyLong_AsLongLong, PyLong_FromLongLong
from wasmjit.native.lang import PyObject, boolean, f64, fn, i64, likely, ptr, struct, symbol, u8, u32, u64, var

# kinds of ints, by the word behind their head; digits of 30 bits follow it
UNKNOWN = 0
SIZED = 1  # CPython 3.11: the number of digits, negative for negative ints
TAGGED = 2  # since 3.12: 8 times the number of digits + 1 - sign
DIGIT = 30


@struct
class Layout:
    head: u64  # bytes of an object's head; its last word is the type
    ints: u32
    floats: u32  # 1: a float's value stands behind its head


LAYOUT = var("python_layout", Layout)


@fn(inline=True)
def type_of(object: ptr[PyObject]) -> ptr[PyObject]:
    """The object's type, borrowed."""
    return ptr[ptr[PyObject]](ptr[u8](object) + LAYOUT.head - 8)[0]


@fn(inline=True)
def int_word(object: ptr[PyObject]) -> i64:
    return ptr[i64](ptr[u8](object) + LAYOUT.head)[0]


@fn(inline=True)
def int_digit(object: ptr[PyObject], index: u64) -> i64:
    return i64(ptr[u32](ptr[u8](object) + LAYOUT.head + 8)[index])


@fn
def int_looks(value: i64, word: i64) -> boolean:
    """Does this number have that word and its digits where they are expected?"""
    object = PyLong_FromLongLong(value)
    if object == 0:
        return False
    size = value if value >= 0 else 0 - value
    same = int_word(object) == word and (size == 0 or int_digit(object, 0) == size & ((1 << DIGIT) - 1))
    if size >> DIGIT != 0:
        same = same and int_digit(object, 1) == size >> DIGIT
    Py_DecRef(object)
    return same


@fn
def ints_look(zero: i64, one: i64, minus: i64, two: i64, minus_two: i64) -> boolean:
    """Are these the words of 0, and of positive and negative ints of one and two digits?"""
    large: i64 = (5 << DIGIT) + 1234567
    if not (int_looks(0, zero) and int_looks(7, one) and int_looks(1234567, one) and int_looks(-7, minus)):
        return False
    return int_looks(large, two) and int_looks(0 - large, minus_two)


@fn(cold=True)
def layout_learn(head: u64) -> None:
    """`head`: object.__basicsize__."""
    LAYOUT.head = head
    if ints_look(0, 1, -1, 2, -2):
        LAYOUT.ints = SIZED
    elif ints_look(1, 8, 10, 16, 18):
        LAYOUT.ints = TAGGED
    number = PyFloat_FromDouble(1.5)
    if number != 0:
        if ptr[f64](ptr[u8](number) + head)[0] == 1.5:
            LAYOUT.floats = 1
        Py_DecRef(number)


@fn(inline=True)
def is_int(object: ptr[PyObject]) -> boolean:
    return u64(type_of(object)) == u64(symbol("PyLong_Type"))


@fn(inline=True)
def int_value(object: ptr[PyObject]) -> i64:
    """PyLong_AsLongLong: -1 may mean that an exception is set."""
    if likely(is_int(object)):
        word = int_word(object)
        if LAYOUT.ints == SIZED:
            if likely(u64(word + 1) <= 2):
                return word * int_digit(object, 0)
        elif LAYOUT.ints == TAGGED:
            if likely(u64(word) < 16):
                return (1 - (word & 3)) * int_digit(object, 0)
    return int_value_wide(object)


@fn
def int_value_wide(object: ptr[PyObject]) -> i64:
    """Ints of two digits; the others, and what is none, by CPython."""
    if is_int(object) and LAYOUT.ints != UNKNOWN:
        word = int_word(object)
        digits = word >> 3
        sign = 1 - (word & 3)
        if LAYOUT.ints == SIZED:
            digits = word if word >= 0 else 0 - word
            sign = 1 if word >= 0 else -1
        if digits == 2:
            return sign * (int_digit(object, 0) + (int_digit(object, 1) << DIGIT))
    return PyLong_AsLongLong(object)


@fn(inline=True)
def float_value(object: ptr[PyObject]) -> f64:
    """PyFloat_AsDouble: -1 may mean that an exception is set."""
    if likely(u64(type_of(object)) == u64(symbol("PyFloat_Type")) and LAYOUT.floats != 0):
        return ptr[f64](ptr[u8](object) + LAYOUT.head)[0]
    return PyFloat_AsDouble(object)
