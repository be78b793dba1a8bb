"""Features that are recognised and refused, and the types that show them; opcodes: isa.features_of_opcode.

No imports: messages are made from it at run time.
"""

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
