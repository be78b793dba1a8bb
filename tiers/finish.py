"""What the compiler still had to do when a program ended: a process of its own does it and puts the code into the cache, for the next run.
What the program compiled in its last moments goes along: writing it would keep somebody waiting.

The program writes what was counted to a file without a name and starts the process (`wasmjit._finisher`), which outlives it. That is idle
priority, has no descriptor of the program, takes at most WASMJIT_FINISH seconds of CPU time (policy.FINISH by default, 0: nothing is
finished), and only one at a time works for a cache folder, whose lock (flock) it holds: who wants to wait for it takes that.

The process loads the module itself, and finds out which functions are worth it: somebody waits for the end of the program.
"""

import marshal
import os
import sys
from struct import iter_unpack

from wasmjit._image import native
from wasmjit.native.cache import locate
from wasmjit.tiers import known, policy
from wasmjit.tiers.compiling import llvm_version
from wasmjit.tiers.counts import live
from wasmjit.tiers.snapshot import extent_of
from wasmjit.tiers.worker import spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from wasmjit._module import Module
    from wasmjit.tiers.compiling import State
    from wasmjit.tiers.store import Entry

    # Of a function: index, samples, offset of the loop with most of them or 0, bytes of wasm to compile, PHASE_*, units given up.
    Row = tuple[int, int, int, int, int, int]

N = native()

VARIABLE = "WASMJIT_FINISH"
LOCK = 3  # the descriptor that has the lock in the process that finishes
_PIECE = 1 << 20  # bytes of a binary that are copied at once


def allowance() -> float:
    """Seconds of CPU time that may be spent after the end."""
    try:
        return max(0.0, float(os.environ.get(VARIABLE, policy.FINISH)))
    except ValueError:
        return policy.FINISH


def leave(module: "Module", state: "State") -> bool:
    """Have the functions of a module compiled that are worth it. False: there is nothing to do, or nothing can be done."""
    seconds = allowance()
    entry = state.entry
    if entry is None or not seconds:
        return False
    samples = N.mod_samples(module.address)
    if sum(count for _, _, count in samples) * policy.SAMPLE < policy.FINISH_FROM:
        return False
    lock = locked(entry.folder())
    if lock < 0:
        return False
    new, gone = state.taken()
    started = False
    try:
        settings = estate(module, entry, samples, seconds)
        settings["new"] = [(unit.entries, unit.level, unit.data, unit.counted) for unit in new]
        settings["gone"] = gone
        started = start(pieces(module, settings), lock)
    finally:
        os.close(lock)
        if not started:
            state.new = new + state.new
            state.gone |= gone
    return started


def locked(folder: str | None, *, wait: bool = False) -> int:
    """A descriptor of a cache folder that has its lock; -1 if another one has it, which `wait` waits for, or there is none to open."""
    import fcntl

    if folder is None:
        return -1
    lock = -1
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        if lock >= 0:
            os.close(lock)
        return -1
    return lock


def estate(module: "Module", entry: "Entry", samples: "list[tuple[int, int, int]]", seconds: float) -> "dict[str, Any]":
    """What a program leaves of what it counted. "file": where the process finds the binary, None: it goes along."""
    mod = module.address
    found, counted = _same_file(module), live(mod)
    return {
        "cache": (entry.setting, entry.name),
        "file": (module._path, known.identified(found)) if found is not None else None,
        "memory": module.config.memory,
        "level": module.config.thresholds["level"],
        "llvm": llvm_version(),
        "seconds": seconds,
        "called": N.functions_translated(mod),
        "rows": rows_of(mod, samples),
        "left": list(iter_unpack("<IIQ", N.mod_left(mod, policy.LEFT))),
        "counted": {function: counted(function) for function in N.profile_functions(mod)},
    }


def pieces(module: "Module", settings: "dict[str, Any]") -> "Iterator[bytes]":
    """What is handed over: the length of what is marshalled, that, and the binary unless it is in a file."""
    body = marshal.dumps(settings)
    yield len(body).to_bytes(8, "little")
    yield body
    if settings["file"] is None:
        for at in range(0, module.nbytes, _PIECE):
            yield N.mod_bytes(module.address, at, _PIECE)


def rows_of(mod: int, samples: "list[tuple[int, int, int]]") -> "list[Row]":
    """The functions that were interpreted for more than a moment."""
    total: dict[int, int] = {}
    hottest: dict[int, tuple[int, int]] = {}
    for function, loop, count in samples:
        total[function] = total.get(function, 0) + count
        hottest[function] = max(hottest.get(function, (0, 0)), (count, loop))
    rows = []
    for function, count in total.items():
        if count >= policy.LUKEWARM:
            _, _, phase, given_up, _ = N.function_state(mod, function)
            rows.append((function, count, hottest[function][1], extent_of(mod, function), phase, given_up))
    return rows


def _same_file(module: "Module") -> os.stat_result | None:
    """The status of the file that a module came from, if it is certainly the same still."""
    status = module._file
    try:
        if status is None or known.identified(os.stat(module._path)) != known.identified(status):
            return None
    except OSError:
        return None
    return status if known.trusted(module.config.cache, status) else None


def start(left: "Iterator[bytes]", lock: int) -> bool:
    """Start the process that compiles what is left and has the lock as long as it lives. False: it cannot be started."""
    import fcntl

    if not sys.executable:
        return False
    opened: list[int] = []
    try:
        opened.append(os.memfd_create("wasmjit"))
        with open(opened[0], "wb", buffering=0, closefd=False) as file:
            for piece in left:
                file.write(piece)
        os.lseek(opened[0], 0, os.SEEK_SET)
        opened += [fcntl.fcntl(n, fcntl.F_DUPFD_CLOEXEC, LOCK + 1) for n in (opened[0], lock)]  # out of the way of those below
        actions: list[tuple[int, ...]] = [(os.POSIX_SPAWN_DUP2, opened[1], 0), (os.POSIX_SPAWN_DUP2, opened[2], LOCK)]
        actions += [(os.POSIX_SPAWN_DUP2, 0, n) for n in (1, 2)]  # nothing is written to them
        spawn("wasmjit._finisher", actions, setsid=True)
    except (OSError, NotImplementedError):
        return False
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return True


def wait(setting: bool | str = True) -> None:
    """Wait until nothing is being finished for a cache folder (as `cache.locate` takes it)."""
    lock = locked(locate(setting), wait=True)
    if lock >= 0:
        os.close(lock)
