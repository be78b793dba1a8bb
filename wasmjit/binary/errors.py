"""Why a module is refused: error numbers that native code records, and their messages.

The texts begin with those of the specification's test suite. Each number has up to four arguments; a message names them
by position and form: {0} number, {0:type} value type byte, {0:op} opcode (prefix << 8 | code below a prefix byte),
{0:feature} index of `features.REFUSED`, {0:x} hexadecimal.
"""

from .features import REFUSED

ERR_UNEXPECTED_END = 1
ERR_LENGTH = 2
ERR_LEB_LONG = 3
ERR_LEB_LARGE = 4
ERR_MAGIC = 5
ERR_VERSION = 6
ERR_SECTION_ID = 7
ERR_SECTION_SIZE = 8
ERR_SECTION_ORDER = 9
ERR_COUNT = 10
ERR_CODE_COUNT = 11
ERR_DATA_COUNT = 12
ERR_UTF8 = 13
ERR_FEATURE = 14
ERR_VALUE_TYPE = 15
ERR_REFERENCE_TYPE = 16
ERR_TYPE_FORM = 17
ERR_IMPORT_KIND = 18
ERR_EXPORT_KIND = 19
ERR_LIMITS_FLAGS = 20
ERR_MUTABILITY = 21
ERR_ELEM_FLAGS = 22
ERR_ELEM_KIND = 23
ERR_DATA_FLAGS = 24
ERR_MEMORY_SIZE = 25
ERR_LIMITS_ORDER = 26
ERR_DUPLICATE_EXPORT = 27
ERR_START = 28
ERR_MULTIPLE_MEMORIES = 29
ERR_MODULE_SIZE = 30
ERR_MEMORY = 31
ERR_PARAMS = 32
ERR_RESULTS = 33
ERR_UNKNOWN_TYPE = 40
ERR_UNKNOWN_FUNC = 41
ERR_UNKNOWN_TABLE = 42
ERR_UNKNOWN_MEMORY = 43
ERR_UNKNOWN_GLOBAL = 44
ERR_UNKNOWN_LOCAL = 45
ERR_UNKNOWN_LABEL = 46
ERR_UNKNOWN_ELEM = 47
ERR_UNKNOWN_DATA = 48
ERR_UNDECLARED_FUNC = 49
ERR_NOT_CONSTANT = 50
ERR_CONST_TYPE = 51
ERR_CONST_DEPTH = 52
ERR_CONST_COUNT = 53
ERR_TYPE = 60
ERR_TYPE_EMPTY = 61
ERR_TYPE_HEIGHT = 62
ERR_IF_WITHOUT_ELSE = 63
ERR_ELSE_WITHOUT_IF = 64
ERR_LABEL_ARITY = 65
ERR_SELECT_TYPE = 66
ERR_SELECT_ARITY = 67
ERR_TABLE_TYPE = 68
ERR_SEGMENT_TYPE = 69
ERR_REFERENCE = 70
ERR_IMMUTABLE_GLOBAL = 71
ERR_ALIGNMENT = 72
ERR_MEMOP_FLAGS = 73
ERR_ILLEGAL_OPCODE = 74
ERR_END_EXPECTED = 75
ERR_BODY_END = 76
ERR_BODY_TAIL = 77
ERR_LOCALS = 78
ERR_NESTING = 79
ERR_OPERANDS = 80
ERR_DATA_COUNT_MISSING = 81
ERR_BLOCK_TYPE = 82
ERR_ZERO_BYTE = 83

MESSAGES = {
    ERR_UNEXPECTED_END: "unexpected end",
    ERR_LENGTH: "length out of bounds: {0} bytes announced, {1} left",
    ERR_LEB_LONG: "integer representation too long",
    ERR_LEB_LARGE: "integer too large",
    ERR_MAGIC: "magic header not detected",
    ERR_VERSION: "unknown binary version {0:x}",
    ERR_SECTION_ID: "malformed section id {0}",
    ERR_SECTION_SIZE: "section size mismatch: section {0} has {1} bytes too many",
    ERR_SECTION_ORDER: "unexpected content after last section: section {0} may not stand here",
    ERR_COUNT: "unexpected end of section or function: {0} entries announced, {1} bytes left",
    ERR_CODE_COUNT: "function and code section have inconsistent lengths: {0} functions, {1} bodies",
    ERR_DATA_COUNT: "data count and data section have inconsistent lengths: {0} announced, {1} segments",
    ERR_UTF8: "malformed UTF-8 encoding",
    ERR_FEATURE: "{1:what} needs the feature {0:feature}, which is not supported",
    ERR_VALUE_TYPE: "malformed value type {0:x}",
    ERR_REFERENCE_TYPE: "malformed reference type {0:x}",
    ERR_TYPE_FORM: "malformed type form {0:x}",
    ERR_IMPORT_KIND: "malformed import kind {0}",
    ERR_EXPORT_KIND: "malformed export kind {0}",
    ERR_LIMITS_FLAGS: "malformed limits flags {0:x}",
    ERR_MUTABILITY: "malformed mutability {0}",
    ERR_ELEM_FLAGS: "malformed elements segment flags {0}",
    ERR_ELEM_KIND: "malformed element kind {0}",
    ERR_DATA_FLAGS: "malformed data segment flags {0}",
    ERR_MEMORY_SIZE: "memory size must be at most 65536 pages (4GiB), not {0}",
    ERR_LIMITS_ORDER: "size minimum must not be greater than maximum: {0} > {1}",
    ERR_DUPLICATE_EXPORT: "duplicate export name",
    ERR_START: "start function {0} must have no parameters and no results",
    ERR_MULTIPLE_MEMORIES: "multiple memories",
    ERR_MODULE_SIZE: "module of {0} bytes: at most 4 GiB are supported",
    ERR_MEMORY: "out of memory while loading the module: {0} bytes",
    ERR_PARAMS: "function type with {0} parameters: at most 1000 are supported",
    ERR_RESULTS: "function type with {0} results: at most 1000 are supported",
    ERR_UNKNOWN_TYPE: "unknown type {0}",
    ERR_UNKNOWN_FUNC: "unknown function {0}",
    ERR_UNKNOWN_TABLE: "unknown table {0}",
    ERR_UNKNOWN_MEMORY: "unknown memory {0}",
    ERR_UNKNOWN_GLOBAL: "unknown global {0}",
    ERR_UNKNOWN_LOCAL: "unknown local {0}",
    ERR_UNKNOWN_LABEL: "unknown label {0}",
    ERR_UNKNOWN_ELEM: "unknown elem segment {0}",
    ERR_UNKNOWN_DATA: "unknown data segment {0}",
    ERR_UNDECLARED_FUNC: "undeclared function reference: function {0}",
    ERR_NOT_CONSTANT: "constant expression required: {0:op}",
    ERR_CONST_TYPE: "type mismatch: constant expression gives {1:type}, expected {0:type}",
    ERR_CONST_DEPTH: "constant expression with more than {0} operands",
    ERR_CONST_COUNT: "type mismatch: constant expression gives {0} values, expected 1",
    ERR_TYPE: "type mismatch: {2:op}: expected {0:type}, found {1:type}",
    ERR_TYPE_EMPTY: "type mismatch: {2:op}: expected {0:type}, but nothing on the stack of this block",
    ERR_TYPE_HEIGHT: "type mismatch: values remaining on the stack at the end of a block",
    ERR_IF_WITHOUT_ELSE: "type mismatch: if without else must have equal parameter and result types",
    ERR_ELSE_WITHOUT_IF: "type mismatch: else without if",
    ERR_LABEL_ARITY: "type mismatch: br_table labels with {1} and {0} values",
    ERR_SELECT_TYPE: "type mismatch: select between {0:type} and {1:type}",
    ERR_SELECT_ARITY: "invalid result arity: select with {0} types",
    ERR_TABLE_TYPE: "type mismatch: table of {1:type}, expected {0:type}",
    ERR_SEGMENT_TYPE: "type mismatch: elem segment of {1:type}, expected {0:type}",
    ERR_REFERENCE: "type mismatch: {2:op}: expected a reference, found {1:type}",
    ERR_IMMUTABLE_GLOBAL: "immutable global {0}",
    ERR_ALIGNMENT: "alignment must not be larger than natural: 2**{0}, natural 2**{1}",
    ERR_MEMOP_FLAGS: "malformed memop flags {0:x}",
    ERR_ILLEGAL_OPCODE: "illegal opcode {0:x}",
    ERR_END_EXPECTED: "END opcode expected",
    ERR_BODY_END: "unexpected end of section or function",
    ERR_BODY_TAIL: "section size mismatch: {0} bytes behind the end of the function body",
    ERR_LOCALS: "too many locals: {0}, at most {1} are supported",
    ERR_NESTING: "blocks nested deeper than {0}",
    ERR_OPERANDS: "more than {0} operands on the stack",
    ERR_DATA_COUNT_MISSING: "data count section required",
    ERR_BLOCK_TYPE: "malformed block type",
    ERR_ZERO_BYTE: "zero byte expected",
}

TYPE_NAMES = {
    0x7F: "i32",
    0x7E: "i64",
    0x7D: "f32",
    0x7C: "f64",
    0x7B: "v128",
    0x70: "funcref",
    0x6F: "externref",
    1: "nothing",
    2: "nothing",
    3: "any",
}

WHAT_OPCODE, WHAT_TYPE, WHAT_SECTION, WHAT_LIMITS, WHAT_MEMORY, WHAT_TABLE, WHAT_IMPORT, WHAT_EXPORT = range(8)
_WHATS = (
    "opcode {:#x}",
    "type {:#x}",
    "section {}",
    "limits flags {:#x}",
    "memory {}",
    "table with {:#x}",
    "import kind {}",
    "export kind {}",
)

_LOOKS = (
    (b"\x7fELF", "an ELF binary: compile it to WebAssembly"),
    (b"MZ", "a Windows executable"),
    (b"#!", "a script"),
    (b"(module", "WebAssembly text"),
    (b"(component", "WebAssembly text of a component"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "gzip data: decompress it first"),
    (b"BZh", "bzip2 data: decompress it first"),
    (b"\xfd7zXZ", "xz data: decompress it first"),
    (b"\x28\xb5\x2f\xfd", "zstd data: decompress it first"),
    (b"!<arch>", "an archive of object files: link it first"),
    (b"BC\xc0\xde", "LLVM bitcode: compile it to WebAssembly"),
    (b"\xca\xfe\xba\xbe", "a Java class or a Mach-O file"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O binary"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"<", "HTML or XML: perhaps a download went wrong"),
    (b"{", "JSON"),
    (b"version https://git-lfs", "a Git LFS pointer: the real file was not fetched"),
)


def looks_like(head: bytes) -> str:
    """What a file that is not a module seems to be, from its first bytes: a noun phrase."""
    if not head:
        return "an empty file"
    if head[:4] == b"\0asm":
        return "a WebAssembly component, not a module" if head[6:8] == b"\1\0" else "WebAssembly of another version"
    text = head.lstrip()
    if text.startswith(b";;") or text.startswith(b"(;"):
        return "WebAssembly text"
    for magic, name in _LOOKS:
        if text.startswith(magic):
            return name
    if not head.strip(b"\0"):
        return "zeros"
    return "text" if all(byte >= 32 or byte in b"\t\n\r\f" for byte in head) else "unknown binary data"


def _opcode_name(code: int) -> str:
    from wasmjit.isa import TABLE

    for row in TABLE:
        if (row.prefix << 8 | row.code if row.prefix else row.code) == code:
            return row.name
    return f"opcode {code:#x}"


def _form(error: tuple[int, ...], number: int, form: str) -> str:
    value = error[2 + number]
    if form == "type":
        return TYPE_NAMES.get(value, f"type {value:#x}")
    if form == "op":
        return _opcode_name(value)
    if form == "feature":
        return REFUSED[value]
    if form == "what":
        return _WHATS[value].format(error[2 + number + 1])
    return f"0x{value:02x}" if form == "x" else str(value)


class _Argument:
    """An argument of an error inside its message's format string."""

    def __init__(self, error: tuple[int, ...], number: int) -> None:
        self.error, self.number = error, number

    def __format__(self, form: str) -> str:
        return _form(self.error, self.number, form)


def explain(error: tuple[int, ...], head: bytes = b"") -> tuple[str, str | None]:
    """Message of what `mod_error` gave, and the name of the feature the module needs or None.

    `head`: the file's first bytes; with it, a file that is not a module is told by what it looks like.
    """
    code = error[1]
    message = MESSAGES[code].format(*(_Argument(error, number) for number in range(4)))
    if code in (ERR_MAGIC, ERR_VERSION) and head:
        message = f"{message}: this looks like {looks_like(head)}"
    return message, REFUSED[error[2]] if code == ERR_FEATURE else None
