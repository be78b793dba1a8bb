"""Standard streams: messages on stderr, colour, streams that are closed."""

import io
import os
import sys


def fail(message: str) -> None:
    """Write `wasmjit: error: message` to stderr; a stderr that cannot be written is nobody's to tell."""
    label = "error:"
    if sys.stderr is None:
        return
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        label = f"\033[1;31m{label}\033[0m"
    _write(f"wasmjit: {label} {printable(message)}")


def note(text: str) -> None:
    """Write a line to stderr."""
    _write(printable(text))


def _write(text: str) -> None:
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        pass


def printable(text: str, newlines: bool = True) -> str:
    """The text with control characters escaped, newlines only if asked: names come from modules, and a terminal obeys what is in them."""
    return "".join([char if char.isprintable() or char in "\t\n"[: 1 + newlines] else ascii(char)[1:-1] for char in text])


def occupy_closed_streams() -> None:
    """Fill closed descriptors 0, 1, 2, so that no file opened later becomes the guest's standard stream by its number.

    They are opened the wrong way round: reading or writing them goes on failing with EBADF as it does on a closed one.
    """
    for fd, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, mode)  # the lowest free number: fd


def require_stdout() -> None:
    """Get ready to print. OSError when there is nowhere to; `print` itself would say nothing.

    What the encoding of the output cannot show, or a path that is not UTF-8, is escaped.
    """
    if sys.stdout is None:
        from errno import EBADF

        raise OSError(EBADF, os.strerror(EBADF), "standard output")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def abandon_stdout() -> None:
    """Point a stdout that failed at the null device: what is still buffered must not fail again at shutdown."""
    if sys.stdout is not None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
