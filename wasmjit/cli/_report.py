"""What ends a command early: one exit code and one message for each kind of error."""

import os
import signal
import sys

import wasmjit
from wasmjit.cli._options import UsageError
from wasmjit.cli._terminal import abandon_stdout, fail, note

ERROR = 1
USAGE = 2
INTERRUPTED = 130
TRAPPED = 134


def report(error: BaseException) -> int:
    """Say on stderr what happened and return the exit code. An error that is no user's doing is raised again, with its traceback."""
    if isinstance(error, UsageError):
        fail(str(error))
        note(error.command.synopsis if error.command else "usage: wasmjit [COMMAND] [OPTIONS] MODULE [ARGS...]; wasmjit --help")
        return USAGE
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, wasmjit.Error):  # before OSError: a Timeout is both
        return _report_wasm(error)
    if isinstance(error, BrokenPipeError):
        return _broken_pipe()
    if isinstance(error, OSError):
        abandon_stdout()
        fail(reason(error))
        return ERROR
    if isinstance(error, NotImplementedError | MemoryError) or (isinstance(error, ImportError) and error.name is None):  # ours: no image
        fail(str(error) or "out of memory")
        return ERROR
    raise error


def reason(error: OSError) -> str:
    """What the system refused, in its words, and of which file."""
    if error.filename is None or isinstance(error.filename, int):
        return error.strerror or str(error)
    return f"{os.fsdecode(error.filename) or repr('')}: {error.strerror}"


def _report_wasm(error: wasmjit.Error) -> int:
    if isinstance(error, wasmjit.Exit):
        return error.code
    trap = isinstance(error, wasmjit.Trap)
    fail(f"trap: {error}" if trap else str(error))
    for line in getattr(error, "__notes__", ()):
        note(line)
    return TRAPPED if trap else ERROR


def _broken_pipe() -> int:
    """The reader of our output has gone: die of SIGPIPE, as every other tool in the pipeline does."""
    abandon_stdout()
    if atexit := sys.modules.get("atexit"):
        atexit._run_exitfuncs()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    return 128 + signal.SIGPIPE
