"""Requests as bytes, from the process that makes them to one of the same Python that compiles them."""

import marshal

from wasmjit.tiers.optimizer.request import Options, Profile, Request, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def packed(request: Request, known: Source) -> bytes:
    """The bytes of a request for a process that has got `known` already. That has it all then."""
    source, options, target = request.source.less(known), request.options, request.target
    profiles = {f: [p.points, p.targets] if isinstance(p, Profile) else p for f, p in request.profiles.items()}
    return marshal.dumps(
        (
            (source.nbytes, source.head, source.bodies),
            request.entries,
            profiles,
            request.checked,
            (options.level, options.stress, options.all_blocks, options.no_devirt),
            None if target is None else (target.triple, target.cpu, target.features),
            request.canonical,
        )
    )


def unpacked(data: bytes, known: Source) -> Request:
    """The request that was packed; `known`: what was sent before."""
    source, entries, profiles, checked, options, target, canonical = marshal.loads(data)
    found: dict[int, Any] = {f: Profile(*p) if isinstance(p, list) else p for f, p in profiles.items()}
    machine = None if target is None else _target(*target)
    return Request(Source(*source).more(known), entries, found, checked, Options(*options), machine, canonical)


def _target(triple: str, cpu: str, features: str) -> "Any":
    from wasmjit.native.target import Target

    return Target(triple, cpu, features)
