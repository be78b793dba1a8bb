"""`Process`: a program that runs beside its caller, in the shape of `subprocess.Popen`."""

import codecs
import contextlib
import io
import os
import signal as signals
from time import monotonic

from ._guest import Guest, Program, World
from ._load import module_of
from ._run import PIPE, command_line
from .wasi import Wasi
from .wasi.abi import Right
from .wasi.config import is_number
from .wasi.owned import pipe, shared
from .wasi.stream import host_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Any, NoReturn, Self

    from ._config import Config, Limits
    from ._exchange import Exchange
    from ._module import Module

IGNORED = (0, signals.SIGCHLD, signals.SIGCONT, signals.SIGURG, signals.SIGWINCH)  # their default is to do nothing
STOPPING = (signals.SIGSTOP, signals.SIGTSTP, signals.SIGTTIN, signals.SIGTTOU)


class Process:
    """A WASI program that runs in a thread of this process, with the interface of `subprocess.Popen`.

    module, args, env, dirs, clock, random, limits, imports, config: as of `run`; what `imports` has is called in that thread.
    stdin, stdout, stderr: as of `run`; with PIPE the attribute of that name is the other end, a file. Host descriptors and files that
    have one are the program's for itself, so `b = Process(..., stdin=a.stdout)` makes a pipeline; then close `a.stdout`, so that `a` is
    told (EPIPE) when `b` reads no more. With `text`, `encoding` or `errors` the files are of str. bufsize: of these files, 0 for none,
    1 for lines of text, else bytes. timeout: seconds that the program may run.

    `args`: the program's, its name first. `returncode`: None while it runs; the exit status; 134 after a trap or a timeout, 1 when
    something else was raised; -N when signal N ended it. `exception`: what was raised, None after an exit. It is shown on the
    program's stderr. A program has no handlers of signals: each ends it, in WebAssembly or where it waits, within milliseconds, but in
    a function of `imports` only when that returns.

    Leaving a with-block closes the pipes and waits; Ctrl-C in it ends the program. One that nobody refers to is killed, with a
    ResourceWarning, and so are all at the end of Python. After a fork the child has its ends of the pipes, but not the program:
    asking for its state is a ChildProcessError there. Raises what `run` raises before the program starts.
    """

    stdin: "Any" = None
    stdout: "Any" = None
    stderr: "Any" = None
    _guest: Guest | None = None  # until it has been made
    _exchange: "Exchange | None" = None

    def __init__(
        self,
        module: "str | os.PathLike[str] | bytes | Module",
        args: "Iterable[str]" = (),
        *,
        stdin: "Any" = None,
        stdout: "Any" = None,
        stderr: "Any" = None,
        text: bool = False,
        encoding: str | None = None,
        errors: str | None = None,
        env: "Mapping[str, str] | None" = None,
        dirs: "Any" = None,
        clock: "Callable[[int], int] | None" = None,
        random: "int | str | bytes | Callable[[int], bytes] | None" = None,
        timeout: float | None = None,
        limits: "Limits | None" = None,
        imports: "Any" = None,
        config: "Config | None" = None,
        bufsize: int = -1,
    ) -> None:
        if timeout is not None and not float(timeout) >= 0:
            raise ValueError(f"timeout must be a number of seconds, not {timeout!r}")
        if not isinstance(bufsize, int):
            raise TypeError(f"bufsize must be an int, not {type(bufsize).__name__}")
        codecs.lookup(encoding or "utf-8")
        program = module_of(module, config)
        self.args = command_line(module, program, args)
        self._text = text or encoding is not None or errors is not None
        self._encoding, self._errors = encoding or "utf-8", errors or "strict"
        with contextlib.ExitStack() as undo:
            streams: dict[str, Any] = {}
            for name, given in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
                right = Right.FD_READ if name == "stdin" else Right.FD_WRITE
                if is_number(given, PIPE):
                    given, other = pipe(right)
                    file = self._file(other, "r" if right == Right.FD_WRITE else "w", bufsize)
                    undo.callback(file.close)
                    setattr(self, name, file)
                else:
                    given = _own(given, right)
                if hasattr(given, "rights"):
                    undo.callback(given.close)
                streams[name] = given
            world = World(Wasi(self.args, env, dirs=dirs, clock=clock, random=random, **streams))
            undo.callback(world.context.close)
            guest = Guest(Program(program, imports, wasi=world, limits=limits), world, self.args[0], timeout)
            guest.start()
            undo.pop_all()
        self._guest = guest

    def _file(self, number: int, mode: str, bufsize: int) -> "Any":
        """Our end of a pipe."""
        lines = self._text and bufsize == 1
        file = open(number, mode + "b", -1 if bufsize == 1 else bufsize)
        if not self._text:
            return file
        return io.TextIOWrapper(file, self._encoding, self._errors, line_buffering=lines, write_through=mode == "w")

    @property
    def returncode(self) -> int | None:
        """The exit status, None while the program runs."""
        return None if self._guest is None else self._guest.returncode

    @property
    def exception(self) -> BaseException | None:
        """What ended the program instead of an exit."""
        return None if self._guest is None else self._guest.exception

    def _own_guest(self) -> Guest:
        """The guest. ChildProcessError: it belongs to the process that this one was forked from."""
        guest = self._guest
        if guest is None:
            raise ValueError("the process was not started")
        if guest.returncode is None and guest.pid != os.getpid():
            from errno import ECHILD

            raise ChildProcessError(ECHILD, f"{self.args[0]} runs in the process that this one was forked from")
        return guest

    def poll(self) -> int | None:
        """The return code, None while the program runs."""
        return self._own_guest().returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the program and return its return code. subprocess.TimeoutExpired after `timeout` seconds.

        A program that fills a pipe which nobody reads does not end: see `communicate`.
        """
        guest = self._own_guest()
        if not guest.join(timeout):
            self._expired(timeout)
        return guest.returncode  # type: ignore[return-value]

    def communicate(self, input: "bytes | str | None" = None, timeout: float | None = None) -> "tuple[Any, Any]":
        """Write `input` to the program's stdin and close it, read its stdout and stderr to their ends, and wait for its own.

        Returns what was read, None for what is no PIPE. subprocess.TimeoutExpired after `timeout` seconds, with the bytes read so far as
        its `output` and `stderr`; they are not lost: call again to go on. ValueError: input without a PIPE, or after the first call.
        """
        deadline = None if timeout is None else monotonic() + timeout
        exchange = self._exchange
        if exchange is None:
            from ._exchange import Exchange

            if input and self.stdin is None:
                raise ValueError("input needs stdin=PIPE")
            data = input.encode(self._encoding, self._errors) if isinstance(input, str) else bytes(input or b"")
            exchange = self._exchange = Exchange(self.stdin, (self.stdout, self.stderr), data)
        elif input:
            raise ValueError("input is given to the first communicate()")
        moved = exchange.run(deadline)
        stdout, stderr = exchange.collected()
        if not moved:
            self._expired(timeout, stdout, stderr)
        self.wait(None if deadline is None else max(0.0, deadline - monotonic()))
        return self._decoded(stdout), self._decoded(stderr)

    def _decoded(self, data: bytes | None) -> "bytes | str | None":
        """Output as its file would give it."""
        if data is None or not self._text:
            return data
        return data.decode(self._encoding, self._errors).replace("\r\n", "\n").replace("\r", "\n")

    def _expired(self, timeout: float | None, output: bytes | None = None, stderr: bytes | None = None) -> "NoReturn":
        from subprocess import TimeoutExpired

        raise TimeoutExpired(self.args, timeout or 0.0, output, stderr)

    def send_signal(self, signal: int) -> None:
        """Do what the signal does to a process without handlers: end it, or nothing.

        ValueError: it would stop it, or there is no such signal.
        """
        if self.poll() is not None or signal in IGNORED:
            return
        if signal in STOPPING or signal not in signals.valid_signals():
            raise ValueError(f"a program cannot be sent signal {signal}: only those that end it, or do nothing")
        self._own_guest().end(int(signal))

    def terminate(self) -> None:
        """End the program: return code -15."""
        self.send_signal(signals.SIGTERM)

    def kill(self) -> None:
        """End the program: return code -9. It has no more to say to one signal than to another."""
        self.send_signal(signals.SIGKILL)

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, traceback: "TracebackType | None") -> None:
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self.send_signal(signals.SIGINT)
        for file in (self.stdout, self.stderr):
            if file is not None:
                file.close()
        try:
            if self.stdin is not None:
                self.stdin.close()
        finally:
            self.wait()

    def __del__(self) -> None:
        guest = self._guest
        if guest is not None and guest.returncode is None and guest.pid == os.getpid():
            from warnings import warn

            warn(f"{self!r} was not waited for", ResourceWarning, stacklevel=2, source=self)
            guest.end(signals.SIGKILL)

    def __repr__(self) -> str:
        return f"<wasmjit.Process args={getattr(self, 'args', None)!r} returncode={self.returncode}>"


def _own(given: "Any", right: int) -> "Any":
    """A host descriptor, or a Python file that is nothing but one, as the guest's own; the rest as it is."""
    number: int | None
    if isinstance(given, int):
        return given if given < 0 else shared(given, right)
    number = host_number(given)
    if number is None:
        return given
    if right == Right.FD_WRITE:
        given.flush()
    return shared(number, right)
