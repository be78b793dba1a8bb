"""Names of WebAssembly's features: those of the table, and those that later opcodes need."""

FEATURES = (
    "mvp",
    "mutable-global",
    "sign-extension",
    "nontrapping-fptoint",
    "multi-value",
    "bulk-memory",
    "reference-types",
    "extended-const",
)

_LATER = (
    (0x06, 0x07, "legacy-exceptions"),
    (0x08, 0x08, "exceptions"),
    (0x09, 0x09, "legacy-exceptions"),
    (0x0A, 0x0A, "exceptions"),
    (0x12, 0x13, "tail-call"),
    (0x14, 0x15, "function-references"),
    (0x18, 0x19, "legacy-exceptions"),
    (0x1F, 0x1F, "exceptions"),
    (0xD3, 0xD3, "gc"),
    (0xD4, 0xD6, "function-references"),
    (0xE0, 0xE6, "stack-switching"),
    (0xFB, 0xFB, "gc"),
    (0xFD, 0xFD, "simd"),
    (0xFE, 0xFE, "threads"),
)


def features_of_opcode(prefix: int, code: int) -> str | None:
    """The feature that an opcode outside the table belongs to, None when no proposal has it."""
    if prefix == 0xFC:
        return "wide-arithmetic" if 0x13 <= code <= 0x16 else None
    if prefix == 0xFD and code >= 0x100:
        return "relaxed-simd"
    byte = prefix or code
    return next((name for first, last, name in _LATER if first <= byte <= last), None)
