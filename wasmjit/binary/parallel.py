"""Validation of all bodies, by several threads when there is enough code.

Threads take runs of functions in index order from one counter. A thread stops at its first error, and everything before
that error has been taken by somebody who finishes it: so the error with the lowest offset is the same in every run.
"""

from wasmjit.native.lang import addr, alloca, atomic_add, boolean, fn, fnptr, popcnt, ptr, sizeof, struct, u8, u32, u64
from wasmjit.native.libc import calloc, free, malloc, memset, pthread_create, pthread_join, pthread_sigmask, sched_getaffinity

from .body import validate_function
from .errors import ERR_MEMORY
from .operands import FIRST_FRAMES, MARGIN, MAX_LOCALS, Frame, Validator
from .reader import fail_index
from .types import MAX_PARAMS, Loader

MAX_THREADS = 8
RUN = 32  # functions taken at a time
BYTES_PER_THREAD = 128 << 10  # of code, below which a thread costs more than it does
CPU_SET = 1024  # bytes: 8192 processors
SIG_SETMASK = 2
SIGSET = 128


@struct
class Team:
    loader: ptr[Loader]
    next: u64  # function to take, counted from the first defined one


@struct
class Worker:
    v: Validator
    team: ptr[Team]
    thread: u64


@fn
def worker_open(w: ptr[Worker], team: ptr[Team]) -> boolean:
    """Give a worker its buffers."""
    v = w.v
    w.team = team
    v.loader = team.loader
    v.r.mod = team.loader.r.mod
    v.r.base = v.r.mod.bytes
    v.locals = malloc(MAX_LOCALS + MAX_PARAMS)
    v.frames = ptr[Frame](malloc(FIRST_FRAMES * sizeof(Frame)))
    v.nframes = FIRST_FRAMES
    if v.locals != 0 and v.frames != 0:
        return True
    return fail_index(v.r, ERR_MEMORY, v.r.base, MAX_LOCALS)


@fn
def worker_close(w: ptr[Worker]) -> None:
    v = w.v
    free(v.locals)
    free(ptr[u8](v.frames))
    if v.stack != 0:
        free(v.stack - MARGIN)


@fn
def worker_run(argument: ptr[u8]) -> ptr[u8]:
    """Body of a thread: validate runs of functions until none are left or one is wrong."""
    w = ptr[Worker](argument)
    mod = w.v.r.mod
    count = u64(mod.ncodes - mod.nimport_funcs)
    while True:
        first = atomic_add(addr(w.team.next), RUN)
        if first >= count:
            return ptr[u8](0)
        last = first + RUN if first + RUN < count else count
        for i in range(first, last):
            if not validate_function(w.v, mod.codes[u64(mod.nimport_funcs) + i]):
                return ptr[u8](0)


@fn
def processors() -> u32:
    """How many this process may use."""
    mask = alloca(u64, CPU_SET // 8)
    memset(ptr[u8](mask), 0, CPU_SET)
    if sched_getaffinity(0, CPU_SET, ptr[u8](mask)) != 0:
        return u32(1)
    count: u64 = 0
    for i in range(CPU_SET // 8):
        count += popcnt(mask[i])
    return u32(count)


@fn
def choose_threads(ld: ptr[Loader]) -> u32:
    useful = ld.code_bytes // BYTES_PER_THREAD + 1
    if useful > MAX_THREADS:
        useful = MAX_THREADS
    if useful == 1:
        return u32(1)
    most = ld.threads if ld.threads != 0 else processors()
    return u32(useful) if useful < u64(most) else most


@fn
def start_workers(workers: ptr[Worker], count: u32) -> u32:
    """Run workers 1.. in threads of their own that take no signals, worker 0 here; how many threads there were."""
    mask = alloca(u8, SIGSET)
    before = alloca(u8, SIGSET)
    memset(mask, 255, SIGSET)
    pthread_sigmask(SIG_SETMASK, mask, before)
    started: u32 = 1
    while started < count:
        w = workers[started]
        if pthread_create(addr(w.thread), ptr[u8](0), fnptr(worker_run), ptr[u8](w)) != 0:
            break
        started += 1
    pthread_sigmask(SIG_SETMASK, before, ptr[u8](0))
    worker_run(ptr[u8](workers))
    for i in range(u32(1), started):
        pthread_join(workers[i].thread, ptr[u8](0))
    return started


@fn
def take_result(ld: ptr[Loader], w: ptr[Worker]) -> None:
    """Merge what a worker found: its error, if it is the first in the module, and its features."""
    r = ld.r
    found = w.v.r
    r.features |= found.features
    if found.error != 0 and (r.error == 0 or found.at < r.at):
        r.error = found.error
        r.at = found.at
        for i in range(4):
            r.args[i] = found.args[i]


@fn
def validate_bodies(ld: ptr[Loader]) -> boolean:
    """Check every body of the module."""
    count = choose_threads(ld)
    team = alloca(Team)
    team.loader = ld
    team.next = 0
    workers = ptr[Worker](calloc(u64(count), sizeof(Worker)))
    if workers == 0:
        return fail_index(ld.r, ERR_MEMORY, ld.r.base, u64(count) * sizeof(Worker))
    ready = True
    for i in range(count):
        ready = worker_open(workers[i], team) and ready
    if ready:
        start_workers(workers, count)
    for i in range(count):
        take_result(ld, workers[i])
        worker_close(workers[i])
    free(ptr[u8](workers))
    return ld.r.error == 0
