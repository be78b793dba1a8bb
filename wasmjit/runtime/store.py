"""The Python side of a store: owns all that instances which can reach each other use (spec 4.2.3).

Everything of it lives in ordinary attributes, so that CPython's collector sees cycles through host functions. What is
native hangs on capsules, which the collector destroys only after the finalizers of a cycle have run.
"""

import sys

from wasmjit._image import native
from wasmjit.runtime.codes import HOOK_STORE_JOIN, HOOK_TRAP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from wasmjit._errors import Error

N = native()

FRAME_FLAGS = 7  # low bits of a captured frame's Code: how it ran


class Store:
    """Instances, with what they use: modules, host functions, tables and globals made by Python.

    Functions, memories, tables and globals that came from an instance hold their store, so they work without the Instance.
    """

    __slots__ = ("address", "keep", "modules", "instances", "most", "systems", "_owner", "_into", "__weakref__")

    def __init__(self) -> None:
        self.address: int = N.store_new(self)
        if self.address == 0:
            raise MemoryError("no memory for a store")
        self._owner = N.store_owner(self.address)
        self._into: Store | None = None
        self.keep: list[object] = []  # what instances refer to by address
        self.modules: dict[int, Any] = {}  # Module by the address of its native form
        self.systems: dict[int, Any] = {}  # what an instance was provided with, by its address: closed with it
        self.instances = 0  # how many it holds
        self.most: int | None = None  # and may hold

    def root(self) -> "Store":
        """The store that this one has become part of, or itself."""
        store = self
        while store._into is not None:
            store = store._into
        return store

    def limit(self, most: int | None) -> None:
        """Hold at most so many instances; None: no matter how many. The smallest limit counts."""
        if most is not None and (self.most is None or most < self.most):
            self.most = most


def join(a: Store, b: Store) -> Store:
    """Make one store of two: from now on they live and are entered together. RuntimeError: two threads are inside them now."""
    a, b = a.root(), b.root()
    if a is b:
        return a
    if len(b.keep) > len(a.keep):
        a, b = b, a
    if not N.store_join(a.address, b.address):
        raise RuntimeError("stores cannot be joined while different threads are inside of them")
    a.keep += b.keep
    a.keep.append(b._owner)
    a.modules.update(b.modules)
    a.systems.update(b.systems)
    a.instances += b.instances
    a.limit(b.most)
    b.keep, b.modules, b.systems = [], {}, {}
    b._into = a
    return a


def trap(code: int, address: int, size: int, frames: bytes, store: Store | None) -> "Error":
    """The exception for a trap: what native code raises. `frames`: pairs of a Code and an offset in its slot code.

    `address` and `size`: of the access that TRAP_MEMORY is about; the address of the Code for TRAP_COMPILE.
    """
    from wasmjit._traps import TRAPS, MemoryOutOfBounds

    kind = TRAPS.get(code)
    if kind is None:
        return compile_error(address)
    error = kind()
    if store is not None and frames:
        modules = store.root().modules
        error._captured = frames, modules
        if isinstance(error, MemoryOutOfBounds) and address | size:
            error.address = address
            error.size = size or None
            nbytes = N.trap_memory_size(store.root().address, int.from_bytes(frames[:8], "little"))
            error.memory_size = None if nbytes < 0 else nbytes
        events = sys.modules.get("wasmjit.profiler.events")
        if events is not None and getattr(events, "active", False):  # it is not there yet while another thread imports
            _tell(events.emit, error, N.code_mod(int.from_bytes(frames[:8], "little") & ~FRAME_FLAGS))
    return error


def _tell(emit: "Callable[..., None]", error: "Any", mod: int) -> None:
    """Emit the event of a trap."""
    at = error.frames[0]
    emit("trap", mod=mod, module=at.module, function=at.index, name=at.name, pc=at.offset, tier_from=at.tier, reason=error.code)


def compile_error(code: int) -> "Error":
    """A function, given by its Code, that this tier cannot run."""
    from wasmjit._errors import CompileError

    return CompileError(f"function {N.code_index(code)} is too large for the interpreter", N.code_body(code))


def join_func(store: Store, func: object) -> None:
    """A function of another store becomes a value of this one."""
    owner = N.func_owner(func)
    if isinstance(owner, Store):
        join(store, owner)
    elif owner is not None and not any(kept is owner for kept in store.root().keep):
        store.root().keep.append(owner)


N.set_hook(HOOK_TRAP, trap)
N.set_hook(HOOK_STORE_JOIN, join_func)
