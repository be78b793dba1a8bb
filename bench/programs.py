"""Real programs of others, whole processes: their output is checked, their time and memory compared with wasmtime's and node's.

    WASMJIT_REAL=FOLDER python -m wasmjit.bench programs [--rounds N] [--peers wasmtime,node] [--memory] [PROGRAM...]

Seconds of wall time from the start of a process to its end; medians of interleaved runs. Cold: nothing of the program is in a cache; again:
it ran before, and what that run left to be compiled was; wasmtime with and without its cache likewise. Interp: without optimized code,
nothing cached; what ends soon must not cost more with it. --memory: one more run of each, with the most that the process and its
descendants had together (PSS, looked at every 10 ms). The programs are those of real.json in the folder WASMJIT_CORPUS, which also has
their input in data/ (guest directory /d); WASMJIT_REAL names the folder of their unpacked packages. Left out unless named: programs that
need later features. Exit code 1: a program failed, or its output or files are not those recorded.
"""

import json
import os
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

from wasmjit.bench._cold import cold_cache, command
from wasmjit.bench._contestants import environment
from wasmjit.bench._measure import interleaved, ratio
from wasmjit.bench._memory import peak
from wasmjit.tiers.finish import wait

CORPUS = Path(os.environ.get("WASMJIT_CORPUS") or Path(__file__).resolve().parents[2] / "shared" / "corpus")
REAL = Path(os.environ.get("WASMJIT_REAL") or "real")

WASMTIME = """
import json, os, sys, wasmtime
path, argv, dirs, trap = json.loads(sys.argv[1])
config = wasmtime.Config()
if "WASMTIME_CACHED" in os.environ:
    config.cache = True
engine = wasmtime.Engine(config)
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
Command = Callable[[Path, Entry, Mapping[str, str]], list[str]]  # of module, entry and guest directories


class Wrong(Exception):
    """A program failed or left something else than what is recorded; the message says what."""


def of_wasmjit(*options: str) -> Command:
    """The command that runs the program in a new process."""

    def words(module: Path, entry: Entry, dirs: Mapping[str, str]) -> list[str]:
        given = [part for guest, host in dirs.items() for part in ("--dir", f"{host}::{guest}")]
        if entry.get("unknown_imports") == "trap":
            given += ["-W", "unknown-imports-trap"]
        return [*command(), "run", "--argv0", entry["argv0"], *options, *given, str(module), *entry["args"]]

    return words


def of_script(*interpreter: str) -> Command:
    """The same by a script that takes everything as JSON."""

    def words(module: Path, entry: Entry, dirs: Mapping[str, str]) -> list[str]:
        trap = entry.get("unknown_imports") == "trap"
        return [*interpreter, json.dumps([str(module), [entry["argv0"], *entry["args"]], dirs, trap])]

    return words


@contextmanager
def wasmtime_cache() -> Iterator[dict[str, str]]:
    """An environment in which wasmtime has a cache, empty as yet."""
    with TemporaryDirectory() as folder:
        yield environment() | {"WASMTIME_CACHED": "1", "HOME": folder, "XDG_CACHE_HOME": folder, "XDG_CONFIG_HOME": folder}


class Way(NamedTuple):
    """A way to run programs. kept: the settings are those of all runs, and one that is not counted fills the cache."""

    peer: str
    command: Command
    settings: Callable[[], AbstractContextManager[dict[str, str]]]
    kept: bool = False


in_wasmtime = of_script(sys.executable, "-c", WASMTIME)
WAYS = {
    "cold": Way("", of_wasmjit(), cold_cache),
    "again": Way("", of_wasmjit(), cold_cache, True),
    "interp": Way("", of_wasmjit("--tier", "interp"), cold_cache),
    "wasmtime": Way("wasmtime", in_wasmtime, lambda: nullcontext(environment())),
    "w. again": Way("wasmtime", in_wasmtime, wasmtime_cache, True),
    "node": Way("node", of_script("node", "--no-warnings", "-e", NODE, "--"), lambda: nullcontext(environment())),
}
RATIOS = (("cold", "wasmtime"), ("cold", "node"), ("cold", "interp"), ("again", "w. again"), ("again", "node"))
PEERS = ("wasmtime", "node")


def installed() -> list[str]:
    """The peers that are here."""
    return [name for name, here in (("wasmtime", find_spec("wasmtime")), ("node", shutil.which("node"))) if here]


class Started(NamedTuple):
    """A program in a folder of its own: what runs it, and what it must leave there."""

    words: list[str]
    out: Path


@contextmanager
def prepared(way: Way, entry: Entry, listed: Mapping[str, Entry], settings: Mapping[str, str]) -> Iterator[Started]:
    """The command, with the guest directory /out, where a program that comes before it was run. Raises Wrong."""
    with TemporaryDirectory() as out, TemporaryDirectory() as scratch:
        package = REAL / entry["name"]
        dirs = {"/d": str(CORPUS / "data"), "/out": out}
        dirs |= {guest: scratch if host is None else str(package / host) for guest, host in entry["dirs"].items()}
        if before := entry.get("after"):
            first = listed[before]
            words = way.command(
                REAL / before / first["path"], first, dirs | {g: str(REAL / before / h) for g, h in first["dirs"].items() if h}
            )
            subprocess.run(words, env=settings, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        yield Started(way.command(package / entry["path"], entry, dirs), Path(out))


def run(name: str, entry: Entry, listed: Mapping[str, Entry], settings: Mapping[str, str]) -> float:
    """Seconds of one run; what it leaves to be compiled has been, when this returns. Raises Wrong."""
    with prepared(WAYS[name], entry, listed, settings) as started:
        start = perf_counter()
        done = subprocess.run(started.words, env=settings, stdin=subprocess.DEVNULL, capture_output=True)
        seconds = perf_counter() - start
        if folder := settings.get("WASMJIT_CACHE_DIR"):
            wait(folder)
        label = f"{entry['name']}, {name}"
        if done.returncode != 0:
            raise Wrong(f"{label}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}")
        if sha256(done.stdout).hexdigest() != entry["stdout_sha256"]:
            raise Wrong(f"{label}: wrote something else to stdout: {done.stdout[:200]!r}")
        for guest, digest in entry.get("files", {}).items():
            file = started.out / guest.removeprefix("/out/")
            if not file.exists() or sha256(file.read_bytes()).hexdigest() != digest:
                raise Wrong(f"{label}: {guest} is missing or not what it should be")
    return seconds


def timer(name: str, entry: Entry, listed: Mapping[str, Entry], stack: ExitStack) -> Callable[[], float]:
    """Runs the program once; what is kept between the runs lives as long as `stack`. Raises Wrong."""
    way = WAYS[name]
    if way.kept:
        settings = stack.enter_context(way.settings())
        run(name, entry, listed, settings)
        return partial(run, name, entry, listed, settings)

    def timed() -> float:
        with way.settings() as fresh:
            return run(name, entry, listed, fresh)

    return timed


def memory(name: str, entry: Entry, listed: Mapping[str, Entry]) -> float:
    """Peak PSS in MiB of a run; with an empty cache, unless the way is one that keeps it."""
    way = WAYS[name]
    with way.settings() as settings, prepared(way, entry, listed, settings) as started:
        if way.kept:
            run(name, entry, listed, settings)
        return peak(started.words, settings) / 2**20


def table(entries: Sequence[Entry], listed: Mapping[str, Entry], peers: Sequence[str], rounds: int, pss: bool) -> int:
    """Run and print them; returns how many went wrong."""
    wrong = 0
    names = [name for name, way in WAYS.items() if not way.peer or way.peer in peers]
    ratios = [(a, b) for a, b in RATIOS if a in names and b in names]
    print(f"{'seconds':<16}" + "".join(f" {name:>9}" for name in names) + "".join(f" {f'{a}/{b}':>14}" for a, b in ratios))
    for entry in entries:
        if not (REAL / entry["name"] / entry["path"]).exists():
            print(f"  {entry['name']:<14} skipped: no {entry['name']}/{entry['path']} in WASMJIT_REAL ({REAL})")
            continue
        try:
            with ExitStack() as stack:
                runs = {name: timer(name, entry, listed, stack) for name in names}
                times = dict(zip(names, interleaved(runs.values(), rounds), strict=True))
            columns = "".join(f" {median(times[name]):9.3f}" for name in names)
            columns += "".join(f" {ratio(times[a], times[b]):14.2f}" for a, b in ratios)
            print(f"  {entry['name']:<14}{columns}   output as recorded", flush=True)
            if pss:
                print(f"  {'  peak PSS, MiB':<14}" + "".join(f" {memory(name, entry, listed):9.1f}" for name in names)[1:], flush=True)
        except Wrong as error:
            wrong += 1
            print(f"  {error}")
    return wrong


def main(argv: list[str]) -> int:
    """Print the table."""
    parser = ArgumentParser(prog="python -m wasmjit.bench programs", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="only these")
    parser.add_argument("--rounds", type=int, default=3, help="how often each runtime runs each program (default: 3)")
    parser.add_argument("--memory", action="store_true", help="peak memory too")
    parser.add_argument("--peers", default=",".join(installed()), help="compare with these (default: those installed)")
    options = parser.parse_args(argv)
    if not (CORPUS / "real.json").exists():
        print(f"skipped: no real.json in {CORPUS}; WASMJIT_CORPUS names its folder")
        return 0
    listed = {entry["name"]: entry for entry in json.loads((CORPUS / "real.json").read_text())["programs"]}
    if unknown := set(options.programs) - set(listed):
        parser.error(f"no program {', '.join(sorted(unknown))}; there are: {', '.join(listed)}")
    peers = [peer for peer in options.peers.split(",") if peer]
    if unknown := set(peers) - set(PEERS):
        parser.error(f"no peer {', '.join(sorted(unknown))}")
    chosen = [entry for name, entry in listed.items() if (name in options.programs if options.programs else "needs" not in entry)]
    return int(table(chosen, listed, peers, options.rounds, options.memory) > 0)
