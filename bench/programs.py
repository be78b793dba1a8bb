"""Real programs of others, whole processes: their output is checked, their time compared with wasmtime's and node's.

    WASMJIT_REAL=FOLDER python -m wasmjit.bench programs [--rounds N] [--peers wasmtime,node] [PROGRAM...]

Seconds of wall time from the start of a process to its end, nothing cached but wasmjit's own machine code; medians of interleaved
runs. The programs are those of real.json in the folder WASMJIT_CORPUS, which also has their input in data/ (guest directory /d);
WASMJIT_REAL names the folder of their unpacked packages. Left out unless named: programs that need later features.
Exit code 1: a program failed, or its output or files are not those recorded.
"""

import json
import os
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from wasmjit.bench._measure import interleaved, ratio

CORPUS = Path(os.environ.get("WASMJIT_CORPUS") or Path(__file__).resolve().parents[2] / "shared" / "corpus")
REAL = Path(os.environ.get("WASMJIT_REAL") or "real")

WASMTIME = """
import json, os, sys, wasmtime
path, argv, dirs, trap = json.loads(sys.argv[1])
engine = wasmtime.Engine()
store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
wasi = wasmtime.WasiConfig()
wasi.argv = argv
wasi.inherit_stdout()
wasi.inherit_stderr()
for guest, host in dirs.items():
    wasi.preopen_dir(host, guest)
store.set_wasi(wasi)
linker.define_wasi()
module = wasmtime.Module.from_file(engine, path)
if trap:
    linker.define_unknown_imports_as_traps(module)
try:
    linker.instantiate(store, module).exports(store)["_start"](store)
except wasmtime.ExitTrap as end:
    os._exit(end.code)
"""

NODE = """
const {WASI} = require('node:wasi'), {readFileSync} = require('node:fs');
const [path, args, preopens, trap] = JSON.parse(process.argv[1]);
const wasi = new WASI({version: 'preview1', args, preopens, returnOnExit: true});
const module = new WebAssembly.Module(readFileSync(path)), imports = {...wasi.getImportObject()};
for (const {module: space, name, kind} of trap ? WebAssembly.Module.imports(module) : [])
    if (kind === 'function' && !imports[space]?.[name])
        (imports[space] ??= {})[name] = () => { throw new WebAssembly.RuntimeError('unknown import'); };
process.exitCode = wasi.start(new WebAssembly.Instance(module, imports));
"""

Entry = Mapping[str, Any]


class Wrong(Exception):
    """A program failed or left something else than what is recorded; the message says what."""


def of_wasmjit(module: Path, entry: Entry, dirs: Mapping[str, str]) -> list[str]:
    """The command that runs the program in a new process."""
    options = [part for guest, host in dirs.items() for part in ("--dir", f"{host}::{guest}")]
    if entry.get("unknown_imports") == "trap":
        options += ["-W", "unknown-imports-trap"]
    return [sys.executable, "-m", "wasmjit", "run", "--argv0", entry["argv0"], *options, str(module), *entry["args"]]


def of_script(*interpreter: str) -> Callable[[Path, Entry, Mapping[str, str]], list[str]]:
    """The same by a script that takes everything as JSON."""

    def command(module: Path, entry: Entry, dirs: Mapping[str, str]) -> list[str]:
        trap = entry.get("unknown_imports") == "trap"
        return [*interpreter, json.dumps([str(module), [entry["argv0"], *entry["args"]], dirs, trap])]

    return command


RUNTIMES = {
    "wasmjit": of_wasmjit,
    "wasmtime": of_script(sys.executable, "-c", WASMTIME),
    "node": of_script("node", "--no-warnings", "-e", NODE, "--"),
}


def installed() -> list[str]:
    """The peers that are here."""
    return [name for name, here in (("wasmtime", find_spec("wasmtime")), ("node", shutil.which("node"))) if here]


def run(runtime: str, entry: Entry, listed: Mapping[str, Entry], out: Path) -> float:
    """Seconds of one run, with the guest directory /out, where a program that comes before it is run first. Raises Wrong."""
    if before := entry.get("after"):
        run(runtime, listed[before], listed, out)
    package = REAL / entry["name"]
    with TemporaryDirectory() as scratch:
        dirs = {"/d": str(CORPUS / "data"), "/out": str(out)}
        dirs |= {guest: scratch if host is None else str(package / host) for guest, host in entry["dirs"].items()}
        command = RUNTIMES[runtime](package / entry["path"], entry, dirs)
        start = perf_counter()
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
        seconds = perf_counter() - start
    label = f"{entry['name']} in {runtime}"
    if done.returncode != 0:
        raise Wrong(f"{label}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}")
    if sha256(done.stdout).hexdigest() != entry["stdout_sha256"]:
        raise Wrong(f"{label}: wrote something else to stdout: {done.stdout[:200]!r}")
    for guest, digest in entry.get("files", {}).items():
        file = out / guest.removeprefix("/out/")
        if not file.exists() or sha256(file.read_bytes()).hexdigest() != digest:
            raise Wrong(f"{label}: {guest} is missing or not what it should be")
    return seconds


def timer(runtime: str, entry: Entry, listed: Mapping[str, Entry]) -> Callable[[], float]:
    """Runs the program once with a new /out."""

    def timed() -> float:
        with TemporaryDirectory() as out:
            return run(runtime, entry, listed, Path(out))

    return timed


def table(entries: Sequence[Entry], listed: Mapping[str, Entry], peers: Sequence[str], rounds: int) -> int:
    """Run and print them; returns how many went wrong."""
    wrong = 0
    print(f"{'seconds':<20} {'wasmjit':>9}" + "".join(f" {peer:>9} {'ratio':>7}" for peer in peers))
    for entry in entries:
        if not (REAL / entry["name"] / entry["path"]).exists():
            print(f"  {entry['name']:<18} skipped: no {entry['name']}/{entry['path']} in WASMJIT_REAL ({REAL})")
            continue
        try:
            ours, *theirs = interleaved([timer(runtime, entry, listed) for runtime in ("wasmjit", *peers)], rounds)
        except Wrong as error:
            wrong += 1
            print(f"  {error}")
            continue
        columns = "".join(f" {median(times):9.3f} {ratio(ours, times):7.2f}" for times in theirs)
        print(f"  {entry['name']:<18} {median(ours):9.3f}{columns}   output as recorded", flush=True)
    return wrong


def main(argv: list[str]) -> int:
    """Print the table."""
    parser = ArgumentParser(prog="python -m wasmjit.bench programs", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="only these")
    parser.add_argument("--rounds", type=int, default=3, help="how often each runtime runs each program (default: 3)")
    parser.add_argument("--peers", default=",".join(installed()), help="compare with these (default: those installed)")
    options = parser.parse_args(argv)
    if not (CORPUS / "real.json").exists():
        print(f"skipped: no real.json in {CORPUS}; WASMJIT_CORPUS names its folder")
        return 0
    listed = {entry["name"]: entry for entry in json.loads((CORPUS / "real.json").read_text())["programs"]}
    if unknown := set(options.programs) - set(listed):
        parser.error(f"no program {', '.join(sorted(unknown))}; there are: {', '.join(listed)}")
    peers = [peer for peer in options.peers.split(",") if peer]
    if unknown := set(peers) - set(RUNTIMES):
        parser.error(f"no peer {', '.join(sorted(unknown))}")
    chosen = [entry for name, entry in listed.items() if (name in options.programs if options.programs else "needs" not in entry)]
    return int(table(chosen, listed, peers, options.rounds) > 0)
