"""What the compiler still had to do when a program ended: a process of its own does it and puts the code into the cache, for the next run.

The program writes the requests to a file without a name and starts the process, which outlives it. That is idle priority, has no
descriptor of the program, takes at most WASMJIT_FINISH seconds of CPU time (policy.FINISH by default, 0: nothing is finished), and only
one at a time works for a cache folder, whose lock (flock) it holds: who wants to wait for it takes that.
"""

import marshal
import os
import sys
import time

from wasmjit._image import native
from wasmjit.native.cache import locate
from wasmjit.runtime.codes import PHASE_COLD, PHASE_COMPILED, PHASE_REFUSED
from wasmjit.tiers import policy
from wasmjit.tiers.compiling import llvm_version
from wasmjit.tiers.queue import Job
from wasmjit.tiers.snapshot import entries_of, extent_of, nbytes_of, own_functions, request_of
from wasmjit.tiers.store import Entry, Kept
from wasmjit.tiers.worker import DONE, allow_cpu, close_others, command, compile_packed, confine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from wasmjit._module import Module
    from wasmjit.tiers.compiling import State
    from wasmjit.tiers.optimizer.request import Records, Request

N = native()

VARIABLE = "WASMJIT_FINISH"
LOCK = 3  # the descriptor that has the lock in the process that finishes


def allowance() -> float:
    """Seconds of CPU time that may be spent after the end."""
    try:
        return max(0.0, float(os.environ.get(VARIABLE, policy.FINISH)))
    except ValueError:
        return policy.FINISH


def worth(module: "Module", level: int | None) -> "list[Job]":
    """Functions that were interpreted long enough to be worth code in the next run, the most valuable first."""
    mod = module.address
    own = own_functions(mod)
    samples: dict[int, int] = {}
    hottest: dict[int, tuple[int, int]] = {}
    for function, loop, count in N.mod_samples(mod):
        samples[function] = samples.get(function, 0) + count
        hottest[function] = max(hottest.get(function, (0, 0)), (count, loop))
    jobs = []
    for function, count in samples.items():
        if count < policy.LUKEWARM or function not in own:
            continue
        phase = N.function_state(mod, function)[2]
        if phase in (PHASE_COMPILED, PHASE_REFUSED) or (phase == PHASE_COLD and nbytes_of(mod, function) > policy.ALL_BLOCKS_LARGEST):
            continue
        nbytes = extent_of(mod, function)
        chosen = policy.level_of(nbytes) if level is None else level
        jobs.append(Job(mod, function, hottest[function][1], count, nbytes, chosen))
    return sorted(jobs, key=lambda job: job.rank, reverse=True)


def leave(module: "Module", state: "State") -> bool:
    """Have the functions of a module compiled that are worth it. False: there is nothing to do, or nothing can be done."""
    seconds = allowance()
    entry = state.entry
    if entry is None or not seconds:
        return False
    lock = locked(entry.folder())
    if lock < 0:
        return False
    try:
        left, chosen = seconds, []
        for job in worth(module, module.config.thresholds["level"]):
            left -= policy.cost(job.nbytes, job.level)
            if left < 0:
                break
            chosen.append(job)
        if sum(job.samples for job in chosen) * policy.SAMPLE < policy.FINISH_FROM:
            return False
        entry.fingerprint(module)
        return start(estate(entry, requests_of(module, state, chosen), seconds), lock)
    finally:
        os.close(lock)


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


def requests_of(module: "Module", state: "State", jobs: "Iterable[Job]") -> "list[Request]":
    """Requests for jobs, the first ones: the program is ending, and somebody waits for that."""
    mod = module.address
    taken: dict[int, Records] = {}
    requests = []
    deadline = time.perf_counter() + policy.FINISH_HANDING
    for job in jobs:
        requests.append(request_of(module, state, entries_of(mod, job.function, job.loop), job.level, taken=taken))
        if time.perf_counter() > deadline:
            break
    return requests


def estate(entry: Entry, requests: "Iterable[Request]", seconds: float) -> bytes:
    """What a program leaves, as bytes: where a module's code is kept, requests, the most valuable first, seconds to spend on them."""
    from wasmjit.tiers.optimizer.request import Source
    from wasmjit.tiers.optimizer.wire import packed

    sent = Source()
    return marshal.dumps((entry.setting, entry.name, entry.binary, llvm_version(), seconds, [packed(each, sent) for each in requests]))


def start(left: bytes, lock: int) -> bool:
    """Start the process that compiles what is left and has the lock as long as it lives. False: it cannot be started."""
    import fcntl

    if not sys.executable:
        return False
    opened: list[int] = []
    try:
        opened.append(os.memfd_create("wasmjit"))
        with open(opened[0], "wb", closefd=False) as file:
            file.write(left)
        os.lseek(opened[0], 0, os.SEEK_SET)
        opened += [fcntl.fcntl(n, fcntl.F_DUPFD_CLOEXEC, LOCK + 1) for n in (opened[0], lock)]  # out of the way of those below
        actions: list[tuple[int, ...]] = [(os.POSIX_SPAWN_DUP2, opened[1], 0), (os.POSIX_SPAWN_DUP2, opened[2], LOCK)]
        actions += [(os.POSIX_SPAWN_DUP2, 0, n) for n in (1, 2)]  # nothing is written to them
        os.posix_spawn(sys.executable, command("wasmjit.tiers.finish"), os.environ, file_actions=actions, setsid=True)
    except (OSError, NotImplementedError):
        return False
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return True


def main() -> None:
    """Compile what a program left; it stands in standard input."""
    close_others(LOCK)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.chdir("/")
    os.nice(policy.FINISH_NICE)
    with open(0, "rb", closefd=False) as file:
        left = file.read()
    confine()
    finish(left)


def finish(left: bytes) -> None:
    """Compile what was left until the time is over; every second of it is written to the cache."""
    from wasmjit.tiers.optimizer.request import Source
    from wasmjit.tiers.optimizer.wire import unpacked

    setting, name, binary, llvm, seconds, requests = marshal.loads(left)
    entry = Entry.named(setting, name, binary)
    received = Source()
    made: list[Kept] = []
    began = written = time.process_time()
    for packed in requests:
        request = unpacked(packed, received)
        allow_cpu(policy.LONGEST)
        kind, data = compile_packed(request)
        if kind == DONE:
            made.append(Kept(request.entries, request.options.level, data))
        now = time.process_time()
        if now - began > seconds:
            break
        if now - written > 1.0:
            written = now
            if not keep(entry, made, llvm):
                return
            made = []
    keep(entry, made, llvm)


def keep(entry: Entry, made: "list[Kept]", llvm: str) -> bool:
    """Write units, unless somebody removed the folder meanwhile."""
    return not made or (entry.folder() is not None and entry.write(made, set(), llvm))


def wait(setting: bool | str = True) -> None:
    """Wait until nothing is being finished for a cache folder (as `cache.locate` takes it)."""
    lock = locked(locate(setting), wait=True)
    if lock >= 0:
        os.close(lock)
