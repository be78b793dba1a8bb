"""Every WASI function once: its parameters, the file that implements it, and the right it asks of its descriptor.

A family file has one function a row, of the row's name, called as `f(context, window, *arguments)` where window is the guest's memory.
A row with rights names a function whose first argument is a descriptor number: the wrapper made here looks it up, checks the rights, and
passes the Descriptor instead. Implementations raise WasiError or OSError; only wrappers make errno of them. Integers arrive as the runtime
gives them, in either sign.
"""

from wasmjit.wasi import fd, process
from wasmjit.wasi._memory import memory
from wasmjit.wasi.abi import Right
from wasmjit.wasi.errno import Errno, Raised, WasiError, from_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from wasmjit.wasi.context import Context

    Row = tuple[str, str, int | None]

NONE = None  # no descriptor as first parameter
ANY = 0  # a descriptor, whatever its rights

# name: (family, parameters i = i32 and I = i64, rights of the descriptor). All but proc_exit return an errno as i32.
PREVIEW1: "dict[str, Row]" = {
    "args_get": ("process", "ii", NONE),
    "args_sizes_get": ("process", "ii", NONE),
    "environ_get": ("process", "ii", NONE),
    "environ_sizes_get": ("process", "ii", NONE),
    "clock_res_get": ("process", "ii", NONE),
    "clock_time_get": ("process", "iIi", NONE),
    "random_get": ("process", "ii", NONE),
    "sched_yield": ("process", "", NONE),
    "proc_exit": ("process", "i", NONE),
    "proc_raise": ("process", "i", NONE),
    "fd_read": ("fd", "iiii", Right.FD_READ),
    "fd_write": ("fd", "iiii", Right.FD_WRITE),
    "fd_seek": ("fd", "iIii", Right.FD_SEEK),
    "fd_tell": ("fd", "ii", Right.FD_TELL),
    "fd_close": ("fd", "i", NONE),
    "fd_fdstat_get": ("fd", "ii", ANY),
    "fd_prestat_get": ("fd", "ii", ANY),
    "fd_prestat_dir_name": ("fd", "iii", ANY),
    "fd_pread": ("file", "iiiIi", Right.FD_READ | Right.FD_SEEK),
    "fd_pwrite": ("file", "iiiIi", Right.FD_WRITE | Right.FD_SEEK),
    "fd_advise": ("file", "iIIi", Right.FD_ADVISE),
    "fd_allocate": ("file", "iII", Right.FD_ALLOCATE),
    "fd_datasync": ("file", "i", Right.FD_DATASYNC),
    "fd_sync": ("file", "i", Right.FD_SYNC),
    "fd_fdstat_set_flags": ("file", "ii", Right.FD_FDSTAT_SET_FLAGS),
    "fd_fdstat_set_rights": ("file", "iII", ANY),
    "fd_filestat_get": ("file", "ii", Right.FD_FILESTAT_GET),
    "fd_filestat_set_size": ("file", "iI", Right.FD_FILESTAT_SET_SIZE),
    "fd_filestat_set_times": ("file", "iIIi", Right.FD_FILESTAT_SET_TIMES),
    "fd_readdir": ("file", "iiiIi", Right.FD_READDIR),
    "fd_renumber": ("file", "ii", NONE),
    "path_create_directory": ("path", "iii", Right.PATH_CREATE_DIRECTORY),
    "path_filestat_get": ("path", "iiiii", Right.PATH_FILESTAT_GET),
    "path_filestat_set_times": ("path", "iiiiIIi", Right.PATH_FILESTAT_SET_TIMES),
    "path_link": ("path", "iiiiiii", Right.PATH_LINK_SOURCE),
    "path_open": ("path", "iiiiiIIii", Right.PATH_OPEN),
    "path_readlink": ("path", "iiiiii", Right.PATH_READLINK),
    "path_remove_directory": ("path", "iii", Right.PATH_REMOVE_DIRECTORY),
    "path_rename": ("path", "iiiiii", Right.PATH_RENAME_SOURCE),
    "path_symlink": ("path", "iiiii", NONE),
    "path_unlink_file": ("path", "iii", Right.PATH_UNLINK_FILE),
    "poll_oneoff": ("poll", "iiii", NONE),
    "sock_accept": ("sock", "iii", Right.SOCK_ACCEPT),
    "sock_recv": ("sock", "iiiiii", ANY),
    "sock_send": ("sock", "iiiii", ANY),
    "sock_shutdown": ("sock", "ii", Right.SOCK_SHUTDOWN),
}

# The release before: the same functions but for sock_accept; four of them pass records or numbers laid out otherwise.
UNSTABLE: "dict[str, Row]" = {name: row for name, row in PREVIEW1.items() if name != "sock_accept"}
for _name in ("fd_filestat_get", "fd_seek", "path_filestat_get", "poll_oneoff"):
    UNSTABLE[_name] = ("unstable", *PREVIEW1[_name][1:])

MODULES = {"wasi_snapshot_preview1": PREVIEW1, "wasi_unstable": UNSTABLE}

_LOADED = {"process": process, "fd": fd}  # what every program calls; the other families are imported when one of theirs is called
_TYPES = {"i": "i32", "I": "i64"}


def signature(row: "Row", name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Parameter and result types of a row's function."""
    return tuple([_TYPES[letter] for letter in row[1]]), () if name == "proc_exit" else ("i32",)


def implementation(family: str, name: str) -> "Callable[..., None]":
    """The family file's function, importing the file when it is the first of it."""
    module = _LOADED.get(family)
    if module is None:
        module = _LOADED[family] = __import__(f"wasmjit.wasi.{family}", fromlist=[name])
    function: Callable[..., None] = getattr(module, name)
    return function


def later(family: str, name: str) -> "Callable[..., None]":
    """Stands for a function whose file is imported when it is called."""
    function: Callable[..., None] | None = None

    def run(*arguments: "Any") -> None:
        nonlocal function
        if function is None:
            function = implementation(family, name)
        function(*arguments)

    return run


def bind(context: "Context", row: "Row", name: str) -> "Callable[..., int]":
    """The callable that a guest's import of the row's function is linked to: `call(instance, *integers) -> errno`."""
    family, _, rights = row
    files = context.files
    needed = rights or 0

    run = implementation(family, name) if family in _LOADED else later(family, name)

    def call(instance: "Any", *arguments: int) -> int:
        try:
            run(context, memory(instance), *arguments)
        except (WasiError, OSError, Raised) as error:
            return errno_of(error)
        return 0

    def call_descriptor(instance: "Any", number: int, *arguments: int) -> int:
        descriptor = files.get(number)
        if descriptor is None:
            return Errno.BADF
        missing = needed & ~descriptor.rights
        if missing:
            return descriptor.refuse(missing)
        try:
            run(context, memory(instance), descriptor, *arguments)
        except (WasiError, OSError, Raised) as error:
            return errno_of(error)
        return 0

    bound: Callable[..., int] = call if rights is None else call_descriptor
    bound.__name__ = name
    bound._wasmjit_pass_instance = True  # type: ignore[attr-defined]
    bound._wasmjit_type = signature(row, name)  # type: ignore[attr-defined]
    return bound


def errno_of(error: WasiError | OSError | Raised) -> int:
    """Errno that the guest gets; what an embedder's callable raised goes on as it is."""
    if isinstance(error, WasiError):
        return error.errno
    if isinstance(error, OSError):
        return from_host(error)
    raise error.error from error.error.__cause__


class Namespace(dict[str, "Callable[..., int]"]):
    """The functions of one import module by name, each bound to the context when it is first asked for."""

    def __init__(self, context: "Context", rows: "dict[str, Row]") -> None:
        super().__init__()
        self.context = context
        self.rows = rows

    def __missing__(self, name: str) -> "Callable[..., int]":
        bound = self[name] = bind(self.context, self.rows[name], name)
        return bound

    def __contains__(self, name: object) -> bool:
        return name in self.rows

    def __iter__(self) -> "Iterator[str]":
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def get(self, name: str, default: "Any" = None) -> "Any":
        return self[name] if name in self.rows else default

    def keys(self) -> "Any":
        return self.rows.keys()

    def values(self) -> "Any":
        return [self[name] for name in self.rows]

    def items(self) -> "Any":
        return [(name, self[name]) for name in self.rows]
