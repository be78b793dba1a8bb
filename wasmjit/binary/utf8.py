"""UTF-8 of names (spec 5.2.4): no overlong forms, no surrogates, nothing above U+10FFFF."""

from wasmjit.native.lang import boolean, fn, load, ptr, u8, u32, u64

from .errors import ERR_UNEXPECTED_END, ERR_UTF8
from .reader import Reader, fail, offset_of, read_u32, remaining

HIGH_BITS = 0x8080808080808080


@fn
def continuation(p: ptr[u8], count: u32) -> boolean:
    for i in range(u32(1), count + 1):
        if p[i] & 0xC0 != 0x80:
            return False
    return True


@fn
def utf8_sequence(p: ptr[u8], left: u64) -> u32:
    """Bytes of the character at p, 0 if it is malformed."""
    lead = u32(p[0])
    count: u32 = 4
    least: u32 = 0x80
    most: u32 = 0xBF  # bounds of the second byte
    if lead < 0xC2 or lead > 0xF4:
        return u32(0)
    if lead < 0xE0:
        count = 2
    elif lead < 0xF0:
        count = 3
        if lead == 0xE0:
            least = 0xA0
        elif lead == 0xED:
            most = 0x9F
    elif lead == 0xF0:
        least = 0x90
    elif lead == 0xF4:
        most = 0x8F
    if left < u64(count):
        return u32(0)
    second = u32(p[1])
    if second < least or second > most or not continuation(p, count - 1):
        return u32(0)
    return count


@fn
def utf8_error(p: ptr[u8], end: ptr[u8]) -> ptr[u8]:
    """First malformed place in [p, end), 0 if there is none."""
    while p < end:
        left = u64(end) - u64(p)
        if left >= 8 and load(u64, p) & HIGH_BITS == 0:
            p = p + 8
        elif p[0] < 0x80:
            p = p + 1
        else:
            count = utf8_sequence(p, left)
            if count == 0:
                return p
            p = p + count
    return ptr[u8](0)


@fn
def read_name(r: ptr[Reader], start: ptr[u32], length: ptr[u32]) -> boolean:
    """Read a name; its bytes' offset and count go to the two places."""
    count = read_u32(r)
    if r.error != 0:
        return False
    if u64(count) > remaining(r):
        return fail(r, ERR_UNEXPECTED_END, r.p)
    bad = utf8_error(r.p, r.p + count)
    if bad != 0:
        return fail(r, ERR_UTF8, bad)
    start[0] = offset_of(r, r.p)
    length[0] = count
    r.p = r.p + count
    return True
