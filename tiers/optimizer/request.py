"""What a compile is asked for: everything that the unit depends on, as plain data. Imported where programs run: imports little."""

from struct import iter_unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from wasmjit.native.target import Target

    Records = tuple[bytes, bytes]  # those of a function, which become a Profile only where it is looked at

BODY = 0  # stands for a loop's offset where the body itself is meant
HOST = -1  # a called function that is none of the module's own
POINT, TARGET = "<IIIIQ", "<IIQ"  # records of profile_points and profile_targets
NO_FUNCTION = 0xFFFF_FFFF


class Profile:
    """What was counted of one function.

    points: (wasm offset, 1 behind the instruction | 0 before it) -> (slot offset in the profiled form, how often control came there).
    targets: wasm offset of a call_indirect -> [(function index, or HOST for functions of others, count)], most frequent first.
    """

    __slots__ = ("points", "targets")

    def __init__(self, points: "dict[tuple[int, int], tuple[int, int]]", targets: "dict[int, list[tuple[int, int]]] | None" = None) -> None:
        self.points = points
        self.targets = {} if targets is None else targets

    @classmethod
    def of(cls, records: "Records") -> "Profile":
        """What the records say."""
        points = {(wasm, after): (slot, count) for wasm, after, slot, _, count in iter_unpack(POINT, records[0])}
        targets: dict[int, list[tuple[int, int]]] = {}
        for wasm, callee, count in iter_unpack(TARGET, records[1]):
            targets.setdefault(wasm, []).append((HOST if callee == NO_FUNCTION else callee, count))
        for rows in targets.values():
            rows.sort(key=lambda row: -row[1])
        return cls(points, targets)


class Options:
    """How to compile.

    level: index of compile.PIPELINES, the cheapest first. all_blocks: functions compiled without cold exits. no_devirt: functions
    whose indirect calls are not guessed. stress: exits that fire without need, "" for none.
    """

    __slots__ = ("level", "stress", "all_blocks", "no_devirt")

    def __init__(
        self, level: int = 1, stress: str = "", all_blocks: frozenset[int] = frozenset(), no_devirt: frozenset[int] = frozenset()
    ) -> None:
        self.level = level
        self.stress = stress
        self.all_blocks = all_blocks
        self.no_devirt = no_devirt


class Source:
    """The part of a module that a request is about. What is not in it has no influence on the unit.

    nbytes: of the whole binary. head: the sections that tell types, imports, functions, memories and globals, as they stand there.
    bodies: by function, the offset of its vector of locals in the binary, and its bytes from there on.

    Who sends several sends only what the receiver has not got yet: `less` leaves that out, `more` fills it in.
    """

    __slots__ = ("nbytes", "head", "bodies")

    def __init__(self, nbytes: int = 0, head: bytes = b"", bodies: "dict[int, tuple[int, bytes]] | None" = None) -> None:
        self.nbytes = nbytes
        self.head = head
        self.bodies = {} if bodies is None else bodies

    def less(self, known: "Source") -> "Source":
        """This without what stands in another one, which then has this too."""
        if known.head != self.head or known.nbytes != self.nbytes:
            known.nbytes, known.head, known.bodies = self.nbytes, self.head, dict(self.bodies)
            return self
        old = known.bodies
        left = {function: (body[0], b"") if old.get(function) == body else body for function, body in self.bodies.items()}
        old.update(self.bodies)
        return Source(self.nbytes, b"", left)

    def more(self, known: "Source") -> "Source":
        """This with what `less` left out because it stands in another one, which then has this too."""
        if self.head or known.nbytes != self.nbytes:
            known.nbytes, known.head, known.bodies = self.nbytes, self.head, dict(self.bodies)
            return self
        old = known.bodies
        old.update((function, body) for function, body in self.bodies.items() if body[1])
        return Source(known.nbytes, known.head, {function: old[function] for function in self.bodies})


class Request:
    """source: what the compiler gets to see of the module. checked: accesses compare with the memory's length.
    canonical: arithmetic gives no NaN but the canonical one.

    entries: (function, loop's wasm offset | BODY). profiles: by function; functions without one are compiled whole. target: None for the
    machine that runs.
    """

    __slots__ = ("source", "entries", "profiles", "checked", "options", "target", "canonical")

    def __init__(
        self,
        source: Source,
        entries: tuple[tuple[int, int], ...],
        profiles: "Mapping[int, Profile | Records] | None" = None,
        checked: bool = False,
        options: Options | None = None,
        target: "Target | None" = None,
        canonical: bool = False,
    ) -> None:
        self.source = source
        self.entries = entries
        self.profiles = {} if profiles is None else profiles
        self.checked = checked
        self.options = Options() if options is None else options
        self.target = target
        self.canonical = canonical
