"""Inlining: which calls, and how a callee's body becomes part of its caller's."""

from wasmjit.tiers import policy
from wasmjit.tiers.optimizer.decode import Body
from wasmjit.tiers.optimizer.frames import ZERO, Frame, Rest
from wasmjit.tiers.optimizer.labels import open_label
from wasmjit.tiers.optimizer.state import Builder


def wanted(b: Builder, f: Frame, function: int, count: int | None) -> bool:
    """Whether to inline a call of one of the module's own functions; count: how often the profile saw it."""
    if not b.program.inlinable(function) or f.depth >= policy.INLINE_DEPTH or (count == 0 and f.cold):
        return False
    body = b.program.body(function)
    if b.inlined + body.size > policy.INLINE_UNIT:
        return False
    same = activations(f, function)
    if same:
        return same <= policy.INLINE_RECURSION and body.size <= policy.INLINE_RECURSIVE
    if body.size <= policy.INLINE_SMALL:
        return True
    return count is not None and count >= policy.INLINE_HOT and body.size <= policy.INLINE_LARGE


def activations(f: Frame, function: int) -> int:
    """How many of a frame and those that it was inlined into are of a function."""
    same = 0
    frame: Frame | None = f
    while frame is not None:
        same += frame.function == function
        frame = frame.parent
    return same


def inline(b: Builder, f: Frame, function: int, values: list[str]) -> list[str]:
    """Build the callee's body here; its results. Frames, sites and exits stay those of the call."""
    body = b.program.body(function)
    b.program.inlined.append((((f.function, f.body.offsets[f.at]), *f.callers), function))
    spend(b, body.size)
    return build(b, f, body, values)


def spend(b: Builder, instructions: int) -> None:
    """So many more become part of the function."""
    b.program.size += instructions
    b.inlined += instructions


def build(b: Builder, f: Frame, body: Body, values: list[str], rest: Rest | None = None) -> list[str]:
    """Build a callee's body, with `rest` as in Frame; its results."""
    from wasmjit.tiers.optimizer.function import run  # which imports this

    callee = Frame(b.program, body, values + [ZERO[kind] for kind in body.locals[body.nparams :]], f)
    callee.count, callee.rest = callee.seen(body.start), rest
    open_label(b, callee, body.root)
    run(b, callee, 0)
    if not b.live:
        return []
    return callee.vals
