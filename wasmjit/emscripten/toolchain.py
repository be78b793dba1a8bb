"""Emscripten's part of an instance: its imports, and what the JavaScript beside a module does before and around `main`."""

from wasmjit.emscripten.guest import Guest, exported, needed
from wasmjit.emscripten.recognise import MADE, MAINS, halved
from wasmjit.emscripten.records import layout_of
from wasmjit.emscripten.table import CATCH, FAILING, INVOKE, signatures
from wasmjit.wasi._memory import M32, memory, span
from wasmjit.wasi.errno import Errno, Raised, WasiError, from_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from wasmjit._config import Limits
    from wasmjit._instance import Instance

TIMES = ("_localtime_js", "_gmtime_js")
NAMELESS = b"./this.program"  # what a program without arguments sees as its own name
AT_EXIT: "tuple[tuple[str, tuple[int, ...]], ...]" = (("__funcs_on_exit", ()), ("fflush", (0,)))  # what a build exports, and arguments


class Emscripten:
    """What stands for the imports of a recognised module.

    world: the import modules of WASI, whose files and descriptors the functions here share; rows: the module's imports as decoded;
    limits: of what is made for it.
    """

    def __init__(self, world: "Any", rows: "Iterable[Any]", limits: "Limits") -> None:
        by_address = any([row[1] in TIMES and row[4] == ("i32", "i32") for row in rows])
        self.guest = Guest(world.context, layout_of({row[1] for row in rows}), by_address)
        self.limits = limits

    def find(self, row: "Any", found: "Any") -> "Any":
        """What stands for an import that nobody gave: a function that raises when it is not known. found: WASI's, of another type."""
        space, name, kind = row[:3]
        if space.startswith("GOT.") or space not in ("env", "wasi_snapshot_preview1"):
            return found
        if kind != "func":
            return self.made(kind, name, row, found)
        known = signatures(space, name, row[4], row[5])
        if known is not None:
            return bind(self.guest, name, row, *known)
        if space == "env":
            from wasmjit._imports import unknown_function

            return unknown_function(space, name)
        return halves(found, row)

    def made(self, kind: str, name: str, row: "Any", found: "Any") -> "Any":
        """The memory or function table that the JavaScript makes for a module; `found` for anything else."""
        if (row[0], name, kind) not in MADE:
            return found
        *_, least, most = row if kind == "table" else row[:-1]
        if kind == "memory":
            from wasmjit._memory import Memory
            from wasmjit._types import PAGE

            limit = self.limits.memory
            if limit is not None and most is not None:  # the module's own would be refused or stop there, and so must this one
                if least * PAGE > limit:
                    return found
                most = min(most, limit // PAGE)
            return Memory(least, most)
        from wasmjit._table import Table

        self.guest.table = Table(row[4], least, most)
        return self.guest.table

    def prepare(self, instance: "Instance") -> None:
        """What comes before any call: the stack's limits, and constructors."""
        begin = exported(instance, "emscripten_stack_init")
        if begin is not None:
            begin()
        limits = exported(instance, "__set_stack_limits")
        if limits is not None:
            limits(*[needed(instance, f"emscripten_stack_get_{edge}")() for edge in ("base", "end")])
        construct = exported(instance, "__wasm_call_ctors")
        if construct is not None:
            construct()

    def program(self, instance: "Instance") -> "Callable[..., int] | None":
        """`main` with the arguments of the guest, None for a library."""
        main = exported(instance, *MAINS)
        if main is None or main.type.params not in ((), ("i32", "i32")):  # type: ignore[attr-defined]
            return None
        arguments = self.guest.context.arguments or [NAMELESS]

        def run(timeout: float | None = None) -> int:
            from wasmjit.runtime.functions import within

            return within(timeout, call_main, (instance, main, arguments))  # type: ignore[no-any-return]

        return run


def call_main(instance: "Instance", main: "Any", arguments: list[bytes]) -> int:
    """Call `main` and write out what stdio still holds. Returns the exit code."""
    from wasmjit._errors import Exit

    try:
        code = (main(*strings(instance, arguments)) if main.type.params else main()) or 0
    except Exit as exit:
        code = exit.code
    for name, values in AT_EXIT:
        function = exported(instance, name)
        if function is not None:
            function(*values)
    return code & M32


def strings(instance: "Instance", arguments: list[bytes]) -> tuple[int, int]:
    """argc, and the address of argv, which is put on the guest's stack."""
    allocate = needed(instance, "stackAlloc", "_emscripten_stack_alloc")
    joined = b"".join([argument + b"\0" for argument in arguments])
    buffer, argv = allocate(len(joined)), allocate(4 * len(arguments) + 4)
    window = memory(instance)
    span(window, buffer, len(joined))[:] = joined
    addresses = []
    for argument in arguments:
        addresses.append(buffer & M32)
        buffer += len(argument) + 1
    span(window, argv, 4 * len(arguments) + 4)[:] = b"".join([address.to_bytes(4, "little") for address in [*addresses, 0]])
    return len(arguments), argv


def bind(guest: Guest, name: str, row: "Any", family: str, canonical: str) -> "Callable[..., Any]":
    """The callable that an import is linked to. The family's file is imported now: few modules import what they do not call."""
    module = __import__(f"wasmjit.emscripten.{family}", fromlist=[name])
    if name.startswith(INVOKE):
        bound: Callable[..., Any] = module.invoke(guest, name, row[4], row[5])
    else:
        bound = _bound(guest, getattr(module, "find_matching_catch" if name.startswith(CATCH) else name), row, family in FAILING)
        takes = canonical.partition(":")[0]
        if len(takes) < len(row[4]):
            bound = joining(bound, takes)
    bound.__name__ = name
    bound._wasmjit_pass_instance = True  # type: ignore[attr-defined]
    bound._wasmjit_type = row[4:6]  # type: ignore[attr-defined]
    return bound


def _bound(guest: Guest, function: "Callable[..., Any]", row: "Any", failing: bool) -> "Callable[..., Any]":
    none = 0 if row[5] else None
    sign = -1 if row[0] == "env" else 1  # system calls return what WASI's functions do, below 0

    def call(instance: "Any", *arguments: "Any") -> "Any":
        try:
            result = function(guest, instance, *arguments)
        except Raised as error:
            raise error.error from error.error.__cause__
        except WasiError as error:
            if failing:
                return errno_of(error.errno) * sign
            raise outside(error) from None
        except OSError as error:
            if failing:
                return errno_of(from_host(error)) * sign
            raise
        return none if result is None else result

    return call


def errno_of(number: int) -> int:
    """An errno of WASI as C knows it: rights are missing only where a directory is read-only."""
    return Errno.ROFS if number == Errno.NOTCAPABLE else number


def outside(error: WasiError) -> Exception:
    """The trap for a pointer outside of memory, where there is no errno to return."""
    from wasmjit._traps import MemoryOutOfBounds

    return MemoryOutOfBounds()


def joining(call: "Callable[..., Any]", takes: str) -> "Callable[..., Any]":
    """The same function where each I of `takes` arrives as two i32, the low half first."""

    def join(instance: "Any", *arguments: "Any") -> "Any":
        rest = iter(arguments)
        return call(instance, *[next(rest) if letter != "I" else next(rest) & M32 | next(rest) << 32 for letter in takes])

    return join


def halves(found: "Any", row: "Any") -> "Any":
    """A function of WASI for a build that passes each i64 as two i32; itself where that is not the difference."""
    types = getattr(found, "_wasmjit_type", None)
    takes = None if types is None else halved(types, row[4], row[5])
    if takes is None:
        return found
    joined = joining(found, takes)
    joined._wasmjit_pass_instance = True  # type: ignore[attr-defined]
    joined._wasmjit_type = row[4:6]  # type: ignore[attr-defined]
    return joined
