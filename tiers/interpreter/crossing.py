"""Where interpreted and optimized code meet: two handlers, and functions in the native convention.

The native convention is C's: `{i64, <2 x double>} body(ec, inst, i64 i0..i3, <2 x double> d0..d7)`. Integers and references take
i0..i3 in order, floats lane 0 of d0..d7; a parameter without a register stands in the slot of its number from ec.vs_top on.
Result 0 comes back in the i64 or lane 0, the others in slots from ec.vs_top on. Neither moves ec.vs_top or ec.cs_top.

Into native code: `h.native`, the slot code of a compiled function; `h.osr`, at a loop's header. Out of it: `c2i` interprets a
function, `c2host` calls one of the host, and `land_called` goes on in the interpreter with the frames of a body that gave up.
What runs the interpreter puts the sentinel on the control stack, with its own frame pointer: there the native frames are found.
"""

from collections.abc import Callable

from wasmjit.native.compiler.program import Program
from wasmjit.runtime.structs import Code, FuncRef, Inst

from .emitter import CONVENTION, Handler

INTEGERS, FLOATS = 4, 8  # registers of parameters
RECORD = 16  # bytes of a control record
RESULT = "{i64, <2 x double>}"
_PARAMETERS = ", ".join(["ptr %ec", "ptr %inst", *(f"i64 %i{k}" for k in range(INTEGERS)), *(f"<2 x double> %d{k}" for k in range(FLOATS))])


def native(h: Handler) -> None:
    """Slot code of a compiled function: r0 is its Code, arguments stand from slot 0 on."""
    code = h.let("inttoptr i64 %r0 to ptr")
    i2c = h.member(Code, code, "i2c")
    body, none = h.label("body"), h.label("none")
    h.emit(f"br i1 {h.let(f'icmp ne ptr {i2c}, null')}, label %{body}, label %{none}, !prof !0")
    h.place_label(body)
    inst = h.ec("inst")
    h.emit(f"store ptr %sp, ptr {h.ec_field('vs_top')}")
    _leave_for(h)
    h.emit(f"call void {i2c}(ptr %ec, ptr {inst})")
    _come_back(h, inst)
    _return(h)
    h.place_label(none)
    slots = h.member(Code, code, "slots")
    slow, interpret = h.label("slow"), h.label("interpret")
    h.emit(f"br i1 {h.let(f'icmp eq ptr {slots}, null')}, label %{slow}, label %{interpret}")
    h.place_label(slow)
    h.leave("@h.lazy")
    h.place_label(interpret)
    h.go(slots)


def first(h: Handler) -> None:
    """Slot code of a compiled function that somebody traces, until its first call."""
    h.program.externs["trace_entered"] = "declare hidden void @trace_entered(i64) nounwind"
    h.emit("call void @trace_entered(i64 %r0)")
    h.leave("@h.native")


def osr(h: Handler) -> None:
    """The frame at sp goes on in ec.osr; the safepoint of its loop has set ec.vs_top above it."""
    h.program.externs["land_loop"] = "declare hidden void @land_loop(ptr, ptr, ptr, ptr) nounwind"
    inst, entry = h.ec("inst"), h.ec("osr")
    _leave_for(h)
    descriptor = h.let(f"call ptr {entry}(ptr %ec, ptr {inst}, ptr %sp)")
    _come_back(h, inst)
    returned, left = h.label("returned"), h.label("left")
    h.emit(f"br i1 {h.let(f'icmp eq ptr {descriptor}, null')}, label %{returned}, label %{left}")
    h.place_label(left)
    h.emit(f"call void @land_loop(ptr %ec, ptr {descriptor}, ptr %sp, ptr %csp)")
    h.go(h.ec("pc"), sp=h.ec("vs_top"), csp=h.ec("cs_top"), r0="poison", f0="poison", budget=h.ec("budget", "i64"))
    h.place_label(returned)
    _return(h)


def _leave_for(h: Handler) -> None:
    """What native code and all that it reaches take from the context; and nothing but the timer interrupts it."""
    h.program.externs["preempt_arm"] = "declare hidden void @preempt_arm(ptr) nounwind"
    h.emit(f"store ptr %csp, ptr {h.ec_field('cs_top')}")
    h.emit(f"store i64 %budget, ptr {h.ec_field('budget')}")
    arm, armed = h.label("arm"), h.label("armed")
    ticking = h.let(f"icmp ne i64 {h.ec('ticking', 'i64')}, 0")
    h.emit(f"br i1 {ticking}, label %{armed}, label %{arm}, !prof !0")
    h.place_label(arm)
    h.emit("call void @preempt_arm(ptr %ec)")
    h.emit(f"br label %{armed}")
    h.place_label(armed)


def _come_back(h: Handler, inst: str) -> None:
    h.emit(f"store ptr {inst}, ptr {h.ec_field('inst')}")
    h.emit(f"store ptr {h.member(Inst, inst, 'mem0')}, ptr {h.ec_field('mem0')}")


def _return(h: Handler) -> None:
    """To the caller; results stand from slot 0 on."""
    record = h.at(-RECORD, "%csp")
    pc, sp = h.let(f"load ptr, ptr {record}"), h.let(f"load ptr, ptr {h.at(8, record)}")
    h.go(pc, sp=sp, csp=record, r0="poison", f0="poison", budget=h.ec("budget", "i64"))


HANDLERS: dict[str, Callable[[Handler], None]] = {"native": native, "first": first, "osr": osr}


class _Function(Handler):
    """A function in the native convention. Its frame pointer is what backtraces follow."""

    def text(self, flags: str = "") -> str:
        head = f'define hidden {RESULT} @{self.name}({_PARAMETERS}) nounwind "frame-pointer"="all" {flags}{{'
        return "\n".join([head, "entry:", *self.allocas, *self.lines, "}"])

    def registers(self) -> str:
        """Address of the parameters that came in registers: integers, then floats, 8 bytes each."""
        registers = self.let(f"alloca [{INTEGERS + FLOATS} x i64]")
        for k in range(INTEGERS):
            self.emit(f"store i64 %i{k}, ptr {self.at(8 * k, registers)}")
        for k in range(FLOATS):
            value = self.let(f"extractelement <2 x double> %d{k}, i64 0")
            self.emit(f"store double {value}, ptr {self.at(8 * (INTEGERS + k), registers)}")
        return registers

    def land(self, name: str, argument: str) -> None:
        """Call one of runtime.landing's functions: (ec, inst, argument, frame pointer)."""
        self.program.externs[name] = f"declare hidden void @{name}(ptr, ptr, ptr, ptr) nounwind"
        self.program.externs["llvm.frameaddress.p0"] = "declare ptr @llvm.frameaddress.p0(i32)"
        here = self.let("call ptr @llvm.frameaddress.p0(i32 0)")
        self.emit(f"call void @{name}(ptr %ec, ptr %inst, ptr {argument}, ptr {here})")

    def interpret(self, pc: str, sp: str, r0: str = "poison") -> None:
        """Run the interpreter until it returns through the sentinel."""
        handler, mem = self.let(f"load ptr, ptr {pc}"), self.member(Inst, "%inst", "mem")
        csp, budget = self.ec("cs_top"), self.ec("budget", "i64")
        state = f"ptr {pc}, ptr {sp}, ptr {mem}, ptr %ec, ptr {csp}, i64 {r0}, double poison, i64 {budget}"
        self.emit(f"call {CONVENTION} void {handler}({state})")

    def leave_result(self, sp: str) -> None:
        """Return slot 0, both as an integer and as a float."""
        value = self.let(f"load i64, ptr {sp}")
        lanes = self.let(f"insertelement <2 x i64> poison, i64 {value}, i64 0")
        both = self.let(f"insertvalue {RESULT} poison, i64 {value}, 0")
        both = self.let(f"insertvalue {RESULT} {both}, <2 x double> {self.let(f'bitcast <2 x i64> {lanes} to <2 x double>')}, 1")
        self.emit(f"ret {RESULT} {both}")


def _c2i(f: _Function) -> None:
    """Interpret ec.callee, whose instance is inst."""
    sp, csp = f.ec("vs_top"), f.ec("cs_top")
    code = f.member(FuncRef, f.ec("callee"), "code")
    f.land("land_call", f.registers())
    f.interpret(f.member(Code, code, "entry"), sp, f.let(f"ptrtoint ptr {code} to i64"))
    _restore(f, sp, csp)
    f.leave_result(sp)


def _c2host(f: _Function) -> None:
    """Call the host function ec.callee; ec.inst is the caller's, inst may be 0."""
    sp = f.ec("vs_top")
    f.land("land_host", f.registers())
    f.leave_result(sp)


def _land_called(f: _Function) -> None:
    """Tail-called by a body that goes on in the interpreter: i0 is the descriptor of its frames, whose values stand from ec.vs_top on."""
    sp, csp = f.ec("vs_top"), f.ec("cs_top")
    f.land("land_body", f.let("inttoptr i64 %i0 to ptr"))
    f.interpret(f.ec("pc"), f.ec("vs_top"))
    _restore(f, sp, csp)
    f.leave_result(sp)


def _restore(f: _Function, sp: str, csp: str) -> None:
    f.emit(f"store ptr {sp}, ptr {f.ec_field('vs_top')}")
    f.emit(f"store ptr {csp}, ptr {f.ec_field('cs_top')}")


FUNCTIONS: dict[str, Callable[[_Function], None]] = {"c2i": _c2i, "c2host": _c2host, "land_called": _land_called}


def functions(program: Program) -> list[str]:
    """IR text of the functions in the native convention."""
    made = {name: _Function(program, name) for name in FUNCTIONS}
    for name, function in made.items():
        FUNCTIONS[name](function)
    return [function.text() for function in made.values()]
