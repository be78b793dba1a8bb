"""What wasmjit raises of its own; the traps are in `_traps`. All of it pickles.

Error
|- CompileError(ValueError)      .offset .feature
|- LinkError(TypeError)          .missing
|- Exit                          .code
|- ExitError                     .returncode .command .stdout .stderr: run(check=True)
|- WasmException                 .tag .payload
`- Trap(RuntimeError)            .code .frames
   |- Unreachable
   |- MemoryOutOfBounds(IndexError)   .address .size .memory_size
   |- TableOutOfBounds(IndexError)
   |- ArrayOutOfBounds(IndexError)
   |- IntegerDivideByZero(ZeroDivisionError)
   |- IntegerOverflow(OverflowError)
   |- BadConversion(ValueError)
   |- IndirectCallNull
   |- BadSignature
   |- NullReference
   |- CastFailure(TypeError)
   |- UnalignedAtomic(ValueError)
   |- StackOverflow(RecursionError)
   |- OutOfMemory(MemoryError)
   |- OutOfFuel
   |- Terminated
   `- Timeout(TimeoutError)
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._types import ImportType


class Error(Exception):
    """Base of all errors of wasmjit."""


class CompileError(Error, ValueError):
    """The bytes are no module that this runtime can run.

    `offset`: byte at which that was found, None when it has no place; `feature`: the proposal that a valid module needs and
    this runtime lacks, else None.
    """

    def __init__(self, message: str = "", offset: int | None = None, feature: str | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.feature = feature

    def __str__(self) -> str:
        message = super().__str__()
        return message if self.offset is None else f"{message} (at byte {self.offset:#x})"


class LinkError(Error, TypeError):
    """Imports are missing or have another type. `missing`: the `ImportType` of every one of them."""

    def __init__(self, message: str = "", missing: "Iterable[ImportType]" = ()) -> None:
        super().__init__(message)
        self.missing = tuple(missing)


class Exit(Error):
    """The program ended itself (`proc_exit`). `code`: its exit status."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return f"exit status {self.code}"


class ExitError(Error):
    """`run(check=True)` ended with another status than 0. The fields are those of `Completed`; `command` is its `args`."""

    def __init__(self, returncode: int, command: object = (), stdout: object = None, stderr: object = None) -> None:
        super().__init__(returncode, command, stdout, stderr)
        self.returncode = returncode
        self.command = command
        self.stdout = stdout
        self.stderr = stderr

    def __str__(self) -> str:
        return f"{self.command!r} returned exit status {self.returncode}"


class WasmException(Error):
    """An exception thrown by a module. `tag`: what it was thrown with; `payload`: its values."""

    def __init__(self, tag: object = None, payload: tuple[object, ...] = ()) -> None:
        super().__init__(tag, payload)
        self.tag = tag
        self.payload = payload
