"""`wasmjit bisect`: find the function whose optimized code does not do what interpretation does."""

import os
import subprocess
import sys
import tempfile
from time import monotonic

import wasmjit
from wasmjit._config import STRESSES
from wasmjit.cli._options import Command, Option, UsageError, parse
from wasmjit.cli._program import read_module
from wasmjit.cli._report import ERROR
from wasmjit.cli._terminal import note, require_stdout
from wasmjit.cli._values import choice, duration
from wasmjit.cli.run import COMMAND as RUN
from wasmjit.tiers.bisect import smallest
from wasmjit.tiers.restrict import VARIABLE, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COMMAND = Command(
    "bisect",
    "find the function whose optimized code does something else than interpretation",
    usage="[-- OPTIONS OF run] MODULE [ARGS...]",
    example="wasmjit bisect examples/hello.wasm --invoke add 2 3",
    options=(
        Option("--tier", "TIER", "the tier that is compared with interp: opt (the default), auto", convert=choice("opt", "auto")),
        Option("--stress", "S", f"change tiers where there is no need: {', '.join(STRESSES)}", convert=choice(*STRESSES)),
        Option("--patience", "TIME", "how long a run may take: 10 times what interpretation takes, and 10 s", convert=duration),
        Option("--invoke", "FN", "call the export FN; ARGS are its arguments"),
    ),
    program=True,
)
OURS = ("tier", "stress", "compile", "stats", "trace_out", "profile_out")  # options of run: chosen here, or different in each run


class Run:
    """What a run did. `summary` is what is compared."""

    def __init__(self, code: int | None, out: bytes, err: bytes, memory: bytes, seconds: float) -> None:
        self.summary = code, out, err, memory
        self.seconds = seconds

    def __str__(self) -> str:
        code, out, err, memory = self.summary
        ended = "did not end" if code is None else f"ended by signal {-code}" if code < 0 else f"exit code {code}"
        return f"{ended}, {len(out)} bytes of output, {len(err)} of messages, memory {memory.decode() or 'not known'}"


class Program:
    """The command line of `run`, as often as it takes. Standard input is read once and given to each run."""

    def __init__(self, words: list[str], tier: str, stress: str | None) -> None:
        self.words = words
        self.tier = tier
        self.stress = stress
        self.input = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read()
        self.patience: float | None = None

    def interpreted(self) -> Run:
        """In the interpreter."""
        return self._run(["--tier", "interp"], None)

    def optimized(self, functions: list[int]) -> Run:
        """With optimized code of these functions and no others."""
        stress = ["--stress", self.stress] if self.stress else []
        return self._run(["--tier", self.tier, *stress, "--compile", "sync"], write(functions))

    def _run(self, options: list[str], only: str | None) -> Run:
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
        if only is not None:
            environment[VARIABLE] = only
        start = monotonic()
        with tempfile.TemporaryFile() as memory:
            fd = memory.fileno()
            command = [sys.executable, "-m", "wasmjit.cli._bisect_child", str(fd), *options, *self.words]
            try:
                done = subprocess.run(
                    command, input=self.input, capture_output=True, env=environment, pass_fds=(fd,), timeout=self.patience, check=False
                )
                found: tuple[int | None, bytes, bytes] = done.returncode, done.stdout, done.stderr
            except subprocess.TimeoutExpired as late:
                found = None, late.stdout or b"", late.stderr or b""
            memory.seek(0)
            return Run(*found, memory.read(), monotonic() - start)


def main(argv: list[str]) -> int:
    """Search; the exit code is 0 when optimized code does the same, 1 when a function was found."""
    parsed = parse(COMMAND, argv)
    if parsed is None:
        return 0
    values, words = parsed
    for_run = parse(RUN, words)
    if for_run is None:
        return 0
    settings, operands = for_run
    for name in OURS:
        if name in settings:
            raise UsageError(f"option --{name.replace('_', '-')} of run makes no sense here", COMMAND)
    if not operands:
        raise UsageError("no module to run", COMMAND)
    path, *args = operands
    options = words[: len(words) - len(operands)]
    if "invoke" not in values and "invoke" not in settings and args[:1] == ["--invoke"]:  # also behind the module, where one looks for it
        if len(args) < 2:
            raise UsageError("option --invoke needs a value: FN", COMMAND)
        values["invoke"], args = args[1], args[2:]
    require_stdout()
    module = read_module(path, wasmjit.Config("interp"))
    if "invoke" in values:
        options = ["--invoke", values["invoke"], *options]
    return search(module, Program([*options, path, *args], values.get("tier", "opt"), values.get("stress")), values)


def search(module: "wasmjit.Module", program: Program, values: "dict[str, Any]") -> int:
    """Compare, and search where something differs."""
    right = program.interpreted()
    code, _, err, memory = right.summary
    if not memory and code is not None and code >= 0:
        note(err.decode(errors="replace").rstrip())
        return code
    program.patience = values.get("patience", 10 * right.seconds + 10)
    imported = sum(1 for row in module.imports if row.kind == "func")
    functions = list(range(imported, imported + own_functions(module)))
    wrong = program.optimized(functions)
    print(f"interpreted: {right}\noptimized:   {wrong}", flush=True)
    if wrong.summary == right.summary:
        print("no difference")
        return 0

    def differs(chosen: list[int]) -> bool:
        found = program.optimized(chosen).summary != right.summary
        if sys.stderr.isatty():
            note(f"  functions {write(chosen)}: {'differs' if found else 'the same'}")
        return found

    if differs([]):
        print("it differs even when nothing is compiled: not by optimized code")
        return ERROR
    for function in smallest(functions, differs):
        print(f"optimized code differs: function {function}, {module.func_name(function) or 'without name'}, {module.func_type(function)}")
        print(f"  its IR: wasmjit.Instance(module).functions[{function}].llvm_ir(); alone it is compiled with {VARIABLE}={function}")
    return ERROR


def own_functions(module: "wasmjit.Module") -> int:
    """How many functions the module defines."""
    from wasmjit._image import native

    counts = native().mod_counts(module.address)
    return int(counts[1] - counts[9])
