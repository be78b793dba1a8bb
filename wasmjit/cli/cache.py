"""`wasmjit cache`: where compiled code is kept, and how much of it."""

import time

from wasmjit.cli._options import Command, UsageError, parse
from wasmjit.cli._terminal import note, require_stdout
from wasmjit.native.cache import Cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND = Command(
    "cache",
    "show or empty the folder where compiled code is kept",
    usage="path|list|size|clear",
    example="wasmjit cache list",
)


def main(argv: list[str]) -> int:
    """Do the one action that `argv` names."""
    parsed = parse(COMMAND, argv)
    if parsed is None:
        return 0
    _, operands = parsed
    if len(operands) != 1 or operands[0] not in ACTIONS:
        raise UsageError(f"one of {', '.join(ACTIONS)} is needed", COMMAND)
    require_stdout()
    with Cache() as cache:
        return ACTIONS[operands[0]](cache)


def show_path(cache: Cache) -> int:
    """Print the folder, which need not exist yet; it can be set with WASMJIT_CACHE_DIR."""
    if cache.path is None:
        note(f"wasmjit: there is no cache folder: {cache.reason}")
        return 1
    print(cache.path)
    return 0


def show_entries(cache: Cache) -> int:
    """Print the entries, the least recently used first: bytes, last use, name."""
    for entry in cache.entries():
        print(f"{entry.nbytes:>12}  {time.strftime('%Y-%m-%d %H:%M', time.localtime(entry.used))}  {entry.name}")
    return 0


def show_size(cache: Cache) -> int:
    """Print the bytes of all entries and their number."""
    entries = cache.entries()
    print(f"{sum(entry.nbytes for entry in entries)} bytes in {len(entries)} entries")
    return 0


def clear(cache: Cache) -> int:
    """Remove all entries; running programs keep what they use."""
    print(f"{cache.clear()} bytes freed")
    return 0


ACTIONS: "dict[str, Callable[[Cache], int]]" = {"path": show_path, "list": show_entries, "size": show_size, "clear": clear}
