"""What a loop does to i32 values, seen without running it: which are affine in the number of the iteration, which leave the loop.

One walk over the body of an innermost loop. The value of a local at the loop's header is a symbol.
"""

from typing import NamedTuple

from wasmjit.tiers.optimizer.decode import OP, ROWS, Body, Region
from wasmjit.tiers.optimizer.ranges_affine import RULES, Affine, Value, constant, signed, symbol
from wasmjit.tiers.optimizer.view import View


class Access(NamedTuple):
    """A load or a store: its address without the static offset."""

    address: Affine
    offset: int
    size: int
    writes: bool


class Branch(NamedTuple):
    """A br_if that every iteration comes to before the next one begins. stays: whether the loop goes on where it is true."""

    position: int
    condition: Value
    stays: bool


class Loop(NamedTuple):
    """steps: of the locals that each iteration changes by a constant, that constant, signed; of those that it leaves alone, 0.

    accesses: by position. branches: candidates for what counts the loop, in their order.
    """

    steps: dict[int, int]
    accesses: dict[int, Access]
    branches: list[Branch]


class _Open:
    """A block that is open: operands below it, what arrives at its end."""

    __slots__ = ("region", "height", "arrivals", "other")

    def __init__(self, region: Region, height: int) -> None:
        self.region, self.height = region, height
        self.arrivals: list[dict[int, Value]] = []
        self.other: dict[int, Value] | None = None  # of an if: locals where its else begins


def look(view: View, body: Body, region: Region) -> Loop | None:
    """A loop without loops and calls inside, every access affine, one way back to its header; None: it is none of those."""
    if region.calls or region.params:
        return None
    return _Walk(view, body, region).loop()


class _Walk:
    def __init__(self, view: View, body: Body, region: Region) -> None:
        self.view, self.body, self.region = view, body, region
        self.env: dict[int, Value] = {k: symbol(k) for k in region.locals if body.locals[k] == "i32"}
        self.stack: list[Value] = []
        self.labels = [_Open(region, 0)]
        self.accesses: dict[int, Access] = {}
        self.branches: list[Branch] = []
        self.backs: list[tuple[int, dict[int, Value]]] = []  # where and with which locals the loop begins again

    def loop(self) -> Loop | None:
        ops, imms = self.body.ops, self.body.imms
        i = self.region.start + 1
        while i < self.region.end:
            at = self.step(i, ops[i], imms[i])
            if at < 0:
                return None
            i = at
        if len(self.backs) != 1 or not self.accesses:
            return None
        ((last, back),) = self.backs
        steps = {}
        for k in self.region.locals:
            value = back.get(k)
            if isinstance(value, Affine) and value.terms == ((k, 1),):
                steps[k] = signed(value.constant)
        return Loop(steps, self.accesses, [branch for branch in self.branches if branch.position <= last])

    def step(self, i: int, o: int, imm: object) -> int:
        """One instruction: the position of the next one that is reached, -1: the loop is none that can be dealt with."""
        stack = self.stack
        simple = SIMPLE.get(o)
        if simple is not None:
            count, pushes = simple
            operands = stack[len(stack) - count :]
            del stack[len(stack) - count :]
            if pushes:
                rule = RULES.get(o)
                stack.append(rule(*operands) if rule is not None else None)
        elif o == GET:
            assert isinstance(imm, int)
            stack.append(self.local(imm))
        elif o in (SET, TEE):
            assert isinstance(imm, int)
            value = stack.pop() if o == SET else stack[-1]
            self.env[imm] = value if isinstance(value, Affine) else None
        elif o == CONST:
            assert isinstance(imm, str)
            stack.append(constant(int(imm)))
        elif o == GLOBAL_GET:
            assert isinstance(imm, int)
            invariant = self.view.globals[imm][0] == "i32" and not self.region.globals
            stack.append(symbol(~imm) if invariant else None)
        elif o in ACCESS:
            size, writes = ACCESS[o]
            if writes:
                stack.pop()
            address = stack.pop()
            if not isinstance(address, Affine) or not isinstance(imm, int):
                return -1
            self.accesses[i] = Access(address, imm, size, writes)
            if not writes:
                stack.append(None)
        else:
            return self.control(i, o, imm)
        return i + 1

    def local(self, k: int) -> Value:
        if self.body.locals[k] != "i32":
            return None
        return self.env[k] if k in self.region.locals else symbol(k)

    def control(self, i: int, o: int, imm: object) -> int:
        if isinstance(imm, Region) and o in (BLOCK, IF):
            if o == IF:
                self.stack.pop()
            self.labels.append(_Open(imm, len(self.stack) - len(imm.params)))
            if o == IF:
                self.labels[-1].other = self.env.copy()
            return i + 1
        if o in (ELSE, END):
            return self.end(i, arriving=True)
        if isinstance(imm, int) and o == BR_IF:
            condition = self.stack.pop()
            if len(self.labels) == 1:
                self.branches.append(Branch(i, condition, imm == 0))
            self.arrive(i, imm)
            return i + 1
        if isinstance(imm, int) and o == BR:
            self.arrive(i, imm)
            return self.dead()
        if isinstance(imm, tuple) and o == BR_TABLE:
            self.stack.pop()
            for depth in set(imm):
                self.arrive(i, depth)
            return self.dead()
        return self.dead() if o in (RETURN, UNREACHABLE) else -1

    def arrive(self, i: int, depth: int) -> None:
        """A branch; where it leaves the loop nothing is to be known."""
        if depth < len(self.labels):
            label = self.labels[-1 - depth]
            if label.region is self.region:
                self.backs.append((i, self.env.copy()))
            else:
                label.arrivals.append(self.env.copy())

    def dead(self) -> int:
        """What follows is not reached: to the else or the end of the innermost block."""
        label = self.labels[-1]
        if label.region is self.region:
            return label.region.end
        if label.region.other and label.other is not None:
            return self.end(label.region.other, arriving=False)
        return self.end(label.region.end, arriving=False)

    def end(self, i: int, arriving: bool) -> int:
        """An else or an end: what is known behind it is what is known on every way there."""
        label = self.labels[-1]
        region = label.region
        if arriving:
            label.arrivals.append(self.env)
        if label.other is not None:
            other, label.other = label.other, None
            if region.other == i:
                self.env = other
                self.stack[label.height :] = [None] * len(region.params)
                return i + 1
            label.arrivals.append(other)
        self.labels.pop()
        self.stack[label.height :] = [None] * len(region.results)
        if not label.arrivals:
            return self.dead()
        first, *others = label.arrivals
        self.env = {k: value if all(env.get(k) == value for env in others) else None for k, value in first.items()}
        return i + 1


GET, SET, TEE, CONST, GLOBAL_GET = (OP[name] for name in ("local.get", "local.set", "local.tee", "i32.const", "global.get"))
BLOCK, IF, ELSE, END, BR, BR_IF, BR_TABLE, RETURN, UNREACHABLE = (
    OP[name] for name in ("block", "if", "else", "end", "br", "br_if", "br_table", "return", "unreachable")
)
SIMPLE = {
    number: (len(row.params), len(row.results))
    for number, row in enumerate(ROWS)
    if row is not None and number != CONST
    if row.kind in ("numeric", "compare", "const") or row.name in ("select", "select_t", "drop", "nop")
}
ACCESS = {number: (row.access[0], row.kind == "store") for number, row in enumerate(ROWS) if row is not None and row.access[0]}
