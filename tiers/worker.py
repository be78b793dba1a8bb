"""A process that compiles what comes through its standard input: `python -m wasmjit.tiers.worker`.

A message is: its kind, one byte; the length of what follows, 8 bytes little-endian; that. It gets requests (REQUEST, as of
`optimizer.wire`, without what it got before); answers are a packed unit (DONE) or text. The first message comes from itself: it is READY.
It ends with its input. LLVM may end it any time: whoever started it knows that.
"""

import os
import struct
import sys
from _signal import SIGPIPE, SIGXFSZ  # type: ignore[import-not-found]  # signal is slow to import

from wasmjit.native.cache import PACKAGE
from wasmjit.tiers import policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wasmjit.tiers.optimizer.request import Request

HEAD = struct.Struct("<BQ")
DONE, REFUSED, FAILED, REQUEST, READY = range(5)


def command(module: str) -> list[str]:
    """What starts `main` of a module of the package in a process of its own, where modules are found as here."""
    start = f"import sys; sys.path[:] = sys.argv[1:]; from {module} import main; main()"
    return [sys.executable, "-I", "-S", "-c", start, os.path.dirname(PACKAGE), *filter(None, sys.path)]


def spawn(module: str, actions: "Sequence[tuple[int | str, ...]]", *, setsid: bool = False) -> int:
    """Start a process that runs `command`. Raises what os.posix_spawn does.

    actions: on its descriptors. What else is open here and not closed by exec it closes itself.
    """
    signals = SIGPIPE, SIGXFSZ  # which Python ignores
    words = command(module)
    return os.posix_spawn(words[0], words, os.environ, file_actions=actions, setsid=setsid, setsigmask=(), setsigdef=signals)


def head(kind: int, size: int) -> bytes:
    """What stands before a message of so many bytes."""
    return HEAD.pack(kind, size)


def main() -> None:
    """Compile until the input ends."""
    import signal  # slow to import, and not needed by who only talks to this process

    answers = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program, which ends this by closing the pipe
    os.nice(policy.WORKER_NICE)
    close_others(answers)
    confine()
    get_ready()
    serve(0, answers, compile_packed)


def close_others(kept: int) -> None:
    """Close what the program's libraries had open: all descriptors but the first three and this one."""
    for name in os.listdir("/dev/fd"):
        if int(name) > 2 and int(name) != kept:
            try:
                os.close(int(name))
            except OSError:  # it was the listing's
                pass


def get_ready() -> None:
    """Load what compiles, so that the first request need not wait for that.

    Nothing of it becomes garbage: looking for some meanwhile, and among it later, is a tenth of the time that this takes.
    """
    import gc

    from wasmjit.tiers.lean import import_llvmlite

    gc.disable()
    import_llvmlite()
    from wasmjit.tiers.optimizer import build, compile, target  # noqa: F401

    target.warm_up()
    gc.freeze()
    gc.enable()


def confine() -> None:
    """Limit what a compile that went astray takes of the machine."""
    import resource

    for kind, most in ((resource.RLIMIT_AS, policy.WORKER_MEMORY), (resource.RLIMIT_CORE, 0)):
        soft, hard = resource.getrlimit(kind)
        limits = [limit for limit in (most, soft, hard) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(kind, (min(limits), hard))


def allow_cpu(seconds: float) -> None:
    """From now on so much CPU time, then SIGXCPU ends this process: whoever would kill it may be gone."""
    import resource

    used = sum(os.times()[:2])
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    most = int(used + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def compile_packed(request: "Request") -> tuple[int, bytes]:
    """Kind and content of the answer to a request."""
    from wasmjit.tiers.optimizer.compile import compile_unit
    from wasmjit.tiers.optimizer.unit import Refused

    try:
        return DONE, compile_unit(request).pack()
    except Refused as refused:
        return REFUSED, str(refused).encode()
    except MemoryError:
        return FAILED, b"no memory for the compiler"
    except Exception as error:
        return FAILED, f"{type(error).__name__}: {error}".encode()


def serve(requests: int, answers: int, compile: "Callable[[Request], tuple[int, bytes]]") -> None:
    """Say that it is ready, and answer what comes through a descriptor until that ends."""
    from wasmjit.tiers.optimizer.request import Source
    from wasmjit.tiers.optimizer.wire import unpacked

    known = Source()
    os.write(answers, head(READY, 0))
    while True:
        start = _read(requests, HEAD.size)
        if len(start) < HEAD.size:
            return
        _, size = HEAD.unpack(start)
        message = _read(requests, size)
        if len(message) < size:
            return
        request = unpacked(message, known)
        allow_cpu(policy.LONGEST)
        kind, answer = compile(request)
        left = memoryview(head(kind, len(answer)) + answer)
        while left:
            left = left[os.write(answers, left) :]


def _read(descriptor: int, size: int) -> bytes:
    pieces = []
    while size:
        piece = os.read(descriptor, min(size, 1 << 20))
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


if __name__ == "__main__":
    sys.path[:] = sys.argv[1:] or sys.path
    main()
