"""Starting: a hello program as a process, its memory, and big modules, against bare Python, wasmtime and node.

    python -m wasmjit.bench startup [--rounds N] [--peers wasmtime,node] [--hello FILE] [MODULE...]

Processes: milliseconds of wall time from start to end, everything cached, and the ratio to `python -c pass`. Memory: what the
peak resident set (VmHWM) of a Python that ran hello is above that of one that ran nothing. Modules: in a fresh process each, the
milliseconds to make module and instance from a file, all of it validated, the first time and once more. Medians of interleaved runs.
"""

import os
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter

import wasmjit
from wasmjit.bench._measure import interleaved, ratio

ROOT = Path(wasmjit.__file__).resolve().parents[1]  # of the checkout, if it is one
HELLO = ROOT / "examples" / "hello.wasm"
SCRIPT = ROOT / "bin" / "wasmjit"
BARE = "python -c pass"

PEAK = """
import atexit, sys
def peak():
    with open("/proc/self/status") as file:
        print(next(line.split()[1] for line in file if line.startswith("VmHWM")), file=sys.stderr)
atexit.register(peak)
"""
COMMAND_PEAK = PEAK + "from wasmjit.__main__ import script; script()"
RUN = "import sys, wasmjit; wasmjit.run(sys.argv[1])"
LOAD = """
import sys, wasmjit
from time import perf_counter
from wasmjit._image import native
native(), wasmjit.Module, wasmjit.Instance, wasmjit.Wasi
for _ in range(2):
    start = perf_counter()
    module = wasmjit.Module.from_file(sys.argv[1])
    made = perf_counter()
    instance = wasmjit.Instance(module, wasi="auto", unknown_imports="trap", initialize=False)
    print((made - start) * 1e3, (perf_counter() - made) * 1e3)
    del module, instance
"""
WASMTIME = """
import os, sys, wasmtime
engine = wasmtime.Engine()
store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
wasi = wasmtime.WasiConfig()
wasi.inherit_stdout()
store.set_wasi(wasi)
linker.define_wasi()
try:
    linker.instantiate(store, wasmtime.Module.from_file(engine, sys.argv[1])).exports(store)["_start"](store)
except wasmtime.ExitTrap as end:
    os._exit(end.code)
"""
WASMTIME_LOAD = """
import sys, wasmtime
from time import perf_counter
engine = wasmtime.Engine()
store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
start = perf_counter()
module = wasmtime.Module.from_file(engine, sys.argv[1])
made = perf_counter()
linker.define_unknown_imports_as_traps(module)
linker.instantiate(store, module)
print((made - start) * 1e3, (perf_counter() - made) * 1e3)
"""
NODE = """
const { WASI } = require("wasi"), fs = require("fs");
const wasi = new WASI({ version: "preview1", args: ["hello"] });
const instance = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(process.argv[1])), wasi.getImportObject());
wasi.start(instance);
"""
NODE_LOAD = """
const fs = require("fs"), start = performance.now();
const module = new WebAssembly.Module(fs.readFileSync(process.argv[1]));
const made = performance.now(), imports = {};
for (const { module: space, name } of WebAssembly.Module.imports(module)) (imports[space] ??= {})[name] = () => 0;
new WebAssembly.Instance(module, imports);
console.log(made - start, performance.now() - made);
"""


def commands(peers: Sequence[str], hello: str) -> dict[str, list[str]]:
    """The processes that are compared, by what stands before their row."""
    script = SCRIPT if SCRIPT.exists() else Path(sys.executable).with_name("wasmjit")
    found = {
        BARE: [sys.executable, "-c", "pass"],
        "wasmjit hello.wasm": [sys.executable, str(script), hello],
        "python -m wasmjit hello.wasm": [sys.executable, "-m", "wasmjit", hello],
        "wasmjit.run in Python": [sys.executable, "-c", RUN, hello],
    }
    if "wasmtime" in peers:
        found["wasmtime-py"] = [sys.executable, "-c", WASMTIME, hello]
    if "node" in peers:
        found["node"] = ["node", "--no-warnings", "-e", NODE, hello]
    return found


def environment() -> Mapping[str, str]:
    """Ours, but bytecode gets written: what was never written is compiled at each start. The script of a checkout finds it."""
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return ours | {"PYTHONPATH": str(ROOT)} if SCRIPT.exists() else ours


def milliseconds(command: list[str]) -> float:
    """How long a process takes. Raises CalledProcessError when it fails."""
    start = perf_counter()
    subprocess.run(command, env=environment(), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return (perf_counter() - start) * 1e3


def printed(command: list[str], stream: str = "stdout") -> list[list[float]]:
    """The numbers that a process writes, line by line."""
    done = subprocess.run(command, env=environment(), check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return [[float(word) for word in line.split()] for line in getattr(done, stream).splitlines()]


def processes(peers: Sequence[str], hello: str, rounds: int) -> None:
    """Print the table of processes."""
    rows = commands(peers, hello)
    for command in rows.values():
        for _ in range(3):  # the image, then the bytecode, then all is there
            milliseconds(command)
    times = dict(zip(rows, interleaved([partial(milliseconds, command) for command in rows.values()], rounds), strict=True))
    print(f"{'process':<32} {'ms':>8} {'least':>8} {'/ bare':>8}")
    for name, row in times.items():
        print(f"{name:<32} {median(row):8.1f} {min(row):8.1f} {ratio(row, times[BARE]):8.2f}")


def memory(hello: str, rounds: int) -> None:
    """Print the row of memory."""
    bare = [sys.executable, "-c", PEAK]
    ours = [sys.executable, "-c", COMMAND_PEAK, hello]

    def peak(command: list[str]) -> float:
        return printed(command, "stderr")[-1][0] / 1024

    without, having = interleaved([partial(peak, bare), partial(peak, ours)], rounds)
    beyond = median(a - b for a, b in zip(having, without, strict=True))
    print(f"\nVmHWM: bare Python {median(without):.2f} MiB, with hello {median(having):.2f} MiB, beyond {beyond:.2f} MiB")


def modules(peers: Sequence[str], path: str, rounds: int) -> None:
    """Print the rows of one big module."""
    commands: dict[str, Callable[[], list[list[float]]]] = {"wasmjit": partial(printed, [sys.executable, "-c", LOAD, path])}
    if "wasmtime" in peers:
        commands["wasmtime-py"] = partial(printed, [sys.executable, "-c", WASMTIME_LOAD, path])
    if "node" in peers:
        commands["node"] = partial(printed, ["node", "-e", NODE_LOAD, path])
    print(f"\n{Path(path).name}, {os.path.getsize(path)} bytes: ms\n{'':<32} {'module':>8} {'instance':>8} {'both':>8}")
    for name, command in commands.items():
        runs = [command() for _ in range(1 if name == "wasmtime-py" else rounds)]  # it takes 6 s
        for nth, label in enumerate(["", ", once more"][: len(runs[0])]):
            made, linked = ([run[nth][part] for run in runs] for part in (0, 1))
            both = [a + b for a, b in zip(made, linked, strict=True)]
            print(f"{name + label:<32} {median(made):8.1f} {median(linked):8.1f} {median(both):8.1f}")


def main(argv: list[str]) -> int:
    """Measure and print everything."""
    parser = ArgumentParser(prog="python -m wasmjit.bench startup", description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    installed = [name for name, found in (("wasmtime", find_spec("wasmtime")), ("node", shutil.which("node"))) if found]
    parser.add_argument("--peers", default=",".join(installed), help="default: those installed: %(default)s")
    parser.add_argument("--hello", default=str(HELLO), metavar="FILE", help="a WASI program that ends soon (default: the example)")
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    options = parser.parse_args(argv)
    if not os.path.exists(options.hello):
        parser.error(f"{options.hello} does not exist: name a program with --hello")
    peers = options.peers.split(",")
    processes(peers, options.hello, options.rounds)
    memory(options.hello, options.rounds)
    for path in options.modules:
        modules(peers, path, max(1, options.rounds // 5))
    return 0
