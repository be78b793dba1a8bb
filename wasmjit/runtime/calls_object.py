"""The heap type of `wasmjit.Func`: what exported functions and funcref values are to Python.

An object is CPython's head, whose size Python tells when it makes the type, then a `FuncData`.
"""

from wasmjit.native.capi import (
    Py_DecRef,
    Py_IncRef,
    PyErr_SetString,
    PyExc_RuntimeError,
    PyObject_ClearWeakRefs,
    PyObject_GC_Del,
    PyObject_GC_UnTrack,
    PyObject_GetAttrString,
    PyType_FromSpec,
    PyType_GenericAlloc,
)
from wasmjit.native.lang import (
    PyObject,
    alloca,
    array,
    boolean,
    call,
    export,
    extern,
    fn,
    fnptr,
    i32,
    i64,
    offsetof,
    ptr,
    sizeof,
    struct,
    symbol,
    u8,
    u32,
    u64,
    unlikely,
    var,
)
from wasmjit.runtime.calls_numbers import LAYOUT, layout_learn, type_of
from wasmjit.runtime.calls_types import one_result, slots_of
from wasmjit.runtime.structs import FuncRef, Sig

# typeslots.h, structmember.h and object.h of CPython: part of its stable ABI
TP_CALL, TP_CLEAR, TP_DEALLOC, TP_HASH, TP_RICHCOMPARE, TP_TRAVERSE, TP_MEMBERS, TP_GETSET = 50, 51, 52, 59, 67, 71, 72, 73
T_PYSSIZET, READONLY = 19, 1
FLAG_DISALLOW_INSTANTIATION, FLAG_HAVE_VECTORCALL, FLAG_HAVE_GC = 1 << 7, 1 << 11, 1 << 14
PY_EQ, PY_NE = 2, 3


@extern
def call_entry(ref: ptr[FuncRef]) -> ptr[u8]:
    """The vectorcall function for the signature (runtime.calls_entries)."""
    ...


@struct
class FuncData:
    """What follows the head of a Func object."""

    vectorcall: ptr[u8]
    ref: ptr[FuncRef]
    sig: ptr[Sig]
    result: u32  # type of the one result; 0: none, or several
    slots: u32  # that arguments or results take, whichever are more
    owner: ptr[PyObject]  # Python object that keeps the function alive; strong
    attributes: ptr[PyObject]  # instance dict, or null; strong
    weakrefs: ptr[PyObject]
    types: array[u8, 8]  # of the first parameters


@struct
class FuncClass:
    type: ptr[PyObject]  # strong: it never dies


@struct
class TypeSlot:
    id: i32
    pad: i32
    value: ptr[u8]


@struct
class TypeSpec:
    name: ptr[u8]
    basicsize: i32
    itemsize: i32
    flags: u32
    pad: u32
    slots: ptr[TypeSlot]


@struct
class MemberDef:
    name: ptr[u8]
    type: i32
    pad: i32
    offset: i64
    flags: i32
    pad2: i32
    doc: ptr[u8]


@struct
class GetSetDef:
    name: ptr[u8]
    get: ptr[u8]
    set: ptr[u8]
    doc: ptr[u8]
    closure: ptr[u8]


@struct
class Tables:
    """What the type object goes on pointing to."""

    members: array[MemberDef, 4]
    getset: array[GetSetDef, 3]


FUNC = var("func_class", FuncClass)
TABLES = var("func_tables", Tables)


@fn(inline=True)
def func_data(func: ptr[PyObject]) -> ptr[FuncData]:
    return ptr[FuncData](ptr[u8](func) + LAYOUT.head)


@fn(inline=True)
def is_func(object: ptr[PyObject]) -> boolean:
    return type_of(object) == FUNC.type


@fn
def func_dealloc(func: ptr[PyObject]) -> None:
    kind = type_of(func)
    data = func_data(func)
    PyObject_GC_UnTrack(func)
    if data.weakrefs != 0:
        PyObject_ClearWeakRefs(func)
    func_clear(func)
    PyObject_GC_Del(func)
    Py_DecRef(kind)


@fn
def func_clear(func: ptr[PyObject]) -> i32:
    data = func_data(func)
    owner = data.owner
    attributes = data.attributes
    data.owner = ptr[PyObject](0)
    data.attributes = ptr[PyObject](0)
    data.vectorcall = fnptr(func_dead)  # without its owner the function may be freed at any time
    data.ref = ptr[FuncRef](0)
    if attributes != 0:
        Py_DecRef(attributes)
    if owner != 0:
        Py_DecRef(owner)
    return 0


@fn(cold=True)
def func_dead(func: ptr[PyObject], args: ptr[ptr[PyObject]], flags: u64, names: ptr[PyObject]) -> ptr[PyObject]:
    """What calls a Func that the garbage collector has cleared: only finalizers of its own cycle can."""
    PyErr_SetString(PyExc_RuntimeError, b"the function's store is gone")
    return ptr[PyObject](0)


@fn
def func_traverse(func: ptr[PyObject], visit: ptr[u8], argument: ptr[u8]) -> i32:
    data = func_data(func)
    result = call(i32, visit, type_of(func), argument)
    if result == 0 and data.owner != 0:
        result = call(i32, visit, data.owner, argument)
    if result == 0 and data.attributes != 0:
        result = call(i32, visit, data.attributes, argument)
    return result


@fn
def func_hash(func: ptr[PyObject]) -> i64:
    ref = u64(func_data(func).ref)
    return i64(ref >> 4)  # never -1, which means an error


@fn
def func_compare(a: ptr[PyObject], b: ptr[PyObject], operator: i32) -> ptr[PyObject]:
    """Equal when they are the same function of the same instance."""
    result = ptr[PyObject](symbol("_Py_NotImplementedStruct"))
    if is_func(b) and (operator == PY_EQ or operator == PY_NE):
        same = func_data(a).ref == func_data(b).ref
        if same == (operator == PY_EQ):
            result = ptr[PyObject](symbol("_Py_TrueStruct"))
        else:
            result = ptr[PyObject](symbol("_Py_FalseStruct"))
    Py_IncRef(result)
    return result


@fn
def func_get_name(func: ptr[PyObject], closure: ptr[u8]) -> ptr[PyObject]:
    """`__name__`, which setattr on the type cannot add: a type has one of its own."""
    return PyObject_GetAttrString(func, b"_name")


@fn
def member(at: ptr[MemberDef], name: ptr[u8], offset: u64) -> None:
    at.name = name
    at.type = T_PYSSIZET
    at.offset = i64(LAYOUT.head + offset)
    at.flags = READONLY


@fn
def slot(at: ptr[TypeSlot], id: i32, value: ptr[u8]) -> None:
    at.id = id
    at.value = value


@export
def func_type_new(head: u64) -> ptr[PyObject]:
    """Make the type `wasmjit.Func`; `head` is object.__basicsize__. Made once: later calls return the same type."""
    if FUNC.type != 0:
        Py_IncRef(FUNC.type)
        return FUNC.type
    layout_learn(head)
    members = TABLES.members
    member(members, b"__vectorcalloffset__", offsetof(FuncData, "vectorcall"))
    member(members + 1, b"__dictoffset__", offsetof(FuncData, "attributes"))
    member(members + 2, b"__weaklistoffset__", offsetof(FuncData, "weakrefs"))
    TABLES.getset[0].name = b"__dict__"
    TABLES.getset[0].get = symbol("PyObject_GenericGetDict")
    TABLES.getset[0].set = symbol("PyObject_GenericSetDict")
    TABLES.getset[1].name = b"__name__"
    TABLES.getset[1].get = fnptr(func_get_name)
    slots = alloca(TypeSlot, 9)
    slot(slots, TP_CALL, symbol("PyVectorcall_Call"))
    slot(slots + 1, TP_CLEAR, fnptr(func_clear))
    slot(slots + 2, TP_DEALLOC, fnptr(func_dealloc))
    slot(slots + 3, TP_HASH, fnptr(func_hash))
    slot(slots + 4, TP_RICHCOMPARE, fnptr(func_compare))
    slot(slots + 5, TP_TRAVERSE, fnptr(func_traverse))
    slot(slots + 6, TP_MEMBERS, ptr[u8](members))
    slot(slots + 7, TP_GETSET, ptr[u8](TABLES.getset))
    slot(slots + 8, 0, ptr[u8](0))
    spec = alloca(TypeSpec)
    spec.name = b"wasmjit.Func"
    spec.basicsize = i32(LAYOUT.head + sizeof(FuncData))
    spec.itemsize = 0
    spec.flags = FLAG_DISALLOW_INSTANTIATION | FLAG_HAVE_VECTORCALL | FLAG_HAVE_GC
    spec.slots = slots
    FUNC.type = PyType_FromSpec(ptr[u8](spec))
    if FUNC.type != 0:
        Py_IncRef(FUNC.type)
    return FUNC.type


@export
def func_new(ref: ptr[FuncRef], owner: ptr[PyObject]) -> ptr[PyObject]:
    """A Func of the function at address `ref`; `owner` keeps that alive and is kept alive by the Func."""
    func = PyType_GenericAlloc(FUNC.type, 0)
    if unlikely(func == 0):
        return func
    data = func_data(func)
    Py_IncRef(owner)
    data.owner = owner
    data.sig = ref.sig
    for i in range(ref.sig.nparams):
        if i < 8:
            data.types[i] = ref.sig.types[i]
    data.result = one_result(ref.sig)
    data.slots = u32(slots_of(ref.sig))
    data.ref = ref
    data.vectorcall = call_entry(ref)
    return func
