"""`wasmjit compile`: optimized code before the first run."""

import sys

import wasmjit
from wasmjit._config import MEMORIES
from wasmjit.cli._options import Command, Option, UsageError, parse_one
from wasmjit.cli._program import read_module
from wasmjit.cli._report import ERROR
from wasmjit.cli._terminal import fail, require_stdout
from wasmjit.cli._values import choice, count
from wasmjit.native.cache import Cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TIERS = ("auto", "opt")

COMMAND = Command(
    "compile",
    "compile a module into the cache, so that its runs start with optimized code",
    usage="MODULE",
    example="wasmjit compile tool.wasm",
    options=(
        Option("--profile", "FILE", "only the functions that a run with --profile-out FILE spent time in"),
        Option("--level", "N", "how strongly: 0 (quickly) to 2, the default", convert=count),
        Option("--tier", "TIER", f"for runs of this tier: {', '.join(TIERS)}", convert=choice(*TIERS)),
        Option("--memory", "HOW", f"for runs that find accesses out of bounds so: {', '.join(MEMORIES)}", convert=choice(*MEMORIES)),
        Option("-o --output", "DIR", "the cache folder, instead of the user's"),
    ),
)


def main(argv: list[str]) -> int:
    """Compile, with progress on a terminal, and print how many functions there are and how many could be compiled."""
    parsed = parse_one(COMMAND, argv)
    if parsed is None:
        return 0
    values, path = parsed
    require_stdout()
    config = wasmjit.Config(values.get("tier", "auto"), memory=values.get("memory", "guard"), cache=values.get("output", True))
    profile = read_profile(values["profile"]) if "profile" in values else None
    module = read_module(path, config)
    with Cache(config.cache) as cache:
        if not cache.make():
            fail(f"nothing can be kept: {cache.reason}")
            return ERROR
    show = progress()
    try:
        compiled = module.compile(profile=profile, progress=show, level=values.get("level"))
    except (IndexError, ValueError) as error:
        raise UsageError(str(error), COMMAND) from None
    print(f"{compiled} functions compiled")
    return 0


def progress() -> "Callable[[int, int], None] | None":
    """What shows how far it is, on a terminal."""
    stream = sys.stderr
    if stream is None or not stream.isatty():
        return None

    def show(done: int, total: int) -> None:
        end = "\n" if done == total else ""
        print(f"\rwasmjit: {done} of {total} functions", end=end, file=stream, flush=True)

    return show


def write_profile(path: str, module: "wasmjit.Module") -> None:
    """Write where a run's time went: a line a place, function index, offset of the loop or 0, samples. Raises OSError."""
    with open(path, "w", encoding="ascii") as file:
        file.writelines(f"{function} {loop} {samples}\n" for function, loop, samples in module.profile())


def read_profile(path: str) -> list[tuple[int, int, int]]:
    """What `write_profile` wrote. Raises OSError and UsageError."""
    rows = []
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            words = line.split()
            if len(words) != 3 or not all(word.isdecimal() for word in words):
                raise UsageError(f"{path} is no profile: {line.strip()!r}", COMMAND)
            rows.append((int(words[0]), int(words[1]), int(words[2])))
    return rows
