"""Reading immediates of a body that the validator has accepted."""

from wasmjit.native.lang import fn, i32, i64, load, ptr, u8, u32, u64

from .state import Trans
from .tables import IMMEDIATES, SKIP_F32, SKIP_F64, SKIP_LEB, SKIP_LEB2, SKIP_TABLE, SKIP_TYPES


@fn
def tr_leb_long(t: ptr[Trans]) -> u64:
    value: u64 = 0
    shift: u64 = 0
    while shift < 64:
        byte = u64(t.bytes[t.p])
        t.p += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value
        shift += 7
    return value


@fn(inline=True)
def tr_leb(t: ptr[Trans]) -> u64:
    """An unsigned LEB128 number."""
    byte = u64(t.bytes[t.p])
    if byte < 128:
        t.p += 1
        return byte
    return tr_leb_long(t)


@fn
def tr_signed(t: ptr[Trans]) -> i64:
    """A signed LEB128 number of up to 64 bits."""
    value: u64 = 0
    shift: u64 = 0
    while shift < 64:
        byte = u64(t.bytes[t.p])
        t.p += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            if byte & 64 and shift < 64:
                value |= ~u64(0) << shift
            return i64(value)
    return i64(value)


@fn
def tr_opcode(t: ptr[Trans]) -> u32:
    """Opcode index: the byte, or 256 + the code behind the prefix 0xfc."""
    byte = u32(t.bytes[t.p])
    t.p += 1
    if byte == 0xFC:
        return 256 + u32(tr_leb(t))
    return byte


@fn
def tr_skip_immediates(t: ptr[Trans], op: u32) -> None:
    how = IMMEDIATES[op]
    if how == SKIP_LEB:
        tr_leb(t)
    elif how == SKIP_LEB2:
        tr_leb(t)
        tr_leb(t)
    elif how == SKIP_F32:
        t.p += 4
    elif how == SKIP_F64:
        t.p += 8
    elif how == SKIP_TABLE:
        count = tr_leb(t) + 1
        while count > 0:
            tr_leb(t)
            count -= 1
    elif how == SKIP_TYPES:
        count = tr_leb(t)
        while count > 0:
            tr_leb(t)
            count -= 1


__all__ = ["i32", "load", "u8"]
