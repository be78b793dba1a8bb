"""A live module's functions as a Request: what was counted of them, and what the settings say about compiling them."""

from struct import iter_unpack

from wasmjit._image import native
from wasmjit.runtime.codes import PHASE_COMPILED
from wasmjit.tiers import policy
from wasmjit.tiers.counts import Counts, live
from wasmjit.tiers.optimizer.request import POINT, Options, Profile
from wasmjit.tiers.restrict import permitted
from wasmjit.tiers.sources import request_for, source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wasmjit._module import Module
    from wasmjit.tiers.compiling import State
    from wasmjit.tiers.optimizer.request import Records, Request

N = native()

POINT_BYTES = 24  # the first record is that of the function's entry


def request_of(
    module: "Module",
    state: "State",
    entries: "Iterable[tuple[int, int]]",
    level: int,
    *,
    profiled: bool = True,
) -> "Request":
    """A request for entries (function, loop or 0) of a module.

    Functions that may not be compiled are left out. profiled: with what was counted; else whole functions are compiled, which can be
    done before they ran.
    """
    mod = module.address
    source = state.source
    if source is None:
        source = state.source = source_of(mod)
    entries = tuple(sorted(entry for entry in set(entries) if permitted(entry[0])))
    functions = {function for function, _ in entries}
    options = options_for(mod, {function: N.function_state(mod, function)[3] for function in functions}, level, module.config.stress)
    return request_for(mod, source, entries, options, Counts(live(mod), lambda: state.earlier(module)) if profiled else None)


def options_for(mod: int, given_up: "Mapping[int, int]", level: int, stress: str | None = None) -> "Options":
    """How functions are compiled of which so many units were given up."""
    return Options(
        level=level,
        stress=stress or "",
        all_blocks=frozenset(
            f for f, units in given_up.items() if units >= policy.ALL_BLOCKS_AFTER and nbytes_of(mod, f) <= policy.ALL_BLOCKS_LARGEST
        ),
        no_devirt=frozenset(f for f, units in given_up.items() if units >= policy.NO_DEVIRT_AFTER),
    )


def own_counts(request: "Request") -> "dict[int, Records]":
    """What was counted of the functions that a request has entries of."""
    profiles = request.profiles
    return {function: found for function, _ in request.entries if isinstance(found := profiles.get(function), tuple)}


def own_functions(mod: int) -> range:
    """Indices of the functions that a module defines."""
    counts = N.mod_counts(mod)
    return range(counts[9], counts[1])


def profile_of(mod: int, function: int) -> Profile | None:
    """What was counted of a function; None if it has no profiled form."""
    points = N.profile_points(mod, function)
    return Profile.of((points, N.profile_targets(mod, function))) if points else None


def extent_of(mod: int, function: int) -> int:
    """Bytes of wasm that compiling a function has to do with: those of its blocks that were seen, or all."""
    return N.profile_extent(mod, function) or nbytes_of(mod, function)


def nbytes_of(mod: int, function: int) -> int:
    """Bytes of wasm of a function."""
    start, end, *_ = N.function_state(mod, function)
    return int(end - start)


def entries_of(mod: int, function: int, loop: int) -> "list[tuple[int, int]]":
    """`entries_for` a function of a live module."""
    if not loop:
        return [(function, 0)]
    return entries_for(function, loop, N.function_state(mod, function)[2], N.profile_points(mod, function))


def entries_for(function: int, loop: int, phase: int, points: bytes) -> "list[tuple[int, int]]":
    """What is compiled of a function that got hot in a loop, or else by calls (0). phase, points: of the function.

    What is called often comes to a new body soon, and that is half of the work for both. Frames that stay in the loop ask for it again
    then: of a function that has code only the loop is compiled. One that is hardly called gets no body for calls.
    """
    if not loop or phase == PHASE_COMPILED:
        return [(function, loop)]
    called = next((count for _, _, _, _, count in iter_unpack(POINT, points[:POINT_BYTES])), policy.CALLED)
    return [(function, loop if called < policy.CALLED else 0)]
