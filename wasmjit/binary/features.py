"""Features that are recognised and refused, and where they show in a binary. No imports: messages are made from it at run time."""

REFUSED = (
    "simd",
    "relaxed-simd",
    "tail-call",
    "exceptions",
    "legacy-exceptions",
    "function-references",
    "gc",
    "threads",
    "memory64",
    "multi-memory",
    "custom-page-sizes",
    "wide-arithmetic",
    "stack-switching",
)
(
    NEED_SIMD,
    NEED_RELAXED_SIMD,
    NEED_TAIL_CALL,
    NEED_EXCEPTIONS,
    NEED_LEGACY_EXCEPTIONS,
    NEED_FUNCTION_REFERENCES,
    NEED_GC,
    NEED_THREADS,
    NEED_MEMORY64,
    NEED_MULTI_MEMORY,
    NEED_CUSTOM_PAGE_SIZES,
    NEED_WIDE_ARITHMETIC,
    NEED_STACK_SWITCHING,
) = range(13)
NEED_NOTHING = 255

OPCODES = {
    0x06: NEED_LEGACY_EXCEPTIONS,  # try
    0x07: NEED_LEGACY_EXCEPTIONS,  # catch
    0x08: NEED_EXCEPTIONS,  # throw
    0x09: NEED_LEGACY_EXCEPTIONS,  # rethrow
    0x0A: NEED_EXCEPTIONS,  # throw_ref
    0x12: NEED_TAIL_CALL,  # return_call
    0x13: NEED_TAIL_CALL,  # return_call_indirect
    0x14: NEED_FUNCTION_REFERENCES,  # call_ref
    0x15: NEED_FUNCTION_REFERENCES,  # return_call_ref
    0x18: NEED_LEGACY_EXCEPTIONS,  # delegate
    0x19: NEED_LEGACY_EXCEPTIONS,  # catch_all
    0x1F: NEED_EXCEPTIONS,  # try_table
    0xD3: NEED_GC,  # ref.eq
    0xD4: NEED_FUNCTION_REFERENCES,  # ref.as_non_null
    0xD5: NEED_FUNCTION_REFERENCES,  # br_on_null
    0xD6: NEED_FUNCTION_REFERENCES,  # br_on_non_null
    **dict.fromkeys(range(0xE0, 0xE7), NEED_STACK_SWITCHING),  # cont.new .. switch
    0xFB: NEED_GC,
    0xFD: NEED_SIMD,  # sub-opcodes from 0x100 are relaxed-simd
    0xFE: NEED_THREADS,
}
WIDE_ARITHMETIC = range(0x13, 0x17)  # sub-opcodes of 0xfc

TYPES = {
    0x7B: NEED_SIMD,  # v128
    0x75: NEED_STACK_SWITCHING,  # nullcontref
    0x74: NEED_EXCEPTIONS,  # nullexnref
    0x73: NEED_GC,  # nullfuncref
    0x72: NEED_GC,  # nullexternref
    0x71: NEED_GC,  # nullref
    0x6E: NEED_GC,  # anyref
    0x6D: NEED_GC,  # eqref
    0x6C: NEED_GC,  # i31ref
    0x6B: NEED_GC,  # structref
    0x6A: NEED_GC,  # arrayref
    0x69: NEED_EXCEPTIONS,  # exnref
    0x68: NEED_STACK_SWITCHING,  # contref
    0x64: NEED_FUNCTION_REFERENCES,  # (ref ht)
    0x63: NEED_FUNCTION_REFERENCES,  # (ref null ht)
}

TYPE_FORMS = {
    0x5F: NEED_GC,  # struct
    0x5E: NEED_GC,  # array
    0x5D: NEED_STACK_SWITCHING,  # cont
    0x50: NEED_GC,  # sub
    0x4F: NEED_GC,  # sub final
    0x4E: NEED_GC,  # rec
}
