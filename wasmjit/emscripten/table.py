"""Every support function once: the file that implements it and the types that Emscripten's versions have given it.

A family file has one function a row, of the row's name, called as `f(guest, instance, *arguments)` where instance is the caller. Types are
letters, i = i32, I = i64, d = f64, parameters before the colon and the result behind it; several are those of versions. Builds without
64-bit integers in their JavaScript pass an I as two i, the low half first.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

FUNCTIONS = {
    # The heap.
    "emscripten_resize_heap": ("heap", "i:i"),
    "emscripten_get_heap_max": ("heap", ":i"),
    "emscripten_get_heap_size": ("heap", ":i"),
    "emscripten_notify_memory_growth": ("heap", "i:"),
    "emscripten_memcpy_js": ("heap", "iii:"),
    "_emscripten_memcpy_js": ("heap", "iii:"),
    "emscripten_memcpy_big": ("heap", "iii:i"),
    "_mmap_js": ("mapping", "iiiiIii:i iiiiiii:i iiiiii:i"),
    "_munmap_js": ("mapping", "iiiiiI:i iiiiii:i"),
    "_msync_js": ("mapping", "iiiiiI:i iiiiii:i iiii:i"),
    # The end of the program.
    "abort": ("ending", ":"),
    "_abort_js": ("ending", ":"),
    "__assert_fail": ("ending", "iiii:"),
    "exit": ("ending", "i:"),
    "_exit": ("ending", "i:"),
    "emscripten_force_exit": ("ending", "i:"),
    "__handle_stack_overflow": ("ending", "i:"),
    "segfault": ("ending", ":"),
    "alignfault": ("ending", ":"),
    "emscripten_run_script": ("ending", "i:"),
    "emscripten_run_script_int": ("ending", "i:i"),
    "emscripten_run_script_string": ("ending", "i:i"),
    "_emscripten_runtime_keepalive_clear": ("ending", ":"),
    "emscripten_asm_const_int": ("ending", "iii:i"),
    "emscripten_asm_const_double": ("ending", "iii:d"),
    # The console, and randomness.
    "emscripten_out": ("console", "i:"),
    "emscripten_err": ("console", "i:"),
    "emscripten_console_log": ("console", "i:"),
    "emscripten_console_warn": ("console", "i:"),
    "emscripten_console_error": ("console", "i:"),
    "getentropy": ("console", "ii:i"),
    "system": ("console", "i:i"),
    "_emscripten_system": ("console", "i:i"),
    # Sanitizers.
    "_emscripten_sanitizer_get_option": ("sanitizers", "i:i"),
    "_emscripten_sanitizer_use_colors": ("sanitizers", ":i"),
    "_emscripten_get_progname": ("sanitizers", "ii:"),
    "emscripten_stack_snapshot": ("sanitizers", ":i"),
    "emscripten_stack_unwind_buffer": ("sanitizers", "iii:i"),
    "emscripten_pc_get_function": ("sanitizers", "i:i"),
    "emscripten_pc_get_file": ("sanitizers", "i:i"),
    "emscripten_pc_get_line": ("sanitizers", "i:i"),
    "emscripten_pc_get_column": ("sanitizers", "i:i"),
    # Time.
    "emscripten_date_now": ("calendar", ":d"),
    "emscripten_get_now": ("calendar", ":d"),
    "emscripten_get_now_res": ("calendar", ":d"),
    "_emscripten_get_now_is_monotonic": ("calendar", ":i"),
    "_tzset_js": ("calendar", "iii: iiii:"),
    "_localtime_js": ("calendar", "ii: Ii:"),
    "_gmtime_js": ("calendar", "ii: Ii:"),
    "_mktime_js": ("calendar", "i:i i:I"),
    "_timegm_js": ("calendar", "i:i i:I"),
    "time": ("calendar", "i:i"),
    "gettimeofday": ("calendar", "ii:i i:i"),
    "clock": ("calendar", ":i"),
    "difftime": ("calendar", "ii:d"),
    "clock_gettime": ("calendar", "ii:i"),
    "clock_getres": ("calendar", "ii:i"),
    "strftime": ("dates", "iiii:i"),
    "strftime_l": ("dates", "iiiii:i"),
    # Leaving frames.
    "setTempRet0": ("unwinding", "i:"),
    "getTempRet0": ("unwinding", ":i"),
    "_emscripten_throw_longjmp": ("unwinding", ":"),
    "emscripten_longjmp": ("unwinding", "ii:"),
    "__cxa_throw": ("exceptions", "iii:"),
    "__cxa_rethrow": ("exceptions", ":"),
    "__resumeException": ("exceptions", "i:"),
    "__cxa_begin_catch": ("exceptions", "i:i"),
    "__cxa_end_catch": ("exceptions", ":"),
    "__cxa_get_exception_ptr": ("exceptions", "i:i"),
    "__cxa_allocate_exception": ("exceptions", "i:i"),
    "__cxa_free_exception": ("exceptions", "i:"),
    "__cxa_uncaught_exceptions": ("exceptions", ":i"),
    "__cxa_current_primary_exception": ("exceptions", ":i"),
    "__cxa_rethrow_primary_exception": ("exceptions", "i:"),
    "__cxa_call_unexpected": ("exceptions", "i:"),
    "llvm_eh_typeid_for": ("exceptions", "i:i"),
    # Files by path.
    "__syscall_openat": ("paths", "iiii:i"),
    "__syscall_open": ("paths", "iii:i"),
    "__syscall_stat64": ("paths", "ii:i"),
    "__syscall_lstat64": ("paths", "ii:i"),
    "__syscall_fstatat64": ("paths", "iiii:i"),
    "__syscall_newfstatat": ("paths", "iiii:i"),
    "__syscall_faccessat": ("paths", "iiii:i"),
    "__syscall_getcwd": ("paths", "ii:i"),
    "__syscall_chdir": ("paths", "i:i"),
    "__syscall_mkdir": ("paths", "ii:i"),
    "__syscall_mkdirat": ("paths", "iii:i"),
    "__syscall_rmdir": ("paths", "i:i"),
    "__syscall_unlink": ("paths", "i:i"),
    "__syscall_unlinkat": ("paths", "iii:i"),
    "__syscall_rename": ("paths", "ii:i"),
    "__syscall_renameat": ("paths", "iiii:i"),
    "__syscall_linkat": ("paths", "iiiii:i"),
    "__syscall_symlink": ("paths", "ii:i"),
    "__syscall_symlinkat": ("paths", "iii:i"),
    "__syscall_readlink": ("paths", "iii:i"),
    "__syscall_readlinkat": ("paths", "iiii:i"),
    "__syscall_utimensat": ("paths", "iiii:i"),
    "__syscall_truncate64": ("paths", "iI:i"),
    "__syscall_statfs64": ("paths", "iii:i"),
    "__syscall_chmod": ("owners", "ii:i"),
    "__syscall_fchmod": ("owners", "ii:i"),
    "__syscall_fchmodat": ("owners", "iiii:i"),
    "__syscall_fchmodat2": ("owners", "iiii:i"),
    "__syscall_chown32": ("owners", "iii:i"),
    "__syscall_fchown32": ("owners", "iii:i"),
    "__syscall_fchownat": ("owners", "iiiii:i"),
    "__syscall_getuid32": ("owners", ":i"),
    "__syscall_geteuid32": ("owners", ":i"),
    "__syscall_getgid32": ("owners", ":i"),
    "__syscall_getegid32": ("owners", ":i"),
    "__syscall_getpid": ("owners", ":i"),
    "__syscall_getppid": ("owners", ":i"),
    "__syscall_umask": ("owners", "i:i"),
    # Descriptors.
    "__syscall_fcntl64": ("descriptors", "iii:i"),
    "__syscall_ioctl": ("descriptors", "iii:i"),
    "__syscall_fstat64": ("descriptors", "ii:i"),
    "__syscall_fstatfs64": ("descriptors", "iii:i"),
    "__syscall_getdents64": ("descriptors", "iii:i"),
    "__syscall_ftruncate64": ("descriptors", "iI:i"),
    "__syscall_fallocate": ("descriptors", "iiII:i"),
    "__syscall_fadvise64": ("descriptors", "iIIi:i"),
    "__syscall_fdatasync": ("descriptors", "i:i"),
    "__syscall_dup": ("descriptors", "i:i"),
    "__syscall_dup3": ("descriptors", "iii:i"),
    "__syscall_pipe": ("descriptors", "i:i"),
    "__syscall_pipe2": ("descriptors", "ii:i"),
    "__syscall_poll": ("descriptors", "iii:i"),
}
WASI = {"fd_seek": ("descriptors", "iIii:i"), "fd_close": ("descriptors", "i:i")}  # what directories read by getdents64 need more

FAILING = ("mapping", "paths", "owners", "descriptors")  # families that return a negative errno; the others trap
# names that other toolchains' modules import as well
COMMON = {
    "abort", "exit", "_exit", "__assert_fail", "time", "clock", "difftime", "gettimeofday", "clock_gettime", "clock_getres", "strftime",
    "strftime_l", "segfault", "alignfault", "getentropy", "system",
}  # fmt: skip
OWN = FUNCTIONS.keys() - COMMON
CATCH = "__cxa_find_matching_catch_"  # and the number of its parameters and two more
INVOKE = "invoke_"  # and the type of the function, the result's letter first

LETTERS = {"i32": "i", "i64": "I", "f32": "f", "f64": "d"}


def is_invoke(name: str, params: "Sequence[str]") -> bool:
    """Whether the name is that of a function which calls an element of the table, the first parameter, and returns where it is left."""
    if not name.startswith(INVOKE) or not params or params[0] != "i32":
        return False
    letters = name[len(INVOKE) :]
    return bool(letters) and not letters.strip("vijfdp") and "v" not in letters[1:]


def is_catch(name: str, params: "Sequence[str]") -> bool:
    """Whether the name is that of a function which finds the clause of a `catch` that takes the exception."""
    return name.startswith(CATCH) and name[len(CATCH) :].isdecimal() and set(params) <= {"i32"}


def signatures(module: str, name: str, params: "Sequence[str]", results: "Sequence[str]") -> "tuple[str, str] | None":
    """Family and canonical type of an import that is implemented as the module wants it, None for any other."""
    if module == "env":
        if is_invoke(name, params):
            return "unwinding", ""
        if is_catch(name, params):
            return "exceptions", f"{'i' * len(params)}:i"
    rows = FUNCTIONS if module == "env" else WASI if module == "wasi_snapshot_preview1" else {}
    if name not in rows:
        return None
    family, types = rows[name]
    wanted = "".join([LETTERS.get(kind, "?") for kind in params])
    result = "".join([LETTERS.get(kind, "?") for kind in results])
    for kind in types.split(" "):
        takes, _, gives = kind.partition(":")
        if wanted in (takes, takes.replace("I", "ii")) and result in ("", gives, "i"):
            return family, kind
    return None
