"""C++ exceptions of builds that leave them to JavaScript (-fexceptions).

A thrown object has a header before it, the fields of libc++abi's `__cxa_exception` that count; newer builds allocate and count references
themselves, older ones import that too. Functions have the names and meanings of the C++ ABI for Itanium.
"""

from wasmjit.emscripten.ending import trap
from wasmjit.emscripten.guest import Guest, exported, needed
from wasmjit.emscripten.unwinding import set_temporary, throw
from wasmjit.wasi._memory import M32, load, memory, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

SIZE = 24  # bytes of the header
REFERENCES, TYPE, DESTRUCTOR, CAUGHT, RETHROWN, ADJUSTED = 0, 4, 8, 12, 13, 16  # fields by offset
WIDTHS = {REFERENCES: 4, TYPE: 4, DESTRUCTOR: 4, CAUGHT: 1, RETHROWN: 1, ADJUSTED: 4}
UNCAUGHT = "a C++ exception was not caught"


def header(pointer: int, field: int) -> int:
    """Address of a field of the exception."""
    return (pointer - SIZE + field) & M32


def get(instance: "Any", pointer: int, field: int) -> int:
    return load(memory(instance), header(pointer, field), WIDTHS[field])


def put(instance: "Any", pointer: int, field: int, value: int) -> None:
    width = WIDTHS[field]
    span(memory(instance), header(pointer, field), width)[:] = (value & M32).to_bytes(4, "little")[:width]


def __cxa_allocate_exception(guest: Guest, instance: "Any", size: int) -> int:
    pointer: int = needed(instance, "malloc")((size & M32) + SIZE & M32)
    if pointer == 0:
        trap("no memory for a C++ exception")
    span(memory(instance), pointer, SIZE)[:] = bytes(SIZE)
    return pointer + SIZE & M32


def __cxa_free_exception(guest: Guest, instance: "Any", pointer: int) -> None:
    free = exported(instance, "__cxa_free_exception")
    if free is not None:
        free(pointer)
    else:
        needed(instance, "free")(header(pointer, 0))


def keep(instance: "Any", pointer: int) -> None:
    """Count one reference more."""
    count = exported(instance, "__cxa_increment_exception_refcount")
    if count is not None:
        count(pointer)
    else:
        put(instance, pointer, REFERENCES, get(instance, pointer, REFERENCES) + 1)


def drop(guest: Guest, instance: "Any", pointer: int) -> None:
    """Count one less. Without any left the object is destroyed, unless it is on its way again."""
    count = exported(instance, "__cxa_decrement_exception_refcount")
    if count is not None:
        count(pointer)
        return
    references = get(instance, pointer, REFERENCES) - 1
    put(instance, pointer, REFERENCES, references)
    if references != 0 or get(instance, pointer, RETHROWN):
        return
    destructor = get(instance, pointer, DESTRUCTOR)
    if destructor:
        from wasmjit.emscripten.unwinding import element

        element(guest, instance, destructor, (("i32",), ("i32",)))(pointer)
    __cxa_free_exception(guest, instance, pointer)


def object_of(instance: "Any", pointer: int) -> int:
    """What a handler gets: the thrown pointer itself, or the part of the object that is of the caught class."""
    own = exported(instance, "__cxa_get_exception_ptr")
    if own is not None:
        return int(own(pointer))
    if needed(instance, "__cxa_is_pointer_type")(get(instance, pointer, TYPE)):
        return load(memory(instance), pointer, 4)
    return get(instance, pointer, ADJUSTED) or pointer


def __cxa_throw(guest: Guest, instance: "Any", pointer: int, type: int, destructor: int) -> "NoReturn":
    span(memory(instance), header(pointer, 0), SIZE)[:] = bytes(SIZE)
    put(instance, pointer, TYPE, type)
    put(instance, pointer, DESTRUCTOR, destructor)
    guest.last = pointer
    guest.uncaught += 1
    throw(guest, UNCAUGHT)


def __cxa_rethrow(guest: Guest, instance: "Any") -> "NoReturn":
    if not guest.caught:
        trap("`throw;` without a C++ exception that is handled")
    pointer = guest.caught.pop()
    if not get(instance, pointer, RETHROWN):
        guest.caught.append(pointer)  # its handler ends when it is left
        put(instance, pointer, RETHROWN, 1)
        put(instance, pointer, CAUGHT, 0)
        guest.uncaught += 1
    guest.last = pointer
    throw(guest, UNCAUGHT)


def __resumeException(guest: Guest, instance: "Any", pointer: int) -> "NoReturn":
    """Go on unwinding behind a cleanup."""
    guest.last = guest.last or pointer
    throw(guest, UNCAUGHT)


def find_matching_catch(guest: Guest, instance: "Any", *types: int) -> int:
    """Returns the exception, and the type of the clause that takes it as second result: its own where none does."""
    pointer = guest.last
    if pointer == 0:
        set_temporary(guest, instance, 0)
        return 0
    put(instance, pointer, ADJUSTED, pointer)
    thrown = get(instance, pointer, TYPE)
    found = thrown
    if thrown:
        for type in types:
            if type & M32 in (0, thrown):
                break
            if needed(instance, "__cxa_can_catch")(type, thrown, header(pointer, ADJUSTED)):
                found = type
                break
    set_temporary(guest, instance, found)
    return pointer


def __cxa_begin_catch(guest: Guest, instance: "Any", pointer: int) -> int:
    if not get(instance, pointer, CAUGHT):
        put(instance, pointer, CAUGHT, 1)
        guest.uncaught -= 1
    put(instance, pointer, RETHROWN, 0)
    guest.caught.append(pointer)
    keep(instance, pointer)
    return object_of(instance, pointer)


def __cxa_end_catch(guest: Guest, instance: "Any") -> None:
    needed(instance, "setThrew", "_setThrew")(0, 0)
    if not guest.caught:
        trap("the end of a C++ handler that did not begin")
    drop(guest, instance, guest.caught.pop())
    guest.last = 0


def __cxa_get_exception_ptr(guest: Guest, instance: "Any", pointer: int) -> int:
    return object_of(instance, pointer)


def __cxa_uncaught_exceptions(guest: Guest, instance: "Any") -> int:
    return guest.uncaught


def __cxa_current_primary_exception(guest: Guest, instance: "Any") -> int:
    if not guest.caught:
        return 0
    keep(instance, guest.caught[-1])
    return guest.caught[-1]


def __cxa_rethrow_primary_exception(guest: Guest, instance: "Any", pointer: int) -> None:
    if pointer:
        guest.caught.append(pointer)
        put(instance, pointer, RETHROWN, 1)
        __cxa_rethrow(guest, instance)


def __cxa_call_unexpected(guest: Guest, instance: "Any", pointer: int) -> "NoReturn":
    trap("a C++ function threw what its exception specification does not have")


def llvm_eh_typeid_for(guest: Guest, instance: "Any", type: int) -> int:
    return type
