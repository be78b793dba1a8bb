"""What the process compiles that finishes what a program left, see `finish`."""

import time

from wasmjit.runtime.codes import PHASE_COLD, PHASE_REFUSED
from wasmjit.tiers import policy
from wasmjit.tiers.counts import NOTHING, Counts, entered, packed
from wasmjit.tiers.queue import Job
from wasmjit.tiers.restrict import permitted
from wasmjit.tiers.snapshot import entries_for, nbytes_of, options_for, own_counts, own_functions
from wasmjit.tiers.sources import request_for, source_of
from wasmjit.tiers.store import Entry, Kept
from wasmjit.tiers.worker import DONE, allow_cpu, compile_packed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Set
    from typing import Any

    from wasmjit._module import Module
    from wasmjit.tiers.finish import Row
    from wasmjit.tiers.optimizer.request import Request


def finish(module: "Module", left: "dict[str, Any]") -> None:
    """Compile until the time is over; every second of it is written to the cache."""
    setting, name = left["cache"]
    entry = Entry.named(setting, name)
    entry.fingerprint(module)
    made = [Kept(*unit) for unit in left["new"]]
    gone: set[tuple[int, int]] = set(left["gone"])
    began = written = time.process_time()
    counts = Counts(lambda function: left["counted"].get(function, NOTHING), entry.counted)
    have = entry.entries() - gone | {place for unit in made for place in unit.entries}
    called = joined(entry.called, left["called"])
    for request, again in requests(module, left, counts, have):
        allow_cpu(policy.LONGEST)
        kind, data = compile_packed(request)
        if kind == DONE:
            made.append(Kept(request.entries, request.options.level, data, packed(own_counts(request))))
            gone.update(request.entries if again else ())
        now = time.process_time()
        if now - began > left["seconds"]:
            break
        if now - written > 1.0:
            written = now
            if not keep(entry, made, gone, left["llvm"], called):
                return
            made, gone = [], set()
    keep(entry, made, gone, left["llvm"], called)


def keep(entry: Entry, made: "list[Kept]", gone: "set[tuple[int, int]]", llvm: str, called: bytes) -> bool:
    """Write what is new, unless somebody removed the folder meanwhile. gone: entries of kept units that go."""
    return not (made or gone or called != entry.called) or (entry.folder() is not None and entry.write(made, gone, llvm, called))


def joined(before: bytes, now: bytes) -> bytes:
    """Functions that earlier runs called, then those that only this one did: <I each."""
    return b"".join(dict.fromkeys(called[at : at + 4] for called in (before, now) for at in range(0, len(called), 4)))


def requests(module: "Module", left: "dict[str, Any]", counts: Counts, have: "Set[tuple[int, int]]") -> "Iterator[tuple[Request, bool]]":
    """Requests, the most valuable first, and whether they are for something that has worse code. have: entries that have some."""
    mod = module.address
    source = source_of(mod)
    found = [*interpreted(mod, left["rows"], counts, have, left["level"]), *left_often(mod, left["left"], counts, left["level"])]
    given_up = {function: units for function, *_, units in left["rows"]}
    for job in sorted(found, key=lambda job: job.gain, reverse=True):
        options = options_for(mod, {job.function: given_up.get(job.function, 0)}, job.level)
        yield request_for(mod, source, ((job.function, job.loop),), options, counts), job.again


def interpreted(mod: int, rows: "Iterable[Row]", counts: Counts, have: "Set[tuple[int, int]]", level: int | None) -> "Iterator[Job]":
    """Functions that were interpreted long enough to be worth code. rows, level: as in `finish.estate`.

    Of a large one that was hot in a loop both its calls and the loop get code: where an exit is far from the end, something has to lead
    back. It may not have been called while it was profiled.
    """
    own = own_functions(mod)
    for function, samples, loop, nbytes, phase, _ in rows:
        if function not in own or not permitted(function) or phase == PHASE_REFUSED:
            continue
        if phase == PHASE_COLD and nbytes_of(mod, function) > policy.ALL_BLOCKS_LARGEST:
            continue
        chosen = entries_for(function, loop, phase, counts[function][0])
        if loop and nbytes > policy.BOTH_ABOVE:
            chosen += [(function, other) for other in (0, loop) if (function, other) not in chosen]
            counts[function] = entered(counts[function], loop)
        for _, entry in chosen:
            if (function, entry) not in have:
                size = nbytes * policy.NESTED if entry and nbytes > policy.BOTH_ABOVE else nbytes
                yield Job(mod, function, entry, samples, size, policy.level_after(nbytes, samples) if level is None else level)


def left_often(mod: int, left: "Iterable[tuple[int, int, int]]", counts: Counts, level: int | None) -> "Iterator[Job]":
    """Code that was left often, to be made with what it was left for."""
    own = own_functions(mod)
    for function, loop, taken in left:
        if function in own and permitted(function) and counts[function][0]:
            nbytes = nbytes_of(mod, function)
            chosen = policy.level_of(nbytes) if level is None else level
            yield Job(mod, function, loop, taken // policy.LEFT_SAMPLE, nbytes, chosen, again=True)
