"""Is this a whole unit, and one for this module? Everything that native code will rely on is looked at before anything is touched."""

from wasmjit.native.lang import alloca, boolean, fn, load, ptr, rotl, sizeof, u8, u32, u64, void
from wasmjit.runtime.packed import MAGIC, NONE, PackedUnit, UnitEntry, UnitExit, UnitFrame, UnitLine, UnitSite
from wasmjit.runtime.platform import ELF_MACHINE
from wasmjit.runtime.structs import Code, Mod

DIGESTED = 16  # bytes in front that the digest leaves out
BLOB_MULTIPLE = 16
LOOP = 0x03  # the opcode


@fn(inline=True)
def sip_round(v: ptr[u64]) -> void:
    a = v[0] + v[1]
    b = rotl(v[1], 13) ^ a
    a = rotl(a, 32)
    c = v[2] + v[3]
    d = rotl(v[3], 16) ^ c
    a = a + d
    d = rotl(d, 21) ^ a
    c = c + b
    b = rotl(b, 17) ^ c
    v[0] = a
    v[1] = b
    v[2] = rotl(c, 32)
    v[3] = d


@fn
def sip_hash(data: ptr[u8], size: u64) -> u64:
    """SipHash-1-3 with key 0, which is what `_imp.source_hash` computes."""
    v = alloca(u64, 4)
    v[0] = 0x736F6D6570736575
    v[1] = 0x646F72616E646F6D
    v[2] = 0x6C7967656E657261
    v[3] = 0x7465646279746573
    at: u64 = 0
    while at + 8 <= size:
        word = load(u64, data + at)
        v[3] = v[3] ^ word
        sip_round(v)
        v[0] = v[0] ^ word
        at += 8
    last = size << 56
    shift: u64 = 0
    while at < size:
        last = last | u64(data[at]) << shift
        shift += 8
        at += 1
    v[3] = v[3] ^ last
    sip_round(v)
    v[0] = v[0] ^ last
    v[2] = v[2] ^ 0xFF
    for _i in range(3):
        sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


@fn
def rows_end(head: ptr[PackedUnit], part: u32) -> u64:
    """Offset behind the first `part` parts: 0 the blob, 1 entries, 2 lines, 3 sites, 4 frames, 5 exits, 6 forms, 7 all."""
    at = sizeof(PackedUnit) + u64(head.blob)
    if part >= 1:
        at += u64(head.entries) * sizeof(UnitEntry)
    if part >= 2:
        at += u64(head.lines) * sizeof(UnitLine)
    if part >= 3:
        at += u64(head.sites) * sizeof(UnitSite)
    if part >= 4:
        at += u64(head.frames) * sizeof(UnitFrame)
    if part >= 5:
        at += u64(head.exits) * sizeof(UnitExit)
    if part >= 6:
        at += u64(head.forms) * 4
    if part >= 7:
        at += u64(head.extra)
    return at


@fn
def unit_check(mod: ptr[Mod], data: ptr[u8], size: u64) -> boolean:
    """Is `data` a whole packed unit whose every number is in range?"""
    if size < sizeof(PackedUnit):
        return False
    head = ptr[PackedUnit](data)
    if head.magic != MAGIC or u64(head.size) != size or rows_end(head, 7) != size:
        return False
    if head.machine != ELF_MACHINE or u64(head.module) != mod.nbytes:
        return False
    if head.text == 0 or head.text > head.blob or head.blob % BLOB_MULTIPLE != 0:
        return False
    if head.digest != sip_hash(data + DIGESTED, size - DIGESTED):
        return False
    return check_entries(mod, head, data) and check_sites(mod, head, data) and check_exits(mod, head, data)


@fn
def own_function(mod: ptr[Mod], function: u32) -> ptr[Code]:
    """A function that the module defines, else 0."""
    if function < mod.nimport_funcs or function >= mod.ncodes:
        return ptr[Code](0)
    return mod.codes[function]


@fn
def in_body(mod: ptr[Mod], function: u32, wasm: u32) -> boolean:
    code = own_function(mod, function)
    return code != 0 and wasm >= code.body and wasm < code.end


@fn
def check_entries(mod: ptr[Mod], head: ptr[PackedUnit], data: ptr[u8]) -> boolean:
    entries = ptr[UnitEntry](data + rows_end(head, 0))
    before: u64 = 0
    for i in range(head.entries):
        entry = entries[i]
        order = u64(entry.function) << 32 | u64(entry.loop)
        if own_function(mod, entry.function) == 0 or entry.native >= head.text or (i > 0 and order <= before):
            return False
        if entry.loop == 0 and entry.i2c >= head.text:
            return False
        if entry.loop != 0:
            if entry.i2c != NONE or not in_body(mod, entry.function, entry.loop) or mod.bytes[entry.loop] != LOOP:
                return False
        before = order
    return head.entries > 0


@fn
def check_sites(mod: ptr[Mod], head: ptr[PackedUnit], data: ptr[u8]) -> boolean:
    lines = ptr[UnitLine](data + rows_end(head, 1))
    least: u64 = 0
    for i in range(head.lines):
        if u64(lines[i].offset) < least or lines[i].offset >= head.text or lines[i].site > head.sites:
            return False
        least = u64(lines[i].offset) + 1
    sites = ptr[UnitSite](data + rows_end(head, 2))
    for k in range(head.sites):
        if sites[k].count == 0 or u64(sites[k].frame) + u64(sites[k].count) > u64(head.frames):
            return False
    frames = ptr[UnitFrame](data + rows_end(head, 3))
    for m in range(head.frames):
        if not in_body(mod, frames[m].function, frames[m].wasm):
            return False
    return True


@fn
def check_exits(mod: ptr[Mod], head: ptr[PackedUnit], data: ptr[u8]) -> boolean:
    exits = ptr[UnitExit](data + rows_end(head, 4))
    for i in range(head.exits):
        if not in_body(mod, exits[i].function, exits[i].wasm):
            return False
    forms = ptr[u32](data + rows_end(head, 5))
    for k in range(head.forms):
        if own_function(mod, forms[k]) == 0:
            return False
    return True
