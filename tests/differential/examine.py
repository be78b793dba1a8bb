"""One module in many modes: each exported function is called on instances of its own, and everything is compared with the first mode."""

import json
import random
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from zlib import crc32

import wasmjit
from tests.differential.outcome import Call, Event, call, state
from tests.fuzz.engines import NUMBERS, bits_of, number_of, plain, trap_text
from tests.fuzz.programs import arguments
from tests.modes import config

CALLS = 3  # of each function
PEER = "wasmtime"  # may stand among the modes; it has no backtraces of ours and no tables to compare
STACK = 2 << 20  # bytes for the peer: as many calls inside each other as the count of steps allows
LIMITS = wasmjit.Limits(memory=1 << 24, table=10_000)


@dataclass(frozen=True)
class Difference:
    """A mode that does not do what the first one does. call: what of the module, empty for instantiation; found None: it ended or hung."""

    mode: str
    call: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.mode}: {self.call or 'instantiation'}: expected {_short(self.expected)}, found {_short(self.found)}"


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) < 400 else f"{text[:400]}..."


def calls_of(module: wasmjit.Module, seed: int) -> list[Call]:
    """Calls of all exported functions that take and give numbers."""
    rng = random.Random(seed)
    made: list[Call] = []
    for export in module.exports:
        kind = export.type
        if isinstance(kind, wasmjit.FuncType) and all(t in NUMBERS for t in kind.params + kind.results):
            made += [(export.name, [_value(rng, t) for t in kind.params]) for _ in range(CALLS)]
    return made


def _value(rng: random.Random, kind: str) -> int:
    """Bits: boundary values, small ones and any."""
    if rng.random() < 0.5:
        return arguments(rng.getrandbits(32), (kind,))[0]
    width = int(kind[1:])
    return rng.getrandbits(width) if kind[0] == "i" else bits_of(kind, rng.choice((rng.randrange(-100, 100), rng.uniform(-1e9, 1e9))))


def run(binary: bytes, calls: list[Call], mode: str, deterministic: bool = False) -> list[Any]:
    """(event, state) for instantiation and each call. The module is one, its instances are many, so that what is hot gets compiled."""
    if mode == PEER:
        return _run_peer(binary, calls, deterministic)
    module = wasmjit.Module(binary, config=config(mode, deterministic=deterministic))
    found: list[Any] = []
    for name, bits in calls or [("", [])]:
        event: Event
        try:
            instance = wasmjit.Instance(module, limits=LIMITS)
        except wasmjit.Trap as trap:
            return [(("trap", (trap.code, [(f.index, f.offset) for f in trap.frames])), {})]
        event = call(instance.exports[name], bits) if name else ("results", [])
        found.append((event, state(instance)))
        instance.close()
    return found


def _run_peer(binary: bytes, calls: list[Call], deterministic: bool) -> list[Any]:
    peer: Any = import_module("wasmtime")
    settings = peer.Config()
    settings.max_wasm_stack = STACK
    settings.cranelift_nan_canonicalization = deterministic
    engine = peer.Engine(settings)
    module = peer.Module(engine, binary)
    found: list[Any] = []
    for name, bits in calls or [("", [])]:
        store = peer.Store(engine)
        store.set_limits(memory_size=LIMITS.memory, table_elements=LIMITS.table)
        try:
            exports = peer.Instance(store, module, []).exports(store)
        except peer.Trap as trap:
            return [(("trap", (trap_text(trap), [])), {})]
        event: Event = "results", []
        if name:
            kind = exports[name].type(store)
            kinds = [str(result) for result in kind.results]
            try:
                result = exports[name](store, *(number_of(str(t), value) for t, value in zip(kind.params, bits, strict=True)))
            except peer.Trap as trap:
                event = "trap", (trap_text(trap), [])
            else:
                values = [] if not kinds else [result] if len(kinds) == 1 else result
                event = "results", [plain(t, bits_of(t, value)) for t, value in zip(kinds, values, strict=True)]
        found.append((event, _state_peer(peer, store, exports)))
    return found


def _state_peer(peer: Any, store: Any, exports: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in exports.items():
        if isinstance(item, peer.Memory):
            found[name] = "memory", item.data_len(store), crc32(bytes(item.read(store, 0, item.data_len(store))))
        elif isinstance(item, peer.Global) and (kind := str(item.type(store).content)) in NUMBERS:
            found[name] = plain(kind, bits_of(kind, item.value(store)))
    return found


def comparable(step: Any, mode: str) -> Any:
    """What can be compared with a mode: the peer tells less."""
    (kind, value), items = step
    if mode != PEER:
        return step
    if kind == "trap":
        value = "out of bounds table access" if value[0] == "undefined element" else value[0]
    return kind, value, {name: item for name, item in items.items() if not isinstance(item, tuple) or item[0] != "table"}


def examine(binary: bytes, seed: int, modes: list[str], deterministic: bool = False) -> list[Difference]:
    """How the other modes differ from the first one, at most one difference a mode. `seed`: of the arguments.

    deterministic: NaNs are canonical, so a module that shows their bits, in memory or as integers, does the same in all.
    """
    modes = [mode for mode in modes if mode != PEER or find_spec(PEER)]
    calls = calls_of(wasmjit.Module(binary, config=config(modes[0])), seed)
    expected = run(binary, calls, modes[0], deterministic)
    found = []
    for mode in modes[1:]:
        try:
            outcome = run(binary, calls, mode, deterministic)
        except Exception as error:
            found.append(Difference(mode, "", len(expected), f"{type(error).__name__}: {error}"))
            continue
        if len(outcome) != len(expected):
            found.append(Difference(mode, "", expected[0], outcome[0]))
            continue
        for (name, bits), one, other in zip(calls or [("", [])], expected, outcome, strict=False):
            if comparable(one, mode) != comparable(other, mode):
                found.append(Difference(mode, f"{name}({', '.join(map(hex, bits))})", one, other))
                break
    return found
