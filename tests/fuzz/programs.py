"""Random programs in the text format: valid, ending, and hard for a translator that leaves operands where they are.

Every program is a list of functions, of which the second half calls the first; loops count down. Instructions are chosen so that
operands stand in locals, constants and accumulators in all mixtures while locals are written under them, blocks open above them and
branches take them along. What NaN is returned is not determined (spec 4.3.3), so no instruction makes its bits visible: integers, f32
and f64 have parts of the memory of their own, and there is no reinterpretation of floats.
"""

import random
from collections.abc import Callable

from wasmjit.isa import TABLE
from wasmjit.isa.row import Row

INTS, FLOATS = ("i32", "i64"), ("f32", "f64")
TYPES = INTS + FLOATS
HIDDEN = ("copysign", "reinterpret", "div_", "rem_", "trunc_f")  # show NaN bits, or trap too often
OPERATORS = [
    row
    for row in TABLE
    if row.kind in ("numeric", "compare")
    and row.params
    and all(t in TYPES for t in row.params)
    and not any(word in row.name for word in HIDDEN)
]
TRAPPING = [row for row in TABLE if row.kind == "numeric" and any(word in row.name for word in ("div_", "rem_", "trunc_f"))]
ACCESSES = [row for row in TABLE if row.kind in ("load", "store") and all(t in TYPES for t in row.params + row.results)]
CONSTANTS = {
    "i32": (0, 1, 2, 3, -1, -2, 7, 255, 65535, 0x7FFFFFFF, -0x80000000, 0x12345678),
    "i64": (
        0,
        1,
        2,
        3,
        -1,
        -2,
        255,
        0x7FFFFFFF,
        0x80000000,
        -0x80000001,
        0xFFFFFFFF,
        0x7FFFFFFFFFFFFFFF,
        -0x8000000000000000,
        0x123456789ABCDEF0,
    ),
    "f32": ("0", "-0", "1", "-1", "0.5", "1.5", "3", "inf", "-inf", "nan", "1e10", "-1e-10", "16777217"),
    "f64": ("0", "-0", "1", "-1", "0.5", "1.5", "3", "inf", "-inf", "nan", "1e300", "-1e-300", "9007199254740993"),
}
# start of the part of the memory that a type has; addresses are a local below 256, a multiple of 8, and an offset
PARTS = {"i32": 0, "i64": 0, "f32": 2048, "f64": 4096}
LOCALS = 3  # of each type, beside parameters
MOST_PARAMETERS = 3


class Function:
    """A function that is being written: its text so far and the types of the operands on the stack."""

    def __init__(self, rng: random.Random, number: int, earlier: list[tuple[list[str], list[str]]]) -> None:
        self.rng = rng
        self.number = number
        self.earlier = earlier
        self.params = [rng.choice(TYPES) for _ in range(rng.randrange(MOST_PARAMETERS + 1))]
        self.results = [rng.choice(TYPES) for _ in range(rng.choice((0, 1, 1, 1, 2, 3)))]
        self.locals = self.params + [t for t in TYPES for _ in range(LOCALS)]
        self.address = len(self.locals)  # an i32 local that is a multiple of 8 below 256
        self.counters = 0
        self.lines: list[str] = []
        self.stack: list[str] = []
        self.labels: list[list[str] | None] = [self.results]  # types that a branch takes along; None: a loop
        self.bases = [0]

    # operands

    def emit(self, line: str) -> None:
        self.lines.append(line)

    def push(self, kind: str) -> None:
        """Some operand: a local more often than a constant."""
        if self.rng.random() < 0.65:
            self.emit(f"local.get {self.rng.choice([i for i, t in enumerate(self.locals) if t == kind])}")
        else:
            self.emit(f"{kind}.const {self.rng.choice(CONSTANTS[kind])}")
        self.stack.append(kind)

    def want(self, kinds: list[str] | tuple[str, ...]) -> None:
        """Make these the top operands; what is there already is used where it fits, and taken off."""
        have = 0
        for count in range(len(kinds), 0, -1):
            if len(self.stack) - self.bases[-1] >= count and self.stack[-count:] == list(kinds[:count]):
                have = count
                break
        for kind in kinds[have:]:
            self.push(kind)
        del self.stack[len(self.stack) - len(kinds) :]

    def settle(self, kinds: list[str]) -> None:
        """Leave exactly these above the block's base, and take them off."""
        base = self.bases[-1]
        while len(self.stack) > base and self.stack[base:] != kinds[: len(self.stack) - base]:
            kind = self.stack.pop()
            self.emit(self.rng.choice(("drop", f"local.set {self.local(kind)}")))
        have = len(self.stack) - base
        for kind in kinds[have:]:
            self.push(kind)
        del self.stack[base:]

    def local(self, kind: str) -> int:
        return self.rng.choice([i for i, t in enumerate(self.locals) if t == kind])

    # instructions

    def operator(self) -> None:
        row = self.rng.choice(TRAPPING if self.rng.random() < 0.03 else OPERATORS)
        self.apply(row)

    def apply(self, row: Row) -> None:
        self.want(row.params)
        self.emit(row.name)
        self.stack += row.results

    def get(self) -> None:
        self.push(self.rng.choice(TYPES))

    def set(self) -> None:
        if len(self.stack) > self.bases[-1]:
            kind = self.stack[-1]
            tee = self.rng.random() < 0.4
            self.emit(f"local.{'tee' if tee else 'set'} {self.local(kind)}")
            if not tee:
                self.stack.pop()

    def drop(self) -> None:
        if len(self.stack) > self.bases[-1]:
            self.emit("drop")
            self.stack.pop()

    def select(self) -> None:
        kind = self.rng.choice(TYPES)
        self.want([kind, kind, "i32"])
        self.emit("select")
        self.stack.append(kind)

    def globals(self) -> None:
        kind = self.rng.choice(TYPES)
        if self.rng.random() < 0.5:
            self.emit(f"global.get ${kind}")
            self.stack.append(kind)
        else:
            self.want([kind])
            self.emit(f"global.set ${kind}")

    def place(self) -> None:
        """An address on the stack: in a local, a sum, a product or a constant."""
        step = 8 * self.rng.randrange(8)
        self.emit(
            self.rng.choice(
                (
                    f"local.get {self.address}",
                    f"local.get {self.address} i32.const {step} i32.add",
                    f"local.get {self.address} i32.const {-step} i32.sub",
                    f"local.get {self.address} i32.const 3 i32.mul",
                    f"i32.const {step}",
                )
            )
        )

    def move_address(self) -> None:
        self.want(["i32"])
        self.emit(f"i32.const 248 i32.and local.set {self.address}")

    def access(self) -> None:
        row = self.rng.choice(ACCESSES)
        kind = row.params[1] if row.kind == "store" else row.results[0]
        offset = PARTS[kind] + 8 * self.rng.randrange(16) + (self.rng.randrange(8) if kind in INTS else 0)
        self.place()
        if self.rng.random() < 0.02:
            offset = self.rng.choice((65536, 1 << 20, 0x7FFFFFFF, 0xFFFFFFF0))
        if row.kind == "store":
            self.bases.append(len(self.stack))  # the address stands there
            self.push(kind)
            if self.rng.random() < 0.4:
                self.apply(self.rng.choice([r for r in OPERATORS if r.results == (kind,) and r.params[-1] == kind]))
            self.stack.pop()
            self.bases.pop()
        self.emit(f"{row.name} offset={offset} align=1")
        self.stack += row.results

    def call(self) -> None:
        if self.earlier:
            number = self.rng.randrange(len(self.earlier))
            params, results = self.earlier[number]
            self.want(params)
            if self.rng.random() < 0.3:
                self.emit(f"i32.const {number} call_indirect (type $f{number})")
            else:
                self.emit(f"call $f{number}")
            self.stack += results

    def bulk(self) -> None:
        self.emit(self.rng.choice(("memory.size", "i32.const 0 memory.grow")))
        self.stack.append("i32")
        if self.rng.random() < 0.3:
            self.place()
            self.emit(self.rng.choice(("i32.const 0x1a5 i32.const 9 memory.fill", "i32.const 40 i32.const 16 memory.copy")))

    # blocks

    def signature(self) -> tuple[list[str], list[str]]:
        """Parameters, which stand on the stack already or are pushed, and results of a block."""
        return [self.rng.choice(TYPES) for _ in range(self.rng.choice((0, 0, 1, 2)))], [
            self.rng.choice(TYPES) for _ in range(self.rng.choice((0, 1, 1, 2)))
        ]

    def open(self, params: list[str], label: list[str] | None) -> None:
        self.bases.append(len(self.stack))
        self.stack += params
        self.labels.append(label)

    def close(self, results: list[str]) -> None:
        self.labels.pop()
        self.bases.pop()
        self.stack += results

    def block(self, budget: int) -> None:
        params, results = self.signature()
        self.want(params)
        self.emit(f"block {signature(params, results)}")
        self.open(params, results)
        self.body(budget)
        self.settle(results)
        self.emit("end")
        self.close(results)

    def condition(self) -> None:
        """An i32 on the stack, of a comparison more often than not."""
        if self.rng.random() < 0.7:
            self.apply(self.rng.choice([row for row in OPERATORS if row.kind == "compare"]))
            if self.rng.random() < 0.2:
                self.emit("i32.eqz")
            self.stack.pop()
        else:
            self.want(["i32"])

    def if_(self, budget: int) -> None:
        params, results = self.signature()
        if self.rng.random() < 0.3:
            results = params
        self.want(params)
        self.stack += params
        self.condition_above(len(params))
        self.emit(f"if {signature(params, results)}")
        self.open(params, results)
        self.body(budget // 2)
        self.settle(results)
        if params != results or self.rng.random() < 0.5:
            self.emit("else")
            self.stack += params
            self.body(budget // 2)
            self.settle(results)
        self.emit("end")
        self.close(results)

    def condition_above(self, count: int) -> None:
        """A condition above operands that stay, which the caller has put on the stack; they are then taken off."""
        self.bases.append(len(self.stack))
        self.condition()
        self.bases.pop()
        del self.stack[len(self.stack) - count :]

    def loop(self, budget: int) -> None:
        """A loop that counts down in a local of its own; sometimes left through a table of branches."""
        params, _ = self.signature()
        counter = f"$c{self.counters}{self.rng.choice(TYPES)}"
        kind = counter[-3:]
        self.counters += 1
        self.emit(f"{kind}.const {self.rng.randrange(1, 5)} local.set {counter}")
        self.want(params)
        table = self.rng.random() < 0.3
        if table:
            self.emit(f"block {signature(params, params)}")
            self.bases.append(len(self.stack))
            self.labels.append(params)
        self.emit(f"loop {signature(params, params)}")
        self.open(params, None)
        self.body(budget)
        twice = self.rng.random() < 0.3
        if twice:
            self.block(budget // 2)
            self.again(params, counter, False, twice)
        self.settle(params)
        self.stack += params
        self.again(params, counter, table, twice)
        del self.stack[len(self.stack) - len(params) :]
        if table:
            self.emit("unreachable")
        self.emit("end")
        self.close(params)
        if table:
            del self.stack[len(self.stack) - len(params) :]
            self.emit("end")
            self.close(params)

    def again(self, params: list[str], counter: str, table: bool, twice: bool) -> None:
        """Count down and branch to the loop while there is something left; `table`: by a br_table that otherwise leaves the block around.

        `twice`: the loop does so at two places, so that the counter may fall below zero.
        """
        kind = counter[-3:]
        if not table:
            self.want(params)
            self.stack += params
        compare = self.rng.choice(("gt", "ge") if twice else ("gt", "ge", "ne"))
        bound = 1 if compare == "ge" else 0
        sign = "_s" if kind in INTS and compare != "ne" else ""
        self.emit(f"local.get {counter} {kind}.const 1 {kind}.sub local.tee {counter} {kind}.const {bound} {kind}.{compare}{sign}")
        self.emit("br_table 1 0 1" if table else "br_if 0")

    def br_if(self) -> None:
        depth = self.rng.randrange(len(self.labels))
        label = self.labels[-1 - depth]
        if label is not None:
            self.want(label)
            self.stack += label
            self.condition_above(len(label))
            self.emit(f"br_if {depth}")
            self.stack += label

    def br_table(self) -> None:
        """Out of a block made for it: what follows is not reached."""
        depths = [d for d in range(len(self.labels)) if self.labels[-1 - d] is not None]
        kinds = self.labels[-1 - self.rng.choice(depths)] or []
        fitting = [d + 1 for d in depths if self.labels[-1 - d] == kinds]
        self.want(kinds)
        self.emit(f"block {signature(kinds, kinds)}")
        self.bases.append(len(self.stack))
        self.stack += kinds
        self.labels.append(kinds)
        self.condition_above(len(kinds))
        targets = [str(self.rng.choice([0, 0, *fitting])) for _ in range(self.rng.randrange(1, 4))]
        self.emit(f"br_table {' '.join(targets)} end")
        self.close(kinds)

    def body(self, budget: int) -> None:
        """About as many instructions as the budget says."""
        for _ in range(budget):
            action, nested = self.rng.choice(ACTIONS)
            if nested:
                if budget > 3:
                    action(self, budget // 3)
            else:
                action(self)
            if len(self.stack) > self.bases[-1] + 8:
                self.drop()

    def text(self, size: int) -> str:
        self.body(size)
        self.settle(self.results)
        name, locals = f"f{self.number}", " ".join([*self.locals[len(self.params) :], "i32"])
        head = f'(func ${name} (export "{name}") (type ${name}) (local {locals})'
        counters = " ".join(f"(local $c{i}{kind} {kind})" for i in range(self.counters) for kind in TYPES)
        return "\n  ".join([f"{head} {counters}", *self.lines]) + ")"


ACTIONS: list[tuple[Callable[..., None], bool]] = [
    *[(Function.operator, False)] * 14,
    *[(Function.get, False)] * 6,
    *[(Function.set, False)] * 8,
    *[(Function.access, False)] * 5,
    (Function.drop, False),
    (Function.select, False),
    (Function.globals, False),
    (Function.globals, False),
    (Function.move_address, False),
    (Function.call, False),
    (Function.bulk, False),
    (Function.br_if, False),
    (Function.br_if, False),
    (Function.br_table, False),
    (Function.block, True),
    (Function.if_, True),
    (Function.if_, True),
    (Function.loop, True),
]


def signature(params: list[str] | tuple[str, ...], results: list[str] | tuple[str, ...]) -> str:
    """(param ...) (result ...)"""
    return f"(param {' '.join(params)}) (result {' '.join(results)})"


def program(seed: int, functions: int = 6, size: int = 25) -> str:
    """The module for a seed: exports f0, f1, ... and the memory and globals that they work on."""
    rng = random.Random(seed)
    made: list[tuple[list[str], list[str]]] = []
    texts = []
    for number in range(functions):
        function = Function(rng, number, made[: functions // 2] if number >= functions // 2 else [])
        texts.append(function.text(size))
        made.append((function.params, function.results))
    types = [f"(type $f{i} (func {signature(*kinds)}))" for i, kinds in enumerate(made)]
    head = [
        '(memory (export "memory") 1 1)',
        *(f'(global ${kind} (export "{kind}") (mut {kind}) ({kind}.const 7))' for kind in TYPES),
        f"(table funcref (elem {' '.join(f'$f{i}' for i in range(functions))}))",
        f'(data (i32.const 0) "{"".join(f"{chr(92)}{i * 37 % 256:02x}" for i in range(256))}")',
    ]
    return "\n".join(["(module", *types, *head, *texts, ")"])


def arguments(seed: int, params: tuple[str, ...]) -> list[int]:
    """Bits for parameters: small and boundary values."""
    rng = random.Random(seed)
    floats = {"f32": (0, 0x80000000, 0x3F800000, 0xC0200000, 0x7F800000), "f64": (0, 1 << 63, 0x3FF0 << 48, 0xC004 << 48, 0x7FF0 << 48)}
    integers = {kind: [int(value) % (1 << int(kind[1:])) for value in CONSTANTS[kind]] for kind in INTS}
    return [rng.choice({**floats, **integers}[kind]) for kind in params]
