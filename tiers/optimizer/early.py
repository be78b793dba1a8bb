"""Functions that often return at once: the test at their beginning is made where they are called, and spares the call.

The body is compiled up to its first br_if and from where that leads to its end; where it is not taken the function is called, from its
beginning, since up to there nothing happened that must not happen again. What C compilers know as partial inlining.
"""

from wasmjit.isa import TABLE
from wasmjit.tiers import policy
from wasmjit.tiers.optimizer.decode import OP, Body, Region, number
from wasmjit.tiers.optimizer.frames import Frame
from wasmjit.tiers.optimizer.inline import activations
from wasmjit.tiers.optimizer.state import Builder

NOWHERE = -1
REPEATABLE = frozenset(number(row) for row in TABLE if row.kind in ("numeric", "compare", "load", "const", "parametric")) | {
    OP[name] for name in ("local.get", "local.set", "local.tee", "global.get", "nop")
}
BLOCK, BR_IF, END = OP["block"], OP["br_if"], OP["end"]


def early_test(body: Body) -> int:
    """Position of the br_if with which it may return; NOWHERE without one."""
    opened: list[Region] = []
    for i, o in enumerate(body.ops[: policy.EARLY_TEST]):
        if o == BR_IF:
            depth = body.imms[i]
            end = opened[-1 - depth].end + 1 if depth < len(opened) else body.size
            behind = body.ops[end:]
            return i if len(behind) <= policy.EARLY_REST and all(x in REPEATABLE or x == END for x in behind) else NOWHERE
        if o == BLOCK and not body.imms[i].params:
            opened.append(body.imms[i])
        elif o not in REPEATABLE:
            break
    return NOWHERE


def returns_early(b: Builder, f: Frame, function: int) -> int:
    """Where a call of a function of the module's own, which is not inlined, is to be tested for an early return; NOWHERE: it is not."""
    program = b.program
    if not program.inlinable(function) or b.inlined > policy.INLINE_UNIT:
        return NOWHERE
    body = program.body(function)
    at = early_test(body)
    if at == NOWHERE:
        return NOWHERE
    points = program.points(function)
    calls, on = points.get((body.start, 1)), points.get((body.offsets[at], 1))
    if calls is None or on is None:
        return at if activations(f, function) else NOWHERE  # recursion ends somewhere
    return at if policy.EARLY_SHARE * (calls[1] - on[1]) >= calls[1] > 0 else NOWHERE
