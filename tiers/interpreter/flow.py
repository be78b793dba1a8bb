"""What a call of a function and an iteration of a loop are expected to cost, from the shape of the code: the weights of samples.

Each place has a chance of being reached from the function's entry. A condition halves it; one that leaves a loop rarely holds, and a
table is as likely to lead to each of its targets. Where branches meet their chances add up, never beyond that of the block's beginning,
without which nobody comes to its end. Inside a loop chances are those of one iteration. A cost is the sum of the bytes of slot code, each
times its chance: an unrolled hash function costs all of it, the loop of an interpreter one of its many cases.
"""

from wasmjit.native.lang import boolean, fn, ptr, u32, u64
from wasmjit.runtime.codes import MOD_STRESS

from .state import IF, LOOP, Label, Trans

ONE = 1 << 16  # certain
LEAST = 16  # what is not dead may happen
RARE = 3  # conditions that leave a loop hold once in 2 to this
USUAL = 16  # bytes of a slot instruction
ENTER_WEIGHT = 6  # a call costs about as much as this many slot instructions
MAX_WEIGHT = 7000  # the entry is run again after a sample, with a budget that has to suffice
EVERY_TIME = 65535  # more than any budget


@fn
def flow_begin(t: ptr[Trans]) -> None:
    t.chance = ONE
    t.cost = 0
    t.costed = 0


@fn
def flow_spend(t: ptr[Trans]) -> None:
    """Account for the code up to here, which was reached by the chance so far."""
    if t.pos > t.costed:
        t.cost += (t.pos - t.costed) * t.chance
    t.costed = t.pos


@fn
def flow_open(t: ptr[Trans], label: ptr[Label]) -> None:
    """A block begins here, in code that is reached."""
    flow_spend(t)
    if t.chance < LEAST:
        t.chance = LEAST
    label.entry = u32(t.chance)
    label.level = t.labels[t.nlabels - 2].level if t.nlabels > 1 else u32(0)
    if label.kind == LOOP:
        label.level += 1
        label.cost = t.cost
    elif label.kind == IF:
        t.chance -= t.chance // 2


@fn
def flow_else(t: ptr[Trans], label: ptr[Label], dead: u32) -> None:
    """The other branch of an if begins."""
    flow_spend(t)
    if dead == 0:
        label.reach += u32(t.chance)
    t.chance = u64(label.entry // 2)


@fn
def flow_end(t: ptr[Trans], label: ptr[Label], dead: u32) -> None:
    """A block ends, and what follows is reached."""
    flow_spend(t)
    found = u64(label.entry)
    if label.kind != LOOP:
        found = u64(label.reach)
        if dead == 0:
            found += t.chance
        if label.kind == IF:
            found += u64(label.entry // 2)
        if found > u64(label.entry):
            found = u64(label.entry)
    t.chance = found


@fn
def flow_left(t: ptr[Trans], label: ptr[Label]) -> ptr[Label]:
    """The outermost loop that a forward branch to the label leaves, 0: none."""
    target = u64(label.level)
    k = t.nlabels
    found = ptr[Label](0)
    if u64(t.labels[k - 1].level) > target:
        while k > 0 and u64(t.labels[k - 1].level) > target:
            k -= 1
            if t.labels[k].kind == LOOP:
                found = t.labels[k]
    return found


@fn
def flow_take(t: ptr[Trans], label: ptr[Label], chance: u64, certain: boolean) -> u64:
    """A branch to the label is taken by this chance, or by a smaller one where it leaves a loop: that."""
    if label.kind == LOOP:
        return chance
    left = flow_left(t, label)
    if left == 0:
        label.reach += u32(chance)
        return chance
    label.reach += left.entry if certain else left.entry // 2  # in one of many iterations
    return chance if certain else chance >> (RARE - 1)


@fn
def flow_branch(t: ptr[Trans], label: ptr[Label]) -> None:
    """A conditional branch was emitted."""
    flow_spend(t)
    t.chance -= flow_take(t, label, t.chance // 2, False)


@fn
def loop_weight(t: ptr[Trans], label: ptr[Label]) -> u64:
    """Of an iteration that ends with a branch here."""
    if t.mod.flags & MOD_STRESS:
        return EVERY_TIME
    flow_spend(t)
    weight = (t.cost - label.cost) // u64(label.entry) // USUAL + 1
    return weight if weight < MAX_WEIGHT else u64(MAX_WEIGHT)


@fn
def enter_weight(t: ptr[Trans]) -> u64:
    """Of a call, at the function's end. Loops are in it once: their iterations have weights of their own."""
    flow_spend(t)
    weight = t.cost // ONE // USUAL + ENTER_WEIGHT
    return weight if weight < MAX_WEIGHT else u64(MAX_WEIGHT)
