"""Which functions a function calls by index: what a compiler may inline. Reads the body as it stands in the binary."""

from wasmjit.native.capi import PyBytes_FromStringAndSize, PyErr_NoMemory
from wasmjit.native.lang import PyObject, alloca, export, fn, i64, ptr, store, u8, u32, u64
from wasmjit.native.libc import free, realloc
from wasmjit.runtime.structs import Mod

from .leb import tr_leb, tr_opcode, tr_skip_immediates
from .opcodes import OP_CALL
from .profiled import own_code
from .state import Trans

RECORD = 8
FIRST = 64  # records


@fn
def calls_read(t: ptr[Trans], end: u64, nimports: u32, records: ptr[ptr[u8]]) -> i64:
    """Write a record for each call between t.p and `end`; their number, -1 when memory ran out."""
    room: u64 = 0
    number: u64 = 0
    while t.p < end:
        at = t.p
        op = tr_opcode(t)
        if op != OP_CALL:
            tr_skip_immediates(t, op)
            continue
        callee = u32(tr_leb(t))
        if callee < nimports:
            continue
        if number == room:
            room = room * 2 + FIRST
            grown = realloc(records[0], room * RECORD)
            if grown == 0:
                return -1
            records[0] = grown
        place = records[0] + number * RECORD
        store(u32, place, u32(at))
        store(u32, place + 4, callee)
        number += 1
    return i64(number)


@export
def function_calls(mod: ptr[Mod], function: u32) -> ptr[PyObject]:
    """The calls in a function that the module defines, of functions that it defines: records <II (wasm offset, function index), by offset.

    Those in code that is never reached are among them.
    """
    code = own_code(mod, function)
    if code == 0:
        return PyBytes_FromStringAndSize(ptr[u8](0), 0)
    t = alloca(Trans)
    t.bytes = mod.bytes
    t.p = u64(code.body)
    groups = tr_leb(t)
    while groups > 0:
        tr_leb(t)
        t.p += 1
        groups -= 1
    records = alloca(ptr[u8])
    records[0] = ptr[u8](0)
    number = calls_read(t, u64(code.end), mod.nimport_funcs, records)
    made = ptr[PyObject](0)
    if number < 0:
        PyErr_NoMemory()
    else:
        made = PyBytes_FromStringAndSize(records[0], number * RECORD)
    free(records[0])
    return made
