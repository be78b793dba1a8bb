"""poll_oneoff: waiting for clocks and descriptors."""

from wasmjit.wasi._memory import M32, span
from wasmjit.wasi._wait import FOREVER, ready, sleep_until
from wasmjit.wasi.abi import M64, MONOTONIC, Right, record
from wasmjit.wasi.errno import Errno, WasiError
from wasmjit.wasi.process import check_clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit.wasi.context import Context

CLOCK, FD_READ, FD_WRITE = range(3)  # eventtype
ABSTIME = 1  # subclockflags
HANGUP = 1  # eventrwflags
SUBSCRIPTION_SIZE = 48
EVENT_SIZE = 32
SUBSCRIPTIONS_MAX = 1 << 16


class Event:
    """A subscription, and what has come of it: `wake` on the monotonic clock, or `number` of a host descriptor to wait for."""

    __slots__ = ("bytes", "errno", "flags", "kind", "number", "ready", "userdata", "wake")

    def __init__(self, userdata: int, kind: int) -> None:
        self.userdata = userdata
        self.kind = kind
        self.errno = Errno.SUCCESS
        self.ready = False
        self.bytes = 0
        self.flags = 0
        self.wake: int | None = None
        self.number: int | None = None

    def encode(self) -> bytes:
        """`event` record: 32 bytes."""
        return record((self.userdata, 8), (self.errno, 2), (self.kind, 6), (self.bytes, 8), (self.flags, 8))


def poll_oneoff(context: "Context", window: memoryview, subscriptions: int, events: int, count: int, result: int) -> None:
    """INVAL for no subscriptions and for an unknown type; what is wrong with one descriptor or clock is told in its event."""
    cell = span(window, result, 4)
    count &= M32
    if not 0 < count <= SUBSCRIPTIONS_MAX:
        raise WasiError(Errno.INVAL)
    asked = bytes(span(window, subscriptions, SUBSCRIPTION_SIZE * count))
    records = [asked[at : at + SUBSCRIPTION_SIZE] for at in range(0, len(asked), SUBSCRIPTION_SIZE)]
    poll_records(context, records, span(window, events, EVENT_SIZE * count), cell)


def poll_records(context: "Context", records: list[bytes], out: memoryview, cell: memoryview) -> None:
    """Wait for `subscription` records; store the events and how many there are."""
    polled = [subscribe(context, subscription) for subscription in records]
    wait(context, polled)
    happened = b"".join([event.encode() for event in polled if event.ready])
    out[: len(happened)] = happened
    cell[:] = (len(happened) // EVENT_SIZE).to_bytes(4, "little")


def subscribe(context: "Context", subscription: bytes) -> Event:
    """The event for one `subscription` record, ready already when there is nothing to wait for."""
    event = Event(int.from_bytes(subscription[:8], "little"), subscription[8])
    if event.kind not in (CLOCK, FD_READ, FD_WRITE):
        raise WasiError(Errno.INVAL)
    try:
        if event.kind == CLOCK:
            subscribe_clock(context, event, subscription)
        else:
            subscribe_descriptor(context, event, int.from_bytes(subscription[16:20], "little"))
    except WasiError as error:
        event.errno = error.errno
        event.ready = True
    return event


def subscribe_clock(context: "Context", event: Event, subscription: bytes) -> None:
    """Work out when the clock event comes, as a time of the monotonic clock. Precision is as good as the host's in any case."""
    identifier = int.from_bytes(subscription[16:20], "little")
    timeout = int.from_bytes(subscription[24:32], "little")
    flags = int.from_bytes(subscription[40:42], "little")
    check_clock(identifier)
    if flags & ~ABSTIME:
        raise WasiError(Errno.INVAL)
    if flags & ABSTIME:
        timeout = max(timeout - context.clock(identifier), 0)
    event.wake = min(context.clock(MONOTONIC) + timeout, M64)


def subscribe_descriptor(context: "Context", event: Event, number: int) -> None:
    """Find what to wait for; a file, bytes or a callable are ready at once."""
    direction = Right.FD_READ if event.kind == FD_READ else Right.FD_WRITE
    descriptor = context.descriptor(number, Right.POLL_FD_READWRITE | direction)
    event.number = descriptor.waitable()
    if event.number is None:
        event.ready = True
        event.bytes = descriptor.available() if event.kind == FD_READ else 0


def wait(context: "Context", polled: list[Event]) -> None:
    """Return when at least one event is ready."""
    wakes = [event.wake for event in polled if event.wake is not None]
    waiting = [event for event in polled if event.number is not None]
    ready = any([event.ready for event in polled])
    if waiting:
        wait_descriptors(context, waiting, 0 if ready else min(wakes, default=None))
    elif not ready:
        sleep_until(context, min(wakes))
    if wakes:
        now = context.clock(MONOTONIC)
        for event in polled:
            if event.wake is not None and event.errno == Errno.SUCCESS and event.wake <= now:
                event.ready = True


def wait_descriptors(context: "Context", waiting: list[Event], wake: int | None) -> None:
    """Wait for host descriptors until the monotonic clock shows `wake` nanoseconds (0: only look, None: for ever).

    A virtual clock is not waited for: what is not ready at once is late, and the time passes.
    """
    import select

    masks: dict[int, int] = {}
    for event in waiting:
        if event.number is not None:
            masks[event.number] = masks.get(event.number, 0) | (select.POLLIN if event.kind == FD_READ else select.POLLOUT)
    sleep = getattr(context.clock, "sleep", None)
    while True:
        left = None if wake is None else max(wake - context.clock(MONOTONIC), 0)
        states = ready(masks, FOREVER if left is None else 0 if sleep else left / 1e9)
        if states or left == 0:
            break
        if sleep is not None and left is not None:
            sleep(left)
    for event in waiting:
        state = states.get(event.number, 0) if event.number is not None else 0
        wanted = select.POLLIN if event.kind == FD_READ else select.POLLOUT
        if state & (wanted | select.POLLHUP | select.POLLERR | select.POLLNVAL):
            event.ready = True
            event.bytes = 1 if state & select.POLLIN else 0
            event.flags = HANGUP if state & select.POLLHUP else 0
            if state & select.POLLNVAL:
                event.errno = Errno.BADF
