"""The fast version of a loop: the conditions under which it may run, its counter, its accesses.

Before the loop it is computed in 64 bits how often it runs and what it touches. If all of that lies within the memory, nothing in it can
fault: its accesses are plain, their addresses a pointer plus a multiple of a counter of 64 bits, and the loop ends when that has counted.
LLVM can then do with it what it does with a loop of C. All values of locals are computed as before.

Plain stores must not move across accesses that may trap, which are all outside: `barrier` stands at the entry and at every way out.
"""

from wasmjit.runtime.structs import Inst, Mem
from wasmjit.tiers.optimizer.decode import Region
from wasmjit.tiers.optimizer.frames import Frame, Label
from wasmjit.tiers.optimizer.ranges_affine import Affine, signed
from wasmjit.tiers.optimizer.ranges_plan import Count, Plan
from wasmjit.tiers.optimizer.state import Builder
from wasmjit.tiers.optimizer.variables import known_global

Number = int | str  # of 64 bits: known, or a name
TOP = {True: ((1 << 31) - 1, -1 << 31), False: ((1 << 32) - 1, 0)}  # largest and smallest i32, by signedness


class Fast:
    """A fast version while it is built.

    counter: name of the number of the iteration; count: how many there are; bases: pointers of the groups. line: where the counter's
    phi goes. resume: what the slow version starts from, None without one.
    """

    __slots__ = ("region", "plan", "counter", "count", "bases", "line", "resume")

    def __init__(self, region: Region, plan: Plan, counter: str, count: Number, bases: list[str]) -> None:
        self.region, self.plan, self.counter, self.count, self.bases = region, plan, counter, count, bases
        self.line = 0
        self.resume: Resume | None = None

    def ends(self, i: int) -> bool:
        """Whether this is the br_if that counts."""
        return i == self.plan.counting.position

    def condition(self, b: Builder) -> str:
        """What the br_if that counts branches on."""
        return b.t.let(f"icmp {'ne' if self.plan.counting.stays else 'eq'} i64 {self.counter}.n, {self.count}")

    def outside(self, label: Label) -> bool:
        return label.region.start < self.region.start

    def pointer(self, b: Builder, i: int, offset: int) -> str:
        """Address of an access with that static offset."""
        number, distance = self.plan.accesses[i]
        distance += offset
        step = self.plan.groups[number].step
        t = b.t
        base = self.bases[number]
        if step:
            index = t.let(f"mul nsw i64 {self.counter}, {step}") if step != 1 else self.counter
            base = t.let(f"getelementptr inbounds{' nuw' if step > 0 else ''} i8, ptr {base}, i64 {index}")
        return t.let(f"getelementptr inbounds nuw i8, ptr {base}, i64 {distance}") if distance else base

    def close(self, b: Builder, label: Label) -> None:
        """Write the counter, now that the ways back to the header are known."""
        first, *back = [f"%{block}" for block, *_ in label.incoming]
        pairs = ", ".join([f"[ 0, {first} ]", *(f"[ {self.counter}.n, {block} ]" for block in back)])
        b.t.lines[self.line] = f"  {self.counter} = phi i64 {pairs}\n  {self.counter}.n = add nuw nsw i64 {self.counter}, 1"


class Resume:
    """The state before a loop, from which its other version is built."""

    __slots__ = ("block", "locals", "vals", "types", "globals", "reach", "count")

    def __init__(self, b: Builder, f: Frame, block: str) -> None:
        self.block, self.locals, self.vals, self.types = block, f.locals[:], f.vals[:], f.types[:]
        self.globals, self.reach, self.count = b.globals, b.reach.copy(), f.count

    def restore(self, b: Builder, f: Frame) -> None:
        f.locals[:], f.vals[:], f.types[:] = self.locals, self.vals, self.types
        b.globals, b.reach, f.count = self.globals, self.reach, self.count
        b.cache.clear()
        b.t.place(self.block)
        b.live = True


def barrier(b: Builder) -> None:
    """Nothing that reads or writes memory moves across."""
    b.memory = True
    b.t.emit('call void asm sideeffect "", "r,~{memory}"(ptr %mem)')


class Guard:
    """What is computed before a loop. conditions: i1 that must all be true; impossible: one is false already."""

    def __init__(self, b: Builder, f: Frame) -> None:
        self.b, self.f, self.t = b, f, b.t
        self.conditions: list[str] = []
        self.impossible = False

    def require(self, condition: bool | str) -> None:
        if isinstance(condition, str):
            self.conditions.append(condition)
        elif not condition:
            self.impossible = True

    def value(self, affine: Affine) -> Number:
        """A sum as an i32: its number, unsigned, or its name."""
        known, parts = affine.constant, []
        for key, factor in affine.terms:
            text = self.f.locals[key] if key >= 0 else known_global(self.b, ~key)
            if text[0] != "%":
                known += factor * int(text)
            else:
                parts.append(self.t.let(f"mul i32 {text}, {factor}") if factor != 1 else text)
        known &= 0xFFFFFFFF
        if not parts:
            return known
        total, *others = parts
        for part in others:
            total = self.t.let(f"add i32 {total}, {part}")
        return self.t.let(f"add i32 {total}, {signed(known)}") if known else total

    def extended(self, value: Number, is_signed: bool) -> Number:
        if isinstance(value, int):
            return signed(value) if is_signed else value
        return self.t.let(f"{'sext' if is_signed else 'zext'} i32 {value} to i64")

    def add(self, a: Number, b: Number) -> Number:
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        return a if b == 0 else b if a == 0 else self.t.let(f"add nsw i64 {a}, {b}")

    def scaled(self, a: Number, factor: int) -> Number:
        if isinstance(a, int):
            return a * factor
        return a if factor == 1 else self.t.let(f"mul nsw i64 {a}, {factor}") if factor else 0

    def at_most(self, a: Number, b: Number) -> bool | str:
        if isinstance(a, int) and isinstance(b, int):
            return a <= b
        return self.t.let(f"icmp sle i64 {a}, {b}")

    def rounds(self, count: Count) -> Number:
        """Number of the last iteration, from 0."""
        t, step = self.t, abs(count.step)
        if count.name == "ne":
            left = self.value(count.a) if count.step < 0 else self.negative(self.value(count.a))
            wide = self.extended(left, False)
            if step == 1:
                return wide
            if isinstance(wide, int):
                self.require(wide % step == 0)
                return wide // step
            self.require(t.let(f"icmp eq i64 {t.let(f'urem i64 {wide}, {step}')}, 0"))
            return t.let(f"udiv i64 {wide}, {step}")
        first, last = (self.extended(self.value(each), count.signed) for each in (count.a, count.b))
        up = count.step > 0
        low, high = (first, last) if up else (last, first)
        span = self.add(high, self.scaled(low, -1))
        span = self.add(span, step - (count.name[0] + count.name[1] in ("lt", "gt")))  # to be divided, rounded up
        if isinstance(span, int):
            rounds: Number = max(span, 0) // step
        else:
            positive = t.let(f"select i1 {t.let(f'icmp slt i64 {span}, 0')}, i64 0, i64 {span}")
            rounds = t.let(f"udiv i64 {positive}, {step}") if step != 1 else positive
        if step != 1 or count.name in ("le", "ge"):
            reached = self.add(first, self.scaled(rounds, count.step))
            largest, smallest = TOP[count.signed]
            self.require(self.at_most(reached, largest) if up else self.at_most(smallest, reached))
        return rounds

    def negative(self, value: Number) -> Number:
        return -value & 0xFFFFFFFF if isinstance(value, int) else self.t.let(f"sub i32 0, {value}")

    def ranges(self, plan: Plan, rounds: Number, least: int) -> list[Number]:
        """Every group lies within the memory, of at least so many bytes; offsets of their bases."""
        bases: list[Number] = []
        nbytes = ""
        for group in plan.groups:
            base = self.extended(self.value(group.base), False)
            bases.append(base)
            moved = self.add(base, self.scaled(rounds, group.step)) if group.step else base
            if group.step < 0:
                self.require(self.at_most(0, moved))
            end = self.add(moved if group.step > 0 else base, group.extent)
            if isinstance(end, int) and end <= least:
                continue
            if not nbytes:
                nbytes = self.b.field(Mem, self.b.field(Inst, "%inst", "mem0"), "nbytes", "i64", invariant=False)
            self.require(self.at_most(end, nbytes))
        return bases


def prepare(b: Builder, f: Frame, region: Region, plan: Plan) -> tuple[Fast, list[Number], list[str]] | None:
    """Compute the guard of a loop: its fast version, offsets of the groups' bases, conditions. None: it can never run."""
    guard = Guard(b, f)
    rounds = guard.rounds(plan.counting)
    offsets = guard.ranges(plan, rounds, b.view.memories[0][1])
    if guard.impossible:
        return None
    count = guard.add(rounds, 1)
    return Fast(region, plan, f"%{b.t.label('k')}", count, []), offsets, guard.conditions
