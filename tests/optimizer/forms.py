"""Modules whose functions are compiled in a given way: whole, by a profile, entered at loops, leaving wherever they can."""

import struct
from dataclasses import dataclass, field

import wasmjit
from tests.profile.harness import code_of, loops_of, tiered
from tests.sources import source
from wasmjit._image import native
from wasmjit._wat import assemble
from wasmjit.native.lang import ptr
from wasmjit.runtime.codes import MOD_CHECKED
from wasmjit.runtime.structs import Mod
from wasmjit.tiers.optimizer.build import build
from wasmjit.tiers.optimizer.compile import compile_unit
from wasmjit.tiers.optimizer.program import Program
from wasmjit.tiers.optimizer.request import Options, Profile, Request
from wasmjit.tiers.optimizer.unit import Unit
from wasmjit.tiers.snapshot import profile_of

N = native()


@dataclass
class How:
    """bodies, loops: which entries. profile: none, "counts" as they stand, "few": two of three blocks count as never seen."""

    bodies: bool = True
    loops: bool = False
    profile: str = ""
    stress: str = ""
    level: int = 1
    unit: Unit | None = field(default=None, repr=False)

    def install(self, module: wasmjit.Module, counted: wasmjit.Module) -> None:
        """Compile a module's functions; `counted`: the same module, which has run in the profiled form."""
        own = sorted(source(module.binary()).bodies)
        if self.loops:
            tiered(module, 1 << 30, 1 << 30)  # every back edge is a sample, none leads to a request
            N.translate_all(module.address)
        entries = [(f, 0) for f in own] if self.bodies else []
        if self.loops:
            entries += [(f, int(loop.wasm)) for f in own for loop in loops_of(code_of(module, f))]
        if not entries:
            return
        profiles = {f: profile for f in own if self.profile and (profile := profile_of(counted.address, f)) is not None}
        if self.profile == "few":
            profiles = {f: few(profile) for f, profile in profiles.items()}
        checked = bool(int(ptr[Mod](module.address).flags) & MOD_CHECKED)
        request = Request(source(module.binary()), tuple(sorted(entries)), profiles, checked, Options(self.level, self.stress))
        self.unit = compile_unit(request, verify=True)
        assert N.unit_install(module.address, self.unit.pack())


def few(profile: Profile) -> Profile:
    """A profile that most of the program contradicts."""
    points = {(place, after): (slot, 1 if not after or place % 3 else 0) for (place, after), (slot, _) in profile.points.items()}
    return Profile(points, profile.targets)


def built(text: str, profiles: dict[int, Profile] | None = None, **more: object) -> Program:
    """A module in the text format, each of its functions built."""
    whole = source(assemble(text))
    entries = tuple((f, 0) for f in sorted(whole.bodies))
    return build(Request(whole, entries, profiles or {}, **more))  # type: ignore[arg-type]


def body(program: Program, function: int) -> str:
    """The IR of one function's body."""
    return next(text.text() for text in program.text.functions if f"@body_{function}(" in text.head)


def points(text: str, counts: dict[int, int] | None = None, default: int = 1) -> dict[int, Profile]:
    """Profiles with the real points of each function, all counted alike but those of `counts`, by number of the point."""
    module = wasmjit.Module(assemble(text))
    found = {}
    for f in source(module.binary()).bodies:
        if N.profiled_make(module.address, f) == 0:
            profile = profile_of(module.address, f)
            assert profile is not None
            found[f] = Profile(
                {key: (slot, (counts or {}).get(k, default)) for k, (key, (slot, _)) in enumerate(sorted(profile.points.items()))}
            )
    return found


__all__ = ["How", "N", "body", "built", "points", "struct"]
