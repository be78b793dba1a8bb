"""Value types, limits and the type section (spec 5.3, 5.5.4)."""

from wasmjit.isa import FEATURES
from wasmjit.native.capi import PyEval_RestoreThread, PyEval_SaveThread
from wasmjit.native.lang import boolean, const, fn, ptr, struct, u8, u32, u64
from wasmjit.runtime.structs import Limits, Sig, TableDecl

from .errors import (
    ERR_LIMITS_FLAGS,
    ERR_LIMITS_ORDER,
    ERR_MEMORY,
    ERR_MEMORY_SIZE,
    ERR_PARAMS,
    ERR_REFERENCE_TYPE,
    ERR_RESULTS,
    ERR_TYPE_FORM,
    ERR_VALUE_TYPE,
    WHAT_LIMITS,
    WHAT_TYPE,
)
from .features import NEED_CUSTOM_PAGE_SIZES, NEED_MEMORY64, NEED_NOTHING, NEED_THREADS, TYPE_FORMS, TYPES
from .reader import Reader, fail_index, fail_with, need_feature, read_byte, read_count, read_u32
from .signatures import sig_intern
from .storage import mod_alloc

I32 = 0x7F
I64 = 0x7E
F32 = 0x7D
F64 = 0x7C
FUNCREF = 0x70
EXTERNREF = 0x6F
FUNC_FORM = 0x60

MAX_PARAMS = 1000
MAX_RESULTS = 1000
MAX_PAGES = 65536

LIMITS_MAX = 1
LIMITS_SHARED = 2
LIMITS_64 = 4
LIMITS_PAGE_SIZE = 8

BIT_MULTI_VALUE = 1 << FEATURES.index("multi-value")
BIT_REFERENCE_TYPES = 1 << FEATURES.index("reference-types")

ACCEPTED = 254


def _needs(accepted: list[int], refused: dict[int, int]) -> list[int]:
    table = [NEED_NOTHING] * 256
    for byte in accepted:
        table[byte] = ACCEPTED
    for byte, feature in refused.items():
        table[byte] = feature
    return table


TYPE_NEEDS = const("type_needs", u8, _needs([I32, I64, F32, F64, FUNCREF, EXTERNREF], TYPES))
FORM_NEEDS = const("form_needs", u8, _needs([FUNC_FORM], TYPE_FORMS))


@struct
class Loader:
    """What decoding a module needs beyond the module; its reader comes first."""

    r: Reader
    tstate: ptr[u8]  # of the thread that released the GIL
    declared: ptr[u8]  # one byte a function: 1 if bodies may use it in ref.func
    bodies: u32  # entries of the function section
    got_bodies: u32  # entries of the code section
    data_count: u32  # of the data count section
    has_data_count: u32
    code_bytes: u64
    threads: u32
    pad: u32


@fn(cold=True)
def refuse_type(r: ptr[Reader], place: ptr[u8], byte: u32, code: u32) -> boolean:
    need = u64(TYPE_NEEDS[byte])
    if need < ACCEPTED:
        return need_feature(r, place, need, WHAT_TYPE, u64(byte))
    return fail_index(r, code, place, u64(byte))


@fn
def read_valtype(r: ptr[Reader]) -> u32:
    """A value type's byte; 0 after an error."""
    place = r.p
    byte = read_byte(r)
    if r.error != 0:
        return u32(0)
    if TYPE_NEEDS[byte] != ACCEPTED:
        refuse_type(r, place, byte, ERR_VALUE_TYPE)
        return u32(0)
    if byte < F64:
        r.features |= BIT_REFERENCE_TYPES
    return byte


@fn
def read_reftype(r: ptr[Reader]) -> u32:
    """A reference type's byte; 0 after an error."""
    place = r.p
    byte = read_byte(r)
    if r.error != 0 or byte == FUNCREF:
        return byte
    if byte == EXTERNREF:
        r.features |= BIT_REFERENCE_TYPES
        return byte
    if byte >= 0x78:  # numbers and vectors are types, but no references
        fail_index(r, ERR_REFERENCE_TYPE, place, u64(byte))
    else:
        refuse_type(r, place, byte, ERR_REFERENCE_TYPE)
    return u32(0)


@fn
def read_limits(r: ptr[Reader], limits: ptr[Limits], memory: boolean) -> boolean:
    place = r.p
    flags = read_byte(r)
    if r.error != 0:
        return False
    known = u32(15) if memory else u32(5)
    if flags & ~known != 0:
        return fail_index(r, ERR_LIMITS_FLAGS, place, u64(flags))
    if flags & LIMITS_64 != 0:
        return need_feature(r, place, NEED_MEMORY64, WHAT_LIMITS, u64(flags))
    if flags & LIMITS_SHARED != 0:
        return need_feature(r, place, NEED_THREADS, WHAT_LIMITS, u64(flags))
    if flags & LIMITS_PAGE_SIZE != 0:
        return need_feature(r, place, NEED_CUSTOM_PAGE_SIZES, WHAT_LIMITS, u64(flags))
    place = r.p
    limits.flags = flags
    limits.min = u64(read_u32(r))
    limits.max = u64(0xFFFFFFFF)
    if flags & LIMITS_MAX != 0:
        limits.max = u64(read_u32(r))
    if r.error != 0:
        return False
    if memory:
        limits.page_shift = 16
        if flags & LIMITS_MAX == 0:
            limits.max = MAX_PAGES
        if limits.min > MAX_PAGES or limits.max > MAX_PAGES:
            return fail_index(r, ERR_MEMORY_SIZE, place, limits.min if limits.min > MAX_PAGES else limits.max)
    if limits.min > limits.max:
        return fail_with(r, ERR_LIMITS_ORDER, place, limits.min, limits.max, 0)
    return True


@fn
def read_table_type(r: ptr[Reader], table: ptr[TableDecl]) -> boolean:
    table.type = read_reftype(r)
    return r.error == 0 and read_limits(r, table.limits, False)


@fn
def skip_valtypes(r: ptr[Reader], most: u32, code: u32) -> u32:
    """Check a vector of value types; its length."""
    place = r.p
    count = read_count(r, 1)
    if count > most:
        fail_index(r, code, place, u64(count))
    i: u32 = 0
    while i < count and r.error == 0:
        read_valtype(r)
        i += 1
    return count


@fn
def check_functype(r: ptr[Reader]) -> boolean:
    place = r.p
    form = read_byte(r)
    if r.error != 0:
        return False
    need = u64(FORM_NEEDS[form])
    if need != ACCEPTED:
        if need == NEED_NOTHING:
            return fail_index(r, ERR_TYPE_FORM, place, u64(form))
        return need_feature(r, place, need, WHAT_TYPE, u64(form))
    skip_valtypes(r, MAX_PARAMS, ERR_PARAMS)
    if r.error == 0 and skip_valtypes(r, MAX_RESULTS, ERR_RESULTS) > 1:
        r.features |= BIT_MULTI_VALUE
    return r.error == 0


@fn
def intern_types(ld: ptr[Loader], count: u32) -> boolean:
    """Intern the checked types at the cursor, holding the GIL."""
    r = ld.r
    PyEval_RestoreThread(ld.tstate)
    for i in range(count):
        r.p = r.p + 1
        nparams = read_u32(r)
        params = r.p
        r.p = r.p + nparams
        nresults = read_u32(r)
        results = r.p
        r.p = r.p + nresults
        sig = sig_intern(params, nparams, results, nresults)
        if sig == 0:
            fail_index(r, ERR_MEMORY, params, u64(nparams + nresults))
            break
        r.mod.types[i] = sig
        r.mod.ntypes = i + 1
    ld.tstate = PyEval_SaveThread()
    return r.error == 0


@fn
def decode_types(ld: ptr[Loader]) -> boolean:
    r = ld.r
    mod = r.mod
    place = r.p
    count = read_count(r, 2)
    start = r.p
    i: u32 = 0
    while i < count and r.error == 0:
        check_functype(r)
        i += 1
    if r.error != 0:
        return False
    mod.types = ptr[ptr[Sig]](mod_alloc(mod, u64(count) * 8))
    if mod.types == 0:
        return fail_index(r, ERR_MEMORY, place, u64(count) * 8)
    r.p = start
    return intern_types(ld, count)
