"""`run`: a program from start to exit, in the shape of `subprocess.run`."""

from ._errors import Exit, ExitError
from ._instance import Instance
from ._load import module_of
from ._provided import program as find_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ._config import Config, Limits
    from ._module import Module

PIPE = -1  # as in subprocess


class Completed:
    """What a finished program left: `args` (its name first), `returncode`, `stdout` and `stderr` (None where not captured), `stats`."""

    __slots__ = ("args", "returncode", "stdout", "stderr", "stats")

    def __init__(
        self, args: list[str], returncode: int, stdout: "Any" = None, stderr: "Any" = None, stats: dict[str, int] | None = None
    ) -> None:
        self.args = args
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr
        self.stats = stats or {}

    def check_returncode(self) -> None:
        """Raise ExitError unless the program returned 0."""
        if self.returncode:
            raise ExitError(self.returncode, self.args, self.stdout, self.stderr)

    def __repr__(self) -> str:
        shown = [f"args={self.args!r}", f"returncode={self.returncode}"]
        shown += [f"{name}={value!r}" for name in ("stdout", "stderr") if (value := getattr(self, name)) is not None]
        return f"Completed({', '.join(shown)})"

    def __reduce__(self) -> tuple[object, ...]:
        return Completed, tuple(getattr(self, name) for name in self.__slots__)


def run(
    module: "str | os.PathLike[str] | bytes | Module",
    args: "Iterable[str]" = (),
    *,
    input: "bytes | str | None" = None,
    stdin: "Any" = None,
    stdout: "Any" = None,
    stderr: "Any" = None,
    capture_output: bool = False,
    text: bool = False,
    encoding: str | None = None,
    errors: str | None = None,
    env: "Mapping[str, str] | None" = None,
    dirs: "Any" = None,
    clock: "Callable[[int], int] | None" = None,
    random: "int | str | bytes | Callable[[int], bytes] | None" = None,
    timeout: float | None = None,
    fuel: int | None = None,
    check: bool = False,
    limits: "Limits | None" = None,
    imports: "Any" = None,
    config: "Config | None" = None,
) -> Completed:
    """Run a WASI program: its `_start`, or `main` of Emscripten's default builds.

    `module`: a path, a binary as bytes, or a Module; `args`: what follows the program's name.
    The program gets the arguments, `env`, `dirs` ({"/guest": "host path"}, or `Dir`s) and nothing else; its standard input is empty unless
    `input` or `stdin` is given, what it writes goes to Python's own stdout and stderr unless they are given or captured; for what these
    and `clock` and `random` may be see `Wasi`.
    With `text`, `encoding` or `errors` input and captured output are str. `timeout`: seconds for all of it.
    Raises Timeout and other Traps (with the captured output as their `stdout` and `stderr`), with `check` ExitError for another
    status than 0, CompileError, LinkError, OSError for files, and what Python callables in `imports` raise.
    """
    if capture_output:
        if stdout is not None or stderr is not None:
            raise ValueError("stdout and stderr are not given together with capture_output")
        stdout = stderr = PIPE
    if input is not None and stdin is not None:
        raise ValueError("stdin and input are not given together")
    decode = text or encoding is not None or errors is not None
    encoding, errors = encoding or "utf-8", errors or "strict"
    if input is not None:
        stdin = input.encode(encoding, errors) if isinstance(input, str) else bytes(input)
    elif stdin == PIPE and isinstance(stdin, int):
        raise ValueError("stdin cannot be PIPE: give input= or a callable")
    deadline = None if timeout is None else _now() + float(timeout)
    program = module_of(module, config)
    command = command_line(module, program, args)
    from .wasi import Wasi

    wasi = Wasi(args=command, env=env, stdin=stdin, stdout=stdout, stderr=stderr, dirs=dirs, clock=clock, random=random)

    def captured(number: int, target: object) -> "Any":
        if not isinstance(target, int) or target != PIPE:
            return None
        data = wasi.captured(number)
        return data.decode(encoding, errors) if decode else data

    returncode = 0
    stats: dict[str, int] = {}
    try:
        with Instance(program, imports, wasi=wasi, limits=limits, timeout=timeout, fuel=fuel) as instance:
            start = start_function(instance, command[0])
            try:
                returncode = start(timeout=None if deadline is None else max(0.0, deadline - _now())) or 0
            finally:
                stats = instance.stats
    except Exit as exit:
        returncode = exit.code
    except RuntimeError as trap:
        from ._traps import Trap

        if isinstance(trap, Trap):
            trap.__dict__.update(stdout=captured(1, stdout), stderr=captured(2, stderr))
        raise
    done = Completed(command, returncode, captured(1, stdout), captured(2, stderr), stats)
    if check:
        done.check_returncode()
    return done


def command_line(source: "Any", module: "Module", args: "Iterable[str]") -> list[str]:
    """What the program sees as its arguments: first its own name, the path, else the module's name."""
    import os

    if isinstance(args, str | bytes):
        raise TypeError("args is a sequence of strings, not one")
    name = os.fspath(source) if isinstance(source, str | os.PathLike) else module.name or "module.wasm"
    return [name, *args]


def start_function(instance: Instance, name: str) -> "Callable[..., int | None]":
    """What makes an instance a program, see `_provided.program`. ValueError: it is none."""
    start: Callable[..., int | None] | None = find_program(instance)
    if start is None:
        raise ValueError(f"{name} is no program: it exports no function _start; use wasmjit.load to call its functions")
    return start


def _now() -> float:
    from time import monotonic

    return monotonic()
