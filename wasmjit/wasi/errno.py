"""Error numbers of WASI preview 1 and what they are called on the host.

The values are the order of `errno` in the witx documents of wasi_snapshot_preview1.
"""

import os


class Errno:
    """Result of a WASI function: 0 is success, the rest are POSIX names without their E (2BIG is TOOBIG)."""

    SUCCESS = 0
    TOOBIG = 1
    ACCES = 2
    ADDRINUSE = 3
    ADDRNOTAVAIL = 4
    AFNOSUPPORT = 5
    AGAIN = 6
    ALREADY = 7
    BADF = 8
    BADMSG = 9
    BUSY = 10
    CANCELED = 11
    CHILD = 12
    CONNABORTED = 13
    CONNREFUSED = 14
    CONNRESET = 15
    DEADLK = 16
    DESTADDRREQ = 17
    DOM = 18
    DQUOT = 19
    EXIST = 20
    FAULT = 21
    FBIG = 22
    HOSTUNREACH = 23
    IDRM = 24
    ILSEQ = 25
    INPROGRESS = 26
    INTR = 27
    INVAL = 28
    IO = 29
    ISCONN = 30
    ISDIR = 31
    LOOP = 32
    MFILE = 33
    MLINK = 34
    MSGSIZE = 35
    MULTIHOP = 36
    NAMETOOLONG = 37
    NETDOWN = 38
    NETRESET = 39
    NETUNREACH = 40
    NFILE = 41
    NOBUFS = 42
    NODEV = 43
    NOENT = 44
    NOEXEC = 45
    NOLCK = 46
    NOLINK = 47
    NOMEM = 48
    NOMSG = 49
    NOPROTOOPT = 50
    NOSPC = 51
    NOSYS = 52
    NOTCONN = 53
    NOTDIR = 54
    NOTEMPTY = 55
    NOTRECOVERABLE = 56
    NOTSOCK = 57
    NOTSUP = 58
    NOTTY = 59
    NXIO = 60
    OVERFLOW = 61
    OWNERDEAD = 62
    PERM = 63
    PIPE = 64
    PROTO = 65
    PROTONOSUPPORT = 66
    PROTOTYPE = 67
    RANGE = 68
    ROFS = 69
    SPIPE = 70
    SRCH = 71
    STALE = 72
    TIMEDOUT = 73
    TXTBSY = 74
    XDEV = 75
    NOTCAPABLE = 76


class WasiError(Exception):
    """Ends a WASI function with `errno`; it never leaves the function's wrapper."""

    def __init__(self, errno: int) -> None:
        super().__init__(errno)
        self.errno = errno


class Raised(Exception):
    """Carries an OSError that is no errno past the wrapper: what an embedder's callable raised, and Timeout."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


def failure(number: int) -> OSError:
    """The OSError that a system call fails with, by its number on the host."""
    return OSError(number, os.strerror(number))


_from_host: dict[int, int] = {}


def from_host(error: OSError) -> int:
    """WASI number of a host error; IO for one that WASI has no name for."""
    if not _from_host:
        import errno as host

        for name, value in vars(Errno).items():
            number = getattr(host, "E2BIG" if name == "TOOBIG" else "E" + name, None)
            if number is not None:
                _from_host[number] = value
    number = error.errno
    if number is None:  # a socket's timeout carries no number
        return Errno.AGAIN if isinstance(error, TimeoutError) else Errno.IO
    return _from_host.get(number, Errno.IO)
