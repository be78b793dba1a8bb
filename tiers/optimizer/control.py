"""Blocks, loops, ifs and branches: labels, what comes together at them, and what the profile says about it."""

from collections.abc import Sequence

from wasmjit.tiers.optimizer.decode import OP, Region
from wasmjit.tiers.optimizer.exits import leave, stress
from wasmjit.tiers.optimizer.frames import ZERO, Arrival, Frame, Label
from wasmjit.tiers.optimizer.lower import IDENTITIES, settled
from wasmjit.tiers.optimizer.state import Builder

UNREACHABLE = OP["unreachable"]
FLOATS = {"float": "f32", "double": "f64"}
MOST_WEIGHT = (1 << 31) - 1


# at the start of a block


def begin(b: Builder, f: Frame, i: int) -> None:
    """A block begins at the point AFTER instruction i: what was never seen becomes an exit, stress an exit now and then."""
    seen = f.points.get((f.body.offsets[i], 1))
    if seen is None:
        return
    f.count = seen[1]
    if f.cold and f.count == 0:
        leave(b, f, i, 1, "cold")
        b.live = False
    elif b.guards and f.exits:
        stress(b, f, i)


def weights(first: int | None, second: int | None) -> str:
    """Branch weights from counts, "" when they are not known."""
    if first is None or second is None or first + second <= 0:
        return ""
    first, second = max(first, 0), max(second, 0)
    scale = max(first, second) // MOST_WEIGHT + 1
    return f', !prof !{{!"branch_weights", i32 {first // scale}, i32 {second // scale}}}'


# labels


def open_label(b: Builder, f: Frame, region: Region) -> Label:
    label = Label(region, b.t.label("end"), region.results, len(f.vals) - len(region.params), b.reach)
    b.reach = b.reach.copy()
    f.labels.append(label)
    return label


def block(b: Builder, f: Frame, region: Region, i: int) -> int:
    open_label(b, f, region)
    return i + 1


def loop(b: Builder, f: Frame, region: Region, i: int) -> int:
    """The header: phis for the locals that the loop writes and for its parameters; what its body may change is not known."""
    t = b.t
    label = Label(region, t.label("loop"), region.params, len(f.vals) - len(region.params), b.reach)
    label.loop = True
    f.labels.append(label)
    types = f.body.locals
    read = f.reads(i)
    written = [k for k in sorted(region.locals) if read >> k & 1]
    label.floats = [k for k in written if types[k] in FLOATS] + [~k for k, kind in enumerate(region.params) if kind in FLOATS]
    arrival = arrive(b, f, label)
    t.emit(f"br label %{label.block}")
    t.place(label.block)
    label.line = len(t.lines)
    t.lines.append("")
    label.incoming.append(arrival)
    for k in written:
        f.locals[k] = name = t.label("%v")
        label.phis.append((name, types[k], k))
    for k, kind in enumerate(region.params):
        f.vals[label.height + k] = name = t.label("%v")
        label.phis.append((name, kind, ~k))
    b.cache.clear()
    if region.calls:
        b.globals = {}
    else:
        b.globals = {k: v for k, v in b.globals.items() if k not in region.globals}
    begin(b, f, i)
    return i + 1 if b.live else dead(f)


def close_loop(b: Builder, label: Label) -> None:
    """The phis of a loop's header, now that everything that comes there is known."""
    lines = []
    blocks = [f"%{block}" for block, *_ in label.incoming]
    for name, kind, k in label.phis:
        values = [locals[k] if k >= 0 else operands[~k] for _, locals, operands, _ in label.incoming]
        pairs = ", ".join([f"[ {value}, {block} ]" for value, block in zip(values, blocks, strict=True)])
        lines.append(f"  {name} = phi {kind} {pairs}")
    b.t.lines[label.line] = "\n".join(lines)


def if_(b: Builder, f: Frame, region: Region, i: int) -> int:
    t = b.t
    condition = b.truth(f)
    label = open_label(b, f, region)
    then = t.label("then")
    offset = f.body.offsets[i]
    count = f.seen(offset)
    rest = None if count is None or f.count is None else f.count - count
    params = f.vals[label.height :]
    arrival = (t.block, f.locals[:], params, b.globals)
    if region.other:
        other = t.label("else")
        label.other = other, arrival
        rest = f.seen(f.body.offsets[region.other]) if count is not None else None
    else:
        other = label.block
        label.incoming.append(arrival)
    t.emit(f"br i1 {condition}, label %{then}, label %{other}{weights(count, rest)}")
    t.place(then)
    if f.body.ops[i + 1] != UNREACHABLE:  # a trap is less than an exit
        begin(b, f, i)
    return i + 1 if b.live else dead(f)


def else_(b: Builder, f: Frame, region: Region, i: int) -> int:
    label = f.labels[-1]
    if b.live:
        jump(b, f, label)
    if label.other is None:  # entered within the then part
        return region.end
    (block, (_, locals, params, known)), label.other = label.other, None
    f.locals[:] = locals
    restore(b, f, label, params, region.params)
    b.globals = known
    b.reach = label.reach.copy()
    b.t.place(block)
    b.live = True
    if f.body.ops[i + 1] != UNREACHABLE:
        begin(b, f, i)
    return i + 1 if b.live else dead(f)


def restore(b: Builder, f: Frame, label: Label, values: list[str], types: tuple[str, ...]) -> None:
    """Operands are those below the label and these."""
    f.vals[label.height :] = values
    f.types[label.height :] = types
    b.cache.clear()


def end(b: Builder, f: Frame, region: Region, i: int) -> int:
    """Close the labels that end here; -1 when that was the function's."""
    while f.labels and f.labels[-1].region.end == i:
        label = f.labels.pop()
        if label.loop:
            close_loop(b, label)
            if label.join is not None and (b.live or label.join.incoming):
                merge(b, f, label.join)
        elif label.peeled:
            return whole_loop(b, f, label, i)
        elif label.incoming:
            merge(b, f, label)
        if b.live and f.labels and f.body.ops[i + 1] != UNREACHABLE:
            begin(b, f, i)
    if not f.labels:
        return -1
    return i + 1 if b.live else dead(f)


def whole_loop(b: Builder, f: Frame, label: Label, i: int) -> int:
    """End of the rest of an iteration: where it branched to the loop, the whole loop follows; both ways meet behind it."""
    region = label.region
    if not label.incoming:
        return i + 1 if b.live else dead(f)
    join = Label(region, b.t.label("end"), region.results, label.height, label.reach)
    if b.live:
        jump(b, f, join)
    merge(b, f, label)
    at = loop(b, f, region, region.start)
    f.labels[-1].join = join  # no label of its own: branches count labels
    return at


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


def dead(f: Frame) -> int:
    """Where to go on when what follows is not reached: the innermost label's else, or its end."""
    label = f.labels[-1]
    return label.region.other if label.other is not None else label.region.end


# branches


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


def br(b: Builder, f: Frame, depth: int, i: int) -> int:
    jump(b, f, f.labels[-1 - depth])
    return dead(f)


def return_(b: Builder, f: Frame, _: None, i: int) -> int:
    jump(b, f, f.labels[0])
    return dead(f)


def br_if(b: Builder, f: Frame, depth: int, i: int) -> int:
    t = b.t
    condition = b.truth(f)
    label = f.labels[-1 - depth]
    offset = f.body.offsets[i]
    straight = f.seen(offset)
    taken = None if straight is None or f.count is None else f.count - straight
    cold = f.cold and taken is not None and taken <= 0 and f.count != 0 and point_of(f, label) is not None
    if cold or (label.loop and b.ping_pong and f.exits):
        target = t.label("exit")
        with b.aside(target):
            leave_to(b, f, label, "cold" if cold else "stress")
    else:
        target = label.block
        label.incoming.append(arrive(b, f, label))
    after = t.label("next")
    t.emit(f"br i1 {condition}, label %{target}, label %{after}{weights(taken, straight)}")
    t.place(after)
    if f.body.ops[i + 1] != UNREACHABLE:
        begin(b, f, i)
    return i + 1 if b.live else dead(f)


def br_table(b: Builder, f: Frame, depths: tuple[int, ...], i: int) -> int:
    """A switch whose targets are blocks of their own: a label takes one arrival from each block."""
    t = b.t
    value = b.pop(f)
    stubs = {depth: t.label("case") for depth in dict.fromkeys(depths)}
    cases = " ".join([f"i32 {k}, label %{stubs[depth]}" for k, depth in enumerate(depths[:-1])])
    t.emit(f"switch i32 {value}, label %{stubs[depths[-1]]} [ {cases} ]")
    for depth, stub in stubs.items():
        t.place(stub)
        jump(b, f, f.labels[-1 - depth])
    return dead(f)


def unreachable(b: Builder, f: Frame, _: None, i: int) -> int:
    b.here(f, i)
    b.trap_now("unreachable")
    b.live = False
    return dead(f)


HANDLERS = {
    "block": block, "loop": loop, "if": if_, "else": else_, "end": end, "br": br, "return": return_, "br_if": br_if,
    "br_table": br_table, "unreachable": unreachable,
}  # fmt: skip
