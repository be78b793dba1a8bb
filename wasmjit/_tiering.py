"""What a module's settings mean for the tiers, and the way from native code to the compiler. On the run path."""

import os
from _thread import allocate_lock, start_new_thread
from _weakref import ref

from ._image import native
from .runtime.codes import HOOK_COMPILE, HOOK_PROMOTE, MOD_OPT, MOD_STRESS, MOD_SYNC, MOD_TIERED
from .tiers.policy import LARGEST_THRESHOLD, PREPARED_FROM, READY, WARM
from .tiers.store import Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._config import Config
    from ._module import Module
    from .tiers.engine import Engine

N = native()

COMPILED = ("auto", "opt")  # tiers whose modules are compiled

_modules: "dict[int, _Ref]" = {}
_engine: "Engine | None" = None


class _Ref(ref):  # type: ignore[type-arg]
    """A module that the tiers know, without keeping it alive."""

    __slots__ = ("mod",)

    mod: int


def flags(config: "Config") -> int:
    """MOD_* of a module with these settings."""
    if config.tier not in COMPILED:
        return 0
    found = MOD_OPT if config.tier == "opt" else MOD_TIERED
    if config.compile == "sync":
        found |= MOD_SYNC
    if config.stress is not None:
        found |= MOD_STRESS
    return found


def enroll(module: "Module") -> None:
    """Let a loaded module's functions be compiled. ImportError: they must be, and there is no compiler."""
    config = module.config
    if config.tier == "opt":
        from .tiers.compiling import available

        missing = available()
        if missing:
            raise ImportError(f'Config(tier="opt"): {missing}')
    mod = module.address
    warm = config.thresholds["warm"] or WARM
    ready = min(READY * warm // WARM, LARGEST_THRESHOLD)  # who wants code sooner wants the compiler sooner
    N.tier_thresholds(mod, warm, config.thresholds["window"], config.thresholds["exits"], ready)
    known = _Ref(module, _forget)
    known.mod = mod
    _modules[mod] = known
    if config.cache is not False and config.stress is None and not config.deterministic:
        reuse(module)


def reuse(module: "Module") -> None:
    """Let the code that earlier runs left for a module be used: now, or when a thread has found out which module that is."""
    entry = Entry(module)
    if entry.size() == 0:
        return
    if module.config.tier != "opt" and not entry.known(module):
        start_new_thread(_offer, (entry, module))
        return
    entry.offer(module)
    if module.config.tier != "opt" and len(entry.called) >= PREPARED_FROM:
        start_new_thread(entry.prepare, (module,))


def _offer(entry: Entry, module: "Module") -> None:
    entry.offer(module)
    entry.prepare(module)


def find(mod: int) -> "Module | None":
    """The module with this address, if it lives and takes part."""
    known = _modules.get(mod)
    return None if known is None else known()


def engine() -> "Engine":
    """The compiling side, imported now."""
    global _engine
    if _engine is None:
        from .tiers.engine import Engine

        _engine = Engine(find)
    return _engine


def _forget(known: _Ref, modules: "dict[int, _Ref]" = _modules, native: "Any" = N) -> None:
    """A module dies, perhaps when the interpreter ends and names are gone."""
    mod = known.mod
    if modules.get(mod) is known:
        del modules[mod]
        native.requests_forget(mod)
        if _engine is not None:
            _engine.forget(mod)


def _promote(mod: int, function: int, loop: int) -> None:
    """Native code has a request: for this thread, or for one that takes requests, and there is none."""
    module = find(mod)
    if module is None:
        return
    if module.config.compile == "sync":
        engine().promote(module, function, loop)
    else:
        attendant.call(module.config.compile != "background")


def _compile(mod: int, function: int) -> None:
    """A function of tier "opt" is called for the first time."""
    module = find(mod)
    if module is not None:
        engine().compile_first(module, function)


class Attendant:
    """The thread that takes requests out of the native queue: started when somebody calls for it, it leaves when nothing is asked for.

    The thread imports what compiling needs, so that the program need not wait for that. It is no reason to stay for a process that ends.
    """

    def __init__(self) -> None:
        self.lock = allocate_lock()
        self.running = False
        self.called = False
        self.processes = False

    def call(self, processes: bool) -> None:
        """Start the thread if there is none. processes: what is asked for is compiled in workers, one of which it starts at once."""
        with self.lock:
            self.called = True
            self.processes |= processes
            if self.running:
                return
            self.running = True
        import threading  # noqa: F401  here: the thread that imports it first is the main thread for it, up to Python 3.12

        N.gil_wanted(1)
        try:
            start_new_thread(self.attend, ())
        except RuntimeError:  # no thread can be started: interpreted until the next request
            self._leave()

    def attend(self) -> None:
        """What the thread does."""
        try:
            while True:
                self.called = False
                engine().serve(self.processes)
                with self.lock:
                    if not self.called:
                        self._leave()
                        return
        except BaseException:
            self._leave()
            raise

    def _leave(self) -> None:
        N.gil_wanted(0)
        self.running = False


attendant = Attendant()


def _forked() -> None:
    """In the child of a fork: its only thread is the one that forked."""
    attendant.__init__()  # type: ignore[misc]
    N.gil_wanted(0)
    if _engine is not None:
        _engine.forked()


os.register_at_fork(after_in_child=_forked)
N.set_hook(HOOK_PROMOTE, _promote)
N.set_hook(HOOK_COMPILE, _compile)
