"""Numeric instructions (spec 4.3): families by loops, in the order of their opcodes.

A family is a list of (name, meaning) or (name, meaning, checks); its opcodes follow one another.
"""

from collections.abc import Sequence

from .row import Row

INTEGERS, FLOATS = ("i32", "i64"), ("f32", "f64")
BITS = {"i32": 32, "i64": 64, "f32": 32, "f64": 64}
CANONICAL_NAN = {"f32": 0x7FC0_0000, "f64": 0x7FF8_0000_0000_0000}  # bits; the sign of the deterministic profile

Entry = tuple[str, str] | tuple[str, str, tuple[tuple[str, str], ...]]


def _family(
    first: int, params: str, result: str, entries: Sequence[Entry], kind: str = "numeric", prefix: int = 0, feature: str = "mvp"
) -> list[Row]:
    """Rows with opcodes from `first` on. params: operand types, separated by blanks."""
    rows = []
    for code, (name, meaning, *checks) in enumerate(entries, first):
        constant = name in CONSTANT
        types = tuple(params.split())
        rows.append(Row(name, code, prefix, (), types, (result,), kind, feature, meaning, checks[0] if checks else (), constant=constant))
    return rows


CONSTANT = {f"{t}.{name}" for t in INTEGERS for name in ("add", "sub", "mul")}  # extended-const


def _integer(t: str, compare: int, first: int) -> list[Row]:
    """Comparisons from opcode `compare` on, arithmetic from `first` on."""
    bits = BITS[t]
    s, u = f"i{bits}", f"u{bits}"
    least, ones, count = 1 << (bits - 1), (1 << bits) - 1, f"b & {bits - 1}"
    orders: list[Entry] = [(f"{t}.eq", "a == b"), (f"{t}.ne", "a != b")]
    for name, sign in (("lt", "<"), ("gt", ">"), ("le", "<="), ("ge", ">=")):
        orders += [(f"{t}.{name}_s", f"{s}(a) {sign} {s}(b)"), (f"{t}.{name}_u", f"a {sign} b")]
    by_zero = ("b == 0", "divide")
    too_large = (f"a == {least} and b == {ones}", "overflow")
    return [
        *_family(compare, t, "i32", [(f"{t}.eqz", "a == 0")], "compare"),
        *_family(compare + 1, f"{t} {t}", "i32", orders, "compare"),
        *_family(first, t, t, [(f"{t}.clz", "clz(a)"), (f"{t}.ctz", "ctz(a)"), (f"{t}.popcnt", "popcnt(a)")]),
        *_family(
            first + 3,
            f"{t} {t}",
            t,
            [
                (f"{t}.add", "a + b"),
                (f"{t}.sub", "a - b"),
                (f"{t}.mul", "a * b"),
                (f"{t}.div_s", f"{u}({s}(a) // {s}(b))", (by_zero, too_large)),
                (f"{t}.div_u", "a // b", (by_zero,)),
                (f"{t}.rem_s", f"{u}({s}(a) % ({s}(1) if b == {ones} else {s}(b)))", (by_zero,)),  # least % -1 traps on processors
                (f"{t}.rem_u", "a % b", (by_zero,)),
                (f"{t}.and", "a & b"),
                (f"{t}.or", "a | b"),
                (f"{t}.xor", "a ^ b"),
                (f"{t}.shl", f"a << ({count})"),
                (f"{t}.shr_s", f"{u}({s}(a) >> {s}({count}))"),
                (f"{t}.shr_u", f"a >> ({count})"),
                (f"{t}.rotl", "rotl(a, b)"),
                (f"{t}.rotr", "rotr(a, b)"),
            ],
        ),
    ]


def _float(t: str, compare: int, first: int) -> list[Row]:
    """As `_integer`. abs, neg and copysign work on the bits: a signalling NaN stays one."""
    sign = 1 << (BITS[t] - 1)
    rest = sign - 1
    orders = [("eq", "=="), ("ne", "!="), ("lt", "<"), ("gt", ">"), ("le", "<="), ("ge", ">=")]
    return [
        *_family(compare, f"{t} {t}", "i32", [(f"{t}.{name}", f"a {order} b") for name, order in orders], "compare"),
        *_family(
            first,
            t,
            t,
            [
                (f"{t}.abs", f"from_bits(bits(a) & {rest})"),
                (f"{t}.neg", f"from_bits(bits(a) ^ {sign})"),
                *((f"{t}.{name}", f"{name}(a)") for name in ("ceil", "floor", "trunc", "nearest", "sqrt")),
            ],
        ),
        *_family(
            first + 7,
            f"{t} {t}",
            t,
            [
                (f"{t}.add", "a + b"),
                (f"{t}.sub", "a - b"),
                (f"{t}.mul", "a * b"),
                (f"{t}.div", "a / b"),
                (f"{t}.min", "fminimum(a, b)"),
                (f"{t}.max", "fmaximum(a, b)"),
                (f"{t}.copysign", f"from_bits((bits(a) & {rest}) | (bits(b) & {sign}))"),
            ],
        ),
    ]


def _limits(target: str, source: str, signed: bool) -> tuple[str, str]:
    """Conditions under which trunc(a) lies below and above the target's range, in the float's own precision."""
    bits, precision = BITS[target], 24 if source == "f32" else 53
    top = float(1 << (bits - 1 if signed else bits))
    if not signed:
        return "a <= -1.0", f"a >= {top!r}"
    if bits > precision:  # the next float below the least integer is more than 1 away
        return f"a < {-top!r}", f"a >= {top!r}"
    return f"a <= {-top - 1.0!r}", f"a >= {top!r}"


def _cast(target: str, signed: bool) -> str:
    bits = BITS[target]
    return f"u{bits}(i{bits}(a))" if signed else f"u{bits}(a)"


def _truncations(code: int, target: str) -> list[Row]:
    rows: list[Row] = []
    for source in FLOATS:
        for signed, suffix in ((True, "s"), (False, "u")):
            low, high = _limits(target, source, signed)
            checks = (("a != a", "conversion"), (f"{low} or {high}", "overflow"))
            rows += _family(code + len(rows), source, target, [(f"{target}.trunc_{source}_{suffix}", _cast(target, signed), checks)])
    return rows


def _saturating(code: int, target: str) -> list[Row]:
    u, bits = f"u{BITS[target]}", BITS[target]
    rows: list[Row] = []
    for source in FLOATS:
        for signed, suffix in ((True, "s"), (False, "u")):
            low, high = _limits(target, source, signed)
            least, most = (1 << (bits - 1), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
            meaning = f"{u}(0) if a != a else {u}({least}) if {low} else {u}({most}) if {high} else {_cast(target, signed)}"
            name = f"{target}.trunc_sat_{source}_{suffix}"
            rows += _family(code + len(rows), source, target, [(name, meaning)], prefix=0xFC, feature="nontrapping-fptoint")
    return rows


def _conversions(code: int, target: str) -> list[Row]:
    """From integers to floats."""
    rows: list[Row] = []
    for source in INTEGERS:
        signed = f"{target}(i{BITS[source]}(a))"
        entries = [(f"{target}.convert_{source}_s", signed), (f"{target}.convert_{source}_u", f"{target}(a)")]
        rows += _family(code + len(rows), source, target, entries)
    return rows


def _sign_extensions(code: int, target: str, widths: tuple[int, ...]) -> list[Row]:
    bits = BITS[target]
    entries = [(f"{target}.extend{width}_s", f"u{bits}(i{bits}(i{width}(a)))") for width in widths]
    return _family(code, target, target, entries, feature="sign-extension")


NUMERIC = (
    *_integer("i32", 0x45, 0x67),
    *_integer("i64", 0x50, 0x79),
    *_float("f32", 0x5B, 0x8B),
    *_float("f64", 0x61, 0x99),
    *_family(0xA7, "i64", "i32", [("i32.wrap_i64", "u32(a)")]),
    *_truncations(0xA8, "i32"),
    *_family(0xAC, "i32", "i64", [("i64.extend_i32_s", "u64(i64(i32(a)))"), ("i64.extend_i32_u", "u64(a)")]),
    *_truncations(0xAE, "i64"),
    *_conversions(0xB2, "f32"),
    *_family(0xB6, "f64", "f32", [("f32.demote_f64", "f32(a)")]),
    *_conversions(0xB7, "f64"),
    *_family(0xBB, "f32", "f64", [("f64.promote_f32", "f64(a)")]),
    *_family(0xBC, "f32", "i32", [("i32.reinterpret_f32", "bits(a)")]),
    *_family(0xBD, "f64", "i64", [("i64.reinterpret_f64", "bits(a)")]),
    *_family(0xBE, "i32", "f32", [("f32.reinterpret_i32", "from_bits(a)")]),
    *_family(0xBF, "i64", "f64", [("f64.reinterpret_i64", "from_bits(a)")]),
    *_sign_extensions(0xC0, "i32", (8, 16)),
    *_sign_extensions(0xC2, "i64", (8, 16, 32)),
    *_saturating(0, "i32"),
    *_saturating(4, "i64"),
)
