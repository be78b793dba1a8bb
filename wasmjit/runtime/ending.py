"""Ending from one thread what another one runs.

A thread that may be ended takes a ticket, a number that no other thread ever has. Who knows it can use it up at any time, also when the
thread has gone and its context is another's: only its own ticket ends a thread. Safepoints look for that (runtime.safepoints), and so
does whatever waits on the host (wasmjit.wasi._wait), which a descriptor wakes. It holds until the thread gives its ticket back:
code of the host that catches the trap does not get far in its next call.

The exported functions hold the GIL from their beginning to their end, so that none sees another's work half done.
"""

from wasmjit.native.lang import addr, alloca, atomic_store, boolean, export, fn, i32, ptr, u8, u64, var, vload
from wasmjit.native.libc import write
from wasmjit.runtime.context import THREADS, current_ec
from wasmjit.runtime.structs import Ec

TICKETS = var("ending_tickets", u64)  # how many there have been


@fn(inline=True)
def ended(ec: ptr[Ec]) -> boolean:
    """Whether the ticket of this thread was used up."""
    used = vload(u64, addr(ec.ended))
    return used != 0 and used == ec.ticket


@export
def ticket_new() -> u64:
    """A ticket that no thread has."""
    TICKETS[0] += 1
    return TICKETS[0]


@export
def ticket_take(ticket: u64, waker: i32) -> boolean:
    """The calling thread takes a ticket, `waker` being an eventfd that `ticket_end` makes readable. False: no memory for its context."""
    ec = current_ec()
    if ec == 0:
        return False
    ec.wake = u64(waker) + 1
    ec.ticket = ticket
    return True


@export
def ticket_drop() -> None:
    """The calling thread gives its ticket back: from now on nobody ends it, and the waker is not written to."""
    ec = current_ec()
    if ec != 0:
        ec.ticket = 0
        ec.ended = 0
        ec.wake = 0


@export
def ticket_end(ticket: u64) -> boolean:
    """End what the thread with this ticket runs: its calls raise TRAP_TERMINATED soon. False: no thread has it."""
    one = alloca(u64)
    one[0] = 1
    ec = THREADS.list
    while ec != 0:
        if ec.ticket == ticket:
            atomic_store(addr(ec.ended), ticket)
            atomic_store(addr(ec.interrupt), 1)
            write(i32(ec.wake - 1), ptr[u8](one), 8)
            return True
        ec = ec.link
    return False


@export
def call_ended() -> boolean:
    """Whether another thread wants the calling one's calls to end: for host functions that wait."""
    ec = current_ec()
    return ec != 0 and ended(ec)


@export
def call_waker() -> i32:
    """The descriptor that becomes readable then; -1: nobody can end the calling thread's calls."""
    ec = current_ec()
    if ec == 0:
        return -1
    return i32(ec.wake) - 1
