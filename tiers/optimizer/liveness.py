"""Which locals a function still reads: behind each instruction where blocks begin or end, as a bit mask over local indices.

One pass backwards over structured code; a loop is passed again when what its header reads turns out to be more than was assumed.
Exits store only live locals, and what comes together at a label needs phis only for them.
"""

from wasmjit.tiers.optimizer.decode import LOOP, NUMBERS, OP, Body, Region

PASSES = 8  # times the length of a body that may be passed; where loops are nested so deeply, everything counts as live
NOTHING, READ, WRITTEN, BOUNDARY, BRANCH, BRANCH_IF, BRANCH_TABLE, LEAVE, IF, ELSE, START, END = range(12)
KIND = [NOTHING] * NUMBERS
for _name, _kind in {
    "local.get": READ, "local.set": WRITTEN, "local.tee": WRITTEN, "call": BOUNDARY, "call_indirect": BOUNDARY, "br": BRANCH,
    "br_if": BRANCH_IF, "br_table": BRANCH_TABLE, "return": LEAVE, "unreachable": LEAVE, "if": IF, "else": ELSE, "block": START,
    "loop": START, "end": END,
}.items():  # fmt: skip
    KIND[OP[_name]] = _kind


def live_locals(body: Body) -> dict[int, int]:
    """By position of an instruction the locals that are live behind it; positions that are missing: all of them."""
    ops, imms, kinds = body.ops, body.imms, KIND
    behind: dict[int, int] = {}
    target: dict[Region, int] = {body.root: 0}  # live where a branch to a label arrives
    out: dict[Region, int] = {}  # live behind its end
    other: dict[Region, int] = {}  # live at the start of an else
    around: list[Region] = []  # innermost last
    left = PASSES * len(ops)
    live, i = 0, len(ops)
    while i > 0:
        i -= 1
        o = ops[i]
        kind = kinds[o]
        if kind == NOTHING:
            continue
        if kind == READ:
            live |= 1 << imms[i]
            continue
        if kind == WRITTEN:
            live &= ~(1 << imms[i])
            continue
        behind[i] = live
        if kind == BRANCH:
            live = target[around[-1 - imms[i]]]
        elif kind == BRANCH_IF:
            live |= target[around[-1 - imms[i]]]
        elif kind == BRANCH_TABLE:
            live = 0
            for depth in imms[i]:
                live |= target[around[-1 - depth]]
        elif kind == LEAVE:
            live = 0
        elif kind == END:
            region = imms[i]
            around.append(region)
            out[region] = live
            if region.op != LOOP:
                target[region] = live
            else:
                target.setdefault(region, 0)
        elif kind == ELSE:
            other[imms[i]] = live
            live = out[imms[i]]
        elif kind == IF:
            region = around.pop()
            live |= other[region] if region.other else out[region]
        elif kind == START:
            region = around[-1]
            if region.op == LOOP and live & ~target[region]:
                left -= region.end - i
                if left < 0:
                    return {}
                target[region] |= live
                live, i = out[region], region.end
            else:
                around.pop()
    return behind
