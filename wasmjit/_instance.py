"""`Instance`: a module with its memories, tables, globals and imports, ready to be called."""

from . import _config
from ._exports import Exports, Functions, closed
from ._functype import FuncType
from ._image import native
from ._imports import resolve
from ._memory import Memory
from ._module import Module
from ._provided import provided_of
from .runtime.codes import HOOK_INSTANCE
from .runtime.functions import HostFunc, within
from .runtime.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from ._config import Limits
    from ._traps import OutOfMemory

N = native()

# what inst_new says instead of an address
FAILURES = (
    "",
    "no memory for the instance",
    "the memory is beyond its limit",
    "no address space for the memory",
    "the table is beyond its limit",
    "imports are not addresses",
)
NO_ADDRESSES = 3


class Instance:
    """An instance of a module.

    imports: {"module": namespace}, a namespace being a mapping, an Instance, its exports, or an object with attributes;
    they go before wasi: a Wasi, "auto" for one without arguments and files when the module asks for it, or None.
    limits: of each memory and table. timeout: seconds for the start function and `_initialize` (which `initialize=False`
    leaves out). unknown_imports: "error", or "trap" for functions that raise Unreachable when they are called.
    Raises LinkError, Trap by the start function or a segment out of bounds, MemoryError, and what host functions raise.
    A with-block closes it. Functions and memories taken from it keep working while anything refers to them.
    """

    __slots__ = ("module", "_store", "_address", "_exports", "_memory", "__weakref__")

    _memory: "Memory | None"

    module: Module
    _store: Store
    _address: int
    _exports: Exports | None

    def __init__(
        self,
        module: Module,
        imports: "Any" = None,
        *,
        wasi: "Any" = None,
        limits: "Limits | None" = None,
        timeout: float | None = None,
        fuel: int | None = None,
        unknown_imports: str = "error",
        initialize: bool = True,
    ) -> None:
        if hasattr(self, "_address"):
            raise TypeError("an Instance is initialised once")
        if not isinstance(module, Module):
            raise TypeError(f"an instance is made of a Module, not of {type(module).__name__}; there is wasmjit.load")
        if fuel is not None:
            raise ValueError("fuel= needs a module made with Config(fuel=True)")
        if unknown_imports not in ("error", "trap"):
            raise ValueError(f'unknown_imports must be "error" or "trap", not {unknown_imports!r}')
        if limits is None:
            limits = _config.UNLIMITED
        N.fault_assert()  # other libraries may have put their signal handlers before ours
        store = Store()
        adopted: list[Any] = []
        addresses, provided = resolve(module, imports, wasi, unknown_imports, limits, store, adopted)
        store = store.root()
        store.modules[module.address] = module
        _limit(store, limits)
        address = _build(module, store, addresses, limits)
        store.instances += 1
        store.systems[address] = provided
        for found in adopted:
            found._store = store
        self.module = module
        self._store = store
        self._address = address
        self._exports = None
        self._memory = None
        N.inst_py(address, self)
        if module.config.concurrent == "error":
            N.store_refuse(store.address)
        if module.config.tier == "reference":
            from .tiers.reference import attach

            attach(self)
        within(timeout, self._start, (initialize,))

    @classmethod
    def _of(cls, address: int) -> "Self":
        """The object for a running instance whose own has gone."""
        self = cls.__new__(cls)
        self._store = N.inst_store(address)
        self.module = self._store.modules[N.inst_mod(address)]
        self._address = address
        self._exports = None
        self._memory = None
        return self

    def _start(self, initialize: bool) -> None:
        """Write active segments, then run what the module wants to be run first."""
        code = N.inst_segments(self._address)
        if code:
            from ._traps import TRAPS

            raise TRAPS[code]()
        mod = self.module.address
        start = N.mod_start(mod)
        if start >= 0:
            N.func_new(N.inst_func(self._address, start), self._store)()
        if not initialize:
            return
        if N.export_find(mod, "_initialize") >= 0:
            self.exports["_initialize"]()
        elif N.export_find(mod, "_start") < 0:
            provided = provided_of(self)
            if provided is not None:
                provided.prepare(self)

    @property
    def exports(self) -> Exports:
        """What the module exports, by attribute and by item."""
        exports = self._exports
        if exports is None:
            exports = self._exports = Exports(self.module, self._store, self._address)
        return exports

    @property
    def functions(self) -> Functions:
        """All functions, by index or name."""
        return Functions(self.module, self._store, self._address)

    @property
    def memory(self) -> "Memory":
        """The first memory, exported or not. AttributeError: there is none; ValueError: the instance is closed."""
        if N.inst_closed(self._address):
            closed()
        memory = self._memory
        if memory is None:
            address = N.inst_memory(self._address, 0)
            if address == 0:
                raise AttributeError("the instance has no memory")
            memory = self._memory = Memory._of(address, self._store)
        return memory

    @property
    def stats(self) -> dict[str, int]:
        """Figures of the instance: bytes and counts by name."""
        counts = N.mod_counts(self.module.address)
        stats = {"functions": counts[1], "tables": counts[2], "memories": counts[3], "globals": counts[4]}
        if counts[3] and not self.closed:
            stats["memory_bytes"] = self.memory.nbytes
        return stats

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return bool(N.inst_closed(self._address))

    def close(self) -> None:
        """Give its memories back, unless other instances or views use them. Calls of its functions raise ValueError from now on.

        What WASI opened for it is closed; an imports mapping that somebody made stays open.

        RuntimeError while a call is inside. Closing twice is fine; so is not closing: what nothing refers to is freed.
        """
        if N.inst_closed(self._address):
            return
        store = self._store.root()
        if N.store_busy(store.address):
            raise RuntimeError("an instance cannot be closed while a call is inside")
        closer = HostFunc(_raise_closed, FuncType(), name="a closed instance's function")
        closer.raw = True
        store.keep.append(closer)
        N.inst_close(self._address, closer.address())
        self._memory = None
        provided = store.systems.pop(self._address, None)
        if provided is not None:
            provided.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self, native: "Any" = N) -> None:  # a name of its own: the module's may be gone when Python ends
        if hasattr(self, "_address"):
            native.inst_orphan(self._address, self)

    def __repr__(self) -> str:
        return f"<wasmjit.Instance of {self.module.name or 'a module without name'}{', closed' if self.closed else ''}>"

    def __reduce__(self) -> "Any":
        raise TypeError("an Instance cannot be pickled; pickle its Module")


def _limit(store: Store, limits: "Limits") -> None:
    """Set what holds for all instances of a store. OutOfMemory: it has as many as it may have, or no room for such a stack."""
    store.limit(limits.instances)
    if store.most is not None and store.instances >= store.most:
        raise _no_memory(f"instances linked to each other are limited to {store.most}")
    if limits.stack is not None:
        if not N.stack_configure(limits.stack):
            raise _no_memory(f"no room for a stack of {limits.stack} bytes")
        N.store_limit_stack(store.address, limits.stack)


def _no_memory(reason: str) -> "OutOfMemory":
    from ._traps import OutOfMemory

    error = OutOfMemory()
    error.add_note(reason)
    return error


def _build(module: Module, store: Store, addresses: list[int], limits: "Limits") -> int:
    """A native instance; collects garbage and tries again when address space is short. Raises LinkError or MemoryError."""
    address: int = N.inst_new(module.address, store.address, addresses, limits.memory, limits.table)
    if address == NO_ADDRESSES:
        import gc

        gc.collect()
        address = N.inst_new(module.address, store.address, addresses, limits.memory, limits.table)
    if address < len(FAILURES):
        raise _no_memory(FAILURES[address])
    return address


def _raise_closed(*_: object) -> None:
    closed()


N.set_hook(HOOK_INSTANCE, Instance._of)
