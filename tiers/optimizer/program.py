"""What the functions of one unit share: the request, the view, text, numbers of exits, what was inlined."""

import os

from wasmjit.tiers import policy
from wasmjit.tiers.optimizer.decode import Body
from wasmjit.tiers.optimizer.ranges_plan import Plan
from wasmjit.tiers.optimizer.request import BODY, HOST, Profile, Request
from wasmjit.tiers.optimizer.text import UnitText
from wasmjit.tiers.optimizer.view import View, view

Points = dict[tuple[int, int], tuple[int, int]]
NO_POINTS: Points = {}
STACK_POINTER = {"x86_64": "rsp"}
DECLARATIONS = ("declare i64 @llvm.read_register.i64(metadata)",)


class Program:
    """State of a build. exits: (function, wasm offset, reason) by number; inlined: (caller's sites, callee).

    folds: whether loads may become part of what takes their value; folded: sites of those that may, of which that may be no code.
    seals: whether i32.load keeps its place whatever it costs: where sites have code more than once, it would not be seen.
    """

    def __init__(self, request: Request, folds: bool = True) -> None:
        self.request = request
        self.folds = folds
        self.seals = not folds or request.options.level >= policy.LEVEL_FULL or any(loop != BODY for _, loop in request.entries)
        self.folded: set[int] = set()
        self.view: View = view(request.source.head)
        self._bodies: dict[int, Body] = {}
        self.text = UnitText()
        self.profiles = dict(request.profiles)
        self.checked = request.checked
        self.canonical = request.canonical
        machine = request.target.machine if request.target is not None and request.target.triple else os.uname().machine
        self.stack_pointer = STACK_POINTER.get(machine, "sp")
        for declaration in DECLARATIONS:
            self.text.declare(declaration)
        self.stress = request.options.stress
        self.exits: list[tuple[int, int, str]] = []
        self.inlined: list[tuple[tuple[tuple[int, int], ...], int]] = []
        self.bodies = {function for function, loop in request.entries if loop == 0}  # called directly
        self.plans: dict[tuple[int, int], Plan | None] = {}  # of loops, by function and position
        self.forms: set[int] = set()  # functions whose profiled form exits land in
        self.size = 0  # instructions built, inlined ones again each time
        self._prunes: dict[int, bool] = {}

    def inlinable(self, function: int) -> bool:
        """Whether a function of the module's own is at hand, and so small that it is worth a look."""
        body = self.request.source.bodies.get(function)
        return body is not None and len(body[1]) <= policy.INLINE_BYTES

    def body(self, function: int) -> Body:
        """A function whose body is at hand, decoded when it is first asked for."""
        found = self._bodies.get(function)
        if found is None:
            found = self._bodies[function] = self.view.body(function, *self.request.source.bodies[function])
        return found

    def points(self, function: int) -> Points:
        """Canonical points of a function's profiled form; none when it has no profile."""
        profile = self.profile(function)
        return NO_POINTS if profile is None else profile.points

    def profile(self, function: int) -> Profile | None:
        """What was counted of a function."""
        found = self.profiles.get(function)
        if isinstance(found, tuple):
            found = self.profiles[function] = Profile.of(found)
        return found

    def targets(self, function: int, offset: int) -> list[tuple[int, int]]:
        """Functions that a call_indirect called, most frequent first, with counts; HOST for those of others."""
        profile = self.profile(function)
        return [] if profile is None else profile.targets.get(offset, [])

    def prunes(self, function: int) -> bool:
        """Whether what the profile never saw is left out: it saw something, and no unit before failed by that."""
        found = self._prunes.get(function)
        if found is None:
            seen = any(count for _, count in self.points(function).values())
            found = self._prunes[function] = seen and function not in self.request.options.all_blocks
        return found


__all__ = ["HOST", "Points", "Program"]
