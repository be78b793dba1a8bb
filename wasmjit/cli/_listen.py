"""`-S tcplisten=HOST:PORT`: sockets that are open when the program starts, for its `sock_accept`."""

import socket

from wasmjit.cli._terminal import note


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on the first address of `host`. Port 0 is a free one, which is told on stderr.

    OSError with the address as its file name: there is no such address here, it is in use, or the user may not have it.
    """
    name = f"[{host}]" if ":" in host else host
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen()
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{name}:{port}") from None
    if port == 0:
        note(f"wasmjit: listening on {name}:{listening.getsockname()[1]}")
    return listening
