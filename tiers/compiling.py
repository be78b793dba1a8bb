"""One job from request to installed code: what it is compiled from, where, and what is said of it."""

import threading
import warnings
from time import monotonic_ns

from wasmjit._image import native
from wasmjit.profiler import events
from wasmjit.runtime.codes import PHASE_REFUSED
from wasmjit.tiers import policy
from wasmjit.tiers.counts import packed
from wasmjit.tiers.store import Entry, Kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from wasmjit._module import Module
    from wasmjit.tiers.optimizer.request import Records, Request, Source
    from wasmjit.tiers.workers import Workers

N = native()


class Refusal(Exception):
    """This will not be compiled, or could not. The message says why."""


NO_COMPILER = "llvmlite, which compiles, cannot be imported ({error}): pip install llvmlite"


class NoWorkers(Refusal):
    """There is no process to compile in."""


class State:
    """What is known of a module while it lives."""

    __slots__ = ("source", "levels", "entry", "new", "gone", "_counted", "_writing")

    def __init__(self, module: "Module") -> None:
        config = module.config
        kept = config.cache is not False and config.stress is None and not config.deterministic
        self.source: Source | None = None  # what requests have had of it, kept while it is being compiled
        self.levels: dict[int, int] = {}  # function: how strongly it was compiled
        self.entry = Entry(module) if kept else None  # where its code is kept
        self.new: list[Kept] = []  # what is not written there yet
        self.gone: set[tuple[int, int]] = set()  # entries there that were given up
        self._counted: dict[int, Records] | None = None
        self._writing = threading.Lock()

    def earlier(self, module: "Module") -> "dict[int, Records]":
        """What earlier runs counted of functions whose code was kept. It is read once."""
        if self._counted is None:
            self._counted = {}
            if self.entry is not None and self.entry.size():
                self.entry.fingerprint(module)
                self._counted = self.entry.counted()
        return self._counted

    def add(
        self, module: "Module", entries: "Iterable[tuple[int, int]]", level: int, data: bytes, counted: "Mapping[int, Records]"
    ) -> None:
        """Units were installed: they are to be kept. counted: of their functions, what they were made from."""
        entries = tuple(entries)
        for function, _ in entries:
            self.levels[function] = level
        if self.entry is not None:
            self.entry.fingerprint(module)
            self.new.append(Kept(entries, level, data, packed(counted)))

    def keep(self) -> None:
        """Write what is new. When this returns nobody else is writing it either: the process may end."""
        if self.entry is None or not self._writing.acquire(timeout=policy.PATIENCE):
            return
        try:
            new, gone = self.taken()
            if (new or gone) and self.entry.binary:
                self.entry.write(new, gone, llvm_version())
        finally:
            self._writing.release()

    def taken(self) -> "tuple[list[Kept], set[tuple[int, int]]]":
        """What is not written yet, and entries there that were given up: the caller has to see to it from now on."""
        new, gone = self.new, self.gone
        self.new, self.gone = [], set()
        return new, gone


class Compiler:
    """Compiles requests in this process or in workers.

    inprocess: whether LLVM may run in this process at all. The child of a fork must not: another thread of its parent may have been
    inside of LLVM, whose locks and memory are as they were at that moment.
    """

    def __init__(self) -> None:
        self.inprocess = True
        self.missing: str | None = None  # why there is no compiler, "" if there is one, None before that was looked at
        self._workers: Workers | None = None
        self._lock = threading.Lock()

    def compile(self, module: "Module", request: "Request", nbytes: int) -> bytes:
        """The packed unit for a request whose functions have so many bytes of wasm. Raises Refusal."""
        if self.missing is None:
            self.missing = available()
            if self.missing:
                warnings.warn(f"wasmjit: what is hot stays interpreted: {self.missing}", RuntimeWarning, stacklevel=1)
        if self.missing:
            raise Refusal(self.missing)
        if nbytes > policy.LARGEST_REQUEST:
            raise Refusal(f"too large: {nbytes} bytes of wasm, at most {policy.LARGEST_REQUEST} are compiled")
        where = module.config.compile
        here = self.inprocess and where != "processes" and harmless(module.address, request, nbytes)
        if here and where != "auto":
            return compile_here(request)
        try:
            return self.workers().compile(request)
        except NoWorkers:
            if not here:
                raise
        return compile_here(request)

    def prepare(self) -> None:
        """Requests are likely to come that workers compile: start one, if there is a compiler, and return when it is ready."""
        if self._workers is None and not (available() if self.missing is None else self.missing):
            self.workers().prepare()

    def require(self) -> None:
        """Raise ImportError if there is no compiler."""
        self.missing = available()
        if self.missing:
            raise ImportError(self.missing)

    def pool(self, most: int) -> "Workers":
        """Workers of one's own."""
        from wasmjit.tiers.workers import Workers

        return Workers(most)

    def workers(self) -> "Workers":
        """The worker processes; at first none is started."""
        from wasmjit.tiers.workers import Workers

        with self._lock:
            if self._workers is None:
                self._workers = Workers()
            return self._workers

    def close(self) -> None:
        """End the worker processes, without waiting for that."""
        with self._lock:
            if self._workers is not None:
                self._workers.close(wait=False)
                self._workers = None

    def forked(self) -> None:
        """In the child of a fork, which has no workers."""
        if self._workers is not None:
            self._workers.forked()


def harmless(mod: int, request: "Request", nbytes: int) -> bool:
    """Whether LLVM can be trusted with a request in this process: its fatal errors would end that."""
    if nbytes > policy.LARGEST_INPROCESS:
        return False
    return all(len(types) <= policy.LARGEST_ARITY for function, _ in request.entries for types in N.mod_functype(mod, function))


def compile_here(request: "Request") -> bytes:
    """Compile in this thread. Raises Refusal."""
    from wasmjit.tiers.optimizer.compile import compile_unit
    from wasmjit.tiers.optimizer.unit import Refused

    try:
        return compile_unit(request).pack()
    except Refused as refused:
        raise Refusal(str(refused)) from None
    except MemoryError:
        raise Refusal("no memory for the compiler") from None


def llvm_version() -> str:
    """Of llvmlite, and so of the LLVM in it, which this does not load."""
    import llvmlite

    return str(llvmlite.__version__)


def available() -> str:
    """Why nothing can be compiled here, "" if it can. Does not import llvmlite."""
    from importlib.util import find_spec

    try:
        found = find_spec("llvmlite")
    except (ImportError, ValueError) as error:
        return NO_COMPILER.format(error=error)
    return "" if found else NO_COMPILER.format(error="it is not installed")


def run(compiler: Compiler, module: "Module", request: "Request", nbytes: int, flow: int | None) -> tuple[int, bytes, str]:
    """Compile a request and install its code: (the unit, its packed form, ""), or (0, b"", why there is none)."""
    told = Story(module, request.entries, flow)
    told.begin(nbytes, request.options.level)
    began = monotonic_ns()
    try:
        data = compiler.compile(module, request, nbytes)
    except Refusal as refusal:
        return 0, b"", str(refusal)
    except Exception as error:
        return 0, b"", f"{type(error).__name__}: {error}"
    told.end(data, nbytes, monotonic_ns() - began)
    handle = N.unit_install(module.address, data)
    if not handle:
        return 0, b"", "its code could not be installed"
    told.install(handle, data)
    return handle, data, ""


def refuse(module: "Module", entries: "Sequence[tuple[int, int]]", reason: str, flow: int | None = None) -> None:
    """Let functions stay interpreted."""
    for function, loop in entries:
        N.unit_retire(module.address, function, PHASE_REFUSED)
        if events.active:
            events.emit("refuse", reason=reason, flow=flow, **named(module, function, loop))


def named(module: "Module", function: int, loop: int = 0) -> "dict[str, Any]":
    """The fields of events that say which function they are about."""
    return {
        "mod": module.address,
        "module": module.name,
        "function": function,
        "name": module.func_name(function),
        "pc": loop or None,
    }


class Story:
    """The events of one compile."""

    def __init__(self, module: "Module", entries: "Sequence[tuple[int, int]]", flow: int | None) -> None:
        self.module = module
        self.entries = entries
        self.flow = flow

    def begin(self, nbytes: int, level: int) -> None:
        """It begins."""
        if events.active:
            fields = named(self.module, *self.entries[0])
            events.emit("begin", flow=self.flow, wasm_bytes=nbytes, reason=f"level {level}", worker=self.worker, **fields)

    def end(self, data: bytes, nbytes: int, duration: int) -> None:
        """It ended with this unit."""
        if events.active:
            fields = named(self.module, *self.entries[0])
            events.emit("end", flow=self.flow, wasm_bytes=nbytes, code_bytes=len(data), duration=duration, worker=self.worker, **fields)

    def install(self, handle: int, data: bytes) -> None:
        """It is in place."""
        if not events.active:
            return
        from wasmjit.tiers.optimizer.unit import REASONS, Unit

        unit = Unit.unpack(data)
        exits = tuple((function, wasm, REASONS[reason]) for function, wasm, reason in unit.exits)
        for site, callee in unit.inlined:
            function, wasm = site[0]
            events.emit("inline", flow=self.flow, callee=callee, **named(self.module, function, wasm))
        for function, loop, *_ in unit.entries:
            fields = named(self.module, function, loop) | {"tier_from": "interp", "tier_to": "opt"}
            events.emit("install", flow=self.flow, code_bytes=unit.text, unit=handle, exits=exits, **fields)

    @property
    def worker(self) -> str:
        """Which thread compiles."""
        return threading.current_thread().name
