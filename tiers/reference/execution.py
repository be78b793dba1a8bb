"""Running function bodies as chapter 4 of the specification says: one stack of values, one of frames, labels in each frame.

Values are scalars of restricted Python; state is that of the run time, by address. What each instruction does stands in
`ACTIONS`, which the other modules of this folder fill.
"""

import ctypes
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from wasmjit._image import native
from wasmjit._traps import TRAPS, Frame, StackOverflow, Trap
from wasmjit.native.lang import ptr, u64
from wasmjit.runtime import codes
from wasmjit.runtime.codes import FRAMES_INNER, FRAMES_OUTER
from wasmjit.runtime.structs import FuncRef, Inst
from wasmjit.tiers.reference.decode import Body, Instruction, decode
from wasmjit.tiers.reference.meanings import from_slot, to_slot

if TYPE_CHECKING:
    from wasmjit._module import Module

Action = Callable[["Execution", Instruction], None]

N = native()

MOST_FRAMES = 20_000
ACTIONS: dict[str, Action] = {}  # by name of the instruction


def action(*names: str) -> Callable[[Action], Action]:
    """Decorator: this is what the instructions of these names do."""

    def register(function: Action) -> Action:
        ACTIONS.update(dict.fromkeys(names, function))
        return function

    return register


class Machine:
    """An instance and the decoded bodies of its functions. `module` has its names and bytes."""

    def __init__(self, address: int, module: "Module") -> None:
        self.inst = ptr[Inst](address)
        self.mod = self.inst.mod
        self.module = module
        self.bodies: dict[int, Body] = {}
        self.index_of = {int(ref): index for index, ref in self.own_functions()}

    def own_functions(self) -> Iterator[tuple[int, Any]]:
        """Index and FuncRef of each function that is not imported."""
        for index in range(self.mod.nimport_funcs, self.mod.ncodes):
            yield index, self.inst.refs[index]

    def body(self, index: int) -> Body:
        """The body of one of them, decoded when it is first asked for."""
        found = self.bodies.get(index)
        if found is None:
            code = self.mod.codes[index]
            start, end = int(code.body), int(code.end)
            found = decode(N.mod_bytes(int(self.mod), start, end - start), start)
            found.nparams, found.nresults = int(code.sig.nparams), int(code.sig.nresults)
            self.bodies[index] = found
        return found


class Label:
    """Where a branch goes: `target` is a position in the code, of the `loop` itself or behind the `end`."""

    __slots__ = ("target", "arity", "height")

    def __init__(self, target: int, arity: int, height: int) -> None:
        self.target, self.arity, self.height = target, arity, height


class Activation:
    """A call of a function: its locals, its labels, and `at`, the position of the next instruction."""

    __slots__ = ("index", "code", "locals", "labels", "at")

    def __init__(self, index: int, code: list[Instruction], locals: list[Any], label: Label) -> None:
        self.index, self.code, self.locals, self.labels, self.at = index, code, locals, [label], 0


class Execution:
    """One entry into an instance: runs until the function that was entered has returned."""

    frame: Activation  # the innermost of `frames`

    def __init__(self, machine: Machine, arguments: list[Any]) -> None:
        self.inst = machine.inst
        self.mod = machine.mod
        self.machine = machine
        self.stack = arguments
        self.frames: list[Activation] = []
        self.in_host = False  # its traps have the backtrace of another activation

    def run(self, index: int) -> list[Any]:
        """The results of a function whose arguments are the stack."""
        try:
            self.enter(index)
            while self.frames:
                self.frame = self.frames[-1]
                instruction = self.frame.code[self.frame.at]
                self.frame.at += 1
                ACTIONS[instruction.row.name](self, instruction)
        except Trap as trap:
            if not self.in_host:
                trap._frames = (*trap.frames, *self.backtrace())
            raise
        return self.stack

    def backtrace(self) -> list[Frame]:
        """The frames, innermost first; of a deep stack the middle is left out as in native backtraces."""
        count = len(self.frames) - FRAMES_INNER - FRAMES_OUTER
        if count <= 0:
            return [self.describe(frame) for frame in reversed(self.frames)]
        inner, outer = self.frames[: -FRAMES_INNER - 1 : -1], self.frames[FRAMES_OUTER - 1 :: -1]
        return [*map(self.describe, inner), Frame(-1, "...", offset=count), *map(self.describe, outer)]

    def describe(self, frame: Activation) -> Frame:
        """A frame for a backtrace, at the instruction that it is executing."""
        module = self.machine.module
        return Frame(frame.index, module.func_name(frame.index), module.name, frame.code[frame.at - 1].offset, "reference")

    def pop(self) -> Any:
        return self.stack.pop()

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def take(self, count: int) -> list[Any]:
        """Pop several values; the last pushed is the last."""
        first = len(self.stack) - count
        values = self.stack[first:]
        del self.stack[first:]
        return values

    def enter(self, index: int) -> None:
        """Begin a call of one of the instance's own functions; arguments are on the stack."""
        if len(self.frames) == MOST_FRAMES:
            raise trap(codes.TRAP_STACK)
        poll()
        body = self.machine.body(index)
        locals = self.take(body.nparams) + body.locals
        self.frames.append(Activation(index, body.code, locals, Label(0, body.nresults, len(self.stack))))

    def call(self, address: int) -> None:
        """Call any function by its FuncRef."""
        index = self.machine.index_of.get(address)
        if index is not None:
            self.enter(index)
            return
        ref = ptr[FuncRef](address)
        sig = ref.sig
        nparams, nresults = int(sig.nparams), int(sig.nresults)
        slots = (ctypes.c_uint64 * max(nparams, nresults, 1))(*map(to_slot, self.take(nparams)))
        self.in_host = ref.inst == 0
        N.call_slots_of(address, int(self.inst), ctypes.addressof(slots))
        self.in_host = False
        self.stack += [from_slot(int(sig.types[nparams + i]), slots[i]) for i in range(nresults)]

    def branch(self, depth: int) -> None:
        """Leave `depth` blocks and go to the label of the next one, with the values that it takes."""
        labels = self.frame.labels
        label = labels[-1 - depth]
        del labels[-1 - depth :]
        values = self.take(label.arity)
        del self.stack[label.height :]
        self.stack += values
        if not labels:
            self.frames.pop()
            return
        if label.target < self.frame.at:
            poll()
        self.frame.at = label.target


def run_slots(machine: Machine, index: int, _: int, slots: int) -> None:
    """Run a function whose arguments stand at an address, where its results come: called as raw host functions are.

    A RecursionError of Python's, also one that a host function lets out, is the call stack's exhaustion.
    """
    sig = machine.mod.codes[index].sig
    words = ptr[u64](slots)
    execution = Execution(machine, [from_slot(int(sig.types[i]), int(words[i])) for i in range(sig.nparams)])
    try:
        results = execution.run(index)
    except RecursionError as error:
        if isinstance(error, Trap):
            raise
        raise StackOverflow() from None
    for i, value in enumerate(results):
        words[i] = to_slot(value)


def poll() -> None:
    """What a safepoint of the other tiers does, but for signals, which Python itself looks after."""
    if N.call_ended():
        raise trap(codes.TRAP_TERMINATED)
    if N.deadline_remaining() <= 0:
        raise trap(codes.TRAP_TIMEOUT)


def trap(code: int) -> Trap:
    """The exception for a TRAP_* code."""
    return TRAPS[code]()
