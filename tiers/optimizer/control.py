"""Blocks, loops, ifs and branches, and what the profile says about them."""

from wasmjit.tiers.optimizer.decode import OP, Region
from wasmjit.tiers.optimizer.exits import leave, stress
from wasmjit.tiers.optimizer.frames import Frame, Label
from wasmjit.tiers.optimizer.labels import FLOATS, arrive, close_loop, dead, jump, leave_to, merge, open_label, point_of, restore
from wasmjit.tiers.optimizer.state import Builder

UNREACHABLE = OP["unreachable"]
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


# blocks


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
    b.spend(len(written))
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


# branches


def br(b: Builder, f: Frame, depth: int, i: int) -> int:
    jump(b, f, f.labels[-1 - depth])
    return dead(f)


def return_(b: Builder, f: Frame, _: None, i: int) -> int:
    jump(b, f, f.labels[0])
    return dead(f)


def br_if(b: Builder, f: Frame, depth: int, i: int) -> int:
    t = b.t
    condition = b.truth(f)
    if b.fast is not None and b.fast.ends(i):
        condition = b.fast.condition(b)
    label = f.labels[-1 - depth]
    offset = f.body.offsets[i]
    straight = f.seen(offset)
    taken = None if straight is None or f.count is None else f.count - straight
    cold = f.cold and taken is not None and taken <= 0 and f.count != 0 and point_of(f, label) is not None
    if cold or (label.loop and b.ping_pong and f.exits):
        target = t.label("exit")
        with b.aside(target):
            leave_to(b, f, label, "cold" if cold else "stress")
    elif b.fast is not None and b.fast.outside(label):
        target = t.label("out")
        with b.aside(target):
            jump(b, f, label)
    else:
        target = label.block
        label.incoming.append(arrive(b, f, label))
    after = t.label("next")
    t.emit(f"br i1 {condition}, label %{target}, label %{after}{weights(taken, straight)}")
    t.place(after)
    if f.rest is not None and f.rest[0] == i:
        f.vals += f.rest[1]()
        f.types += f.body.results
        return return_(b, f, None, i)
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
