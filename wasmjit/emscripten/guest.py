"""What one Emscripten guest has besides its descriptors, and how its memory, exports and C strings are read."""

from wasmjit.wasi._memory import M32, PATH_MAX
from wasmjit.wasi.errno import Errno, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from wasmjit._table import Table
    from wasmjit.emscripten.records import Layout
    from wasmjit.wasi.context import Context, Descriptor

TEXT_MAX = 1 << 16  # bytes of a message that are shown


class Guest:
    """State behind the imports of one instance.

    layout: how its version lays structures out. by_address: whether a time is passed by its address, not as a number.
    """

    __slots__ = ("by_address", "caught", "context", "cwd", "invokes", "last", "layout", "positions", "table", "temporary", "uncaught")

    def __init__(self, context: "Context", layout: "Layout", by_address: bool) -> None:
        self.context = context
        self.layout = layout
        self.by_address = by_address
        self.cwd = b"/"
        self.positions: dict[Descriptor, int] = {}  # of directories that getdents64 reads
        self.table: Table | None = None  # that of a module which imports it
        self.temporary = 0  # the upper half of the last 64-bit result
        self.invokes = 0  # invoke_* calls that are running: an exception may go to the innermost
        self.caught: list[int] = []  # exceptions whose handlers are running, innermost last
        self.last = 0  # the exception thrown last
        self.uncaught = 0


def text(window: memoryview, pointer: int, missing: str = "") -> str:
    """A C string of a message; `missing` for a null pointer. What lies outside memory, or is no UTF-8, is left out."""
    if not pointer:
        return missing
    return c_bytes(window, pointer, TEXT_MAX).decode(errors="replace")


def c_bytes(window: memoryview, pointer: int, most: int) -> bytes:
    """The bytes up to the next NUL, the end of memory, or `most` of them."""
    pointer &= M32
    found = bytes(window[pointer : pointer + most])
    return found[: found.find(0)] if 0 in found else found


def path_at(window: memoryview, pointer: int) -> bytes:
    """A path argument: FAULT for one that does not end within memory, NAMETOOLONG, ILSEQ for what is not UTF-8."""
    start = pointer & M32
    name = c_bytes(window, start, PATH_MAX + 1)
    if start + len(name) >= len(window):
        raise WasiError(Errno.FAULT)
    if len(name) > PATH_MAX:
        raise WasiError(Errno.NAMETOOLONG)
    try:
        name.decode()
    except UnicodeDecodeError:
        raise WasiError(Errno.ILSEQ) from None
    return name


def exported(instance: "Any", *names: str) -> "Callable[..., Any] | None":
    """The function that the module exports under the first of these names that is there."""
    exports = instance.exports  # its `get` may be an export of that name
    for name in names:
        if name in exports:
            found: Callable[..., Any] = exports[name]
            if callable(found):
                return found
    return None


def needed(instance: "Any", *names: str) -> "Callable[..., Any]":
    """As `exported`; a trap that names them where there is none."""
    found = exported(instance, *names)
    if found is None:
        from wasmjit._traps import Unreachable

        raise Unreachable(f"the module exports no {' or '.join(names)}, which its imports need")
    return found
