"""A bounds-checked cursor over a module's bytes; LEB128 numbers (spec 5.2.2); the first error.

Errors are sticky: the first is kept, the cursor jumps to its end, and reads give 0 from then on, so that decoders look at
`error` once per item.
"""

from wasmjit.native.lang import array, boolean, fn, i64, ptr, struct, u8, u32, u64
from wasmjit.runtime.structs import Mod

from .errors import ERR_COUNT, ERR_FEATURE, ERR_LEB_LARGE, ERR_LEB_LONG, ERR_UNEXPECTED_END


@struct
class Reader:
    p: ptr[u8]
    end: ptr[u8]
    base: ptr[u8]  # the module's first byte: offsets count from here
    mod: ptr[Mod]
    value: u64  # what `leb` read, sign-extended for signed numbers
    at: u64  # offset of the error
    args: array[u64, 4]
    error: u32  # ERR_* of errors.py
    features: u32  # bits of isa.FEATURES met


@fn
def offset_of(r: ptr[Reader], p: ptr[u8]) -> u32:
    return u32(u64(p) - u64(r.base))


@fn
def remaining(r: ptr[Reader]) -> u64:
    """Bytes between the cursor and its end."""
    return u64(r.end) - u64(r.p)


@fn(cold=True)
def fail_with(r: ptr[Reader], code: u32, place: ptr[u8], a: u64, b: u64, c: u64) -> boolean:
    """Record an error at a place, unless there is one already; gives False."""
    if r.error == 0:
        r.error = code
        r.at = u64(place) - u64(r.base)
        r.args[0] = a
        r.args[1] = b
        r.args[2] = c
    r.p = r.end
    return False


@fn(cold=True)
def fail(r: ptr[Reader], code: u32, place: ptr[u8]) -> boolean:
    return fail_with(r, code, place, 0, 0, 0)


@fn(cold=True)
def fail_index(r: ptr[Reader], code: u32, place: ptr[u8], index: u64) -> boolean:
    return fail_with(r, code, place, index, 0, 0)


@fn(cold=True)
def need_feature(r: ptr[Reader], place: ptr[u8], feature: u64, what: u64, value: u64) -> boolean:
    """Record that the module needs a feature of features.REFUSED; what: WHAT_* of errors.py, value: what stands there."""
    return fail_with(r, ERR_FEATURE, place, feature, what, value)


@fn
def leb(r: ptr[Reader], start: ptr[u8], bits: u32, signed: boolean) -> ptr[u8]:
    """Read a LEB128 number of `bits` bits into r.value; the address behind it, 0 after an error."""
    p = start
    value: u64 = 0
    shift: u32 = 0
    while True:
        if p >= r.end:
            fail(r, ERR_UNEXPECTED_END, r.end)
            return ptr[u8](0)
        byte = u32(p[0])
        p = p + 1
        value |= u64(byte & 0x7F) << u64(shift)
        left = bits - shift
        if left < 7:  # the last byte that may be: its unused bits are zeros, or copies of the sign
            if byte >= 0x80:
                fail(r, ERR_LEB_LONG, start)
                return ptr[u8](0)
            unused = byte >> left
            if signed:
                unused = byte >> (left - 1)
                ones = u32(0x7F) >> (left - 1)
                if unused == ones:
                    unused = 0
            if unused != 0:
                fail(r, ERR_LEB_LARGE, start)
                return ptr[u8](0)
        shift += 7
        if byte < 0x80:
            if signed and shift < 64 and byte & 0x40 != 0:
                value |= ~u64(0) << u64(shift)
            r.value = value
            return p


@fn
def read_u32(r: ptr[Reader]) -> u32:
    p = r.p
    if p < r.end and p[0] < 0x80:
        r.p = p + 1
        return u32(p[0])
    after = leb(r, p, 32, False)
    if after == 0:
        return u32(0)
    r.p = after
    return u32(r.value)


@fn
def read_u64(r: ptr[Reader]) -> u64:
    after = leb(r, r.p, 64, False)
    if after == 0:
        return u64(0)
    r.p = after
    return r.value


@fn
def read_signed(r: ptr[Reader], bits: u32) -> i64:
    after = leb(r, r.p, bits, True)
    if after == 0:
        return i64(0)
    r.p = after
    return i64(r.value)


@fn
def read_byte(r: ptr[Reader]) -> u32:
    p = r.p
    if p >= r.end:
        fail(r, ERR_UNEXPECTED_END, r.end)
        return u32(0)
    r.p = p + 1
    return u32(p[0])


@fn
def skip(r: ptr[Reader], count: u64) -> boolean:
    """Go on by `count` bytes, which must be there."""
    if count > remaining(r):
        return fail(r, ERR_UNEXPECTED_END, r.end)
    r.p = r.p + count
    return True


@fn
def read_count(r: ptr[Reader], least: u32) -> u32:
    """Length of a vector whose entries take at least `least` bytes: refused when the bytes left cannot hold it."""
    place = r.p
    count = read_u32(r)
    left = remaining(r)
    if u64(count) * u64(least) > left:
        fail_with(r, ERR_COUNT, place, u64(count), left, 0)
        return u32(0)
    return count
