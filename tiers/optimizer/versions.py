"""Loops in two versions: a fast one behind a guard (ranges.py), and the loop as it is for when the guard fails."""

from wasmjit.tiers import policy
from wasmjit.tiers.optimizer import control
from wasmjit.tiers.optimizer.decode import Region
from wasmjit.tiers.optimizer.frames import Frame, Label
from wasmjit.tiers.optimizer.labels import close_loop, jump
from wasmjit.tiers.optimizer.ranges import Resume, barrier, prepare
from wasmjit.tiers.optimizer.ranges_plan import Plan, plan
from wasmjit.tiers.optimizer.state import Builder
from wasmjit.tiers.optimizer.text import ROLLED, UNLIKELY


def planned(b: Builder, f: Frame, region: Region, i: int) -> Plan | None:
    """How to guard a loop; None: it stays as it is, because it cannot be guarded or would not gain."""
    if b.program.request.options.level < policy.LEVEL_FULL or b.ping_pong or region.end - i > policy.RANGES_LARGEST:
        return None
    seen = f.seen(f.body.offsets[i])
    if seen == 0 or (seen is not None and f.count and seen < policy.RANGES_ROUNDS * f.count):
        return None
    plans = b.program.plans
    key = f.function, i
    if key not in plans:
        plans[key] = plan(b.view, f.body, region)
    return plans[key]


def loop(b: Builder, f: Frame, region: Region, i: int) -> int:
    found = planned(b, f, region, i)
    prepared = prepare(b, f, region, found) if found is not None else None
    if prepared is None:
        return control.loop(b, f, region, i)
    fast, offsets, conditions = prepared
    t = b.t
    if conditions:
        condition, *others = conditions
        for other in others:
            condition = t.let(f"and i1 {condition}, {other}")
        slow, chosen = t.label("slow"), t.label("fast")
        t.emit(f"br i1 {t.let(f'xor i1 {condition}, true')}, label %{slow}, label %{chosen}{UNLIKELY}")
        fast.resume = Resume(b, f, slow)
        t.place(chosen)
    barrier(b)
    for offset in offsets:
        fast.bases.append(t.let(f"getelementptr inbounds nuw i8, ptr %mem, i64 {offset}"))
    b.fast = fast
    at = control.loop(b, f, region, i)
    fast.line = f.labels[-1].line + 1
    t.lines.insert(fast.line, "")
    return at


def end(b: Builder, f: Frame, region: Region, i: int) -> int:
    fast = b.fast
    if b.slow is region:
        b.slow = None
        rolled(b, f.labels[-1])
    if fast is None or fast.region is not region:
        return control.end(b, f, region, i)
    b.fast = None
    label = f.labels[-1]
    fast.close(b, label)
    if b.live:
        barrier(b)
    if fast.resume is None:
        return control.end(b, f, region, i)
    f.labels.pop()
    close_loop(b, label)
    join = label.join or Label(region, b.t.label("end"), region.results, label.height, fast.resume.reach.copy())
    if b.live:
        jump(b, f, join)
    fast.resume.restore(b, f)
    b.slow = region
    at = control.loop(b, f, region, region.start)
    f.labels[-1].join = join  # no label of its own: branches count labels
    return at


def rolled(b: Builder, label: Label) -> None:
    """The loop at the label hardly ever runs: it is not unrolled."""
    lines, target = b.t.lines, f"label %{label.block}"
    for n in range(label.line, len(lines)):
        if lines[n].startswith("  br ") and target in lines[n][5:].split(", "):
            lines[n] += ROLLED


HANDLERS = {"loop": loop, "end": end}
