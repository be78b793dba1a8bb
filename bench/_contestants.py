"""Runtimes as processes that run one kernel again and again when asked, so that none disturbs another and all are measured alike.

A contestant loads a module, says READY with the milliseconds that took, then reads arguments of `run`, one a line, and answers each
with the result and the CPU and wall time of the call in nanoseconds. CPU time is that of the process: compiling in other threads counts.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Self

import wasmjit
from wasmjit.bench._kernels import Unavailable

ROOT = Path(wasmjit.__file__).resolve().parents[1]  # of the checkout, if it is one

SERVE = """
import sys
from time import perf_counter_ns, process_time_ns
def serve(make):
    start = perf_counter_ns()
    run = make(open(sys.argv[1], "rb").read())
    print("READY", (perf_counter_ns() - start) / 1e6, flush=True)
    for line in sys.stdin:
        n = int(line)
        wall, cpu = perf_counter_ns(), process_time_ns()
        result = run(n)
        cpu, wall = process_time_ns() - cpu, perf_counter_ns() - wall
        print(result, cpu, wall, flush=True)
"""
WASMJIT = """
import json, wasmjit
def make(binary):
    config = wasmjit.Config(**json.loads(sys.argv[2]))
    return wasmjit.Instance(wasmjit.Module(binary, config=config)).exports["run"]
serve(make)
"""
WASMTIME = """
import wasmtime
def make(binary):
    store = wasmtime.Store(wasmtime.Engine())
    run = wasmtime.Instance(store, wasmtime.Module(store.engine, binary), []).exports(store)["run"]
    return lambda n: run(store, n)
serve(make)
"""
WASM3 = """
import wasm3
def make(binary):
    global environment, runtime
    environment = wasm3.Environment()
    runtime = environment.new_runtime(1 << 20)
    runtime.load(environment.parse_module(binary))
    return runtime.find_function("run")
serve(make)
"""
NODE = """
const fs = require("fs"), start = process.hrtime.bigint();
const run = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(process.argv[1]))).exports.run;
console.log("READY", Number(process.hrtime.bigint() - start) / 1e6);
const cpu = () => { const used = process.cpuUsage(); return (used.user + used.system) * 1000; };
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const n = Number(line), wall = process.hrtime.bigint(), before = cpu(), result = run(n);
    const used = cpu() - before;
    console.log(result, used, String(process.hrtime.bigint() - wall));
});
"""
NATIVE = """
#include <stdio.h>
#include <time.h>
int run(int);
static long long now(clockid_t clock) { struct timespec t; clock_gettime(clock, &t); return t.tv_sec * 1000000000LL + t.tv_nsec; }
int main(void) {
    int n;
    setvbuf(stdout, 0, _IOLBF, 0);
    puts("READY 0");
    while (scanf("%d", &n) == 1) {
        long long wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        int result = run(n);
        cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu, wall = now(CLOCK_MONOTONIC) - wall;
        printf("%d %lld %lld\\n", result, cpu, wall);
    }
}
"""


class Failed(Exception):
    """A contestant could not be started or died; the message says which and how."""


def exit_code(run: Callable[[], None]) -> int:
    """Run a benchmark: 0, or with the reason on stderr 1 where a contestant failed, 2 where the kernels are missing."""
    try:
        run()
    except Unavailable as error:
        print(f"skipped: {error}", file=sys.stderr)
        return 2
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


class Answer(NamedTuple):
    """What a call returned, and its CPU and wall time in seconds."""

    result: int
    cpu: float
    wall: float


class Contestant:
    """A running process. A context manager: it ends with the block."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment())
        words = self._line().split()
        if words[0] != "READY":
            raise Failed(f"{name}: {' '.join(words)}")
        self.loading = float(words[1]) / 1e3  # seconds

    def call(self, argument: int) -> Answer:
        """Run the kernel once."""
        if self._process.stdin is None:
            raise Failed(self.name)
        print(argument, file=self._process.stdin, flush=True)
        result, cpu, wall = self._line().split()
        return Answer(int(result), int(cpu) / 1e9, int(wall) / 1e9)

    def _line(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.strip():
            raise Failed(f"{self.name}: exit code {self._process.wait()}")
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def environment() -> dict[str, str]:
    """Ours, with the checkout first on Python's path; bytecode gets written: what never was is compiled at each start."""
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return ours | {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), ours.get("PYTHONPATH"))))}


def in_wasmjit(tier: str, **settings: Any) -> Callable[[Path], list[str]]:
    """How a tier of wasmjit is started on a module. settings: others of Config; nothing comes from the cache unless they say so."""
    config = json.dumps({"tier": tier, "cache": False} | settings)
    return lambda module: [sys.executable, "-c", SERVE + WASMJIT, str(module), config]


COMMANDS: dict[str, Callable[[Path], list[str]]] = {
    "wasmjit": in_wasmjit("auto"),
    "wasmjit interp": in_wasmjit("interp"),
    "wasmjit opt": in_wasmjit("opt"),
    "wasmtime": lambda module: [sys.executable, "-c", SERVE + WASMTIME, str(module)],
    "wasm3": lambda module: [sys.executable, "-c", SERVE + WASM3, str(module)],
    "node": lambda module: ["node", "-e", NODE, str(module)],
    "native": lambda module: [str(module.with_suffix(".native"))],
}


def missing(name: str) -> str:
    """Why a contestant cannot take part, empty if it can."""
    if name in ("node", "native"):
        program = "gcc" if name == "native" else name
        return "" if shutil.which(program) else f"{program} is not installed"
    package = "wasmjit" if name.startswith("wasmjit") else name
    if find_spec(package) is None:
        return f"the package of {name} is not installed: pip install 'wasmjit[peers]'"
    if name == "wasmjit opt":
        try:
            wasmjit.Config(tier="opt")
        except NotImplementedError as error:
            return str(error)
    return ""


def present(names: list[str]) -> list[str]:
    """Those that can take part; says of the others why they cannot."""
    reasons = {name: missing(name) for name in names}
    for name, reason in reasons.items():
        if reason:
            print(f"without {name}: {reason}")
    return [name for name, reason in reasons.items() if not reason]


def start(name: str, module: Path) -> Contestant:
    """Start a contestant on a module. Raises Failed."""
    return Contestant(name, COMMANDS[name](module))


def build_native(sources: list[Path], target: Path) -> None:
    """Compile a kernel's C sources for this machine, by gcc -O2. Raises Failed."""
    main = target.with_suffix(".main.c")
    main.write_text(NATIVE)
    command = ["gcc", "-O2", "-ffp-contract=off", "-w", str(main), *map(str, sources), "-lm", "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"gcc: {done.stderr.strip()}")
