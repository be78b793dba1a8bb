"""What makes functions faster: takes requests of native code and compiles them, in a thread beside the program or at once.

Imported when the first function is hot, or the tier asks. Native code queues requests, which `serve` takes out; those of modules that
compile "sync" go to `promote`, and functions of tier "opt" to `compile_first`, in the thread that runs them.
"""

import atexit
import threading
import warnings
from time import monotonic, sleep

from wasmjit._image import native
from wasmjit.profiler import events
from wasmjit.runtime.codes import PHASE_COLD, PHASE_COMPILED
from wasmjit.tiers import compiling, policy
from wasmjit.tiers.compiling import Compiler, State
from wasmjit.tiers.queue import Job, Queue
from wasmjit.tiers.snapshot import entries_of, extent_of, nbytes_of, own_counts, own_functions, request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wasmjit._config import Config
    from wasmjit._module import Module

N = native()

THREAD = "wasmjit compiler"


class Engine:
    """The one of the process. find: the Module of an address, None once it is gone."""

    def __init__(self, find: "Callable[[int], Module | None]") -> None:
        self.find = find
        self.compiler = Compiler()
        self._queue = Queue()
        self._states: dict[int, State] = {}  # by module
        self._cheap: dict[int, Job] = {}  # by unit: what was compiled cheaply first
        self._ending = False
        self._busy = False  # the thread compiles
        atexit.register(self.end)

    # what native code calls for

    def promote(self, module: "Module", function: int, loop: int) -> None:
        """Compile in the running thread what native code asks for."""
        self._compile(module, self._job(module, function, loop, 0))

    def compile_first(self, module: "Module", function: int) -> None:
        """Compile a function of tier "opt" before it runs for the first time, and with it all others of a small module."""
        mod, state = module.address, self._state(module)
        everything = list(own_functions(mod))
        groups = [[function]]
        if len(everything) > 1 and sum(nbytes_of(mod, other) for other in everything) <= policy.WHOLE_MODULE:
            groups.insert(0, everything)
        reason = ""
        for functions in groups:
            nbytes = sum(nbytes_of(mod, other) for other in functions)
            request = request_of(module, state, [(other, 0) for other in functions], _level(module, nbytes), profiled=False)
            _, data, reason = compiling.run(self.compiler, module, request, nbytes, _flow())
            if data:
                state.add(module, request.entries, request.options.level, data, {})
                return
        compiling.refuse(module, [(function, 0)], reason)

    def compile_ahead(
        self,
        module: "Module",
        functions: "Iterable[int] | None",
        profile: "Iterable[tuple[int, int, int]] | None",
        progress: "Callable[[int, int], object] | None",
        level: int | None,
    ) -> int:
        """See Module.compile."""
        from wasmjit.tiers import ahead

        if level is None:
            level = module.config.thresholds["level"]
        if level is None:
            level = policy.LEVEL_FULL
        wanted = ahead.wanted_of(module, profile, functions)
        return ahead.compile_all(self.compiler, module, self._state(module), wanted, level, progress)

    def serve(self, processes: bool) -> None:
        """Take requests and compile until nothing is asked for any more, in a thread for that. processes: most of them in workers."""
        thread = threading.current_thread()
        thread.name = THREAD
        if processes and not self._ending:  # what is asked for meanwhile goes on being profiled, and is not looked at before it is compiled
            self._accept(N.requests_wait(-1.0))
            self.compiler.prepare()
        pause = policy.POLL
        written = monotonic()
        while not self._ending:
            ready = self._queue.ready()
            if not ready and monotonic() - written > policy.KEEP_EVERY:
                self._keep()
                written = monotonic()
            waiting = bool(self._queue or self._cheap)
            rows = N.requests_wait(-1.0 if ready else pause if waiting else policy.IDLE)
            self._accept(rows)
            self._renew()
            looked = self._look()
            job = self._queue.take()
            if job is not None:
                self._do(job)
            elif not (rows or looked or waiting):
                break
            pause = policy.POLL if job or rows or looked else min(2 * pause, policy.IDLE)
        if not self._ending:  # then `end` does it: this thread may be stopped anywhere
            self._keep()
        for state in self._states.values():
            state.source = None

    # one job

    def _job(self, module: "Module", function: int, loop: int, samples: int) -> Job:
        nbytes = extent_of(module.address, function)
        return Job(module.address, function, loop, samples, nbytes, _level(module, nbytes), flow=_flow())

    def _compile(self, module: "Module", job: Job) -> None:
        """Compile and install, or refuse. A function keeps the code that it has if there is no better one for it."""
        mod, state = module.address, self._state(module)
        entries = entries_of(mod, job.function, job.loop)
        _, _, phase, given_up, _ = N.function_state(mod, job.function)
        if job.again and phase != PHASE_COMPILED:
            return  # given up meanwhile
        if given_up:
            state.gone.update([*entries, (job.function, job.loop)])
        if given_up >= policy.REFUSE_AFTER:
            compiling.refuse(module, entries, f"{policy.REFUSE_AFTER} pieces of code for it were given up", job.flow)
            return
        done = False
        try:
            request = request_of(module, state, entries, job.level)
            unit, data, reason = compiling.run(self.compiler, module, request, job.nbytes, job.flow)
            if reason and phase != PHASE_COMPILED:
                compiling.refuse(module, entries, reason, job.flow)
            elif data:
                state.add(module, request.entries, job.level, data, own_counts(request))
                if job.level < policy.again(job.nbytes)[0] and _improves(module.config):
                    job.loop = entries[0][1]
                    self._cheap[unit] = job
            done = True
        finally:
            if not done:  # Ctrl-C while the running thread compiled: it may be asked for again
                N.unit_retire(mod, job.function, PHASE_COLD)

    def _state(self, module: "Module") -> State:
        state = self._states.get(module.address)
        if state is None:
            state = self._states[module.address] = State(module)
        return state

    def _keep(self) -> None:
        """Write what is new to the code cache."""
        for state in list(self._states.values()):
            state.keep()

    def _renew(self) -> None:
        """What waits goes on being interpreted: what it is worth grows."""
        for job in self._queue:
            if not job.again and self.find(job.mod) is not None:
                job.samples = max(job.samples, N.function_samples(job.mod, job.function))

    def _look(self) -> bool:
        """Ask for better code of what was compiled cheaply and still runs a lot. Whether there is something."""
        found = False
        for unit, job in list(self._cheap.items()):
            mod = N.unit_info(unit)[0]
            ticks = N.unit_ticks(unit)
            level, enough = policy.again(job.nbytes)
            if mod != job.mod or self.find(mod) is None:
                del self._cheap[unit]
            elif ticks >= enough:
                del self._cheap[unit]
                samples = ticks * policy.TICK_SAMPLES
                self._queue.put(
                    Job(mod, job.function, job.loop, samples, job.nbytes, level, again=True, flow=self._ask(job, ticks, enough))
                )
                found = True
        return found

    def _ask(self, job: Job, ticks: int, enough: int) -> int | None:
        """The event of a request of our own: so many ticks were enough. Returns its flow."""
        module = self.find(job.mod)
        flow = _flow()
        if flow is not None and module is not None:
            fields = compiling.named(module, job.function, job.loop)
            reason = "its code was compiled cheaply and runs a lot"
            events.emit("request", flow=flow, counter=ticks, threshold=enough, reason=reason, **fields)
        return flow

    def _accept(self, rows: "Iterable[tuple[int, int, int, int]]") -> None:
        for mod, function, loop, samples in rows:
            module = self.find(mod)
            if module is not None and function in own_functions(mod):
                self._queue.put(self._job(module, function, loop, samples))

    def _do(self, job: Job) -> None:
        """Compile a job if its module still lives. What goes wrong with it is no reason to stop."""
        module = self.find(job.mod)
        if module is None:
            return
        self._busy = True
        try:
            self._compile(module, job)
        except Exception as error:
            warnings.warn(f"wasmjit: {module.name}, function {job.function}: {type(error).__name__}: {error}", RuntimeWarning, stacklevel=1)
        finally:
            self._busy = False

    # modules, the end of the process, forks

    def forget(self, mod: int) -> None:
        """A module dies."""
        self._queue.forget(mod)
        state = self._states.pop(mod, None)
        if state is not None and not self._ending:  # `end` has written it, and Python may be half gone
            state.keep()

    def end(self) -> None:
        """The interpreter ends: no new compile begins, and the one under way in this process is not waited for."""
        self._ending = True
        self.compiler.close()
        self._leave()
        self._keep()
        if self._busy and not leave_at_exit():
            while self._busy:  # the thread goes on in LLVM, which must not be torn down under it
                sleep(0.001)

    def _leave(self) -> None:
        """Have what was not compiled in time compiled for the next run."""
        from wasmjit.tiers.finish import leave

        for mod, state in list(self._states.items()):
            module = self.find(mod)
            if module is not None and module.config.compile in ("auto", "processes"):
                leave(module, state)

    def forked(self) -> None:
        """In the child of a fork, where LLVM may be in the middle of something that its thread in the parent did."""
        self.compiler.forked()
        self.compiler = Compiler()
        self.compiler.inprocess = False
        self._queue = Queue()
        self._cheap.clear()
        self._busy = False


def leave_at_exit() -> bool:
    """Let the C library's exit() end the process before destructors of libraries run; False: it cannot.

    They would take LLVM apart while a thread is inside. What was registered with the C library before is left out; Python is done by then.
    """
    import ctypes

    process = ctypes.CDLL(None)
    if not hasattr(process, "on_exit"):
        return False
    process.fflush(None)
    return bool(process.on_exit(ctypes.cast(process._exit, ctypes.c_void_p), None) == 0)


def _level(module: "Module", nbytes: int) -> int:
    """How strongly a first compile is done."""
    chosen = module.config.thresholds["level"]
    return policy.level_of(nbytes) if chosen is None else chosen


def _improves(config: "Config") -> bool:
    """Whether functions are compiled again, more strongly: beside the program, and if nobody chose the level."""
    return config.compile != "sync" and config.thresholds["level"] is None


def _flow() -> int | None:
    return events.next_flow() if events.active else None
