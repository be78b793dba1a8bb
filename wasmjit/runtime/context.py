"""The execution context of a thread: made at its first use of wasm, given back by the pthread key's destructor.

`Ec`s are never freed: the one of a thread that ended is taken by the next new thread, so that `ec.interrupt` may be set
through the list of all contexts without a lock. Nothing here locks, so a fork at any moment leaves a working child.
"""

from wasmjit.native.lang import (
    addr,
    alloca,
    atomic_cas,
    atomic_store,
    boolean,
    export,
    fn,
    fnptr,
    likely,
    ptr,
    sizeof,
    struct,
    symbol,
    thread_pointer,
    u8,
    u32,
    u64,
    unlikely,
    var,
    void,
)
from wasmjit.native.libc import (
    calloc,
    malloc,
    mmap,
    mprotect,
    munmap,
    pthread_attr_destroy,
    pthread_attr_getguardsize,
    pthread_attr_getstack,
    pthread_getattr_np,
    pthread_getspecific,
    pthread_key_create,
    pthread_self,
    pthread_setspecific,
)
from wasmjit.runtime.codes import FRAMES_INNER, FRAMES_OUTER, GIL_HELD
from wasmjit.runtime.platform import MAP_ANONYMOUS, MAP_NORESERVE, MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE, PTHREAD_ATTR_BYTES
from wasmjit.runtime.structs import Ec
from wasmjit.runtime.timers import timer_end

BUDGET = 10_000  # weight of back edges and calls between two safepoints: about 20 us of a small loop
VALUE_STACK = 8 << 20  # bytes of a thread's value stack unless configured; pages are taken when touched
VALUE_STACK_MOST = 1 << 30
# writable bytes above vs_limit: arguments are put at vs_top before anything checks, exits of optimized code write their frames
# first, and a handler called from within that code begins above all that
SLACK = 128 << 10
HEADROOM = 256 << 10  # native stack that must be left when wasm is entered: Python may be called from it
STACK_GUARD = 64 << 10  # inaccessible bytes behind each stack: a multiple of every page size
STACK_UNKNOWN = 512 << 10  # what a thread is taken to have left when its bounds cannot be found
MAP_FAILED = 0xFFFF_FFFF_FFFF_FFFF


@struct
class Threads:
    """What all contexts share."""

    list: ptr[Ec]  # every context ever made
    value_stack: u64  # bytes for contexts made from now on, 0: VALUE_STACK
    key: u32
    ready: u32


@struct
class Latest:
    """The context that was asked for last, under the GIL, and its thread. `thread` is never that of a thread that ended."""

    thread: u64  # thread pointer
    ec: ptr[Ec]


THREADS = var("runtime_threads", Threads)
LATEST = var("runtime_latest", Latest)


@fn
def context_init() -> boolean:
    """Create the pthread key. False: the process has no key left."""
    if THREADS.ready:
        return True
    key = alloca(u32)
    if pthread_key_create(key, fnptr(context_end)) != 0:
        return False
    THREADS.key = key[0]
    THREADS.ready = 1
    return True


@fn
def current_ec() -> ptr[Ec]:
    """This thread's context; made if need be, 0 when memory ran out. The GIL need not be held."""
    ec = ptr[Ec](pthread_getspecific(THREADS.key))
    if unlikely(ec == 0):
        ec = context_begin()
    return ec


@fn(inline=True)
def held_ec() -> ptr[Ec]:
    """As `current_ec`, faster. The GIL is held."""
    if likely(LATEST.thread == thread_pointer()):
        return LATEST.ec
    return latest_ec()


@fn(cold=True)
def latest_ec() -> ptr[Ec]:
    ec = current_ec()
    if ec != 0:
        LATEST.ec = ec
        atomic_store(addr(LATEST.thread), thread_pointer())  # a thread that ends clears only what is its own
    return ec


@fn(cold=True)
def context_begin() -> ptr[Ec]:
    """Make this thread's context, or take one that a thread has left."""
    ec = context_take()
    if ec == 0:
        return ec
    if not stacks_map(ec):
        atomic_store(addr(ec.thread), 0)
        return ptr[Ec](0)
    native_bounds(ec)
    ec.budget = BUDGET
    ec.rt = ptr[ptr[u8]](symbol("native_table"))
    ec.gil = GIL_HELD
    pthread_setspecific(THREADS.key, ptr[u8](ec))
    return ec


@fn
def context_take() -> ptr[Ec]:
    me = u64(pthread_self())
    ec = THREADS.list
    while ec != 0:
        if atomic_cas(addr(ec.thread), 0, me):
            return ec
        ec = ec.link
    ec = ptr[Ec](calloc(1, sizeof(Ec)))
    frames = ptr[u64](malloc((FRAMES_INNER + 1 + FRAMES_OUTER) * 16))
    if ec == 0 or frames == 0:
        return ptr[Ec](0)
    ec.frames = frames
    ec.thread = me
    head = THREADS.list
    ec.link = head
    while not atomic_cas(ptr[u64](addr(THREADS.list)), u64(head), u64(ec)):
        head = THREADS.list
        ec.link = head
    return ec


@fn
def context_end(ec: ptr[Ec]) -> void:
    """Destructor of the pthread key: the thread ends. The context stays in the list, for another thread to take."""
    atomic_cas(addr(LATEST.thread), thread_pointer(), 0)
    timer_end(ec)
    munmap(ptr[u8](ec.vs_base), ec.vs_bytes)
    munmap(ec.cs_base, ec.cs_bytes)
    ec.act = 0
    ec.in_host = 0
    ec.interrupt = 0
    ec.deadline = 0
    ec.next_tick = 0
    ec.nframes = 0
    ec.ticket = 0
    ec.ended = 0
    ec.wake = 0
    atomic_store(addr(ec.thread), 0)


@fn
def stack_map(size: u64) -> ptr[u8]:
    """Map a stack with a guard behind it; 0 on failure."""
    whole = size + STACK_GUARD
    base = mmap(ptr[u8](0), whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    if u64(base) == MAP_FAILED:
        return ptr[u8](0)
    if mprotect(base + size, STACK_GUARD, PROT_NONE) != 0:
        munmap(base, whole)
        return ptr[u8](0)
    return base


@fn
def stacks_map(ec: ptr[Ec]) -> boolean:
    """Map both stacks. A call takes at least 16 bytes of the value stack and at most two control records, so that fills up first."""
    value_bytes = value_stack()
    control_bytes = value_bytes * 2 + SLACK
    values = stack_map(value_bytes + SLACK)
    if values == 0:
        return False
    controls = stack_map(control_bytes)
    if controls == 0:
        munmap(values, value_bytes + SLACK + STACK_GUARD)
        return False
    ec.vs_base = ptr[u64](values)
    ec.vs_top = ec.vs_base
    ec.vs_limit = ptr[u64](values + value_bytes)
    ec.vs_bytes = value_bytes + SLACK + STACK_GUARD
    ec.cs_base = controls
    ec.cs_top = controls
    ec.cs_bytes = control_bytes + STACK_GUARD
    return True


@fn
def native_bounds(ec: ptr[Ec]) -> void:
    """Find this thread's own stack and set the limit below which wasm is not entered."""
    attributes = alloca(u64, PTHREAD_ATTR_BYTES // 8)
    here = alloca(u64, 3)
    low = u64(here) - STACK_UNKNOWN
    size: u64 = STACK_UNKNOWN
    if pthread_getattr_np(pthread_self(), ptr[u8](attributes)) == 0:
        if pthread_attr_getstack(ptr[u8](attributes), here, here + 1) == 0:
            pthread_attr_getguardsize(ptr[u8](attributes), here + 2)
            low = here[0] + here[2]  # some C libraries count the guard in; losing a page otherwise does no harm
            size = here[1] - here[2]
        pthread_attr_destroy(ptr[u8](attributes))
    ec.native_lo = low
    headroom: u64 = HEADROOM
    if size < HEADROOM * 2:
        headroom = size // 2
    ec.stack_limit = low + headroom
    ec.code_limit = ec.stack_limit


@export
def stack_configure(value_bytes: u64) -> boolean:
    """Bytes, if more than now, of the value stacks of threads that begin to use wasm, and of the calling one outside of wasm.

    False: no memory for that, nothing has changed.
    """
    size = (value_bytes + 0xFFFF) & ~0xFFFF
    ec = current_ec()
    if ec == 0 or value_bytes > VALUE_STACK_MOST:
        return False
    before = value_stack()
    if size > before:
        THREADS.value_stack = size
    if ec.vs_bytes - SLACK - STACK_GUARD < size and ec.act == 0 and ec.vs_top == ec.vs_base:
        values = ptr[u8](ec.vs_base)
        nbytes = ec.vs_bytes
        controls = ec.cs_base
        control_bytes = ec.cs_bytes
        if not stacks_map(ec):
            THREADS.value_stack = before
            return False
        munmap(values, nbytes)
        munmap(controls, control_bytes)
    return True


@fn
def value_stack() -> u64:
    return THREADS.value_stack if THREADS.value_stack != 0 else u64(VALUE_STACK)
