"""The options that say how a program runs and what it gets, those of `run` and `invoke`. Their names are wasmtime's."""

import os

from wasmjit._config import COMPILES, LARGEST_STACK, STRESSES, TIERS
from wasmjit.cli._options import Option
from wasmjit.cli._values import boolean, choice, count, duration, size


def directory(text: str) -> tuple[str, str, bool]:
    """`HOST` (seen under the same name), `HOST::GUEST` or `HOST::GUEST::ro` as (host, guest, whether it is read-only)."""
    host, *rest = text.split("::")
    if "" in (host, *rest) or rest[1:] not in ([], ["ro"]):
        raise ValueError(f"{text!r} is not HOST, HOST::GUEST or HOST::GUEST::ro")
    return host, rest[0] if rest else host, len(rest) == 2


def variable(text: str) -> tuple[str, str] | None:
    """`NAME=VAL`, or `NAME` for the value that it has here; None where it has none."""
    name, equals, value = text.partition("=")
    if not name:
        raise ValueError(f"{text!r} is not NAME or NAME=VAL")
    if equals:
        return name, value
    return (name, os.environ[name]) if name in os.environ else None


def library(text: str) -> tuple[str, str]:
    """`NAME=PATH` as (name, path)."""
    name, _, path = text.partition("=")
    if not name or not path:
        raise ValueError(f"{text!r} is not NAME=PATH")
    return name, path


def address(text: str) -> tuple[str, int]:
    """`HOST:PORT` as (host, port); an IPv6 address stands in brackets: `[::1]:80`."""
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not bare or (":" in bare and bare == host) or not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) < 65536):
        raise ValueError(f"{text!r} is not HOST:PORT")
    return bare, int(port)


def stack_size(text: str) -> int:
    """Bytes that a stack may have."""
    amount = size(text)
    if amount > LARGEST_STACK:
        raise ValueError(f"{text!r} is more than a stack may have: {LARGEST_STACK >> 20}M")
    return amount


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
        Option("max-wasm-stack", "SIZE", "bytes that calls inside each other take: 512K, 8M; beyond is a trap", convert=stack_size),
        Option("unknown-imports-trap", "", "imports that nothing provides trap when they are called", convert=boolean),
    ),
)
WASI = Option(
    "-S --wasi",
    "KEY=VAL,...",
    "what the program sees of the system:",
    keys=(
        Option("inherit-env", "", "all environment variables", convert=boolean),
        Option("tcplisten", "HOST:PORT", "a socket that listens there, after the directories; 0: a free port", convert=address, many=True),
    ),
)
OPTIONS = (
    Option("--dir", "HOST[::GUEST[::ro]]", "the directory HOST for the program, as GUEST; ro: read-only", convert=directory, many=True),
    Option("--env", "NAME[=VAL]", "set an environment variable; without =VAL to its value here", convert=variable, many=True),
    Option("--argv0", "NAME", "what the program sees as its own name"),
    Option("--preload", "NAME=PATH", "instantiate the module PATH; its exports are the import module NAME", convert=library, many=True),
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
