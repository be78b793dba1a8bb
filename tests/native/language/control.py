"""Sample of restricted Python: statements, conditions, locals, functions. Each export computes a u64 from two."""

from wasmjit.native.lang import boolean, export, fn, i8, i16, i32, i64, likely, ptr, u8, u16, u32, u64, unlikely, var, void

LIMIT = 10
WEIGHTS = (3, 5, 7)
DEEP = {"pair": (40, 2)}
FAST = True
CALLS = var("control_calls", u64, 2)


class Color:
    RED = 11


@fn
def noted(value: u64) -> u64:
    """The value; counts how often it was asked for."""
    CALLS[0] = CALLS[0] + 1
    return value


@export
def branches(a: u64, b: u64) -> u64:
    if a < b:
        if a == 0:
            return 1
        result = 2
    elif a == b:
        result = 3
    elif likely(a & 1 == 1):
        result = 4
    else:
        result = 5
    return u64(result) + (6 if unlikely(b > a) else 0)


@export
def loops(a: u64, b: u64) -> u64:
    n = a % 20
    total: u64 = 0
    while True:
        total += n
        if n == 0:
            break
        n -= 1
        if n & 1:
            continue
        inner = n
        while inner > 3:
            inner -= 2
            if inner == 5:
                break
            total += 100
    return total


@export
def ranges(a: u64, b: u64) -> u64:
    n = i64(a % 12)
    total: i64 = 0
    for i in range(n):
        total += i
        if i == 9:
            break
    for j in range(3, n):
        if j % 2 == 0:
            continue
        total = total * 3 + j
    for k in range(n, -3, -2):
        total = total * 5 - k
    for m in range(-4, 9, 3):
        total ^= m << 2
    return u64(total)


@export
def unsigned_ranges(a: u64, b: u64) -> u64:
    total: u64 = 0
    small = u8(a)
    for i in range(small):
        total += u64(i)
    for j in range(u16(250), u16(a % 700), 7):
        total = total * 3 + u64(j)
    for k in range(u32(a % 30), 0, -1):
        total ^= u64(k) << 3
    for n in range(b, b + 5):
        total += n
    return total


@export
def nested(a: u64, b: u64) -> u64:
    total: u64 = 0
    for i in range(a % 7):
        for j in range(i, b % 9):
            if j == 6:
                break
            if (i + j) % 3 == 0:
                continue
            total = total * 2 + i * j
    return total


@export
def chained(a: u64, b: u64) -> u64:
    """Operands of a chain are evaluated once, from the left, and only as far as it holds."""
    CALLS[0] = 0
    result: u64 = 0
    if noted(a) < noted(b) < noted(100):
        result = 1000
    if 10 < noted(a) <= noted(b) != noted(a):
        result += 2000
    inside = 5 <= a % 10 < 8
    if inside:
        result += 4000
    return result + CALLS[0]


@export
def short_circuits(a: u64, b: u64) -> u64:
    CALLS[0] = 0
    result: u64 = 0
    if noted(a) and noted(b):
        result |= 1
    if noted(a) > 5 or noted(b) > 5 and not noted(a):
        result |= 2
    either = not (a or b)
    both = a and b
    if either or both and (a < b or a > 50):
        result |= 4
    while noted(result) < 4 and noted(a):
        result += 1
    return result + CALLS[0] * 16


@export
def conditional(a: u64, b: u64) -> u64:
    first = a if a > b else b
    small: u8 = 200 if a > 10 else 100
    small += 100
    either = 1 if a else 2
    deep = 3 if a > 20 else 4 if a > 10 else 5
    flag = a < b if b else True
    wide = u64(small) + (b if flag else 7)
    return first + wide * 3 + u64(either) * 1000 + u64(deep) * 10000 + (u64(1 << 40) if FAST else 1)


@export
def typed_locals(a: u64, b: u64) -> u64:
    """A local keeps its type: annotated, of its first value, of a bare number."""
    narrow: u8 = 250
    narrow += u8(a & 0xFF)
    signed: i8 = 127
    signed = signed + 1
    small = i16(30000)
    small = small * 3
    word: u32 = 0xFFFF_FFFF
    word += 2
    bare = 0x7FFF_FFFF_FFFF_FFFF
    bare += 1
    late: u64
    late = 5
    late -= 6
    half = -7
    half //= 2
    rest = -7
    rest %= 3
    number = 0.5
    number *= 3
    return u64(narrow) ^ u64(i64(signed)) ^ u64(i64(small)) ^ u64(word) ^ u64(bare) ^ late ^ u64(half) ^ u64(rest) ^ u64(number)


@export
def augmented(a: u64, b: u64) -> u64:
    x = a
    x += b
    x -= 3
    x *= a | 1
    x //= 7
    x %= 1 << 40
    x &= ~b
    x |= 0x10
    x ^= a
    x <<= 3
    x >>= 1
    CALLS[0] = x
    CALLS[1] = 3
    CALLS[CALLS[1] - 2] += 4
    CALLS[0] <<= 1
    CALLS[0] -= CALLS[1]
    return CALLS[0]


@export
def constants(a: u64, b: u64) -> u64:
    if LIMIT > 9 and FAST:
        x = a + WEIGHTS[0] * WEIGHTS[1] - WEIGHTS[-1]
    else:
        x = missing_when_compiled  # noqa: F821
    if not FAST:
        return 0
    return x + Color.RED + DEEP["pair"][1] + (LIMIT - 1) * 2 + -LIMIT % 7 + (LIMIT << 2 | 1)


@fn
def gcd(a: u64, b: u64) -> u64:
    if b == 0:
        return a
    return gcd(b, a % b)


@export
def recursion(a: u64, b: u64) -> u64:
    return gcd(a, b)


@fn
def no_result(p: ptr[u64], value: u64) -> void:
    """Statements of every kind that do nothing."""
    pass
    if value == 13:
        return
    p[0] = value
    return None


@export
def calls(a: u64, b: u64) -> u64:
    CALLS[0] = 77
    no_result(CALLS, a)
    no_result(CALLS + 1, b)
    return CALLS[0] * 3 + CALLS[1]


def polynomial(name, factors, step):
    """A factory: its functions see constants, types and functions of it."""
    kind = u32

    @fn(symbol=f"{name}_step")
    def one(x: u64) -> u64:
        return step(x) + factors[0]

    @export(symbol=name)
    def whole(a: u64, b: u64) -> u64:
        return one(a) * factors[1] + u64(kind(b))

    return whole


@fn(inline=True)
def doubled(x: u64) -> u64:
    return x * 2


@fn(cold=True)
def tripled(x: u64) -> u64:
    return x * 3


double_polynomial = polynomial("double_polynomial", (5, 9), doubled)
triple_polynomial = polynomial("triple_polynomial", (1, 3), tripled)


@fn
def is_even(x: i32) -> boolean:
    return x % 2 == 0


@export
def booleans(a: u64, b: u64) -> u64:
    even = is_even(i32(a))
    other = is_even(i32(b))
    mixed = even & other | (even ^ other) & (a > b)
    if even == other:
        mixed = not mixed
    return u64(mixed) | u64(even) << 1 | u64(even != other) << 2 | u64(boolean(a)) << 3
