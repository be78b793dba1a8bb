"""A whole module: magic, sections in order, then the bodies (spec 5.5.16)."""

from wasmjit.isa import FEATURES
from wasmjit.native.capi import PyEval_RestoreThread, PyEval_SaveThread
from wasmjit.native.lang import alloca, boolean, const, export, fn, load, ptr, sizeof, u8, u32, u64
from wasmjit.native.libc import calloc, free, memset
from wasmjit.runtime.structs import Custom, Mod

from .errors import (
    ERR_CODE_COUNT,
    ERR_DATA_COUNT,
    ERR_LENGTH,
    ERR_MAGIC,
    ERR_MEMORY,
    ERR_MODULE_SIZE,
    ERR_SECTION_ID,
    ERR_SECTION_ORDER,
    ERR_SECTION_SIZE,
    ERR_UNEXPECTED_END,
    ERR_VERSION,
    WHAT_SECTION,
)
from .features import NEED_EXCEPTIONS
from .imports import decode_imports
from .names import decode_custom
from .parallel import validate_bodies
from .reader import Reader, fail, fail_index, fail_with, need_feature, offset_of, read_byte, read_count, read_u32, remaining, skip
from .sections import decode_exports, decode_functions, decode_globals, decode_memories, decode_start, decode_tables
from .segments import decode_data_count, decode_datas, decode_elems
from .signatures import sig_drop
from .storage import mod_alloc, mod_release
from .types import Loader, decode_types

MAGIC = 0x6D736100
VERSION = 1
HEADER = 8  # bytes before the first section
NO_START = 0xFFFFFFFF
BIT_MVP = 1 << FEATURES.index("mvp")

CUSTOM, TYPES, IMPORTS, FUNCTIONS, TABLES, MEMORIES, GLOBALS, EXPORTS, START, ELEMS, CODE, DATAS, DATA_COUNT, TAGS = range(14)
ORDER = const("section_order", u8, [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6])  # place of each section by id


@fn
def decode_code(ld: ptr[Loader]) -> boolean:
    """Find the bodies; they are checked when all declarations are known."""
    r = ld.r
    mod = r.mod
    place = r.p
    count = read_count(r, 1)
    if r.error == 0 and count != ld.bodies:
        return fail_with(r, ERR_CODE_COUNT, place, u64(ld.bodies), u64(count), 0)
    for i in range(count):
        place = r.p
        size = read_u32(r)
        if r.error == 0 and u64(size) > remaining(r):
            fail_with(r, ERR_LENGTH, place, u64(size), remaining(r), 0)
        if r.error != 0:
            return False
        code = mod.codes[mod.nimport_funcs + i]
        code.body = offset_of(r, r.p)
        r.p = r.p + size
        code.end = offset_of(r, r.p)
        ld.code_bytes += u64(size)
    ld.got_bodies = count
    return True


@fn
def decode_payload(ld: ptr[Loader], kind: u32) -> boolean:
    if kind == CUSTOM:
        return decode_custom(ld)
    if kind == TYPES:
        return decode_types(ld)
    if kind == IMPORTS:
        return decode_imports(ld)
    if kind == FUNCTIONS:
        return decode_functions(ld)
    if ld.declared == 0:  # the number of functions is known
        ld.declared = calloc(u64(ld.r.mod.ncodes) + 1, 1)
        if ld.declared == 0:
            return fail_index(ld.r, ERR_MEMORY, ld.r.p, u64(ld.r.mod.ncodes))
    if kind == TABLES:
        return decode_tables(ld)
    if kind == MEMORIES:
        return decode_memories(ld)
    if kind == GLOBALS:
        return decode_globals(ld)
    if kind == EXPORTS:
        return decode_exports(ld)
    if kind == START:
        return decode_start(ld)
    if kind == ELEMS:
        return decode_elems(ld)
    if kind == DATA_COUNT:
        return decode_data_count(ld)
    if kind == CODE:
        return decode_code(ld)
    return decode_datas(ld)


@fn
def decode_section(ld: ptr[Loader], last: u32) -> u32:
    """Decode the section at the cursor; its place in the order, that of the last one for a custom section."""
    r = ld.r
    place = r.p
    kind = read_byte(r)
    if kind > TAGS:
        fail_index(r, ERR_SECTION_ID, place, u64(kind))
        return last
    size_place = r.p
    size = read_u32(r)
    if r.error == 0 and u64(size) > remaining(r):
        fail_with(r, ERR_LENGTH, size_place, u64(size), remaining(r), 0)
    order = u32(ORDER[kind])
    if kind != CUSTOM and order <= last:
        fail_index(r, ERR_SECTION_ORDER, place, u64(kind))
    if kind == TAGS:
        need_feature(r, place, NEED_EXCEPTIONS, WHAT_SECTION, TAGS)
    if r.error != 0:
        return last
    after = r.p + size
    end = r.end
    r.end = after
    if decode_payload(ld, kind) and r.p != after:
        fail_with(r, ERR_SECTION_SIZE, r.p, u64(kind), remaining(r), 0)
    r.end = end
    if r.error == 0:
        r.p = after
    return last if kind == CUSTOM else order


@fn
def alloc_customs(ld: ptr[Loader]) -> boolean:
    """Make the array of custom sections, after counting them by the section headers."""
    r = ld.r
    start = r.p
    count: u64 = 0
    while r.p < r.end:
        if read_byte(r) == CUSTOM:
            count += 1
        if not skip(r, u64(read_u32(r))):
            break
    r.error = 0  # the sections themselves will tell
    r.p = start
    r.mod.customs = ptr[Custom](mod_alloc(r.mod, count * sizeof(Custom)))
    return r.mod.customs != 0 or fail_index(r, ERR_MEMORY, start, count * sizeof(Custom))


@fn
def decode_header(r: ptr[Reader]) -> boolean:
    mod = r.mod
    if mod.nbytes >= 0xFFFFFFFF:
        return fail_index(r, ERR_MODULE_SIZE, r.base, mod.nbytes)
    if mod.nbytes < 4 or load(u32, r.p) != MAGIC:
        return fail(r, u32(ERR_UNEXPECTED_END) if mod.nbytes == 0 else u32(ERR_MAGIC), r.base)
    if mod.nbytes < HEADER:
        return fail(r, ERR_UNEXPECTED_END, r.end)
    if load(u32, r.p + 4) != VERSION:
        return fail_index(r, ERR_VERSION, r.p + 4, u64(load(u32, r.p + 4)))
    r.p = r.p + HEADER
    return True


@fn
def decode_module(ld: ptr[Loader]) -> boolean:
    """Decode and validate everything."""
    r = ld.r
    mod = r.mod
    if not decode_header(r) or not alloc_customs(ld):
        return False
    last: u32 = 0
    while r.p < r.end and r.error == 0:
        last = decode_section(ld, last)
    if r.error != 0:
        return False
    if ld.bodies != ld.got_bodies:
        return fail_with(r, ERR_CODE_COUNT, r.end, u64(ld.bodies), u64(ld.got_bodies), 0)
    if ld.has_data_count != 0 and ld.data_count != mod.ndatas:
        return fail_with(r, ERR_DATA_COUNT, r.end, u64(ld.data_count), u64(mod.ndatas), 0)
    return ld.bodies == 0 or validate_bodies(ld)


@fn
def forget(mod: ptr[Mod]) -> None:
    """Leave nothing to describe in a refused module: its arrays are half made."""
    mod.ncodes = 0
    mod.nimports = 0
    mod.nexports = 0
    mod.ntables = 0
    mod.nmems = 0
    mod.nglobals = 0
    mod.nelems = 0
    mod.ndatas = 0
    mod.name_section_len = 0


@export
def mod_load(address: ptr[u8], nbytes: u64, flags: u32, threads: u32) -> ptr[Mod]:
    """Decode and validate a module with the GIL released; see the package's docstring."""
    mod = ptr[Mod](calloc(1, sizeof(Mod)))
    if mod == 0:
        return mod
    mod.bytes = address
    mod.nbytes = nbytes
    mod.flags = flags
    mod.start = NO_START
    ld = alloca(Loader)
    memset(ptr[u8](ld), 0, sizeof(Loader))
    r = ld.r
    r.mod = mod
    r.base = address
    r.p = address
    r.end = address + nbytes
    r.features = BIT_MVP
    ld.threads = threads
    ld.tstate = PyEval_SaveThread()
    if not decode_module(ld):
        forget(mod)
    free(ld.declared)
    PyEval_RestoreThread(ld.tstate)
    mod.features = r.features
    mod.error = r.error
    mod.error_at = r.at
    for i in range(4):
        mod.error_arg[i] = r.args[i]
    return mod


@export
def mod_free(mod: ptr[Mod]) -> None:
    """Free a module, refused or not."""
    for i in range(mod.ntypes):
        sig_drop(mod.types[i])
    mod_release(mod)
    free(ptr[u8](mod))
