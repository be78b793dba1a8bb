"""From what a loop does to what must hold before it: how its iterations are counted, which ranges of memory it touches."""

from typing import NamedTuple

from wasmjit.tiers.optimizer.decode import Body, Region
from wasmjit.tiers.optimizer.ranges_affine import NEGATED, Affine, Relation, Terms, plus, signed
from wasmjit.tiers.optimizer.ranges_loop import Branch, Loop, look
from wasmjit.tiers.optimizer.view import View

SWAPPED = {"lt_s": "gt_s", "lt_u": "gt_u", "gt_s": "lt_s", "gt_u": "lt_u", "le_s": "ge_s", "le_u": "ge_u", "ge_s": "le_s", "ge_u": "le_u"}
LARGEST_STEP = 1 << 24  # bytes an iteration: with 2^32 iterations everything stays far below 2^63
SHARED, WIDE = 2, 4  # flags of a memory: other threads see every store, addresses of 64 bits
DISTANCE = 1 << 20  # bytes between addresses of one group


class Count(NamedTuple):
    """When a loop ends, in values at its entry: `a` + `step` * k `name` `b` holds in iteration k unless that is the last one.

    name is "ne" with b = 0, or "lt", "le" with a positive step, "gt", "ge" with a negative one. Position and stays: of the br_if.
    """

    position: int
    stays: bool
    name: str
    signed: bool
    a: Affine
    b: Affine
    step: int


class Group(NamedTuple):
    """Accesses at a common distance. base: the lowest one's address at entry; step: bytes an iteration; extent: bytes behind base."""

    base: Affine
    step: int
    extent: int


class Plan(NamedTuple):
    """accesses: by position, (number of the group, bytes behind its base)."""

    counting: Count
    groups: list[Group]
    accesses: dict[int, tuple[int, int]]


def plan(view: View, body: Body, region: Region) -> Plan | None:
    """How to guard a loop, None when it cannot be."""
    if not view.memories or view.memories[0][0] & (SHARED | WIDE):
        return None
    loop = look(view, body, region)
    if loop is None:
        return None
    count = next((found for branch in loop.branches if (found := _count(loop, region, branch)) is not None), None)
    if count is None:
        return None
    groups: dict[tuple[Terms, int, int], list[tuple[int, int, int]]] = {}  # by what is common: (constant, position, bytes up to its end)
    for position, access in loop.accesses.items():
        affine = at_entry(loop, region, access.address)
        if affine is None or abs(affine[1]) > LARGEST_STEP:
            return None
        base, step = affine
        place = signed(base.constant)
        groups.setdefault((base.terms, step, place // DISTANCE), []).append((place, position, access.offset + access.size))
    made: list[Group] = []
    accesses = {}
    for (terms, step, _), members in groups.items():
        lowest = min(place for place, _, _ in members)
        for place, position, _ in members:
            accesses[position] = len(made), place - lowest
        made.append(Group(Affine(terms, lowest & 0xFFFFFFFF), step, max(place - lowest + end for place, _, end in members)))
    return Plan(count, made, accesses)


def at_entry(loop: Loop, region: Region, value: Affine) -> tuple[Affine, int] | None:
    """A value of iteration k as (sum of values at entry, factor of k)."""
    step = 0
    for key, factor in value.terms:
        if key in region.locals:
            if key not in loop.steps:
                return None
            step += factor * loop.steps[key]
    return value, signed(step)


def _count(loop: Loop, region: Region, branch: Branch) -> Count | None:
    condition = branch.condition
    if isinstance(condition, Affine):
        condition = Relation("ne", condition, Affine((), 0))
    if condition is None:
        return None
    name = condition.name if branch.stays else NEGATED[condition.name]
    if name == "eq":
        return None
    if name == "ne":
        found = at_entry(loop, region, plus(condition.a, condition.b, -1))
        if found is None or not found[1]:
            return None
        return Count(branch.position, branch.stays, name, False, found[0], Affine((), 0), found[1])
    first, second = at_entry(loop, region, condition.a), at_entry(loop, region, condition.b)
    if first is None or second is None:
        return None
    if second[1]:
        first, second, name = second, first, SWAPPED[name]
    if second[1] or not first[1] or (first[1] > 0) != (name[0] == "l"):
        return None
    return Count(branch.position, branch.stays, name[:2], name[-1] == "s", first[0], second[0], first[1])
