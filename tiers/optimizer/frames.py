"""Frames of wasm functions at compile time: their values as SSA names, and where each has its slot."""

from collections.abc import Callable

from wasmjit.tiers.optimizer.decode import Body, Region
from wasmjit.tiers.optimizer.liveness import live_locals
from wasmjit.tiers.optimizer.program import Program
from wasmjit.tiers.optimizer.text import Frames

ZERO = {"i32": "0", "i64": "0", "float": "0.0", "double": "0.0"}
Reach = dict[str, tuple[int, int, str]]
MOST_SLOTS = 4096  # of all frames of an exit: stacks keep that much room above the innermost frame
OPERANDS = 256  # slots left for the operands of the innermost frame
Rest = tuple[int, Callable[[], list[str]]]
Arrival = tuple[str, list[str], list[str], dict[int, str]]  # from which block, with which locals, operands, known globals


class Label:
    """Where a branch goes. Forward: `incoming` collects what comes along; a loop's is placed at once and gets its phis at its end.

    block: LLVM label. results: types of the operands that a branch takes. height: operands below it. reach: what was known to be
    accessible when it was opened. other: of an if with an else, what arrives there; None once it is done. peeled: the rest of an
    iteration of a loop that was entered in its middle; branches to it begin the loop. join: of that loop, where it and the rest meet.
    """

    __slots__ = ("region", "block", "results", "height", "incoming", "reach", "other", "loop", "peeled", "join", "phis", "floats", "line")

    def __init__(self, region: Region, block: str, results: tuple[str, ...], height: int, reach: Reach) -> None:
        self.region, self.block, self.results, self.height, self.reach = region, block, results, height, reach
        self.incoming: list[Arrival] = []
        self.other: tuple[str, Arrival] | None = None  # its block
        self.loop = self.peeled = False
        self.join: Label | None = None
        self.phis: list[tuple[str, str, int]] = []  # of a loop: name, type, local or ~operand
        self.floats: list[int] = []  # of a loop: its locals and ~operands that are floats
        self.line = 0  # of a loop: where its phis go


class Frame:
    """An activation: of the function that an LLVM function is made of, or of one inlined into it.

    vals, types: operands. base: its slot 0 counted from the outermost frame's. at: position of the instruction at hand; of a caller, of
    its call. callers: sites of the frames around, innermost first. count: how often the profile saw the block at hand, None unknown.
    exits: whether all frames up to this one can be rebuilt; cold: whether what was never seen is left out. rest: the position of a br_if
    behind which the function itself is called instead, and what builds that and gives its results.
    """

    __slots__ = (
        "body", "function", "parent", "callers", "base", "depth", "vals", "types", "locals", "labels", "at", "count", "points", "cold",
        "exits", "live", "rest",
    )  # fmt: skip

    def __init__(self, program: Program, body: Body, locals: list[str], parent: "Frame | None" = None) -> None:
        self.body, self.function, self.parent, self.locals = body, body.function, parent, locals
        self.vals: list[str] = []
        self.types: list[str] = []
        self.labels: list[Label] = []
        self.at = 0
        self.count: int | None = None
        self.rest: Rest | None = None
        self.points = program.points(self.function)
        self.callers: Frames = ()
        self.base = self.depth = 0
        self.exits = bool(self.points)
        if parent is not None:
            place = parent.body.offsets[parent.at]
            self.callers = ((parent.function, place), *parent.callers)
            self.base = parent.base + parent.body.base + len(parent.vals)
            self.depth = parent.depth + 1
            self.exits = self.exits and parent.exits and (place, 1) in parent.points
        if self.base + body.base + OPERANDS > MOST_SLOTS:
            self.exits = False
        self.cold = self.exits and program.prunes(self.function)
        if body.live is None:
            body.live = live_locals(body)
        self.live = body.live

    def reads(self, position: int) -> int:
        """The locals that are read behind an instruction, as a bit mask."""
        return self.live.get(position, -1)

    def seen(self, offset: int, after: int = 1) -> int | None:
        """How often the profile saw a point, None when it does not know it."""
        point = self.points.get((offset, after))
        return None if point is None else point[1]
