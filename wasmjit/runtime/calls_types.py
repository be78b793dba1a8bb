"""Value types: their names in messages, and the slots they take."""

from wasmjit.native.lang import fn, ptr, u8, u32, u64
from wasmjit.runtime.codes import VALUE_TYPES
from wasmjit.runtime.structs import Sig

I32, I64, F32, F64, V128, FUNCREF, EXTERNREF = VALUE_TYPES.values()


@fn(cold=True)
def type_name(type: u32) -> ptr[u8]:
    if type == I32:
        return b"i32"
    if type == I64:
        return b"i64"
    if type == F32:
        return b"f32"
    if type == F64:
        return b"f64"
    if type == V128:
        return b"v128"
    if type == FUNCREF:
        return b"funcref"
    return b"externref"


@fn(inline=True)
def width(type: u32) -> u64:
    """Slots that a value takes."""
    if type == V128:
        return 2
    return 1


@fn
def slots_of(sig: ptr[Sig]) -> u64:
    """Slots that arguments or results take, whichever are more."""
    params: u64 = 0
    results: u64 = 0
    for i in range(sig.nparams):
        params += width(u32(sig.types[i]))
    for i in range(sig.nresults):
        results += width(u32(sig.types[sig.nparams + i]))
    if params > results:
        return params
    return results


@fn
def one_result(sig: ptr[Sig]) -> u32:
    """The result type; 0 without results, or with several."""
    if sig.nresults == 1:
        return u32(sig.types[sig.nparams])
    return 0
