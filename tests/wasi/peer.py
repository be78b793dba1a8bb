"""Runs a WASI program in wasmtime with our functions as its host functions, so that they are tested apart from our runtime."""

import ctypes
from functools import partial
from pathlib import Path
from typing import Any

import wasmtime  # type: ignore[import-not-found,unused-ignore]

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


def run(path: Path, wasi: Wasi, engine: Any = None) -> int:
    """Exit code of the program; other exceptions of host functions come through."""
    engine = engine or wasmtime.Engine()
    module = wasmtime.Module.from_file(engine, str(path))
    store = wasmtime.Store(engine)
    instance = PeerInstance()
    namespaces = wasi.imports()
    linked = []
    for imported in module.imports:
        namespace = namespaces[imported.module]
        function = namespace[str(imported.name)]
        assert tuple([str(kind) for kind in imported.type.params]) == function._wasmjit_type[0]  # type: ignore[attr-defined]
        assert tuple([str(kind) for kind in imported.type.results]) == function._wasmjit_type[1]  # type: ignore[attr-defined]
        linked.append(wasmtime.Func(store, imported.type, partial(function, instance)))
    made = wasmtime.Instance(store, module, linked)
    instance.memory.store, instance.memory.memory = store, made.exports(store)["memory"]
    try:
        made.exports(store)["_start"](store)
    except Exit as end:
        return end.code
    return 0
