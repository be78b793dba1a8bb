"""Custom sections, and the "name" section read on demand (spec 5.5.3, appendix "Name Section").

Their content may be anything: what does not decode is as if it were not there.
"""

from wasmjit.native.capi import Py_BuildValue, PyErr_NoMemory, PyUnicode_DecodeUTF8
from wasmjit.native.lang import PyObject, addr, alloca, boolean, export, fn, i64, ptr, sizeof, u8, u32, u64
from wasmjit.native.libc import memcmp, memset
from wasmjit.runtime.structs import Mod

from .reader import Reader, read_byte, read_u32, remaining, skip
from .storage import mod_alloc
from .types import Loader
from .utf8 import read_name

MODULE_NAME = 0
FUNCTION_NAMES = 1


@fn
def decode_custom(ld: ptr[Loader]) -> boolean:
    """Record a custom section. Only its name can be malformed."""
    r = ld.r
    mod = r.mod
    item = mod.customs[mod.ncustoms]
    if not read_name(r, addr(item.name), addr(item.name_len)):
        return False
    item.bytes = u32(u64(r.p) - u64(r.base))
    item.nbytes = u32(remaining(r))
    mod.ncustoms += 1
    if item.name_len == 4 and memcmp(r.base + item.name, b"name", 4) == 0 and mod.name_section == 0:
        mod.name_section = item.bytes
        mod.name_section_len = item.nbytes
    r.p = r.end
    return True


@fn
def open_names(r: ptr[Reader], mod: ptr[Mod], wanted: u32) -> boolean:
    """Set a reader on a subsection of the name section, if there is one."""
    memset(ptr[u8](r), 0, sizeof(Reader))
    r.mod = mod
    r.base = mod.bytes
    r.p = mod.bytes + mod.name_section
    r.end = r.p + mod.name_section_len
    last = r.end
    while r.p < last:
        kind = read_byte(r)
        size = read_u32(r)
        if r.error != 0 or u64(size) > remaining(r):
            return False
        if kind == wanted:
            r.end = r.p + size
            return True
        r.p = r.p + size
    return False


@fn
def index_names(mod: ptr[Mod]) -> boolean:
    """Note where each function's name stands; False without memory."""
    names = ptr[u32](mod_alloc(mod, (u64(mod.ncodes) + 1) * 4))
    if names == 0:
        return False
    mod.names = names
    r = alloca(Reader)
    if not open_names(r, mod, FUNCTION_NAMES):
        return True
    count = read_u32(r)
    i: u32 = 0
    while i < count and r.error == 0:
        index = read_u32(r)
        place = u32(u64(r.p) - u64(r.base))
        size = read_u32(r)
        if skip(r, u64(size)) and index < mod.ncodes:
            names[index] = place
        i += 1
    return True


@fn
def decode_name(r: ptr[Reader]) -> ptr[PyObject]:
    """The name at the cursor as a str; None when there is none. Wrong UTF-8 is replaced."""
    size = read_u32(r)
    if r.error != 0 or u64(size) > remaining(r):
        return Py_BuildValue(b"")
    return PyUnicode_DecodeUTF8(r.p, i64(size), b"replace")


@export
def mod_func_name(mod: ptr[Mod], index: u32) -> ptr[PyObject]:
    """A function's name from the name section, or None. The first call reads the section once, without decoding names."""
    if index >= mod.ncodes:
        return Py_BuildValue(b"")
    if mod.names == 0 and not index_names(mod):
        return PyErr_NoMemory()
    place = mod.names[index]
    if place == 0:
        return Py_BuildValue(b"")
    r = alloca(Reader)
    memset(ptr[u8](r), 0, sizeof(Reader))
    r.base = mod.bytes
    r.p = mod.bytes + place
    r.end = mod.bytes + mod.name_section + mod.name_section_len
    return decode_name(r)


@export
def mod_name(mod: ptr[Mod]) -> ptr[PyObject]:
    """The module's own name from the name section, or None."""
    r = alloca(Reader)
    if not open_names(r, mod, MODULE_NAME):
        return Py_BuildValue(b"")
    return decode_name(r)
