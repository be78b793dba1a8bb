"""The queue of compile requests: running threads put them in without waiting, a thread of Python takes them out.

It is bounded: a function that finds no place asks again later. Who finds that nobody attends the queue calls Python, which starts
the thread.
"""

from wasmjit.native.capi import Py_BuildValue, Py_DecRef, PyErr_NoMemory, PyEval_RestoreThread, PyEval_SaveThread, PyList_Append, PyList_New
from wasmjit.native.lang import PyObject, addr, alloca, atomic_add, boolean, export, f64, fn, ptr, sizeof, struct, u8, u32, u64, var, vload
from wasmjit.native.libc import free, getpid, malloc, memcpy, syscall
from wasmjit.runtime.locks import lock_drop, lock_take
from wasmjit.runtime.platform import SYS_FUTEX
from wasmjit.runtime.structs import Mod

MOST = 1024  # requests that wait
FUTEX_WAIT, FUTEX_WAKE = 128, 129  # of this process only
LONGEST = 1e6  # seconds


@struct
class CompileRequest:
    mod: ptr[Mod]
    function: u32
    loop: u32  # offset in the binary of the loop to enter at, 0: none
    samples: u64


@struct
class Requests:
    items: ptr[CompileRequest]
    count: u64
    lock: u64
    attended: u64  # process whose thread takes requests out, 0: none
    bell: u32  # changes when there is something to see
    woken: u32  # the next wait ends at once


REQUESTS = var("compile_requests", Requests)
GIL_WANTED = var("compiler_wants_gil", u64)  # by the thread that takes requests: it works, or is on its way


@fn
def requests_push(mod: ptr[Mod], function: u32, loop: u32, samples: u64) -> boolean:
    """Append a request. False: there is no place."""
    q = REQUESTS
    lock_take(addr(q.lock))
    if q.items == 0:
        q.items = ptr[CompileRequest](malloc(MOST * sizeof(CompileRequest)))
    fits = q.items != 0 and q.count < MOST
    if fits:
        item = q.items[q.count]
        item.mod = mod
        item.function = function
        item.loop = loop
        item.samples = samples
        q.count += 1
    lock_drop(addr(q.lock))
    if fits:
        requests_ring()
    return fits


@fn
def requests_attended() -> boolean:
    """Does a thread of this process take requests out? After a fork its parent's does not."""
    return vload(u64, addr(REQUESTS.attended)) == u64(getpid())


@fn
def requests_ring() -> None:
    atomic_add(addr(REQUESTS.bell), 1)
    syscall(SYS_FUTEX, addr(REQUESTS.bell), FUTEX_WAKE, 1)


@fn
def requests_sleep(seconds: f64) -> None:
    """Wait for the bell unless there is something already. Needs the GIL, which is released meanwhile."""
    q = REQUESTS
    time = alloca(u64, 2)
    time[0] = u64(seconds if seconds < LONGEST else f64(LONGEST))
    time[1] = u64((seconds - f64(time[0])) * 1e9) if seconds < LONGEST else u64(0)
    state = PyEval_SaveThread()
    heard = vload(u32, addr(q.bell))
    if vload(u64, addr(q.count)) == 0 and vload(u32, addr(q.woken)) == 0:
        wanted = GIL_WANTED[0]
        GIL_WANTED[0] = 0
        syscall(SYS_FUTEX, addr(q.bell), FUTEX_WAIT, u64(heard), time)
        GIL_WANTED[0] = wanted
    PyEval_RestoreThread(state)


@export
def gil_wanted(wanted: u64) -> None:
    """Whether interpreting threads that hold the GIL give it away now and then: 1, or 0."""
    GIL_WANTED[0] = wanted


@export
def requests_wait(seconds: f64) -> ptr[PyObject]:
    """Take all requests out, oldest first; waits for the first so long with the GIL released. Below 0: no wait, and it goes on attending.

    List of (address of the Mod, function index, offset in the binary of the loop to enter at or 0, samples of the function): empty
    when the time is over, after requests_wake, now and then for no reason. The calling thread attends the queue until it gets an empty
    list: from then to the next call requests call HOOK_PROMOTE. A module may have died by the time its request is looked at.
    """
    q = REQUESTS
    q.attended = u64(getpid())
    if seconds > 0.0:
        requests_sleep(seconds)
    block = ptr[CompileRequest](malloc(MOST * sizeof(CompileRequest)))
    if block == 0:
        return PyErr_NoMemory()
    lock_take(addr(q.lock))
    count = q.count
    if count != 0:
        memcpy(ptr[u8](block), ptr[u8](q.items), count * sizeof(CompileRequest))
    q.count = 0
    q.woken = 0
    if count == 0 and seconds >= 0.0:
        q.attended = 0
    lock_drop(addr(q.lock))
    found = PyList_New(0)
    k: u64 = 0
    while found != 0 and k < count:
        item = Py_BuildValue(b"KIIK", block[k].mod, block[k].function, block[k].loop, block[k].samples)
        if item == 0 or PyList_Append(found, item) != 0:
            Py_DecRef(found)
            found = ptr[PyObject](0)
        if item != 0:
            Py_DecRef(item)
        k += 1
    free(ptr[u8](block))
    return found


@export
def requests_wake() -> None:
    """End the wait that is under way, or the next one."""
    REQUESTS.woken = 1
    requests_ring()


@export
def requests_forget(mod: ptr[Mod]) -> None:
    """Drop the requests of a module."""
    q = REQUESTS
    if q.count == 0:
        return
    lock_take(addr(q.lock))
    kept: u64 = 0
    k: u64 = 0
    while k < q.count:
        if q.items[k].mod != mod:
            memcpy(ptr[u8](q.items[kept]), ptr[u8](q.items[k]), sizeof(CompileRequest))
            kept += 1
        k += 1
    q.count = kept
    lock_drop(addr(q.lock))
