"""A live module's functions as a Request: what was counted of them, and what the settings say about compiling them."""

from struct import iter_unpack

from wasmjit._image import native
from wasmjit.runtime.codes import PHASE_COMPILED
from wasmjit.tiers import policy
from wasmjit.tiers.optimizer.request import POINT, Options, Profile
from wasmjit.tiers.restrict import permitted
from wasmjit.tiers.sources import request_for, source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

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
    taken: "dict[int, Records] | None" = None,
) -> "Request":
    """A request for entries (function, loop or 0) of a module.

    Functions that may not be compiled are left out. profiled: with what was counted; else whole functions are compiled, which can be
    done before they ran. taken: what was counted as far as the caller has it; the rest is added to it.
    """
    mod = module.address
    source = state.source
    if source is None:
        source = state.source = source_of(mod)
    entries = tuple(sorted(entry for entry in set(entries) if permitted(entry[0])))
    functions = {function for function, _ in entries}
    given_up = {function: N.function_state(mod, function)[3] for function in functions}
    options = Options(
        level=level,
        stress=module.config.stress or "",
        all_blocks=frozenset(
            f for f, units in given_up.items() if units >= policy.ALL_BLOCKS_AFTER and nbytes_of(mod, f) <= policy.ALL_BLOCKS_LARGEST
        ),
        no_devirt=frozenset(f for f, units in given_up.items() if units >= policy.NO_DEVIRT_AFTER),
    )
    if profiled and taken is None:
        taken = {}
    return request_for(mod, source, entries, options, taken)


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
    """What is compiled of a function that got hot in a loop, or else by calls (0).

    What is called often comes to a new body soon, and that is half of the work for both. Frames that stay in the loop ask for it again
    then: of a function that has code only the loop is compiled. One that is hardly called gets no body for calls.
    """
    if not loop or N.function_state(mod, function)[2] == PHASE_COMPILED:
        return [(function, loop)]
    points = N.profile_points(mod, function)
    called = next((count for _, _, _, _, count in iter_unpack(POINT, points[:POINT_BYTES])), policy.CALLED)
    return [(function, loop if called < policy.CALLED else 0)]
