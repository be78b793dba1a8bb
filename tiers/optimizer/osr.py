"""OSR entries: a running frame goes on in optimized code at a loop's header, at any nesting, with any operands below.

Only the loop itself is compiled as one. What is left of an iteration of each loop around it is peeled; where that would go round again,
the whole outer loop follows. So no loop is entered in its middle, and LLVM optimizes all of them.
"""

from wasmjit.tiers.optimizer.decode import LOOP, OP, ROWS, Body, Region
from wasmjit.tiers.optimizer.frames import Frame, Label
from wasmjit.tiers.optimizer.function import run
from wasmjit.tiers.optimizer.state import Builder
from wasmjit.tiers.optimizer.unit import Refused
from wasmjit.tiers.optimizer.view import REFERENCE, Types, View

NAMES = {"i32": "i32", "i64": "i64", "f32": "float", "f64": "double", "ref": REFERENCE}
ENDING = frozenset(OP[name] for name in ("br", "br_table", "return", "unreachable"))
OPENING = frozenset(OP[name] for name in ("block", "loop", "if"))
EFFECT = [
    None if row is None or row.kind in ("control", "call", "parametric", "variable") else (len(row.params), [NAMES[r] for r in row.results])
    for row in ROWS
]
IF, ELSE, END, CALL, CALL_INDIRECT, DROP, SELECT, SELECT_T, BR_IF = (
    OP[name] for name in ("if", "else", "end", "call", "call_indirect", "drop", "select", "select_t", "br_if")
)
GET, SET, GLOBAL_GET, GLOBAL_SET = (OP[name] for name in ("local.get", "local.set", "global.get", "global.set"))


def stack_at(view: View, body: Body, target: Region) -> tuple[list[str], dict[Region, int]]:
    """Types of the operands at a loop's header, its parameters included, and how many stand below each block that is open there.

    Refused: the loop is never reached.
    """
    types: list[str] = []
    heights: dict[Region, int] = {}
    region = body.root
    i = 0
    while i < target.start:
        o, imm = body.ops[i], body.imms[i]
        if o in OPENING:
            if o == IF:
                types.pop()
            region = imm
            heights[region] = len(types) - len(region.params)
        elif o == ELSE:
            types[heights[region] :] = region.params
        elif o == END:
            types[heights[region] :] = region.results
            region = region.parent or body.root
        elif o in ENDING:
            i = region.other if i < region.other else region.end
            continue
        else:
            step(view, body, types, o, imm)
        i += 1
    if i > target.start:
        raise Refused(f"function {body.function}: nothing reaches the loop at {body.offsets[target.start]:#x}")
    return types, heights


def step(view: View, body: Body, types: list[str], o: int, imm: object) -> None:
    """The effect of an instruction on the types of the operands."""
    effect = EFFECT[o]
    pops, pushes = effect if effect is not None else variable(view, body, types, o, imm)
    if pops:
        del types[len(types) - pops :]
    types += pushes


def variable(view: View, body: Body, types: list[str], o: int, imm: object) -> tuple[int, "list[str] | Types"]:
    """Of an instruction whose operands' types do not stand in its row: how many it takes, what it leaves."""
    if o == GET:
        assert isinstance(imm, int)
        return 0, [body.locals[imm]]
    if o in (SET, GLOBAL_SET, DROP, BR_IF):
        return 1, []
    if o == GLOBAL_GET:
        assert isinstance(imm, int)
        return 0, [view.globals[imm][0]]
    if o in (SELECT, SELECT_T):
        return 2, []  # the first one stays
    if o == CALL:
        assert isinstance(imm, int)
        params, results = view.signature(imm)
        return len(params), results
    if o == CALL_INDIRECT:
        assert isinstance(imm, tuple)
        params, results = view.types[imm[0]]
        return len(params) + 1, results
    return 0, []  # local.tee, nop


def enter(b: Builder, body: Body, region: Region) -> Frame:
    """Build the entry at a loop: everything from there to the function's end."""
    t, program, view = b.t, b.program, b.view
    types, heights = stack_at(view, body, region)
    slots = [*enumerate(body.locals), *enumerate(types, body.base)]
    for slot, kind in slots:
        b.initial[slot] = t.let(f"load {kind}, ptr {t.pointer('%sp', 8 * slot)}")
    f = Frame(program, body, [b.initial[slot] for slot in range(len(body.locals))])
    f.vals = [b.initial[slot] for slot, _ in slots[len(body.locals) :]]
    f.types = types
    around = []
    outer = region.parent
    while outer is not None:
        around.append(outer)
        outer = outer.parent
    for each in reversed(around):
        height = heights.get(each, 0)
        peeled = each.op == LOOP
        label = Label(each, t.label("again" if peeled else "end"), each.params if peeled else each.results, height, {})
        label.peeled = peeled
        f.labels.append(label)
    f.at = region.start
    run(b, f, region.start)
    return f
