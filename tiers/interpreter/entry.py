"""When functions are translated: at their first call, all at once, for profiling, or again to find the origin of a slot pc."""

from wasmjit.native.lang import addr, atomic_cas, export, fn, i64, ptr, sizeof, symbol, u8, u32, u64, var
from wasmjit.native.libc import calloc, free, malloc, memcpy
from wasmjit.runtime.calls_types import slots_of
from wasmjit.runtime.codes import HOOK_COMPILE, MOD_OPT, PHASE_COLD, PHASE_REQUESTED, POINT_COUNTED, TRAP_COMPILE, TRAP_OUT_OF_MEMORY
from wasmjit.runtime.kept import kept_install, kept_waits
from wasmjit.runtime.structs import Code, Ec, Mod, Point
from wasmjit.runtime.unitinstall import loops_attach

from .emit import TOO_LARGE, tr_put64
from .hooks import call_hook
from .slotcode import loops_free, slots_lock, slots_store, slots_unlock
from .stack import MAX_SLOTS, tr_truncate
from .state import NOWHERE, Entry, Trans
from .translate import tr_function

SCRATCH = var("translator", Trans)
FIRST_BUFFER = 16 << 10
LOCALS = 65536  # more than the validator lets a function have


@fn
def tr_begin(t: ptr[Trans], code: ptr[Code]) -> u32:
    """Make the scratch space at first use and set it up for a function; 0 when memory ran out."""
    if t.lazy == 0:
        t.buf = malloc(FIRST_BUFFER)
        t.cap = FIRST_BUFFER
        t.entries = ptr[Entry](malloc(sizeof(Entry) * (MAX_SLOTS + 64)))
        t.types = malloc(LOCALS)
        t.lazy = ptr[u32](calloc(LOCALS, 4))
    if t.buf == 0 or t.entries == 0 or t.types == 0 or t.lazy == 0:
        return 0
    tr_truncate(t, 0)  # what an abandoned translation left
    t.code = code
    t.mod = code.mod
    t.bytes = code.mod.bytes
    t.p = u64(code.body)
    t.at = t.p
    t.pos = 0
    t.canonical = 0
    t.top = 0
    t.int_at = NOWHERE
    t.float_at = NOWHERE
    t.last = NOWHERE
    t.previous = NOWHERE
    t.before = NOWHERE
    t.negate = 0
    t.nlabels = 0
    t.nfixups = 0
    t.free_fixup = NOWHERE
    t.want = NOWHERE
    t.error = 0
    t.record = 0
    t.loops = 0
    t.profile = 0
    t.npoints = 0
    return 1


@fn
def tr_run(code: ptr[Code]) -> u32:
    """Translate a function that has no slot code yet; 0 or a TRAP_* code. Needs the lock."""
    t = SCRATCH
    failed = tr_body(t, code)
    return failed if failed != 0 else tr_keep(t)


@fn
def tr_body(t: ptr[Trans], code: ptr[Code]) -> u32:
    """Translate a function into scratch space; 0 or a TRAP_* code."""
    if tr_begin(t, code) == 0:
        return TRAP_OUT_OF_MEMORY
    t.record = 1
    tr_function(t)
    if t.error == 0:
        return 0
    loops_free(t.loops)
    return u32(TRAP_COMPILE) if t.error == TOO_LARGE else u32(TRAP_OUT_OF_MEMORY)


@fn
def tr_keep(t: ptr[Trans]) -> u32:
    """Give the function of `tr_body` its slot code, which it must not have yet; 0 or a TRAP_* code. Needs the lock."""
    code = t.code
    slots = slots_store(code, t.buf, t.pos)
    if slots == 0:
        loops_free(t.loops)
        return TRAP_OUT_OF_MEMORY
    code.loops = t.loops
    code.nbytes = u32(t.pos)
    code.nframe = u32(t.base + u64(t.top)) + 1
    code.slots = slots
    if code.unit != 0:
        loops_attach(code)
    if code.mod.flags & MOD_OPT == 0 and not kept_waits(code):  # calls come to `translate_entry` as long as it may find kept code
        entry_open(code)
    return 0


@fn
def entry_open(code: ptr[Code]) -> None:
    """Calls run the slot code from now on, if they do not run something else already."""
    atomic_cas(ptr[u64](addr(code.entry)), u64(symbol("lazy_word")), u64(code.slots))


@fn
def tr_run_profiled(code: ptr[Code]) -> u32:
    """Make the profiled form of a function, its fast form too where there is none yet; 0 or a TRAP_* code. Needs the lock."""
    if code.slots == 0:
        failed = tr_run(code)
        if failed != 0:
            return failed
    t = SCRATCH
    if tr_begin(t, code) == 0:
        return TRAP_OUT_OF_MEMORY
    t.record = 1
    t.profile = 1
    t.loop = code.loops
    tr_function(t)
    points = ptr[Point](0)
    if t.error == 0:
        points = ptr[Point](malloc(t.npoints * sizeof(Point)))
    if points == 0:
        return TRAP_OUT_OF_MEMORY
    memcpy(ptr[u8](points), ptr[u8](t.points), t.npoints * sizeof(Point))
    k: u64 = 0
    while k < t.npoints:
        if points[k].kind == POINT_COUNTED:
            tr_put64(t, u64(points[k].slot) + 8, u64(points[k]))
        k += 1
    slots = slots_store(code, t.buf, t.pos)
    if slots == 0:
        free(ptr[u8](points))
        return TRAP_OUT_OF_MEMORY
    code.points = points
    code.npoints = u32(t.npoints)
    code.nprofiled = u32(t.pos)
    code.profiled = slots
    return 0


@fn
def translate_entry(ec: ptr[Ec], code: ptr[Code], sp: ptr[u64], csp: ptr[u8]) -> ptr[u8]:
    """First call of a function: the code that runs it, or 0 with the trap's code in ec.trap."""
    if kept_waits(code):
        kept_install(code, False)
    if code.mod.flags & MOD_OPT != 0 and code.phase == PHASE_COLD:
        compile_first(ec, code, sp, csp)
    if code.i2c != 0:
        return code.entry
    slots_lock()
    trap: u32 = 0
    if code.slots == 0:
        trap = tr_run(code)
    slots_unlock()
    if trap != 0:
        ec.trap = u64(trap)
        ec.trap_addr = u64(code)
        return ptr[u8](0)
    entry_open(code)
    return code.slots


@fn(cold=True)
def compile_first(ec: ptr[Ec], code: ptr[Code], sp: ptr[u64], csp: ptr[u8]) -> None:
    """Let Python compile a function that is about to run for the first time; it runs in any case."""
    code.phase = PHASE_REQUESTED
    ec.pc = symbol("lazy_word")  # it has no frame yet
    ec.vs_top = sp + slots_of(code.sig)
    ec.cs_top = csp
    call_hook(ec, HOOK_COMPILE, code, 0)


@export(nogil=True)
def translate_all(mod: ptr[Mod]) -> u32:
    """Translate every function of a module now; 0 or the TRAP_* code of the first failure."""
    index = mod.nimport_funcs
    failed: u32 = 0
    while index < mod.ncodes and failed == 0:
        slots_lock()
        if mod.codes[index].slots == 0:
            failed = tr_run(mod.codes[index])
        slots_unlock()
        index += 1
    return failed


@export
def translate_locate(code: ptr[Code], slot_offset: u64) -> u32:
    """Offset in the binary of the instruction that slot code offset came from: the translation is run again up to there."""
    return tr_locate(code, slot_offset, 0)


@export
def profiled_locate(code: ptr[Code], slot_offset: u64) -> u32:
    """The same of the profiled form."""
    return tr_locate(code, slot_offset, 1)


@fn
def tr_locate(code: ptr[Code], slot_offset: u64, profile: u32) -> u32:
    slots_lock()
    t = SCRATCH
    found = code.body
    if tr_begin(t, code):
        t.profile = profile
        t.want = i64(slot_offset)
        tr_function(t)
        found = u32(t.found)
    slots_unlock()
    return found


@export
def handler_table_address() -> ptr[u8]:
    """Where the distances of the handlers from it stand, i32 by form number: for listings of slot code."""
    return symbol("handler_table")
