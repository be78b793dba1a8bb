"""What waits for the compiler, the most valuable first."""

from operator import attrgetter

from wasmjit.tiers import policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Key = tuple[int, int, int]


class Job:
    """A function, or a loop in it, that is to be compiled.

    mod: address of the native module; loop: offset in the binary, 0 for the body; samples: that it had when it was asked for;
    nbytes: of wasm, what compiling costs; level: how strongly; again: it is compiled already, more cheaply. flow: joins its events.
    """

    __slots__ = ("mod", "function", "loop", "samples", "nbytes", "level", "again", "flow")

    def __init__(
        self, mod: int, function: int, loop: int, samples: int, nbytes: int, level: int, *, again: bool = False, flow: int | None = None
    ) -> None:
        self.mod = mod
        self.function = function
        self.loop = loop
        self.samples = samples
        self.nbytes = nbytes
        self.level = level
        self.again = again
        self.flow = flow

    @property
    def key(self) -> "Key":
        """What makes two jobs the same."""
        return self.mod, self.function, self.loop

    @property
    def rank(self) -> tuple[bool, float]:
        """The larger, the earlier: what is interpreted goes before what is only compiled cheaply; then by gain for the cost."""
        return not self.again, self.gain

    @property
    def gain(self) -> float:
        """Seconds that are saved for a second of compiling."""
        return policy.gain(self.samples, self.nbytes, self.level)

    @property
    def ripe(self) -> bool:
        """Whether it is worth its compile by now. One that takes long keeps all others waiting, so it has to have earned that."""
        return policy.ripe(self.samples, self.nbytes, self.level)


_ripe = attrgetter("ripe")
_rank = attrgetter("rank")


class Queue:
    """Jobs, each at most once. Not for several threads: who shares one has a lock."""

    def __init__(self, most: int = policy.QUEUED) -> None:
        self._jobs: dict[Key, Job] = {}
        self._most = most

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> "Iterator[Job]":
        return iter(self._jobs.values())

    def put(self, job: Job) -> "Job | None":
        """Add a job, or what is new about one that waits. Returns what had no room: the least valuable one, perhaps this."""
        waiting = self._jobs.get(job.key)
        if waiting is not None:
            if job.rank > waiting.rank:
                self._jobs[job.key] = job
            return None
        self._jobs[job.key] = job
        if len(self._jobs) <= self._most:
            return None
        least = min(self._jobs.values(), key=_rank)
        return self._jobs.pop(least.key)

    def ready(self) -> bool:
        """Whether `take` has something."""
        return any(map(_ripe, self._jobs.values()))

    def take(self) -> Job | None:
        """The most valuable job of those that are ripe, which is then no longer here; None if there is none."""
        best = max(filter(_ripe, self._jobs.values()), key=_rank, default=None)
        return None if best is None else self._jobs.pop(best.key)

    def forget(self, mod: int) -> None:
        """Drop the jobs of a module that has gone."""
        for key in [key for key in self._jobs if key[0] == mod]:
            del self._jobs[key]
