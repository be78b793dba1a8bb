"""Runs a WASI program in wasmtime with our functions as its host functions, so that they are tested apart from our runtime."""

import ctypes
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from wasmjit._errors import Exit
from wasmjit.wasi import Wasi


class PeerMemory:
    """The part of Memory that WASI uses."""

    def __init__(self) -> None:
        self.store: Any = None
        self.memory: Any = None

    def _window(self) -> memoryview:
        size = self.memory.data_len(self.store)
        start = self.memory.data_ptr(self.store)
        return memoryview((ctypes.c_ubyte * size).from_address(ctypes.addressof(start.contents))).cast("B")


class PeerInstance:
    """The part of Instance that WASI uses."""

    def __init__(self) -> None:
        self.memory = PeerMemory()


def run(path: Path, wasi: Wasi) -> int:
    """Exit code of the program; other exceptions of host functions come through. Skips the test where there is no wasmtime."""
    wasmtime: Any = pytest.importorskip("wasmtime")
    config = wasmtime.Config()
    config.cache = True
    engine = wasmtime.Engine(config)
    module = wasmtime.Module.from_file(engine, str(path))
    store = wasmtime.Store(engine)
    instance = PeerInstance()
    namespaces = wasi.imports()
    linked = []
    for imported in module.imports:
        function: Any = namespaces[imported.module][imported.name]
        kind = imported.type
        assert (tuple(map(str, kind.params)), tuple(map(str, kind.results))) == function._wasmjit_type, imported.name
        linked.append(wasmtime.Func(store, kind, partial(function, instance)))
    exports = wasmtime.Instance(store, module, linked).exports(store)
    instance.memory.store, instance.memory.memory = store, exports["memory"]
    try:
        exports["_start"](store)
    except Exit as end:
        return end.code
    return 0
