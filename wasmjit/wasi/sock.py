"""Sockets that the embedder opened: accept, receive, send, shut down."""

import socket

from wasmjit.wasi._memory import M32, iovecs, span
from wasmjit.wasi._wait import bounded, wait_ready
from wasmjit.wasi.abi import SOCKET, FdFlag, FileType, Right
from wasmjit.wasi.context import Descriptor
from wasmjit.wasi.errno import Errno, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from wasmjit.wasi.context import Context

    T = TypeVar("T")

RECV_PEEK, RECV_WAITALL = 1, 2  # riflags
RECV_DATA_TRUNCATED = 1  # roflags
SHUT_READ, SHUT_WRITE = 1, 2  # sdflags


class Socket(Descriptor):
    """A listening or connected socket. One that the embedder passed is only lent and stays open."""

    __slots__ = ("filetype", "owned", "socket")

    def __init__(self, sock: socket.socket, rights: int = SOCKET, owned: bool = False) -> None:
        super().__init__(rights, rights, 0 if sock.getblocking() else FdFlag.NONBLOCK)
        self.socket = sock
        self.owned = owned
        self.filetype = FileType.SOCKET_DGRAM if sock.type == socket.SOCK_DGRAM else FileType.SOCKET_STREAM

    def waits_here(self) -> bool:
        """Whether waiting has to be done here, where a timeout ends it, instead of in the system call."""
        return bounded() and not self.flags & FdFlag.NONBLOCK

    def attempt(self, operation: "Callable[[int], T]", writing: bool = False) -> "T":
        """What `operation`, which takes flags of send and recv, returns.

        It is tried before it is waited for: whether a socket that cannot do it ever becomes ready is up to the host.
        """
        while self.waits_here():
            try:
                return operation(socket.MSG_DONTWAIT)
            except BlockingIOError:
                wait_ready(self.socket.fileno(), writing)
        return operation(0)

    def read(self, buffers: list[memoryview]) -> int:
        return self.attempt(lambda flags: self.socket.recvmsg_into(buffers, 0, flags))[0] if buffers else 0

    def receive_all(self, buffers: list[memoryview]) -> int:
        """Fill the buffers, waiting here as often as it takes; less only where the stream ends."""
        done = 0
        for buffer in buffers:
            while buffer and (count := self.read([buffer])):
                buffer = buffer[count:]
                done += count
            if buffer:
                break
        return done

    def write(self, buffers: list[memoryview]) -> int:
        return self.attempt(lambda flags: self.socket.sendmsg(buffers, (), flags), writing=True) if buffers else 0

    def accept(self) -> socket.socket:
        """A connection. accept(2) has no flag that keeps it from waiting, but fails at once where the socket does not listen."""
        if self.waits_here() and self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            wait_ready(self.socket.fileno())
        return self.socket.accept()[0]

    def set_flags(self, flags: int) -> None:
        if flags & ~FdFlag.NONBLOCK:
            raise WasiError(Errno.NOTSUP)
        self.socket.setblocking(not flags & FdFlag.NONBLOCK)
        self.flags = flags

    def waitable(self) -> int | None:
        return self.socket.fileno()

    def close(self) -> None:
        if self.owned:
            self.owned = False
            self.socket.close()

    def __del__(self) -> None:
        self.close()


def socket_of(descriptor: Descriptor) -> Socket:
    """The descriptor as a socket; NOTSOCK for another."""
    if not isinstance(descriptor, Socket):
        raise WasiError(Errno.NOTSOCK)
    return descriptor


def need(descriptor: Socket, right: int) -> None:
    """Check a right after it is known that there is a socket."""
    if not descriptor.rights & right:
        raise WasiError(Errno.NOTCAPABLE)


def sock_accept(context: "Context", window: memoryview, descriptor: Descriptor, flags: int, result: int) -> None:
    cell = span(window, result, 4)
    listening = socket_of(descriptor)
    if flags & M32 & ~FdFlag.NONBLOCK:
        raise WasiError(Errno.INVAL)
    accepted = listening.accept()
    accepted.setblocking(not flags & FdFlag.NONBLOCK)
    cell[:] = context.add(Socket(accepted, listening.inheriting, owned=True)).to_bytes(4, "little")


def sock_recv(
    context: "Context", window: memoryview, descriptor: Descriptor, iovs: int, count: int, flags: int, size: int, result: int
) -> None:
    size_cell, flags_cell = span(window, size, 4), span(window, result, 2)
    connected = socket_of(descriptor)
    need(connected, Right.FD_READ)
    if flags & M32 & ~(RECV_PEEK | RECV_WAITALL):
        raise WasiError(Errno.INVAL)
    buffers = iovecs(window, iovs, count)
    host = (socket.MSG_PEEK if flags & RECV_PEEK else 0) | (socket.MSG_WAITALL if flags & RECV_WAITALL else 0)
    if host == socket.MSG_WAITALL and connected.waits_here() and connected.filetype == FileType.SOCKET_STREAM:
        done, told = connected.receive_all(buffers), 0
    else:
        into = buffers or [memoryview(b"")]
        done, _, told, _ = connected.attempt(lambda flags: connected.socket.recvmsg_into(into, 0, host | flags))
    size_cell[:] = done.to_bytes(4, "little")
    flags_cell[:] = (RECV_DATA_TRUNCATED if told & socket.MSG_TRUNC else 0).to_bytes(2, "little")


def sock_send(context: "Context", window: memoryview, descriptor: Descriptor, iovs: int, count: int, flags: int, result: int) -> None:
    cell = span(window, result, 4)
    connected = socket_of(descriptor)
    need(connected, Right.FD_WRITE)
    if flags:
        raise WasiError(Errno.INVAL)
    cell[:] = connected.write(iovecs(window, iovs, count)).to_bytes(4, "little")


def sock_shutdown(context: "Context", window: memoryview, descriptor: Descriptor, how: int) -> None:
    ways = {SHUT_READ: socket.SHUT_RD, SHUT_WRITE: socket.SHUT_WR, SHUT_READ | SHUT_WRITE: socket.SHUT_RDWR}
    connected = socket_of(descriptor)
    if how not in ways:
        raise WasiError(Errno.INVAL)
    connected.socket.shutdown(ways[how])
