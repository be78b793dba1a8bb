"""Sample of restricted Python: pointers, structs, arrays, tables, variables, atomics, externs. Each export computes a u64 from two."""

from wasmjit.native.lang import (
    addr,
    alloca,
    array,
    atomic_add,
    atomic_cas,
    atomic_load,
    atomic_store,
    atomic_store_release,
    barrier,
    bits,
    boolean,
    call,
    const,
    export,
    extern,
    f32,
    f64,
    fn,
    fnptr,
    i8,
    i16,
    i32,
    i64,
    load,
    offsetof,
    ptr,
    sizeof,
    store,
    struct,
    symbol,
    u8,
    u16,
    u32,
    u64,
    unreachable,
    var,
    vload,
    void,
    vstore,
)


@struct
class LanguageInner:
    low: u8
    wide: i64


@struct
class LanguageSample:
    flag: boolean
    tiny: i8
    short: u16
    number: f32
    inner: LanguageInner
    raw: array[u8, 5]
    words: array[u32, 3]
    precise: f64
    next: ptr["LanguageSample"]
    size: u32


SQUARES = const("language_squares", u16, lambda: [i * i for i in range(200)])
SIGNED = const("language_signed", i8, [-128, -1, 0, 127])
HALVES = const("language_halves", f64, [0.5, -1.5, 1e300])
TENTHS = const("language_tenths", f32, [0.1, 0.2, float("inf")])
COUNTER = var("language_counter", u64)
SAMPLES = var("language_samples", LanguageSample, 3)
BYTES = var("language_bytes", u8, 32)


@extern
def strlen(s: ptr[u8]) -> u64: ...


@extern
def memcpy(to: ptr[u8], source: ptr[u8], n: u64) -> ptr[u8]: ...


@export
def fields(a: u64, b: u64) -> u64:
    p = SAMPLES + 1
    p.flag = a > b
    p.tiny = i8(a)
    p.short = u16(b)
    p.number = f32(a)
    p.precise = f64(b) / 3
    p.inner.low = u8(a)
    p.inner.wide = -5
    p.inner.wide -= i64(a)
    p.raw[4] = u8(b >> 8)
    p.words[2] = 0xFFFF_FFFF
    p.words[2] += 3
    p.next = SAMPLES
    p.next.size = u32(a)
    p.next.next = p
    total = u64(p.flag) + u64(i64(p.tiny)) + u64(p.short) * 3 + u64(bits(p.number)) ^ bits(p.precise)
    return total + u64(p.inner.wide) + u64(p.inner.low) + u64(p.raw[4]) * 7 + u64(p.words[2]) + u64(p.next.next.next.size)


@export
def pointers(a: u64, b: u64) -> u64:
    p = alloca(u32, 8)
    for i in range(8):
        p[i] = u32(a) + u32(i)
    last = p + 7
    first = last - 7
    q = first + a % 8
    q[0] = u32(b)
    raw = ptr[u8](p)
    raw[31] = 9
    order = u64(first < last) | u64(first == p) << 1 | u64(q >= first) << 2 | u64(first != 0) << 3 | u64(boolean(first)) << 4
    bytes_between = u64(last) - u64(first)
    nothing: ptr[u32] = 0
    if nothing or not first:
        return 0
    total = order + bytes_between * 100
    for j in range(8):
        total = total * 31 + u64(p[j])
    return total + u64(last[-1])


@export
def places(a: u64, b: u64) -> u64:
    p = alloca(LanguageSample)
    p.words[0] = u32(a)
    p.words[1] = 0
    p.words[2] = 0
    slot = addr(p.words[a % 3])
    slot[0] = u32(b)
    wide = addr(p.inner.wide)
    wide[0] = i64(b) * 2
    inner = addr(p.inner)
    inner.low = 3
    table = addr(p.words)
    distance = u64(slot) - u64(p)
    return u64(table[0]) + u64(table[1]) * 3 + u64(table[2]) * 5 + u64(p.inner.wide) + u64(p.inner.low) + distance


@export
def unaligned(a: u64, b: u64) -> u64:
    p = BYTES
    for i in range(32):
        p[i] = u8(i * 7)
    store(u64, p + 3, a)
    store(f64, p + 13, f64(b))
    vstore(u16, p + 1, u16(b))
    barrier()
    return load(u64, p + 1) ^ u64(load(u32, p + 11)) ^ u64(i64(load(i16, p + 14))) ^ u64(vload(u8, p + 9)) ^ bits(load(f64, p + 13))


@export
def tables(a: u64, b: u64) -> u64:
    row = SQUARES + a % 100
    total = u64(row[b % 100]) + u64(i64(SIGNED[a % 4])) + bits(HALVES[b % 3]) + u64(bits(TENTHS[a % 3]))
    here = SIGNED
    return total + u64(u8(here[b % 4]))


@export
def variables(a: u64, b: u64) -> u64:
    COUNTER[0] = a
    COUNTER[0] += 5
    SAMPLES[2].size = u32(b)
    SAMPLES[2].raw[1] = u8(a)
    p = SAMPLES + 2
    return COUNTER[0] * 3 + u64(p.size) + u64(p.raw[1])


@export
def strings(a: u64, b: u64) -> u64:
    text = b"restricted Python\x00 hidden"
    memcpy(BYTES, text, 18)
    BYTES[a % 18] = 0
    return strlen(BYTES) * 100 + strlen(text) + u64(text[b % 10])


@export
def atomics(a: u64, b: u64) -> u64:
    p = COUNTER
    atomic_store(p, a)
    before = atomic_add(p, b)
    hit = atomic_cas(p, a + b, 17)
    miss = atomic_cas(p, a + b + 1, 18)
    seen = atomic_load(p)
    atomic_store_release(p, seen * 2)
    small = alloca(u32)
    atomic_store(small, 0xFFFF_FFFF)
    wrapped = atomic_add(small, 2)
    return before + u64(hit) * 3 + u64(miss) * 5 + p[0] + u64(wrapped) + u64(atomic_load(small))


@export
def layout(a: u64, b: u64) -> u64:
    return u64(sizeof(LanguageSample)) * 1000 + u64(offsetof(LanguageSample, "precise")) + sizeof(ptr[u8]) + sizeof(u16) + sizeof(boolean)


@fn
def seventh(x: u64) -> u64:
    return x * 7


@fn
def negated(x: u64) -> u64:
    return 0 - x


@fn
def remember(x: u32, p: ptr[u64]) -> void:
    p[0] = u64(x)


@fn(noreturn=True)
def never() -> void:
    unreachable()


# pointers to functions are addresses of compiled code: these do not run under CPython


@export
def function_pointers(a: u64, b: u64) -> u64:
    f = fnptr(seventh) if a > b else fnptr(negated)
    call(void, fnptr(remember), u32(b), COUNTER)
    length = call(u64, symbol("strlen"), b"four")
    if f == 0:
        never()
    return call(u64, f, a) + COUNTER[0] + length


@export
def local_addresses(a: u64, b: u64) -> u64:
    x = a
    filled: u64 = 0
    p = addr(filled)
    p[0] = b
    q = addr(x)
    q[0] += 1
    return x * 3 + filled


@export
def small_result(a: i32) -> i32:
    return a // 2
