"""Small programs that compute: each exports `run(i32) -> i32`, whose result in a fresh instance is known.

OWN are the project's, built already: bench/kernels has their sources with the build commands. SHARED are C sources beside the
checkout, in the folder that WASMJIT_KERNELS names; they are compiled when they are used, by Zig's C compiler (package ziglang).
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

BUILT = Path(__file__).resolve().parent / "kernels"
SOURCES = Path(os.environ.get("WASMJIT_KERNELS") or BUILT.parents[2] / "shared" / "bench" / "kernels")
FLAGS = ("-target", "wasm32-freestanding", "-mcpu=mvp", "-O2", "-ffp-contract=off", "-fno-sanitize=all", "-w", "-nostdlib", "-s")
LINKED = ("-Wl,--no-entry", "-Wl,--export=run")


class Kernel(NamedTuple):
    """A program, the argument it gets and the result it must return.

    long, long_result: the same for about 0.3 s of machine code, 0 where nobody knows.
    """

    name: str
    argument: int
    result: int
    long: int = 0
    long_result: int = 0


OWN = (
    Kernel("dispatch", 12000, -1912594794),
    Kernel("fib", 30, 832040),
    Kernel("heapsort", 4, 1271753855),
    Kernel("life", 16, -1532340793),
    Kernel("mandelbrot", 320, 2139871),
    Kernel("matrix", 5, 959360),
    Kernel("queens", 11, 2680),
    Kernel("sha256", 4000, -467738813),
    Kernel("sieve", 1, 78498),
)

SHARED = (
    Kernel("fib", 30, 832040, 40, 102334155),
    Kernel("sieve", 7, 33860, 586, 33860),
    Kernel("matmul", 3, -229102225, 253, -1446333847),
    Kernel("nbody", 44472, -1220300585, 3557740, -561716340),
    Kernel("mandel", 265, 1076820289, 2375, 1001500362),
    Kernel("spectral", 15, 969874201, 1166, 969874201),
    Kernel("crc32", 25, -1466084754, 2006, -1737802671),
    Kernel("qsort", 1, 1639, 93, 258967275),
    Kernel("jacobi", 160, 2052423951, 12766, 1891350502),
    Kernel("base64", 96, 1981031830, 7680, 1515665466),
    Kernel("vcall_mono", 51884, -1410664960, 4150740, -1410664960),
)


class Unavailable(Exception):
    """What a set of kernels needs is not here; the message says what."""


def own(kernel: Kernel) -> bytes:
    """The module of one of OWN."""
    return (BUILT / f"{kernel.name}.wasm").read_bytes()


def shared(kernels: tuple[Kernel, ...], folder: Path) -> dict[str, bytes]:
    """The modules of some of SHARED by name, for WebAssembly 1.0, compiled in the empty `folder`. Raises Unavailable."""
    if not SOURCES.is_dir():
        raise Unavailable(f"no folder {SOURCES}: WASMJIT_KERNELS names that of the C sources")
    if find_spec("ziglang") is None:
        raise Unavailable("building them needs the package ziglang")
    return {kernel.name: compiled(kernel.name, folder) for kernel in kernels}


def compiled(name: str, folder: Path) -> bytes:
    """A C source as a module; Zig's caches go to `folder` too. Raises Unavailable with what the compiler says."""
    sources = [str(SOURCES / f"{name}.c"), str(SOURCES / "mem.c")]  # WebAssembly 1.0 has no memory.copy and memory.fill
    target = folder / f"{name}.wasm"
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": str(folder / "zig"), "ZIG_LOCAL_CACHE_DIR": str(folder / "zig")}
    command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, *LINKED, *sources, "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise Unavailable(f"{name}.c does not compile: {done.stderr.strip()}")
    return target.read_bytes()
