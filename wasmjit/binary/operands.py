"""The validator's two stacks: operand types and control frames (spec, appendix "Validation Algorithm").

The operand stack has one byte a value, and a floor byte below the operands of each block, so that one comparison with
the top tells type errors and underflow alike. Code after an unconditional branch turns the floor polymorphic: it then
stands for any operands. Simple instructions push at most one byte for each byte of code, so `limit - sp` never falls
below the code left; only what pushes many types at once asks for room.
"""

from wasmjit.native.lang import boolean, fn, ptr, sizeof, struct, u8, u32, u64
from wasmjit.native.libc import memcmp, memcpy, realloc
from wasmjit.runtime.structs import Sig

from .errors import ERR_MEMORY, ERR_NESTING, ERR_OPERANDS, ERR_REFERENCE, ERR_TYPE, ERR_TYPE_EMPTY
from .reader import Reader, fail_index, fail_with
from .types import EXTERNREF, FUNCREF, Loader

FLOOR = 1  # below a block's operands
POLYMORPHIC = 2  # the same in unreachable code
UNKNOWN = 3  # a value that only unreachable code makes: matches every type
NO_TYPE = 0x100  # after an error

MAX_LOCALS = 50_000  # parameters included: the limit of the browsers
MAX_NESTING = 1_000_000
MAX_OPERANDS = 1 << 24
FIRST_FRAMES = 64
MARGIN = 1024  # bytes below the stack that comparisons of many types may read, and above it


@struct
class Frame:
    """A block under way."""

    params: ptr[u8]
    results: ptr[u8]
    nparams: u32
    nresults: u32
    floor: u32  # index of its floor byte
    op: u32  # block, loop, if or else; 0 the function's body
    checked: u32  # serial number of the last br_table that compared this label
    pad: u32


@struct
class Validator:
    """State of one thread; its reader comes first."""

    r: Reader
    sp: ptr[u8]  # behind the top operand
    stack: ptr[u8]
    limit: ptr[u8]
    frame: ptr[Frame]  # the innermost
    frames: ptr[Frame]
    nframes: u64  # allocated
    locals: ptr[u8]  # types
    nlocals: u32
    op: u32  # of the instruction under way: byte, or prefix << 8 | code
    place: ptr[u8]  # of the instruction under way
    loader: ptr[Loader]
    serial: u32  # br_tables so far
    pad: u32


@fn
def operands_reserve(v: ptr[Validator], count: u64) -> boolean:
    """Room for `count` more operands beside one for each byte of code left."""
    need = count + u64(v.r.end) - u64(v.r.p) + MARGIN
    if u64(v.limit) - u64(v.sp) >= need:
        return True
    used = u64(v.sp) - u64(v.stack)
    if used > MAX_OPERANDS:
        return fail_index(v.r, ERR_OPERANDS, v.place, MAX_OPERANDS)
    size = used * 2 + need
    block = realloc(v.stack - MARGIN if v.stack != 0 else v.stack, size + MARGIN)
    if block == 0:
        return fail_index(v.r, ERR_MEMORY, v.place, size)
    v.stack = block + MARGIN
    v.sp = v.stack + used
    v.limit = v.stack + size
    return True


@fn(cold=True)
def frames_grow(v: ptr[Validator]) -> boolean:
    size = v.nframes * 2 if v.nframes != 0 else u64(FIRST_FRAMES)
    depth = (u64(v.frame) - u64(v.frames)) // sizeof(Frame)
    if depth >= MAX_NESTING:
        return fail_index(v.r, ERR_NESTING, v.place, MAX_NESTING)
    block = ptr[Frame](realloc(ptr[u8](v.frames), size * sizeof(Frame)))
    if block == 0:
        return fail_index(v.r, ERR_MEMORY, v.place, size * sizeof(Frame))
    v.frames = block
    v.frame = block[depth]
    v.nframes = size
    return True


@fn(cold=True)
def type_error(v: ptr[Validator], expected: u32, found: u32) -> boolean:
    code = u32(ERR_TYPE_EMPTY) if found == FLOOR else u32(ERR_TYPE)
    return fail_with(v.r, code, v.place, u64(expected), u64(found), u64(v.op))


@fn
def pop_type(v: ptr[Validator], expected: u32) -> boolean:
    top = u32((v.sp - 1)[0])
    if top == expected or top == UNKNOWN:
        v.sp = v.sp - 1
        return True
    return top == POLYMORPHIC or type_error(v, expected, top)


@fn
def pop_any(v: ptr[Validator]) -> u32:
    """Type of the top operand, which may be UNKNOWN; NO_TYPE when there is none."""
    top = u32((v.sp - 1)[0])
    if top == POLYMORPHIC:
        return u32(UNKNOWN)
    if top == FLOOR:
        type_error(v, UNKNOWN, top)
        return u32(NO_TYPE)
    v.sp = v.sp - 1
    return top


@fn
def pop_reference(v: ptr[Validator]) -> boolean:
    top = pop_any(v)
    if top == UNKNOWN or top == FUNCREF or top == EXTERNREF:
        return True
    return top != NO_TYPE and fail_with(v.r, ERR_REFERENCE, v.place, 0, u64(top), u64(v.op))


@fn
def push_type(v: ptr[Validator], pushed: u32) -> boolean:
    v.sp[0] = u8(pushed)
    v.sp = v.sp + 1
    return True


@fn
def pop_types(v: ptr[Validator], types: ptr[u8], count: u32) -> boolean:
    if count == 0:
        return True
    below = v.sp - count
    if count == 1 and below[0] == types[0] or memcmp(below, types, u64(count)) == 0:
        v.sp = below
        return True
    i = count
    while i != 0:
        i -= 1
        if not pop_type(v, u32(types[i])):
            return False
    return True


@fn
def push_types(v: ptr[Validator], types: ptr[u8], count: u32) -> boolean:
    if count == 1:
        v.sp[0] = types[0]
        v.sp = v.sp + 1
        return True
    if not operands_reserve(v, u64(count)):
        return False
    memcpy(v.sp, types, u64(count))
    v.sp = v.sp + count
    return True


@fn
def push_frame(v: ptr[Validator], op: u32, params: ptr[u8], nparams: u32, results: ptr[u8], nresults: u32) -> boolean:
    """Enter a block; its parameters have been popped and are pushed again above the floor."""
    if u64(v.frame + 2) > u64(v.frames + v.nframes) and not frames_grow(v):
        return False
    frame = v.frame + 1
    frame.op = op
    frame.params = params
    frame.nparams = nparams
    frame.results = results
    frame.nresults = nresults
    frame.floor = u32(u64(v.sp) - u64(v.stack))
    frame.checked = 0
    v.frame = frame
    v.sp[0] = FLOOR
    v.sp = v.sp + 1
    return nparams == 0 or push_types(v, params, nparams)


@fn
def set_unreachable(v: ptr[Validator]) -> boolean:
    """Drop the block's operands: nothing after this point runs."""
    floor = v.stack + v.frame.floor
    floor[0] = POLYMORPHIC
    v.sp = floor + 1
    return True


@fn
def push_sig_results(v: ptr[Validator], sig: ptr[Sig]) -> boolean:
    return sig.nresults == 0 or push_types(v, sig.types + sig.nparams, sig.nresults)


@fn
def pop_sig_params(v: ptr[Validator], sig: ptr[Sig]) -> boolean:
    return sig.nparams == 0 or pop_types(v, sig.types, sig.nparams)
