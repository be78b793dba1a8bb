"""Standard streams that a guest has for itself and that close with it: pipes, and files that its embedder may close before it."""

import os
from stat import S_ISFIFO

from wasmjit.wasi.abi import Right
from wasmjit.wasi.hostfile import HostFile, lent_file


def pipe(right: int) -> tuple[HostFile, int]:
    """A new pipe: its end that `right` (FD_READ or FD_WRITE) is for, which does not block, and the host descriptor of the other end."""
    reading, writing = os.pipe()
    own, other = (reading, writing) if right == Right.FD_READ else (writing, reading)
    os.set_blocking(own, False)
    return kept(own, right), other


def shared(number: int, right: int) -> HostFile:
    """The open file behind a host descriptor. right: FD_READ or FD_WRITE.

    A pipe is opened once more where the system lets us, so that it need not block here, and goes on to where the embedder uses it.
    """
    fifo = S_ISFIFO(os.fstat(number).st_mode)
    own = reopened(number, os.O_RDONLY if right == Right.FD_READ else os.O_WRONLY) if fifo else None
    return kept(os.dup(number) if own is None else own, right)


def kept(number: int, right: int) -> HostFile:
    """A standard stream that closes its host descriptor."""
    file = lent_file(number, right)
    file.owned = True
    return file


def reopened(number: int, mode: int) -> int | None:
    """A descriptor of the same pipe that does not block; None where `number` has another mode, or /proc is not there."""
    from fcntl import F_GETFL, fcntl

    if fcntl(number, F_GETFL) & os.O_ACCMODE != mode:
        return None
    try:
        return os.open(f"/proc/self/fd/{number}", mode | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
