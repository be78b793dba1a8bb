"""A live module's functions as a Request: what was counted of them, and what the settings say about compiling them."""

from struct import iter_unpack

from wasmjit._image import native
from wasmjit.runtime.codes import MOD_CHECKED
from wasmjit.tiers import policy
from wasmjit.tiers.optimizer.request import HOST, Options, Profile, Request
from wasmjit.tiers.restrict import permitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from wasmjit._module import Module
    from wasmjit.tiers.compiling import State

N = native()

POINT = "<IIIIQ"  # as of profile_points and profile_targets
TARGET = "<IIQ"
NO_FUNCTION = 0xFFFF_FFFF


def request_of(module: "Module", state: "State", entries: "Iterable[tuple[int, int]]", level: int, *, profiled: bool = True) -> Request:
    """A request for entries (function, loop or 0) of a module.

    Functions that may not be compiled are left out. profiled: with what was counted; else whole functions are compiled, which can be
    done before they ran.
    """
    if state.binary is None:
        state.binary = module.binary()
    entries = tuple(sorted(entry for entry in set(entries) if permitted(entry[0])))
    functions = {function for function, _ in entries}
    given_up = {function: N.function_state(module.address, function)[3] for function in functions}
    options = Options(
        level=level,
        stress=module.config.stress or "",
        all_blocks=frozenset(f for f, units in given_up.items() if units >= policy.ALL_BLOCKS_AFTER),
        no_devirt=frozenset(f for f, units in given_up.items() if units >= policy.NO_DEVIRT_AFTER),
    )
    profiles = profiles_of(module.address, functions) if profiled else {}
    return Request(state.binary, entries, profiles, bool(N.mod_flags(module.address) & MOD_CHECKED), options)


def profiles_of(mod: int, functions: "Iterable[int]") -> dict[int, Profile]:
    """Profiles of functions, and of those that they may call, as far as there are some."""
    found: dict[int, Profile] = {}
    for function in functions:
        profile = profile_of(mod, function)
        if profile is not None:
            found[function] = profile
    for function in own_functions(mod):
        if len(found) >= policy.PROFILES:
            break
        if function not in found:
            profile = profile_of(mod, function)
            if profile is not None:
                found[function] = profile
    return found


def own_functions(mod: int) -> range:
    """Indices of the functions that a module defines."""
    counts = N.mod_counts(mod)
    return range(counts[9], counts[1])


def profile_of(mod: int, function: int) -> Profile | None:
    """What was counted of a function; None if it has no profiled form."""
    records = N.profile_points(mod, function)
    if not records:
        return None
    points = {(wasm, after): (slot, count) for wasm, after, slot, _, count in iter_unpack(POINT, records)}
    targets: dict[int, list[tuple[int, int]]] = {}
    for wasm, callee, count in iter_unpack(TARGET, N.profile_targets(mod, function)):
        targets.setdefault(wasm, []).append((HOST if callee == NO_FUNCTION else callee, count))
    for rows in targets.values():
        rows.sort(key=lambda row: -row[1])
    return Profile(points, targets)
