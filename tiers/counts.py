"""What was counted of functions: in this process, and in those that made the code that is kept of earlier runs.

Code of an earlier run is left where this one does something else. What it is compiled to then has to have the paths of both.
"""

import marshal
from struct import Struct, iter_unpack

from wasmjit._image import native
from wasmjit.tiers.optimizer.request import POINT, TARGET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wasmjit.tiers.optimizer.request import Records

N = native()

NOTHING: "Records" = (b"", b"")
LARGEST = 16 << 20  # bytes of what was counted of the functions of a unit

_point, _target = Struct(POINT), Struct(TARGET)


def live(mod: int) -> "Callable[[int], Records]":
    """Where to look up what this process counted of a module's functions."""
    return lambda function: (N.profile_points(mod, function), N.profile_targets(mod, function))


class Counts(dict[int, "Records"]):
    """Records by function, looked up when they are first wanted. earlier: what earlier runs counted, asked for at most once."""

    def __init__(self, now: "Callable[[int], Records]", earlier: "Callable[[], Mapping[int, Records]] | None" = None) -> None:
        self._now = now
        self._earlier = earlier
        self._found: Mapping[int, Records] | None = None

    def __missing__(self, function: int) -> "Records":
        if self._found is None:
            self._found = self._earlier() if self._earlier is not None else {}
        found = self[function] = merged(self._now(function), self._found.get(function, NOTHING))
        return found


def merged(now: "Records", before: "Records") -> "Records":
    """The most that either counted: so what both have is not there twice."""
    if not before[0] or not now[0]:
        return now if now[0] else before
    if len(before[0]) != len(now[0]):
        return now  # not of the same form
    points = bytearray(now[0])
    at = 0
    for new, old in zip(iter_unpack(POINT, now[0]), iter_unpack(POINT, before[0]), strict=True):
        if new[:4] != old[:4]:
            return now
        if old[4] > new[4]:
            _point.pack_into(points, at, *old)
        at += _point.size
    counts = {(wasm, callee): count for wasm, callee, count in iter_unpack(TARGET, before[1])}
    for wasm, callee, count in iter_unpack(TARGET, now[1]):
        counts[wasm, callee] = max(count, counts.get((wasm, callee), 0))
    return bytes(points), b"".join([_target.pack(wasm, callee, count) for (wasm, callee), count in counts.items()])


def entered(records: "Records", loop: int) -> "Records":
    """Records that say that all before a loop ran, if they do not say how it is entered: it was only seen from within."""
    points, targets = records
    if not points or _point.unpack_from(points)[4]:
        return records
    rows = [(wasm, after, slot, 0, count or wasm < loop) for wasm, after, slot, _, count in iter_unpack(POINT, points)]
    return b"".join([_point.pack(*row) for row in rows]), targets


def packed(counted: "Mapping[int, Records]") -> bytes:
    """Records as bytes, b"" for none."""
    if not counted:
        return b""
    import zlib

    return zlib.compress(marshal.dumps(dict(counted)), 1)


def unpacked(data: bytes) -> "dict[int, Records]":
    """What `packed` made bytes; nothing if they are damaged."""
    import zlib

    try:
        stream = zlib.decompressobj()
        body = stream.decompress(data, LARGEST)
        return dict(marshal.loads(body)) if stream.eof else {}
    except (zlib.error, ValueError, TypeError, EOFError):
        return {}
