"""The state of one LLVM function while it is made: its text, and what is known at the place at hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wasmjit.native.lang import offsetof
from wasmjit.runtime.structs import Ec, Inst
from wasmjit.tiers.optimizer.decode import Body, Region
from wasmjit.tiers.optimizer.frames import Frame, Reach
from wasmjit.tiers.optimizer.program import Program
from wasmjit.tiers.optimizer.text import INVARIANT, UNLIKELY
from wasmjit.tiers.optimizer.unit import Refused

if TYPE_CHECKING:
    from wasmjit.tiers.optimizer.ranges import Fast

GUARDS, PING_PONG = "deopt-every-guard", "ping-pong"
MOST_VALUES = 300_000  # phis of loops and stores of exits of a function: LLVM would be given more text than it gets
LENGTH = -1  # stands among the known globals for the memory's length, which changes only where other code runs


class Builder:
    """live: whether the place at hand is reached. globals: known values, in a dictionary that never changes in place.

    reach: by the name of an address, how many bytes from it on an access before has shown to be accessible, where that was, and the name
    of the address as an i64. bases: pointers to such addresses, which are of use in their block only. cache: what memory is known to hold,
    by address, offset and the number of a load. osr: an entry into a running frame, else a body. initial: what its slots hold.
    leaving: descriptors of exits, and the blocks that they come from. fast: the fast version of a loop that is being built; slow: a loop
    whose other version is.
    """

    def __init__(self, program: Program, head: str, osr: bool) -> None:
        self.program, self.osr = program, osr
        self.view = program.view
        self.t = program.text.function(head)
        self.t.block = "start"
        self.cold: list[str] = []
        self.live = True
        self.reach: Reach = {}
        self.bases: dict[tuple[str, str], str] = {}
        self.cache: dict[tuple[str, int, int], str] = {}
        self.globals: dict[int, str] = {}
        self.initial: dict[int, str] = {}
        self.leaving: list[tuple[str, str]] = []
        self.fast: Fast | None = None
        self.slow: Region | None = None
        self.guards = program.stress == GUARDS
        self.ping_pong = program.stress == PING_PONG
        self.values = 0  # phis of loops, stores of exits
        self.inlined = 0  # instructions of bodies that became part of this function
        self.calls = False  # whether anything but traps and exits is called
        self.memory = False  # whether linear memory is accessed

    def spend(self, values: int) -> None:
        """So many more phis of a loop or stores of an exit. Refused: there are too many."""
        self.values += values
        if self.values > MOST_VALUES:
            raise Refused(f"{self.values} values at loops and exits")

    def here(self, f: Frame, i: int) -> None:
        """What follows belongs to this instruction."""
        t = self.t
        t.at(t.unit.site(((f.function, f.body.offsets[i]), *f.callers) if f.callers else ((f.function, f.body.offsets[i]),)))

    def truth(self, f: Frame) -> str:
        """Take an operand as a condition. A comparison directly before has left an i1: its type is "i1" then."""
        value, kind = f.vals.pop(), f.types.pop()
        return value if kind == "i1" else self.t.let(f"icmp ne i32 {value}, 0")

    def pop(self, f: Frame) -> str:
        """Take an operand."""
        f.types.pop()
        return f.vals.pop()

    def push(self, f: Frame, value: str, kind: str) -> None:
        f.vals.append(value)
        f.types.append(kind)

    def field(self, struct: object, base: str, name: str, kind: str = "ptr", invariant: bool = True) -> str:
        """A field of a run-time structure; invariant: nothing changes it while native code that reads it runs."""
        return self.read(base, int(offsetof(struct, name)), kind, INVARIANT if invariant else "")

    def element(self, base: str, index: int) -> str:
        """An 8-byte element of an array of pointers that never changes."""
        return self.read(base, 8 * index, "ptr", INVARIANT)

    def read(self, base: str, offset: int, kind: str, flags: str = "") -> str:
        """What stands so many bytes behind a pointer."""
        t = self.t
        t.n = n = t.n + 1
        t.lines.append(f"  %f{n} = getelementptr i8, ptr {base}, i64 {offset}\n  %v{n} = load {kind}, ptr %f{n}{flags}")
        return f"%v{n}"

    def write(self, base: str, offset: int, kind: str, value: str) -> None:
        """Put a value so many bytes behind a pointer."""
        t = self.t
        t.n = n = t.n + 1
        t.lines.append(f"  %f{n} = getelementptr i8, ptr {base}, i64 {offset}\n  store {kind} {value}, ptr %f{n}")

    def running(self) -> None:
        """Tell the context whose code runs, before anything that may ask."""
        self.write("%ec", int(offsetof(Ec, "inst")), "ptr", "%inst")
        self.write("%ec", int(offsetof(Ec, "mem0")), "ptr", self.field(Inst, "%inst", "mem0"))

    def runtime(self, result: str, name: str, arguments: str) -> str:
        """Call the run time, which may run anything."""
        self.calls = True
        self.running()
        self.cache.clear()
        self.globals = {k: v for k, v in self.globals.items() if k != LENGTH}
        return self.t.runtime(result, name, arguments)

    def trap_now(self, name: str) -> None:
        self.t.emit(f"br label %{self.t.trap_block(name)}")

    @contextmanager
    def aside(self, label: str) -> Iterator[None]:
        """A block behind everything else, which hardly ever runs."""
        t = self.t
        lines, block, live = t.lines, t.block, self.live
        t.lines = self.cold
        t.place(label)
        try:
            yield
        finally:
            t.lines, t.block, self.live = lines, block, live

    def guard(self, condition: str) -> str:
        """Branch on an i1 that is nearly always false; the label where to go on aside when it is true."""
        t = self.t
        failed, fine = t.label("exit"), t.label("fine")
        t.emit(f"br i1 {condition}, label %{failed}, label %{fine}{UNLIKELY}")
        t.place(fine)
        return failed

    def finish(self, body: Body, place: int) -> None:
        """The text is complete: what everything stands behind goes to its beginning; place: where a stack overflow is told to be."""
        t = self.t
        held, t.lines = t.lines, []
        if self.calls:
            t.here(((body.function, place),))
            stack = t.let(f'call i64 @llvm.read_register.i64(metadata !{{!"{self.program.stack_pointer}"}})')
            t.trap(t.let(f"icmp ult i64 {stack}, {self.field(Ec, '%ec', 'code_limit', 'i64')}"), "stack")
        if self.memory:
            t.emit(f"%mem.at = getelementptr i8, ptr %inst, i64 {int(offsetof(Inst, 'mem'))}")
            t.emit(f"%mem = load ptr, ptr %mem.at{INVARIANT}")
        t.emit("br label %start")
        t.lines = [held[0], *t.lines, "start:", *held[1:], *self.cold]
