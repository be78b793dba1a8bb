"""wasi_unstable, the release before preview 1: the four functions whose records or numbers differ."""

from wasmjit.wasi import fd, poll
from wasmjit.wasi._memory import M32, path, span
from wasmjit.wasi.abi import UNSTABLE_FILESTAT_SIZE, filestat, filetype, unstable_filestat
from wasmjit.wasi.errno import Errno, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit.wasi.context import Context, Descriptor
    from wasmjit.wasi.folder import Directory

WHENCE = (1, 2, 0)  # cur, end, set
SUBSCRIPTION_SIZE = 56


def fd_seek(context: "Context", window: memoryview, descriptor: "Descriptor", offset: int, whence: int, result: int) -> None:
    if not 0 <= whence <= 2:
        raise WasiError(Errno.INVAL)
    fd.fd_seek(context, window, descriptor, offset, WHENCE[whence], result)


def fd_filestat_get(context: "Context", window: memoryview, descriptor: "Descriptor", result: int) -> None:
    cell = span(window, result, UNSTABLE_FILESTAT_SIZE)
    cell[:] = unstable_filestat(filestat(descriptor.filetype, descriptor.stat()))


def path_filestat_get(
    context: "Context", window: memoryview, directory: "Directory", lookup: int, pointer: int, length: int, result: int
) -> None:
    from wasmjit.wasi.lookup import status_beneath
    from wasmjit.wasi.path import follows

    cell = span(window, result, UNSTABLE_FILESTAT_SIZE)
    status = status_beneath(directory.folder, path(window, pointer, length), follows(lookup))
    cell[:] = unstable_filestat(filestat(filetype(status.st_mode), status))


def poll_oneoff(context: "Context", window: memoryview, subscriptions: int, events: int, count: int, result: int) -> None:
    """A clock subscription starts with an identifier of 64 bits that is gone from preview 1; the events are the same."""
    cell = span(window, result, 4)
    count &= M32
    if not 0 < count <= poll.SUBSCRIPTIONS_MAX:
        raise WasiError(Errno.INVAL)
    asked = bytes(span(window, subscriptions, SUBSCRIPTION_SIZE * count))
    pieces = [asked[at : at + SUBSCRIPTION_SIZE] for at in range(0, len(asked), SUBSCRIPTION_SIZE)]
    records = [piece[:16] + piece[24:] if piece[8] == poll.CLOCK else piece[:48] for piece in pieces]
    poll.poll_records(context, records, span(window, events, poll.EVENT_SIZE * count), cell)
