"""Sample of restricted Python: every operator, cast and intrinsic of numbers, for every type, as an export."""

from wasmjit.native.lang import (
    bits,
    boolean,
    bswap,
    ceil,
    clz,
    copysign,
    ctz,
    export,
    f32,
    f64,
    fabs,
    floor,
    fmaximum,
    fminimum,
    from_bits,
    i8,
    i16,
    i32,
    i64,
    isnan,
    nearest,
    popcnt,
    rotl,
    rotr,
    sqrt,
    trunc,
    u8,
    u16,
    u32,
    u64,
)

INTEGERS = (i8, i16, i32, i64, u8, u16, u32, u64)
FLOATS = (f32, f64)
NUMBERS = (*INTEGERS, *FLOATS, boolean)


def arithmetic(t):
    """Operators of two integers; `divide` and `remainder` want b != 0 and no overflow, shifts b below the width."""

    @export(symbol=f"add_{t.__name__}")
    def add(a: t, b: t) -> t:
        return a + b

    @export(symbol=f"subtract_{t.__name__}")
    def subtract(a: t, b: t) -> t:
        return a - b

    @export(symbol=f"multiply_{t.__name__}")
    def multiply(a: t, b: t) -> t:
        return a * b

    @export(symbol=f"logic_{t.__name__}")
    def logic(a: t, b: t) -> t:
        return (a & b) ^ (a | ~b)

    @export(symbol=f"literals_{t.__name__}")
    def literals(a: t, b: t) -> t:
        return (7 - a) * 3 + (b ^ 100) - (-1 & a) + (5 | b)

    @export(symbol=f"order_{t.__name__}")
    def order(a: t, b: t) -> u32:
        return u32(a < b) | u32(a <= b) << 1 | u32(a > b) << 2 | u32(a >= b) << 3 | u32(a == b) << 4 | u32(a != b) << 5

    @export(symbol=f"order_literal_{t.__name__}")
    def order_literal(a: t, b: t) -> u32:
        return u32(a < 100) | u32(100 <= b) << 1 | u32(a > 0) << 2 | u32(0 == b) << 3

    @export(symbol=f"divide_{t.__name__}")
    def divide(a: t, b: t) -> t:
        return a // b

    @export(symbol=f"remainder_{t.__name__}")
    def remainder(a: t, b: t) -> t:
        return a % b

    @export(symbol=f"divide_literal_{t.__name__}")
    def divide_literal(a: t, b: t) -> t:
        return a // 7 + b % 10

    @export(symbol=f"shift_left_{t.__name__}")
    def shift_left(a: t, b: t) -> t:
        return a << b

    @export(symbol=f"shift_right_{t.__name__}")
    def shift_right(a: t, b: t) -> t:
        return a >> b

    @export(symbol=f"shift_literals_{t.__name__}")
    def shift_literals(a: t, b: t) -> t:
        return (a << 3) + (a >> 1) + (1 << b) + (100 >> b)

    division = divide, remainder, divide_literal
    return add, subtract, multiply, logic, literals, order, order_literal, *division, shift_left, shift_right, shift_literals


def bitwise(t):
    """Operators and intrinsics of one integer and a count of any size."""

    @export(symbol=f"negate_{t.__name__}")
    def negate(a: t, n: t) -> t:
        return -a

    @export(symbol=f"invert_{t.__name__}")
    def invert(a: t, n: t) -> t:
        return ~a

    @export(symbol=f"truth_{t.__name__}")
    def truth(a: t, n: t) -> boolean:
        return not a

    @export(symbol=f"clz_{t.__name__}")
    def count_leading(a: t, n: t) -> t:
        return clz(a)

    @export(symbol=f"ctz_{t.__name__}")
    def count_trailing(a: t, n: t) -> t:
        return ctz(a)

    @export(symbol=f"popcnt_{t.__name__}")
    def count_ones(a: t, n: t) -> t:
        return popcnt(a)

    @export(symbol=f"rotl_{t.__name__}")
    def rotate_left(a: t, n: t) -> t:
        return rotl(a, n)

    @export(symbol=f"rotr_{t.__name__}")
    def rotate_right(a: t, n: t) -> t:
        return rotr(a, n)

    return negate, invert, truth, count_leading, count_trailing, count_ones, rotate_left, rotate_right


def swapped(t):
    @export(symbol=f"bswap_{t.__name__}")
    def swap(a: t, n: t) -> t:
        return bswap(a)

    return (swap,)


def floating(t, word):
    """Operators and intrinsics of two floats, which come and go as their bits."""

    @export(symbol=f"add_{t.__name__}")
    def add(a: word, b: word) -> word:
        return bits(from_bits(a) + from_bits(b))

    @export(symbol=f"subtract_{t.__name__}")
    def subtract(a: word, b: word) -> word:
        return bits(from_bits(a) - from_bits(b))

    @export(symbol=f"multiply_{t.__name__}")
    def multiply(a: word, b: word) -> word:
        return bits(from_bits(a) * from_bits(b))

    @export(symbol=f"divide_{t.__name__}")
    def divide(a: word, b: word) -> word:
        return bits(from_bits(a) / from_bits(b))

    @export(symbol=f"literals_{t.__name__}")
    def literals(a: word, b: word) -> word:
        return bits(0.1 * from_bits(a) + (1 - from_bits(b)) / 3)

    @export(symbol=f"order_{t.__name__}")
    def order(a: word, b: word) -> u32:
        x = from_bits(a)
        y = from_bits(b)
        return u32(x < y) | u32(x <= y) << 1 | u32(x > y) << 2 | u32(x >= y) << 3 | u32(x == y) << 4 | u32(x != y) << 5 | u32(x < 1) << 6

    @export(symbol=f"rounded_{t.__name__}")
    def rounded(a: word, b: word) -> word:
        x = from_bits(a)
        return bits(ceil(x)) ^ rotl(bits(floor(x)), 3) ^ rotl(bits(trunc(x)), 7) ^ rotl(bits(nearest(x)), 13) if not isnan(x) else 0

    @export(symbol=f"sqrt_{t.__name__}")
    def root(a: word, b: word) -> word:
        return bits(sqrt(from_bits(a)))

    @export(symbol=f"signs_{t.__name__}")
    def signs(a: word, b: word) -> word:
        return bits(fabs(from_bits(a))) ^ rotl(bits(-from_bits(a)), 5) ^ rotl(bits(copysign(from_bits(a), from_bits(b))), 9)

    @export(symbol=f"minimum_{t.__name__}")
    def minimum(a: word, b: word) -> word:
        return bits(fminimum(from_bits(a), from_bits(b)))

    @export(symbol=f"maximum_{t.__name__}")
    def maximum(a: word, b: word) -> word:
        return bits(fmaximum(from_bits(a), from_bits(b)))

    return add, subtract, multiply, divide, literals, order, rounded, root, signs, minimum, maximum


def cast(source, target):
    @export(symbol=f"cast_{source.__name__}_{target.__name__}")
    def convert(x: source) -> target:
        return target(x)

    return convert


def widened(narrow, wide):
    """Types of one signedness mix; the wider one wins, on either side."""

    @export(symbol=f"widened_{narrow.__name__}_{wide.__name__}")
    def mixed(a: narrow, b: wide) -> wide:
        c: wide = a
        return (a + b) * (b - a) ^ c

    return mixed


BINARY = {t: arithmetic(t) for t in INTEGERS}
UNARY = {t: bitwise(t) + (swapped(t) if t.bits > 8 else ()) for t in INTEGERS}
FLOATING = {f32: floating(f32, u32), f64: floating(f64, u64)}
CASTS = {(a, b): cast(a, b) for a in NUMBERS for b in NUMBERS if b is not boolean or a not in FLOATS if a is not boolean or b not in FLOATS}
WIDENED = {(a, b): widened(a, b) for a in INTEGERS for b in INTEGERS if a.signed is b.signed and a.bits < b.bits}
for functions in (*BINARY.values(), *UNARY.values(), *FLOATING.values(), CASTS.values(), WIDENED.values()):
    globals().update({function.symbol: function for function in functions})
