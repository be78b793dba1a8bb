"""Labels: what branches bring there, and what comes together."""

from collections.abc import Sequence

from wasmjit.tiers.optimizer.decode import Region
from wasmjit.tiers.optimizer.exits import leave
from wasmjit.tiers.optimizer.frames import ZERO, Arrival, Frame, Label
from wasmjit.tiers.optimizer.lower import IDENTITIES, settled
from wasmjit.tiers.optimizer.ranges import barrier
from wasmjit.tiers.optimizer.state import Builder

FLOATS = {"float": "f32", "double": "f64"}


def open_label(b: Builder, f: Frame, region: Region) -> Label:
    label = Label(region, b.t.label("end"), region.results, len(f.vals) - len(region.params), b.reach)
    b.reach = b.reach.copy()
    f.labels.append(label)
    return label


def close_loop(b: Builder, label: Label) -> None:
    """The phis of a loop's header, now that everything that comes there is known."""
    lines = []
    blocks = [f"%{block}" for block, *_ in label.incoming]
    for name, kind, k in label.phis:
        values = [locals[k] if k >= 0 else operands[~k] for _, locals, operands, _ in label.incoming]
        pairs = ", ".join([f"[ {value}, {block} ]" for value, block in zip(values, blocks, strict=True)])
        lines.append(f"  {name} = phi {kind} {pairs}")
    b.t.lines[label.line] = "\n".join(lines)


def merge(b: Builder, f: Frame, label: Label) -> None:
    """Place a forward label: phis for what differs in what arrives."""
    t = b.t
    if b.live:
        jump(b, f, label)
    incoming = label.incoming
    t.place(label.block)
    b.live = True
    b.reach = label.reach.copy()
    _, locals, operands, known = incoming[0]
    types = f.body.locals
    if len(incoming) > 1:
        blocks = [f"%{arrival[0]}" for arrival in incoming]
        others = incoming[1:]
        hide: list[str] = []
        read = f.reads(label.region.start if label.peeled else label.region.end)
        for k in label.region.locals if f.labels else ():
            first = locals[k]
            if not read >> k & 1:
                f.locals[k] = ZERO[types[k]]
                continue
            for arrival in others:
                if arrival[1][k] != first:
                    f.locals[k] = phi(b, types[k], [arrival[1][k] for arrival in incoming], blocks, hide)
                    break
            else:
                f.locals[k] = first
        if operands:
            operands = [
                column[0] if column.count(column[0]) == len(column) else phi(b, kind, column, blocks, hide)
                for kind, column in zip(label.results, zip(*(arrival[2] for arrival in incoming), strict=True), strict=True)
            ]
        t.lines += hide
        if known:
            known = {k: v for k, v in known.items() if all(arrival[3].get(k) == v for arrival in others)}
    else:
        f.locals[:] = locals
    b.globals = known
    restore(b, f, label, operands, label.results)


def phi(b: Builder, kind: str, values: Sequence[str], blocks: list[str], hide: list[str]) -> str:
    """What came along the way that was taken. A float literal must not meet arithmetic: `hide` gets a line for behind the phis then."""
    pairs = ", ".join([f"[ {value}, {block} ]" for value, block in zip(values, blocks, strict=True)])
    name = b.t.let(f"phi {kind} {pairs}")
    if kind in FLOATS and not IDENTITIES.isdisjoint(values):
        hidden = b.t.label("%v")
        hide.append(f"  {hidden} = call {kind} @llvm.arithmetic.fence.{FLOATS[kind]}({kind} {name})")
        return hidden
    return name


def restore(b: Builder, f: Frame, label: Label, values: list[str], types: tuple[str, ...]) -> None:
    """Operands are those below the label and these."""
    f.vals[label.height :] = values
    f.types[label.height :] = types
    b.cache.clear()


def dead(f: Frame) -> int:
    """Where to go on when what follows is not reached: the innermost label's else, or its end."""
    label = f.labels[-1]
    return label.region.other if label.other is not None else label.region.end


def arrive(b: Builder, f: Frame, label: Label) -> Arrival:
    """What a branch from here takes to the label; to a loop's, literals of floats hidden from the arithmetic in it."""
    count = len(label.results)
    locals, operands = f.locals[:], f.vals[len(f.vals) - count :] if count else []
    for k in label.floats:
        values, at = (locals, k) if k >= 0 else (operands, ~k)
        values[at] = settled(b.t, (f.body.locals if k >= 0 else label.results)[at], values[at])
    return b.t.block, locals, operands, b.globals


def jump(b: Builder, f: Frame, label: Label) -> None:
    """Branch; what follows is not reached. A known global never changes in place: every change makes a new dictionary."""
    if label.loop and b.ping_pong and f.exits:
        leave_to(b, f, label, "stress")
    else:
        if b.fast is not None and b.fast.outside(label):
            barrier(b)
        label.incoming.append(arrive(b, f, label))
        b.t.emit(f"br label %{label.block}")
    b.live = False


def point_of(f: Frame, label: Label) -> int | None:
    """Position of the instruction behind which a branch to the label arrives; None where there is no point: the function's end."""
    region = label.region
    if region.start < 0:
        return None
    i = region.start if label.loop or label.peeled else region.end
    return i if (f.body.offsets[i], 1) in f.points else None


def leave_to(b: Builder, f: Frame, label: Label, reason: str) -> None:
    """An exit where a branch to the label would arrive."""
    i = point_of(f, label)
    if i is None:
        raise ValueError("no exit leads to the end of a function")
    count = len(label.results)
    vals, types = f.vals[:], f.types[:]
    del f.vals[label.height : len(vals) - count]
    del f.types[label.height : len(vals) - count]
    leave(b, f, i, 1, reason)
    f.vals[:], f.types[:] = vals, types
