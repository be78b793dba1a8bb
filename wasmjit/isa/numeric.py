"""Numeric instructions (spec 4.3): families by loops."""

from .row import Row

I, F = ("i32", "i64"), ("f32", "f64")
BITS = {"i32": 32, "i64": 64, "f32": 32, "f64": 64}


def _integers() -> list[Row]:
    rows = []
    for t, compare, first in (("i32", 0x45, 0x67), ("i64", 0x50, 0x79)):
        s, bits = f"i{BITS[t]}", BITS[t]
        smallest, ones = 1 << (bits - 1), (1 << bits) - 1
        rows.append(Row(f"{t}.eqz", compare, params=(t,), results=("i32",), kind="compare", meaning="a == 0"))
        orders = [("eq", "a == b"), ("ne", "a != b")]
        for name, sign in (("lt", "<"), ("gt", ">"), ("le", "<="), ("ge", ">=")):
            orders += [(f"{name}_s", f"{s}(a) {sign} {s}(b)"), (f"{name}_u", f"a {sign} b")]
        for i, (name, meaning) in enumerate(orders):
            rows.append(Row(f"{t}.{name}", compare + 1 + i, params=(t, t), results=("i32",), kind="compare", meaning=meaning))
        zero = ("b == 0", "divide")
        counts = [("clz", "clz(a)"), ("ctz", "ctz(a)"), ("popcnt", "popcnt(a)")]
        rows += [Row(f"{t}.{name}", first + i, params=(t,), results=(t,), meaning=meaning) for i, (name, meaning) in enumerate(counts)]
        both = [
            ("add", "a + b", ()), ("sub", "a - b", ()), ("mul", "a * b", ()),
            ("div_s", f"u{bits}({s}(a) // {s}(b))", (zero, (f"a == {smallest} and b == {ones}", "overflow"))), ("div_u", "a // b", (zero,)),
            ("rem_s", f"u{bits}({s}(a) % ({s}(1) if b == {ones} else {s}(b)))", (zero,)), ("rem_u", "a % b", (zero,)),
            ("and", "a & b", ()), ("or", "a | b", ()), ("xor", "a ^ b", ()),
            ("shl", f"a << (b & {bits - 1})", ()), ("shr_s", f"u{bits}({s}(a) >> {s}(b & {bits - 1}))", ()), ("shr_u", f"a >> (b & {bits - 1})", ()),
            ("rotl", "rotl(a, b)", ()), ("rotr", "rotr(a, b)", ()),
        ]  # fmt: skip
        for i, (name, meaning, checks) in enumerate(both):
            rows.append(Row(f"{t}.{name}", first + 3 + i, params=(t, t), results=(t,), meaning=meaning, checks=checks, constant=name in ("add", "sub", "mul")))
    return rows


def _floats() -> list[Row]:
    rows = []
    for t, compare, first in (("f32", 0x5B, 0x8B), ("f64", 0x61, 0x99)):
        bits = BITS[t]
        sign = 1 << (bits - 1)
        for i, (name, op) in enumerate((("eq", "=="), ("ne", "!="), ("lt", "<"), ("gt", ">"), ("le", "<="), ("ge", ">="))):
            rows.append(Row(f"{t}.{name}", compare + i, params=(t, t), results=("i32",), kind="compare", meaning=f"a {op} b"))
        # abs, neg and copysign work on the bits: a signalling NaN stays one
        one = [("abs", f"from_bits(bits(a) & {sign - 1})"), ("neg", f"from_bits(bits(a) ^ {sign})"), ("ceil", "ceil(a)"), ("floor", "floor(a)"),
               ("trunc", "trunc(a)"), ("nearest", "nearest(a)"), ("sqrt", "sqrt(a)")]  # fmt: skip
        rows += [Row(f"{t}.{name}", first + i, params=(t,), results=(t,), meaning=meaning) for i, (name, meaning) in enumerate(one)]
        two = [("add", "a + b"), ("sub", "a - b"), ("mul", "a * b"), ("div", "a / b"), ("min", "fminimum(a, b)"), ("max", "fmaximum(a, b)"),
               ("copysign", f"from_bits((bits(a) & {sign - 1}) | (bits(b) & {sign}))")]  # fmt: skip
        rows += [Row(f"{t}.{name}", first + 7 + i, params=(t, t), results=(t,), meaning=meaning) for i, (name, meaning) in enumerate(two)]
    return rows


def _limits(target: str, signed: bool, source: str) -> tuple[str, str]:
    """Conditions under which trunc(a) lies below and above the target's range, in the float's own precision."""
    bits, precision = BITS[target], 24 if source == "f32" else 53
    top = float(1 << (bits - 1 if signed else bits))
    if not signed:
        return "a <= -1.0", f"a >= {top!r}"
    if bits > precision:  # the next float below the least integer is more than 1 away
        return f"a < {-top!r}", f"a >= {top!r}"
    return f"a <= {-top - 1.0!r}", f"a >= {top!r}"


def _truncate(code: int, target: str, source: str, signed: bool) -> Row:
    low, high = _limits(target, signed, source)
    cast = f"u{BITS[target]}(i{BITS[target]}(a))" if signed else f"u{BITS[target]}(a)"
    return Row(f"{target}.trunc_{source}_{'s' if signed else 'u'}", code, params=(source,), results=(target,), meaning=cast,
               checks=(("a != a", "conversion"), (f"{low} or {high}", "overflow")))  # fmt: skip


def _saturate(code: int, target: str, source: str, signed: bool) -> Row:
    low, high = _limits(target, signed, source)
    bits = BITS[target]
    u = f"u{bits}"
    least, most = (1 << (bits - 1), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    cast = f"{u}(i{bits}(a))" if signed else f"{u}(a)"
    meaning = f"{u}(0) if a != a else {u}({least}) if {low} else {u}({most}) if {high} else {cast}"
    return Row(f"{target}.trunc_sat_{source}_{'s' if signed else 'u'}", code, 0xFC, params=(source,), results=(target,), feature="nontrapping-fptoint", meaning=meaning)


def _conversions() -> list[Row]:
    rows = [Row("i32.wrap_i64", 0xA7, params=("i64",), results=("i32",), meaning="u32(a)")]
    for first, target in ((0xA8, "i32"), (0xAE, "i64")):
        rows += [_truncate(first + 2 * i + j, target, source, j == 0) for i, source in enumerate(F) for j in (0, 1)]
    rows += [Row(f"i64.extend_i32_{s}", 0xAC + i, params=("i32",), results=("i64",), meaning=("u64(i64(i32(a)))", "u64(a)")[i]) for i, s in enumerate("su")]
    for first, target in ((0xB2, "f32"), (0xB7, "f64")):
        for i, source in enumerate(I):
            meaning = (f"{target}(i{BITS[source]}(a))", f"{target}(a)")
            rows += [Row(f"{target}.convert_{source}_{s}", first + 2 * i + j, params=(source,), results=(target,), meaning=meaning[j]) for j, s in enumerate("su")]
    rows.append(Row("f32.demote_f64", 0xB6, params=("f64",), results=("f32",), meaning="f32(a)"))
    rows.append(Row("f64.promote_f32", 0xBB, params=("f32",), results=("f64",), meaning="f64(a)"))
    for i, (target, source) in enumerate((("i32", "f32"), ("i64", "f64"))):
        rows.append(Row(f"{target}.reinterpret_{source}", 0xBC + i, params=(source,), results=(target,), meaning="bits(a)"))
        rows.append(Row(f"{source}.reinterpret_{target}", 0xBE + i, params=(target,), results=(source,), meaning="from_bits(a)"))
    for code, (target, bits) in enumerate((("i32", 8), ("i32", 16), ("i64", 8), ("i64", 16), ("i64", 32)), 0xC0):
        size = BITS[target]
        rows.append(Row(f"{target}.extend{bits}_s", code, params=(target,), results=(target,), feature="sign-extension", meaning=f"u{size}(i{size}(i{bits}(a)))"))
    code = 0
    for target in I:
        for source in F:
            for signed in (True, False):
                rows.append(_saturate(code, target, source, signed))
                code += 1
    return rows


NUMERIC = tuple(_integers() + _floats() + _conversions())
