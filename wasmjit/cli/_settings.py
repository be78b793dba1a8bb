"""The options that say how a program runs and what it gets, those of `run` and `invoke`. Their names are wasmtime's."""

import os

from wasmjit._config import COMPILES, STRESSES, TIERS
from wasmjit.cli._options import Option
from wasmjit.cli._values import boolean, choice, count, duration, size


def directory(text: str) -> tuple[str, str]:
    """`HOST::GUEST` or `HOST` (seen under the same name) as (guest, host)."""
    host, separator, guest = text.partition("::")
    if not host or (separator and not guest):
        raise ValueError(f"{text!r} is not HOST or HOST::GUEST")
    return guest or host, host


def variable(text: str) -> tuple[str, str] | None:
    """`NAME=VAL`, or `NAME` for the value that it has here; None where it has none."""
    name, equals, value = text.partition("=")
    if not name:
        raise ValueError(f"{text!r} is not NAME or NAME=VAL")
    if equals:
        return name, value
    return (name, os.environ[name]) if name in os.environ else None


def trace_file(text: str) -> str:
    """A file whose suffix names a format of traces."""
    if not text.endswith((".json", ".jsonl")):
        raise ValueError(f"{text!r} ends neither in .json nor in .jsonl")
    return text


WASM = Option(
    "-W --wasm",
    "KEY=VAL,...",
    "limits and features of WebAssembly:",
    keys=(
        Option("timeout", "TIME", "trap after TIME: 10 (seconds), 1.5s, 500ms", convert=duration),
        Option("max-memory-size", "SIZE", "bytes of each memory: 65536, 64M, 2G; growing beyond fails", convert=size),
        Option("max-table-elements", "N", "elements of each table", convert=count),
        Option("unknown-imports-trap", "", "imports that nothing provides trap when they are called", convert=boolean),
    ),
)
WASI = Option(
    "-S --wasi",
    "KEY=VAL,...",
    "what the program sees of the system:",
    keys=(Option("inherit-env", "", "all environment variables", convert=boolean),),
)
OPTIONS = (
    Option("--dir", "HOST[::GUEST]", "let the program use the directory HOST, named GUEST there", convert=directory, many=True),
    Option("--env", "NAME[=VAL]", "set an environment variable; without =VAL to its value here", convert=variable, many=True),
    Option("--argv0", "NAME", "what the program sees as its own name"),
    WASM,
    WASI,
    Option("--deterministic", "", "let each run do the same: a virtual clock, seeded random numbers, one bit pattern of NaN"),
    Option("--tier", "TIER", f"how the code runs: {', '.join(TIERS)}", convert=choice(*TIERS)),
    Option("--trace-out", "FILE", "write what happens between the tiers: .json for ui.perfetto.dev, or .jsonl", convert=trace_file),
    Option("--compile", "WHERE", f"where functions are compiled: {', '.join(COMPILES)}", convert=choice(*COMPILES)),
    Option("--stress", "S", f"for tests, change tiers where there is no need: {', '.join(STRESSES)}", convert=choice(*STRESSES)),
    Option("--profile-out", "FILE", "write where the interpreter's time went, for `wasmjit compile --profile FILE`"),
    Option("--stats", "", "print figures of the run to stderr"),
)
