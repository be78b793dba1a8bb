"""What the optimizer gets to see of a live module: the sections that it reads, and the bodies that a request can touch."""

from struct import iter_unpack

from wasmjit._image import native
from wasmjit.runtime.codes import MOD_CANONICAL, MOD_CHECKED
from wasmjit.tiers import policy
from wasmjit.tiers.optimizer.leb import unsigned
from wasmjit.tiers.optimizer.request import NO_FUNCTION, POINT, TARGET, Options, Request, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wasmjit.tiers.counts import Counts

    Entries = tuple[tuple[int, int], ...]

N = native()

SECTIONS = (1, 2, 3, 5, 6)  # types, imports, functions, memories, globals
_PREAMBLE = 8
_HEADER = 6  # bytes of a section's number and length at most
_CALL = "<II"  # records of function_calls


def source_of(mod: int) -> Source:
    """The source without bodies."""
    nbytes = N.mod_nbytes(mod)
    pieces = []
    at = _PREAMBLE
    while at < nbytes:
        head = N.mod_bytes(mod, at, _HEADER) + bytes(_HEADER)
        size, used = unsigned(head, 1)
        if head[0] in SECTIONS:
            pieces.append(N.mod_bytes(mod, at, used + size))
        at += used + size
    return Source(nbytes, b"".join(pieces))


def request_for(mod: int, everything: Source, entries: "Entries", options: Options, counts: "Counts | None") -> Request:
    """A request for entries of a module. everything: what earlier requests have had of it; counts: as in `touched`."""
    needed = touched(mod, sorted({function for function, _ in entries}), options, counts)
    profiles = {} if counts is None else {f: found for f in needed if (found := counts[f])[0]}
    flags = N.mod_flags(mod)
    source, checked, canonical = part_of(mod, everything, needed), bool(flags & MOD_CHECKED), bool(flags & MOD_CANONICAL)
    return Request(source, entries, profiles, checked, options, canonical=canonical)


def part_of(mod: int, everything: Source, functions: "Iterable[int]") -> Source:
    """The source with these bodies only, which `everything` has then too: they are the same objects each time."""
    bodies = everything.bodies
    found = {}
    for function in functions:
        body = bodies.get(function)
        if body is None:
            start, end, *_ = N.function_state(mod, function)
            body = bodies[function] = start, N.mod_bytes(mod, start, end - start)
        found[function] = body
    return Source(everything.nbytes, everything.head, found)


def touched(mod: int, functions: "Iterable[int]", options: Options, counts: "Counts | None") -> list[int]:
    """Functions and, behind them, those that may be inlined into them, one through the other.

    counts: what was counted of them. None: nothing is to be known of that.
    """
    todo = list(dict.fromkeys(functions))
    found = set(todo)
    most = len(todo) + policy.TOUCHED
    for function in todo:
        for callee in _inlined(mod, function, options, counts):
            if callee not in found and len(found) < most:
                found.add(callee)
                todo.append(callee)
    return todo


def _inlined(mod: int, function: int, options: Options, counts: "Counts | None") -> "Iterator[int]":
    """Functions that may take the place of calls in a function: small ones, larger ones where the profile says hot."""
    points, targets = (b"", b"") if counts is None else counts[function]
    rows = list(iter_unpack(POINT, points))
    passed = {wasm: count for wasm, after, _, _, count in rows if not after}
    cold = function not in options.all_blocks and any(row[-1] for row in rows)
    calls = [(callee, passed.get(wasm, 0) if rows else None) for wasm, callee in iter_unpack(_CALL, N.function_calls(mod, function))]
    calls += [(callee, count) for _, callee, count in iter_unpack(TARGET, targets) if callee != NO_FUNCTION]
    for callee, count in calls:
        if count == 0 and cold:
            continue
        start, end, *_ = N.function_state(mod, callee)
        most = policy.INLINE_BYTES if count is not None and count >= policy.INLINE_HOT else policy.INLINE_BYTES_SMALL
        if 0 < end - start <= most:  # 0: imported
            yield callee
