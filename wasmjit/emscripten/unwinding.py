"""Leaving frames: longjmp and C++ exceptions where a build has neither WebAssembly's own, but JavaScript's.

Code that is to get control back calls a function through `invoke_*`. What leaves it is a Python exception here, which passes through frames
of wasm as any other does; `invoke_*` notes it where the module looks for it and returns.
"""

from wasmjit.emscripten.ending import trap
from wasmjit.emscripten.guest import Guest, exported, needed
from wasmjit.emscripten.recognise import FUNCTION_TABLE
from wasmjit.emscripten.table import INVOKE
from wasmjit.wasi._memory import M32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn


class Unwind(BaseException):
    """On its way to the innermost `invoke_*`: no Exception, so that a host function which handles any error does not stop it."""


def throw(guest: Guest, what: str) -> "NoReturn":
    """Leave to the innermost `invoke_*` that runs. what: the text of the trap where there is none."""
    if guest.invokes == 0:
        trap(what)
    raise Unwind


def invoke(guest: Guest, name: str, params: "Sequence[str]", results: "Sequence[str]") -> "Callable[..., Any]":
    """The function `invoke_*` of this name: it calls the element of the table, its first argument, with the rest."""
    dynamic = None  # what calls it with each i64 in two halves, as this build passes them
    if "j" in name[len(INVOKE) :] and "i64" not in (*params, *results):
        dynamic = f"dynCall_{name[len(INVOKE) :]}"
    wanted = tuple(params[1:]), tuple(results)
    result = 0 if results else None

    def call(instance: "Any", index: int, *arguments: "Any") -> "Any":
        if dynamic is not None:
            function, arguments = needed(instance, dynamic), (index, *arguments)
        else:
            function = element(guest, instance, index, wanted)
        stack = needed(instance, "stackSave", "emscripten_stack_get_current")()
        guest.invokes += 1
        try:
            return function(*arguments)
        except Unwind:
            needed(instance, "stackRestore", "_emscripten_stack_restore")(stack)
            needed(instance, "setThrew", "_setThrew")(1, 0)
            return result
        except RecursionError as error:
            raise overflow(error) from None
        finally:
            guest.invokes -= 1

    return call


def overflow(error: RecursionError) -> RecursionError:
    """The trap for frames of Python that are too many: each running `invoke_*` takes one. A trap of wasm stays as it is."""
    from wasmjit._traps import StackOverflow

    return error if isinstance(error, StackOverflow) else StackOverflow()


def element(guest: Guest, instance: "Any", index: int, wanted: "tuple[tuple[str, ...], tuple[str, ...]]") -> "Any":
    """A function of the table. Traps as call_indirect does."""
    table = guest.table if guest.table is not None else instance.exports[FUNCTION_TABLE]
    index &= M32
    if index >= len(table):
        from wasmjit._traps import TableOutOfBounds

        raise TableOutOfBounds("undefined element")
    found = table[index]
    if found is None:
        from wasmjit._traps import IndirectCallNull

        raise IndirectCallNull
    kind = found.type
    if (kind.params, kind.results) != wanted:
        from wasmjit._traps import BadSignature

        raise BadSignature
    return found


def setTempRet0(guest: Guest, instance: "Any", value: int) -> None:
    guest.temporary = value


def getTempRet0(guest: Guest, instance: "Any") -> int:
    return guest.temporary


def set_temporary(guest: Guest, instance: "Any", value: int) -> None:
    """Set the second result: where the module keeps it itself, there."""
    keep = exported(instance, "setTempRet0", "_emscripten_tempret_set")
    if keep is not None:
        keep(value)
    guest.temporary = value


def _emscripten_throw_longjmp(guest: Guest, instance: "Any") -> "NoReturn":
    throw(guest, "longjmp to a setjmp that has returned")


def emscripten_longjmp(guest: Guest, instance: "Any", buffer: int, value: int) -> "NoReturn":
    needed(instance, "setThrew", "_setThrew")(buffer, value or 1)
    _emscripten_throw_longjmp(guest, instance)
