"""Traps: one class for each, and the backtrace of wasm functions that they carry. The tree of all errors is drawn in `_errors`."""

from ._errors import Error
from .runtime import codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LISTED = 12  # frames shown at each end of a long backtrace


class Frame:
    """One wasm function of a backtrace.

    index: of the function in its module, -1 for one that stands for `offset` frames left out of a deep stack; name: from
    the name section or an export, or None; module: its name or None;
    offset: of the instruction in the binary; tier: "interp", "opt" or "reference"; file, line, column: None without debug information;
    inlined: True when optimized code had it inlined into the next frame.
    """

    __slots__ = ("index", "name", "module", "offset", "tier", "file", "line", "column", "inlined")

    def __init__(
        self,
        index: int,
        name: str | None = None,
        module: str | None = None,
        offset: int = 0,
        tier: str = "interp",
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        inlined: bool = False,
    ) -> None:
        self.index = index
        self.name = name
        self.module = module
        self.offset = offset
        self.tier = tier
        self.file = file
        self.line = line
        self.column = column
        self.inlined = inlined

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frame) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return hash((self.index, self.name, self.module, self.offset))

    def __repr__(self) -> str:
        return f"Frame({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file else f"{self.offset:#x}"
        return f"{self.module or 'wasm'}!{self.name or f'func[{self.index}]'} at {place}"

    def __reduce__(self) -> tuple[object, ...]:
        return Frame, tuple(getattr(self, name) for name in self.__slots__)


class Trap(Error, RuntimeError):
    """Execution was aborted by the module's code (spec 4.2.6). str() and `code` are the text of the specification's tests.

    `frames`: the `Frame`s from the function that trapped outwards. They and the note that shows them are worked out when asked for.
    """

    code = "trap"
    _captured: "tuple[bytes, Mapping[int, object]] | None" = None  # see runtime/frames.py; and the modules they belong to
    _frames: tuple[Frame, ...] = ()
    _notes: list[str] | None = None

    def __init__(self, code: str | None = None) -> None:
        if code is not None and code != self.code:
            self.code = code
        super().__init__(self.code)

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The wasm functions that were running, innermost first."""
        if self._captured is not None:
            from .runtime.backtrace import resolve

            captured, self._captured = self._captured, None
            self._frames = resolve(*captured)
        return self._frames

    @property
    def __notes__(self) -> list[str]:
        """Where `add_note` puts its lines: starts with the wasm backtrace."""
        if self._notes is None:
            frames = self.frames
            self._notes = [*self._details(), *([_listing(frames)] if frames else [])]
        return self._notes

    @__notes__.setter
    def __notes__(self, notes: list[str]) -> None:
        self._notes = notes

    def _details(self) -> list[str]:
        """What the notes say before the backtrace."""
        return []

    def __reduce__(self) -> tuple[object, ...]:
        state = {name: value for name, value in self.__dict__.items() if name not in ("_captured", "_notes")}
        return _trap, (type(self), str(self.code), state | {"_frames": self.frames})


class Unreachable(Trap):
    """The `unreachable` instruction ran."""

    code = "unreachable"


class MemoryOutOfBounds(Trap, IndexError):
    """An access outside of a linear memory. `address` and `size` of it, and the memory's size, in bytes; None when not known."""

    code = "out of bounds memory access"
    address: int | None = None
    size: int | None = None
    memory_size: int | None = None

    def _details(self) -> list[str]:
        if self.address is None:
            return []
        size = "" if self.size is None else f"{self.size} bytes "
        memory = "" if self.memory_size is None else f" of a memory of {self.memory_size} bytes"
        return [f"{size}at address {self.address:#x}{memory}"]


class TableOutOfBounds(Trap, IndexError):
    """An access outside of a table; for `call_indirect` the text is "undefined element"."""

    code = "out of bounds table access"


class ArrayOutOfBounds(Trap, IndexError):
    """An access outside of an array of the collected heap."""

    code = "out of bounds array access"


class IntegerDivideByZero(Trap, ZeroDivisionError):
    """Integer division or remainder by zero."""

    code = "integer divide by zero"


class IntegerOverflow(Trap, OverflowError):
    """A quotient or a converted float that its integer type cannot hold."""

    code = "integer overflow"


class BadConversion(Trap, ValueError):
    """NaN converted to an integer."""

    code = "invalid conversion to integer"


class IndirectCallNull(Trap):
    """`call_indirect` of a null element."""

    code = "uninitialized element"


class BadSignature(Trap):
    """`call_indirect` of a function with another type."""

    code = "indirect call type mismatch"


class NullReference(Trap):
    """A null reference where a reference is needed."""

    code = "null reference"


class CastFailure(Trap, TypeError):
    """`ref.cast` of a value of another type."""

    code = "cast failure"


class UnalignedAtomic(Trap, ValueError):
    """An atomic access to an address that is no multiple of its size."""

    code = "unaligned atomic"


class StackOverflow(Trap, RecursionError):
    """Too many calls inside each other."""

    code = "call stack exhausted"


class OutOfMemory(Trap, MemoryError):
    """The system gave no memory where the module cannot be told so."""

    code = "out of memory"


class OutOfFuel(Trap):
    """The instructions of `fuel=` are used up."""

    code = "out of fuel"


class Terminated(Trap):
    """Another thread ended the call: `Process.kill` and its relatives."""

    code = "terminated"


class Timeout(Trap, TimeoutError):
    """The call took longer than `timeout=`."""

    code = "timeout"


def undefined_element() -> TableOutOfBounds:
    """`call_indirect` beyond the end of its table."""
    return TableOutOfBounds("undefined element")


TRAPS: "dict[int, Callable[[], Trap]]" = {
    codes.TRAP_UNREACHABLE: Unreachable,
    codes.TRAP_MEMORY: MemoryOutOfBounds,
    codes.TRAP_TABLE: TableOutOfBounds,
    codes.TRAP_DIVIDE: IntegerDivideByZero,
    codes.TRAP_OVERFLOW: IntegerOverflow,
    codes.TRAP_CONVERSION: BadConversion,
    codes.TRAP_INDIRECT_NULL: IndirectCallNull,
    codes.TRAP_SIGNATURE: BadSignature,
    codes.TRAP_NULL: NullReference,
    codes.TRAP_STACK: StackOverflow,
    codes.TRAP_OUT_OF_MEMORY: OutOfMemory,
    codes.TRAP_FUEL: OutOfFuel,
    codes.TRAP_TERMINATED: Terminated,
    codes.TRAP_TIMEOUT: Timeout,
    codes.TRAP_UNALIGNED: UnalignedAtomic,
    codes.TRAP_CAST: CastFailure,
    codes.TRAP_ARRAY: ArrayOutOfBounds,
    codes.TRAP_UNDEFINED: undefined_element,
}


def _listing(frames: tuple[Frame, ...]) -> str:
    """The backtrace as text: the middle of a deep one is left out."""
    lines = [f"  {frame}" for frame in frames]
    if len(lines) > 2 * LISTED:
        left_out = sum(frame.offset if frame.index < 0 else 1 for frame in frames[LISTED:-LISTED])
        lines[LISTED:-LISTED] = [f"  ... {left_out} more frames ..."]
    return "\n".join(["wasm backtrace, innermost first:", *lines])


def _trap(kind: type[Trap], code: str, state: dict[str, object]) -> Trap:
    trap = kind(code)
    trap.__dict__.update(state)
    return trap
