"""What Python asks of a loaded module: plain tuples, made on demand. Shapes: the package's docstring."""

from wasmjit.native.capi import (
    Py_BuildValue,
    Py_DecRef,
    PyBool_FromLong,
    PyErr_SetString,
    PyExc_IndexError,
    PySequence_Concat,
    PyTuple_New,
    PyTuple_SetItem,
    PyUnicode_DecodeUTF8,
    PyUnicode_InternFromString,
)
from wasmjit.native.lang import PyObject, alloca, call, export, fn, fnptr, i64, ptr, sizeof, u8, u32, u64
from wasmjit.native.libc import memset
from wasmjit.runtime.structs import Limits, Mod

from .imports import KIND_FUNC, KIND_GLOBAL, KIND_MEMORY, KIND_TABLE
from .module import HEADER, NO_START
from .reader import Reader, read_byte, read_u32, remaining
from .types import EXTERNREF, F32, F64, FUNCREF, I32, I64, LIMITS_MAX


@fn
def text_of(mod: ptr[Mod], start: u32, length: u32) -> ptr[PyObject]:
    """A name, whose UTF-8 has been checked."""
    return PyUnicode_DecodeUTF8(mod.bytes + start, i64(u64(length)), b"strict")


@fn
def type_object(byte: u32) -> ptr[PyObject]:
    name = b"unknown"
    if byte == I32:
        name = b"i32"
    elif byte == I64:
        name = b"i64"
    elif byte == F32:
        name = b"f32"
    elif byte == F64:
        name = b"f64"
    elif byte == FUNCREF:
        name = b"funcref"
    elif byte == EXTERNREF:
        name = b"externref"
    return PyUnicode_InternFromString(name)


@fn
def kind_name(kind: u32) -> ptr[PyObject]:
    name = b"func"
    if kind == KIND_TABLE:
        name = b"table"
    elif kind == KIND_MEMORY:
        name = b"memory"
    elif kind == KIND_GLOBAL:
        name = b"global"
    return PyUnicode_InternFromString(name)


@fn
def type_names(types: ptr[u8], count: u32) -> ptr[PyObject]:
    result = PyTuple_New(i64(u64(count)))
    for i in range(count):
        if result == 0:
            return result
        name = type_object(u32(types[i]))
        if name == 0:
            Py_DecRef(result)
            return name
        PyTuple_SetItem(result, i64(u64(i)), name)
    return result


@fn
def largest(limits: ptr[Limits]) -> ptr[PyObject]:
    """The declared maximum, or None."""
    if limits.flags & LIMITS_MAX == 0:
        return Py_BuildValue(b"")
    return Py_BuildValue(b"K", limits.max)


@export
def mod_functype(mod: ptr[Mod], index: u32) -> ptr[PyObject]:
    """Parameter and result types of a function."""
    if index >= mod.ncodes:
        return no_such()
    sig = mod.codes[index].sig
    return Py_BuildValue(b"(NN)", type_names(sig.types, sig.nparams), type_names(sig.types + sig.nparams, sig.nresults))


@fn(cold=True)
def no_such() -> ptr[PyObject]:
    PyErr_SetString(PyExc_IndexError, b"the module has no such index")
    return ptr[PyObject](0)


@export
def mod_type(mod: ptr[Mod], kind: u32, index: u32) -> ptr[PyObject]:
    """Type of a function, table, memory or global as a tuple."""
    if kind == KIND_FUNC:
        return mod_functype(mod, index)
    if kind == KIND_TABLE and index < mod.ntables:
        table = mod.tables[index]
        return Py_BuildValue(b"(NKN)", type_object(table.type), table.limits.min, largest(table.limits))
    if kind == KIND_MEMORY and index < mod.nmems:
        limits = mod.mems[index]
        return Py_BuildValue(b"(KNI)", limits.min, largest(limits), limits.flags)
    if kind == KIND_GLOBAL and index < mod.nglobals:
        decl = mod.globals[index]
        return Py_BuildValue(b"(NN)", type_object(decl.type), PyBool_FromLong(i64(u64(decl.mutable))))
    return no_such()


@fn
def import_row(mod: ptr[Mod], index: u32) -> ptr[PyObject]:
    item = mod.imports[index]
    head = Py_BuildValue(
        b"(NNNI)",
        text_of(mod, item.module, item.module_len),
        text_of(mod, item.name, item.name_len),
        kind_name(item.kind),
        item.index,
    )
    if head == 0:
        return head
    tail = mod_type(mod, item.kind, item.index)
    row = PySequence_Concat(head, tail) if tail != 0 else tail
    Py_DecRef(head)
    if tail != 0:
        Py_DecRef(tail)
    return row


@fn
def export_row(mod: ptr[Mod], index: u32) -> ptr[PyObject]:
    item = mod.exports[index]
    return Py_BuildValue(b"(NNI)", text_of(mod, item.name, item.name_len), kind_name(item.kind), item.index)


@fn
def custom_row(mod: ptr[Mod], index: u32) -> ptr[PyObject]:
    item = mod.customs[index]
    return Py_BuildValue(b"(NII)", text_of(mod, item.name, item.name_len), item.bytes, item.nbytes)


@fn
def section_row(r: ptr[Reader]) -> ptr[PyObject]:
    """The section at the cursor, which goes on behind it."""
    kind = read_byte(r)
    size = read_u32(r)
    place = u32(u64(r.p) - u64(r.base))
    r.p = r.p + size
    return Py_BuildValue(b"(III)", kind, place, size)


@fn
def put_row(rows: ptr[PyObject], index: u32, row: ptr[PyObject]) -> ptr[PyObject]:
    """Put a row, whose reference is taken, into a tuple; the tuple, or 0 and no tuple any more when there is no row."""
    if row == 0:
        Py_DecRef(rows)
        return row
    PyTuple_SetItem(rows, i64(u64(index)), row)
    return rows


@fn
def make_rows(mod: ptr[Mod], count: u32, make: ptr[u8]) -> ptr[PyObject]:
    """Tuple of what `make(mod, index)` gives for each index."""
    rows = PyTuple_New(i64(u64(count)))
    i: u32 = 0
    while rows != 0 and i < count:
        rows = put_row(rows, i, call(ptr[PyObject], make, mod, i))
        i += 1
    return rows


@export
def mod_imports(mod: ptr[Mod]) -> ptr[PyObject]:
    return make_rows(mod, mod.nimports, fnptr(import_row))


@export
def mod_exports(mod: ptr[Mod]) -> ptr[PyObject]:
    return make_rows(mod, mod.nexports, fnptr(export_row))


@export
def mod_customs(mod: ptr[Mod]) -> ptr[PyObject]:
    return make_rows(mod, mod.ncustoms, fnptr(custom_row))


@fn
def count_sections(r: ptr[Reader]) -> u32:
    """Whole sections from the cursor on."""
    count: u32 = 0
    while r.p < r.end:
        read_byte(r)
        size = read_u32(r)
        if r.error != 0 or u64(size) > remaining(r):
            return count
        r.p = r.p + size
        count += 1
    return count


@export
def mod_sections(mod: ptr[Mod]) -> ptr[PyObject]:
    r = alloca(Reader)
    memset(ptr[u8](r), 0, sizeof(Reader))
    r.base = mod.bytes
    r.p = mod.bytes
    r.end = mod.bytes + mod.nbytes
    count: u32 = 0
    if mod.nbytes >= HEADER:
        r.p = mod.bytes + HEADER
        count = count_sections(r)
        r.error = 0
        r.p = mod.bytes + HEADER
    rows = PyTuple_New(i64(u64(count)))
    i: u32 = 0
    while rows != 0 and i < count:
        rows = put_row(rows, i, section_row(r))
        i += 1
    return rows


@export
def mod_counts(mod: ptr[Mod]) -> ptr[PyObject]:
    start = i64(-1) if mod.start == NO_START else i64(u64(mod.start))
    return Py_BuildValue(
        b"(IIIIIIIIIIL)",
        mod.ntypes,
        mod.ncodes,
        mod.ntables,
        mod.nmems,
        mod.nglobals,
        mod.nelems,
        mod.ndatas,
        mod.nimports,
        mod.nexports,
        mod.nimport_funcs,
        start,
    )


@export
def mod_features(mod: ptr[Mod]) -> u32:
    return mod.features


@export
def mod_error(mod: ptr[Mod]) -> ptr[PyObject]:
    """None, or why the module was refused."""
    if mod.error == 0:
        return Py_BuildValue(b"")
    a = mod.error_arg
    return Py_BuildValue(b"(KIKKKK)", mod.error_at, mod.error, a[0], a[1], a[2], a[3])
