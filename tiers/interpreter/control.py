"""Handlers of control flow, calls, globals and everything that is no computation or access."""

from collections.abc import Callable
from typing import Any

from wasmjit.native.lang import f64, offsetof, u32, u64
from wasmjit.runtime.codes import TRAP_INDIRECT_NULL, TRAP_SIGNATURE, TRAP_STACK, TRAP_UNDEFINED, TRAP_UNREACHABLE
from wasmjit.runtime.structs import Code, FuncRef, Inst, Mem, Point, Sig, Table

from . import crossing
from .emitter import Handler
from .points import COUNT_SIZE, NOTE_SIZE
from .sampling import CODE_FIELD

RECORD = 16  # bytes of a control record
CALL_SIZE = 24  # every call instruction


def branch_if(h: Handler, nonzero: bool, a: str, back: bool) -> None:
    taken, other = h.label("taken"), h.label("other")
    value = h.operand(a, u32, 8)
    relation = "ne" if nonzero else "eq"
    h.emit(f"br i1 {h.let(f'icmp {relation} i32 {value}, 0')}, label %{taken}, label %{other}")
    h.place_label(taken)
    if back:
        h.jump_back(12, 10)
    else:
        h.jump(12)
    h.place_label(other)
    h.next(32 if back else 16)


def br_table(h: Handler, a: str) -> None:
    """[index @8][count u32 @12][rel i32 @16 ...]: entry `count` is the default."""
    count, index = h.field("i32", 12), h.operand(a, u32, 8)
    h.program.externs.setdefault("llvm.umin.i32", "declare i32 @llvm.umin.i32(i32, i32)")
    chosen = h.let(f"zext i32 {h.let(f'call i32 @llvm.umin.i32(i32 {index}, i32 {count})')} to i64")
    entry = h.let(f"getelementptr i32, ptr {h.at(16)}, i64 {chosen}")
    rel = h.let(f"sext i32 {h.let(f'load i32, ptr {entry}, align 4')} to i64")
    h.go(h.let(f"getelementptr i8, ptr %pc, i64 {rel}"))


def enter(h: Handler, count: int) -> None:
    """[frame slots u16 @8][slots to zero u16 @10][first of them u16 @12][weight u16 @14][Code @16]"""
    top = h.slot(8)
    h.guard(h.let(f"icmp ugt ptr {top}, {h.ec('vs_limit')}"), TRAP_STACK)
    left = h.let(f"sub i64 %budget, {h.field('i16', 14)}")
    spent, go = h.label("spent"), h.label("go")
    h.emit(f"br i1 {h.let(f'icmp slt i64 {left}, 0')}, label %{spent}, label %{go}, !prof !1")
    h.place_label(spent)
    h.leave("@h.safepoint_enter")
    h.place_label(go)
    if count:
        first = h.slot(12)
        if count > 0:
            for i in range(count):
                h.emit(f"store i64 0, ptr {h.at(8 * i, first)}")
        else:
            loop, done = h.label("zero"), h.label("done")
            last = h.let(f"getelementptr i64, ptr {first}, i64 {h.field('i16', 10)}")
            before = h.label("before")
            h.emit(f"br label %{before}")
            h.place_label(before)
            h.emit(f"br label %{loop}")
            h.place_label(loop)
            h.emit(f"%at = phi ptr [ {first}, %{before} ], [ %up, %{loop} ]")
            h.emit("store volatile i64 0, ptr %at")  # volatile: no call of memset
            h.emit("%up = getelementptr i64, ptr %at, i64 1")
            h.emit(f"br i1 {h.let(f'icmp ult ptr %up, {last}')}, label %{loop}, label %{done}")
            h.place_label(done)
    h.next(CALL_SIZE, budget=left)


def ret(h: Handler) -> None:
    record = h.at(-RECORD, "%csp")
    pc = h.let(f"load ptr, ptr {record}")
    h.go(pc, sp=h.let(f"load ptr, ptr {h.at(8, record)}"), csp=record)


def return_value(h: Handler, a: str) -> None:
    """The result to slot 0, then as `ret`."""
    if a == "k":
        value = h.let(f"sext i32 {h.field('i32', 12)} to i64")
    else:
        value = h.let(f"load i64, ptr {h.slot(10)}") if a == "s" else "%r0" if a == "r" else "%f0"
    h.emit(f"store {'double' if a == 'f' else 'i64'} {value}, ptr %sp")
    ret(h)


def copy(h: Handler, d: str, a: str) -> None:
    """k a sign-extended 4-byte constant, K an 8-byte one."""
    kind: Any = f64 if a == "f" else u64
    if a == "K":
        h.finish(d, u64, h.field("i64", 16), 24)
    else:
        h.finish(d, kind, h.operand("r" if a == "f" else a, kind, 12 if a == "k" else 10), 16)


def copy2(h: Handler) -> None:
    """[d @8][a @10][d @12][a @14], in this order"""
    for d, a in ((8, 10), (12, 14)):
        h.emit(f"store i64 {h.let(f'load i64, ptr {h.slot(a)}')}, ptr {h.slot(d)}")
    h.next(16)


def add2(h: Handler) -> None:
    """i32.add of a constant, twice: [d @8][a @10][d @12][a @14][addend @16][addend @20], in this order"""
    for d, a, addend in ((8, 10, 16), (12, 14, 20)):
        value = h.let(f"load i32, ptr {h.slot(a)}")
        h.emit(f"store i32 {h.let(f'add i32 {value}, ' + h.field('i32', addend))}, ptr {h.slot(d)}")
    h.next(24)


def select(h: Handler, d: str, c: str) -> None:
    """[d @8][a @10][b @12][condition @14]"""
    kind: Any = f64 if d == "f" else u64
    a, b = h.operand("s", kind, 10), h.operand("s", kind, 12)
    chosen = h.let(f"select i1 {h.let(f'icmp ne i32 {h.operand(c, u32, 14)}, 0')}, {kind.ir} {a}, {kind.ir} {b}")
    h.finish(d, kind, chosen, 16)


def push_record(h: Handler, pc: str, sp: str, csp: str = "%csp") -> str:
    h.emit(f"store ptr {pc}, ptr {csp}")
    h.emit(f"store ptr {sp}, ptr {h.at(8, csp)}")
    return h.at(RECORD, csp)


def call(h: Handler) -> None:
    """[d u16 @8][Code @16]: the callee's frame starts at slot d."""
    code = h.field("ptr", 16)
    entry = h.member(Code, code, "entry")
    csp = push_record(h, h.at(CALL_SIZE), "%sp")
    h.go(entry, sp=h.slot(8), csp=csp, r0=h.let(f"ptrtoint ptr {code} to i64"))


def call_import(h: Handler) -> None:
    """[d u16 @8][function index u32 @12]"""
    refs = h.member(Inst, h.ec("inst"), "refs")
    index = h.let(f"zext i32 {h.field('i32', 12)} to i64")
    ref = h.let(f"load ptr, ptr {h.let(f'getelementptr ptr, ptr {refs}, i64 {index}')}")
    h.leave("@h.call_far", r0=h.let(f"ptrtoint ptr {ref} to i64"))


def call_indirect(h: Handler, a: str) -> None:
    """[d u16 @8][index u16 @10][table u32 @12][Sig @16]"""
    inst = h.ec("inst")
    index = h.let(f"zext i32 {h.operand(a, u32, 10)} to i64")
    number = h.let(f"zext i32 {h.field('i32', 12)} to i64")
    tables = h.member(Inst, inst, "tables")
    table = h.let(f"load ptr, ptr {h.let(f'getelementptr ptr, ptr {tables}, i64 {number}')}")
    h.guard(h.let(f"icmp uge i64 {index}, {h.member(Table, table, 'size', 'i64')}"), TRAP_UNDEFINED)
    elems = h.member(Table, table, "elems")
    ref = h.let(f"load ptr, ptr {h.let(f'getelementptr ptr, ptr {elems}, i64 {index}')}")
    h.guard(h.let(f"icmp eq ptr {ref}, null"), TRAP_INDIRECT_NULL)
    h.guard(h.let(f"icmp ne ptr {h.member(FuncRef, ref, 'sig')}, {h.field('ptr', 16)}"), TRAP_SIGNATURE)
    near, far = h.label("near"), h.label("far")
    same = h.let(f"icmp eq ptr {h.member(FuncRef, ref, 'inst')}, {inst}")
    h.emit(f"br i1 {same}, label %{near}, label %{far}, !prof !0")
    h.place_label(far)
    h.leave("@h.call_far", r0=h.let(f"ptrtoint ptr {ref} to i64"))
    h.place_label(near)
    code = h.member(FuncRef, ref, "code")
    csp = push_record(h, h.at(CALL_SIZE), "%sp")
    h.go(h.member(Code, code, "entry"), sp=h.slot(8), csp=csp, r0=h.let(f"ptrtoint ptr {code} to i64"))


def cell(h: Handler, far: bool) -> str:
    """Address of a global: own ones at an offset from Inst, imported ones through its array."""
    inst = h.ec("inst")
    number = h.let(f"zext i32 {h.field('i32', 12)} to i64")
    if not far:
        return h.let(f"getelementptr i8, ptr {inst}, i64 {number}")
    cells = h.member(Inst, inst, "globals")
    return h.let(f"load ptr, ptr {h.let(f'getelementptr ptr, ptr {cells}, i64 {number}')}")


def global_get(h: Handler, far: bool, d: str) -> None:
    kind: Any = f64 if d == "f" else u64
    h.finish(d, kind, h.let(f"load {kind.ir}, ptr {cell(h, far)}"), 16)


def global_set(h: Handler, far: bool, a: str) -> None:
    kind: Any = f64 if a == "f" else u64
    h.emit(f"store {kind.ir} {h.operand('r' if a == 'f' else a, kind, 10)}, ptr {cell(h, far)}")
    h.next(16)


def memory_size(h: Handler, d: str) -> None:
    mems = h.member(Inst, h.ec("inst"), "mems")
    number = h.let(f"zext i32 {h.field('i32', 12)} to i64")
    mem = h.let(f"load ptr, ptr {h.let(f'getelementptr ptr, ptr {mems}, i64 {number}')}")
    h.finish(d, u32, h.let(f"trunc i64 {h.member(Mem, mem, 'pages', 'i64')} to i32"), 16)


def called(h: Handler, name: str) -> None:
    """The C function `op_<name>(ec, pc, sp)` does the work; what it needs to raise or to call Python is stored first."""
    h.program.externs.setdefault(f"op_{name}", f"declare hidden i32 @op_{name}(ptr, ptr, ptr) nounwind")
    h.emit(f"store ptr %pc, ptr {h.ec_field('pc')}")
    h.emit(f"store ptr %csp, ptr {h.ec_field('cs_top')}")
    h.emit(f"store ptr {h.slot(10)}, ptr {h.ec_field('vs_top')}")
    code = h.let(f"call i32 @op_{name}(ptr %ec, ptr %pc, ptr %sp)")
    trap, fine = h.label("trap"), h.label("fine")
    h.emit(f"br i1 {h.let(f'icmp eq i32 {code}, 0')}, label %{fine}, label %{trap}, !prof !0")
    h.place_label(trap)
    h.leave("@h.trap", r0=h.let(f"zext i32 {code} to i64"))
    h.place_label(fine)
    h.next(CALL_SIZE)


CONTROL: dict[str, Callable[..., None]] = {
    "branch_if": branch_if, "br_table": br_table, "enter": enter, "return": return_value, "copy": copy, "copy2": copy2, "add2": add2,
    "select": select, "call": call, "call_import": call_import, "call_indirect": call_indirect, "global_get": global_get,
    "global_set": global_set, "memory_size": memory_size, "called": called,
}  # fmt: skip


# handlers that are reached by name


def _trap(h: Handler) -> None:
    """r0 is the code."""
    h.program.externs["trap"] = "declare hidden void @trap(ptr, i64) noreturn nounwind"
    h.emit(f"store ptr %pc, ptr {h.ec_field('pc')}")
    h.emit(f"store ptr %csp, ptr {h.ec_field('cs_top')}")
    h.emit("call void @trap(ptr %ec, i64 %r0)")
    h.emit("unreachable")


def _trap_memory(h: Handler) -> None:
    """r0 is the effective address."""
    h.program.externs["trap_memory"] = "declare hidden void @trap_memory(ptr, i64, i64) noreturn nounwind"
    h.emit(f"store ptr %pc, ptr {h.ec_field('pc')}")
    h.emit(f"store ptr %csp, ptr {h.ec_field('cs_top')}")
    h.emit(f"call void @trap_memory(ptr %ec, i64 %r0, i64 {h.ec('trap_size', 'i64')})")
    h.emit("unreachable")


def _safepoint(h: Handler, loop: bool) -> None:
    """Budget spent: at a loop header (r0) or at the entry of a function, where everything is canonical. ec.pc says where to go on."""
    name = "safepoint_loop" if loop else "safepoint_enter"
    h.program.externs[name] = f"declare hidden i64 @{name}(ptr, ptr, ptr, ptr, ptr) nounwind"
    target = h.let("inttoptr i64 %r0 to ptr") if loop else "%pc"
    code = "poison" if loop else h.field("i64", CODE_FIELD)  # what a function is entered with
    budget = h.let(f"call i64 @{name}(ptr %ec, ptr %pc, ptr {target}, ptr %sp, ptr %csp)")
    h.go(h.ec("pc"), budget=budget, r0=code, f0="poison")


def _lazy(h: Handler) -> None:
    """r0 is the Code: translate it, then run it."""
    h.program.externs["translate_entry"] = "declare hidden ptr @translate_entry(ptr, ptr, ptr, ptr) nounwind"
    entry = h.let(f"call ptr @translate_entry(ptr %ec, ptr {h.let('inttoptr i64 %r0 to ptr')}, ptr %sp, ptr %csp)")
    trap, fine = h.label("trap"), h.label("fine")
    h.emit(f"br i1 {h.let(f'icmp eq ptr {entry}, null')}, label %{trap}, label %{fine}, !prof !1")
    h.place_label(trap)
    h.leave("@h.trap", r0=h.ec("trap", "i64"))
    h.place_label(fine)
    h.go(entry)


def _restore(h: Handler) -> None:
    """Return record of a call into another instance: sp is the caller's Inst; then return once more."""
    h.emit(f"store ptr %sp, ptr {h.ec_field('inst')}")
    h.emit(f"store ptr {h.member(Inst, '%sp', 'mem0')}, ptr {h.ec_field('mem0')}")
    mem = h.member(Inst, "%sp", "mem")
    record = h.at(-RECORD, "%csp")
    h.go(h.let(f"load ptr, ptr {record}"), sp=h.let(f"load ptr, ptr {h.at(8, record)}"), csp=record, mem=mem)


def _call_far(h: Handler) -> None:
    """r0 is a FuncRef of another instance or of the host; pc is the call instruction."""
    h.program.externs["host_call"] = "declare hidden void @host_call(ptr, ptr, ptr) nounwind"
    ref = h.let("inttoptr i64 %r0 to ptr")
    base = h.slot(8)
    host, wasm = h.label("host"), h.label("wasm")
    callee = h.member(FuncRef, ref, "host")
    h.emit(f"br i1 {h.let(f'icmp eq ptr {callee}, null')}, label %{wasm}, label %{host}")
    h.place_label(host)
    sig = h.member(FuncRef, ref, "sig")
    params, results = h.member(Sig, sig, "nparams", "i32"), h.member(Sig, sig, "nresults", "i32")
    h.program.externs["llvm.umax.i32"] = "declare i32 @llvm.umax.i32(i32, i32)"
    slots = h.let(f"zext i32 {h.let(f'call i32 @llvm.umax.i32(i32 {params}, i32 {results})')} to i64")
    top = h.let(f"getelementptr i64, ptr {base}, i64 {slots}")
    h.guard(h.let(f"icmp ugt ptr {top}, {h.ec('vs_limit')}"), TRAP_STACK)
    h.emit(f"store ptr %pc, ptr {h.ec_field('pc')}")
    h.emit(f"store ptr %csp, ptr {h.ec_field('cs_top')}")
    h.emit(f"store ptr {top}, ptr {h.ec_field('vs_top')}")
    h.emit(f"call void @host_call(ptr %ec, ptr {ref}, ptr {base})")
    h.next(CALL_SIZE)
    h.place_label(wasm)
    inst, old = h.member(FuncRef, ref, "inst"), h.ec("inst")
    code = h.member(FuncRef, ref, "code")
    csp = push_record(h, "@restore_word", old, push_record(h, h.at(CALL_SIZE), "%sp"))
    h.emit(f"store ptr {inst}, ptr {h.ec_field('inst')}")
    h.emit(f"store ptr {h.member(Inst, inst, 'mem0')}, ptr {h.ec_field('mem0')}")
    h.go(h.member(Code, code, "entry"), sp=base, csp=csp, mem=h.member(Inst, inst, "mem"), r0=h.let(f"ptrtoint ptr {code} to i64"))


def _sentinel(h: Handler) -> None:
    """The record below an activation's first frame: back to the entry trampoline."""
    h.emit(f"store i64 %budget, ptr {h.ec_field('budget')}")
    h.emit("ret void")


def _count(h: Handler) -> None:
    """[Point @8]: control came to a basic block of the profiled form."""
    place = h.at(offsetof(Point, "count"), h.field("ptr", 8))
    count = h.let(f"load i64, ptr {place}")
    h.emit(f"store i64 {h.let(f'add i64 {count}, 1')}, ptr {place}")
    h.next(COUNT_SIZE)


def _note_target(h: Handler) -> None:
    """See profiled.note_target."""
    h.program.externs["note_target"] = "declare hidden void @note_target(ptr, ptr, ptr) nounwind"
    h.emit("call void @note_target(ptr %ec, ptr %pc, ptr %sp)")
    h.next(NOTE_SIZE)


def _bad(h: Handler) -> None:
    h.emit("call void @llvm.trap()")
    h.program.externs["llvm.trap"] = "declare void @llvm.trap() cold noreturn nounwind"
    h.emit("unreachable")


NAMED: dict[str, Callable[[Handler], None]] = {
    "bad": _bad,
    "lazy": _lazy,
    "sentinel": _sentinel,
    "restore": _restore,
    "trap": _trap,
    "trap_memory": _trap_memory,
    "safepoint_loop": lambda h: _safepoint(h, True),
    "safepoint_enter": lambda h: _safepoint(h, False),
    "call_far": _call_far,
    "unreachable": lambda h: h.leave("@h.trap", r0=str(TRAP_UNREACHABLE)),
    "jmp": lambda h: h.jump(12),
    "jmp_back": lambda h: h.jump_back(12, 10),
    "ret": ret,
    "count": _count,
    "note_target": _note_target,
    **crossing.HANDLERS,
}

HOT = frozenset(("jmp", "jmp_back", "ret", "restore", "count", "native"))  # the rest is kept out of line, away from what reaches it


def fixed_handlers(program: Any) -> list[str]:
    """The handlers of NAMED and the words that records and Codes point at."""
    bodies = []
    for name, make in NAMED.items():
        handler = Handler(program, name)
        make(handler)
        bodies.append(handler.text("" if name in HOT else "noinline cold "))
    targets = {"host": "bad"} | {name: name for name in ("lazy", "sentinel", "restore", *crossing.HANDLERS)}
    words = [f"@{name}_word = hidden global ptr @h.{target}" for name, target in targets.items()]
    return [*words, *bodies, *crossing.functions(program)]
