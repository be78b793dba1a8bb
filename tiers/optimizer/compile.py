"""A request to a unit: IR by the builder, machine code by LLVM, and what the runtime needs to know of it."""

import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wasmjit.native.elf import SHF_EXECINSTR, Object
from wasmjit.native.flatten import flatten
from wasmjit.native.relocate import FlattenError
from wasmjit.native.target import EmitError
from wasmjit.runtime.packed import NONE
from wasmjit.tiers.optimizer.accesses import accesses
from wasmjit.tiers.optimizer.lines import filled, line_rows
from wasmjit.tiers.optimizer.request import BODY, Request
from wasmjit.tiers.optimizer.unit import REASONS, Refused, Unit

if TYPE_CHECKING:
    from wasmjit.tiers.optimizer.program import Program

_SECTION = re.compile(r"\s+(?:\.section\s+)?(\.text|\.[\w.]+(?=,))")
_LOCATION = re.compile(r"\s+\.loc\s+0 (\d+)")
_UNREAD = re.compile(r"\s+\.(?:cfi_|file|ident)|\.L(?:tmp|func_)")

LONGEST = 16 << 20  # characters of IR of a unit: beyond that LLVM takes minutes and gigabytes
MOST_BLOCKS = 60_000  # of a function: some passes take quadratic time


def compile_unit(request: Request, *, verify: bool = False) -> Unit:
    """Compile a request; the same request gives the same unit. verify: check the IR first. Refused: it will not be compiled."""
    from wasmjit.tiers.optimizer.build import build

    if not request.entries:
        raise Refused("nothing of it may be compiled")
    began = time.perf_counter()
    program = build(request)
    text = _checked(program)
    built = time.perf_counter()
    unit = _unit(request, program, _object(text, request, verify))
    if program.folded - set(_accessing(unit)):  # LLVM rearranged arithmetic and lost where a load came from
        program = build(request, folds=False)
        unit = _unit(request, program, _object(_checked(program), request, verify))
    done = time.perf_counter()
    unit.stats |= {
        "level": request.options.level,
        "instructions": program.size,
        "build_seconds": built - began,
        "llvm_seconds": done - built,
    }
    return unit


def _accessing(unit: Unit) -> Iterator[int]:
    """Sites whose code begins somewhere with an access to memory."""
    for offset, site in unit.lines:
        if accesses(unit.machine, unit.blob, offset):
            yield site


def listing(request: Request, kind: str) -> str:
    """What a request becomes: "ir" as it is built, "optimized" as the passes leave it, "asm" with the places where code comes from.

    A head lists the sites, which both number in their lines. Refused: it will not be compiled. ValueError: no such kind.
    """
    from wasmjit.tiers.optimizer.build import build
    from wasmjit.tiers.optimizer.target import assembly, optimized

    program = build(request)
    text = _checked(program)
    places = {number: _place(frames) for number, frames in enumerate(program.text.sites, 1)}
    if kind == "asm":
        return _readable(assembly(text, request.target, request.options.level), places)
    head = [f"; site {number}: {place}" for number, place in places.items()]
    if kind == "ir":
        return "\n".join([*head, text])
    if kind != "optimized":
        raise ValueError(f"no listing of kind {kind!r}")
    return "\n".join([*head, optimized(text, request.target, request.options.level)])


def _readable(text: str, places: dict[int, str]) -> str:
    """Assembly without what is meant for debuggers; `.loc` lines tell the place."""
    lines = []
    keep = True
    for line in text.splitlines():
        section = _SECTION.match(line)
        if section:
            keep = not section[1].startswith((".debug", ".note"))
        location = _LOCATION.match(line)
        if location:
            line = f"{line}  # {places.get(int(location[1]), 'no frame')}"
        if keep and not _UNREAD.match(line):
            lines.append(line)
    return "\n".join(lines)


def _place(frames: tuple[tuple[int, int], ...]) -> str:
    return ", inlined at ".join(f"function {function} offset {offset:#x}" for function, offset in frames)


def _checked(program: "Program") -> str:
    """The unit's IR, refused when LLVM could run out of stack, memory or patience: its fatal errors end the process."""
    for function in program.text.functions:
        blocks = sum(line.endswith(":") for line in function.lines)
        if blocks > MOST_BLOCKS:
            raise Refused(f"{blocks} basic blocks in one function")
    text = program.text.text()
    if len(text) > LONGEST:
        raise Refused(f"{len(text)} characters of IR")
    return text


def _object(text: str, request: Request, verify: bool) -> bytes:
    from wasmjit.tiers.optimizer.target import object_code

    try:
        return object_code(text, request.target, request.options.level, verify)
    except EmitError as error:
        raise Refused(str(error)) from error


def _unit(request: Request, program: "Program", data: bytes) -> Unit:
    """The unit of an object file."""
    try:
        elf = Object(data)
        code = [section for section in (elf.sections[i] for i in elf.kept()) if section.flags & SHF_EXECINSTR]
        flat = flatten(data)
        lines = line_rows(elf)
    except FlattenError as error:
        raise Refused(str(error)) from error
    if flat.imports:
        raise Refused(f"LLVM calls {', '.join(sorted({name for name, _ in flat.imports}))}")
    if len(code) != 1 or flat.relocations or len(flat.blob) != flat.relro:
        raise Refused("LLVM made data that is written or relocated")
    entries, parts = [], []
    for function, loop in sorted(request.entries):
        name = f"body_{function}" if loop == BODY else f"osr_{function}_{loop}"
        adapter = flat.functions[f"i2c_{function}"].offset if loop == BODY else NONE
        start, size = flat.functions[name]
        entries.append((function, loop, start, adapter))
        parts.append((start, start + size, program.text.site(((function, loop or program.body(function).start),))))
    blob = bytes(flat.blob[: flat.end])
    unit = Unit(
        blob + bytes(-len(blob) % 16),
        code[0].size,
        elf.machine.elf,
        request.source.nbytes,
        entries,
        program.text.sites,
        [row for row in filled(lines, sorted(parts)) if row[0] < code[0].size],
        [(function, offset, REASONS.index(reason)) for function, offset, reason in program.exits],
        sorted(program.forms),
        program.inlined,
    )
    unit.check()
    return unit
