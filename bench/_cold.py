"""Processes that start cold: with the runtime's own machine code, which is made once for a machine, and nothing compiled of a program."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from wasmjit._image import native
from wasmjit.bench._contestants import ROOT, Failed, environment
from wasmjit.native.cache import locate
from wasmjit.tiers.finish import wait

OWN = ("native-", "bytecode-")  # entries of the cache folder that are the runtime itself
SCRIPT = ROOT / "bin" / "wasmjit"


def command() -> list[str]:
    """How the command `wasmjit` is started."""
    return [sys.executable, str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "wasmjit"]


@contextmanager
def cold_cache() -> Iterator[dict[str, str]]:
    """An environment whose cache folder holds the runtime itself only. At the end nothing of it runs any more."""
    with TemporaryDirectory() as folder:
        native()  # so that it is there
        found = locate()
        for entry in Path(found).iterdir() if found and os.path.isdir(found) else ():
            if entry.name.startswith(OWN):
                shutil.copy2(entry, folder)  # with its time: part of what says that it is whole
        try:
            yield environment() | {"WASMJIT_CACHE_DIR": folder}
        finally:
            wait(folder)


def run(words: list[str], settings: Mapping[str, str] | None = None) -> tuple[str, float]:
    """What a process printed, and the seconds of wall time from its start to its end. Raises Failed."""
    start = perf_counter()
    done = subprocess.run(words, env=settings or environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    seconds = perf_counter() - start
    if done.returncode != 0:
        raise Failed(f"{words[0]}: exit code {done.returncode}\n{done.stderr.strip()}")
    return done.stdout.strip(), seconds
