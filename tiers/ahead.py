"""Compiling a module before it runs: all of it, or what a recorded run says is worth it.

Functions go through the compiler in batches, by worker processes at once where there are several. A batch that fails is halved until
the function is found that it fails for; that one stays interpreted.
"""

import os
import queue
import threading

from wasmjit._image import native
from wasmjit.tiers import compiling, policy
from wasmjit.tiers.snapshot import nbytes_of, own_functions, request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from wasmjit._module import Module
    from wasmjit.tiers.compiling import Compiler, State

    Batch = list[int]
    Progress = Callable[[int, int], object]

N = native()


def compile_all(
    compiler: "Compiler", module: "Module", state: "State", functions: "Iterable[int]", level: int, progress: "Progress | None" = None
) -> int:
    """Compile functions and install their code; how many of them are optimized afterwards.

    progress: called in this thread with the number of functions that are done and of all. Raises what it raises, and ImportError without
    a compiler.
    """
    compiler.require()
    mod = module.address
    wanted = sorted(set(functions))
    batches = list(batched(mod, wanted))
    run = _Run(compiler, module, state, level, len(wanted), progress)
    if len(batches) > 1 and module.config.compile != "sync":
        run.together(batches)
    else:
        for batch in batches:
            run.finish(batch, *run.compile(batch, compiler.compile))
    state.keep()
    return run.compiled


def wanted_of(module: "Module", profile: "Iterable[tuple[int, int, int]] | None", functions: "Iterable[int] | None") -> list[int]:
    """The functions that are meant: by index, those with samples in a profile, or all. IndexError: there is no such function."""
    own = own_functions(module.address)
    if functions is not None:
        found = list(functions)
    elif profile is not None:
        found = [function for function, _, samples in profile if samples]
    else:
        found = list(own)
    for function in found:
        if function not in own:
            raise IndexError(f"the module defines functions {own.start} to {own.stop - 1}, not {function}")
    return found


def batched(mod: int, functions: "Iterable[int]") -> "Iterable[Batch]":
    """Groups of functions of up to policy.BATCH bytes: neighbours in the binary often call each other."""
    batch: Batch = []
    size = 0
    for function in functions:
        nbytes = nbytes_of(mod, function)
        if batch and size + nbytes > policy.BATCH:
            yield batch
            batch, size = [], 0
        batch.append(function)
        size += nbytes
    if batch:
        yield batch


class _Run:
    """What is under way. Installing and counting happens in the thread that made it, compiling in others too."""

    def __init__(self, compiler: "Compiler", module: "Module", state: "State", level: int, count: int, progress: "Progress | None") -> None:
        self.compiler = compiler
        self.module = module
        self.state = state
        self.level = level
        self.count = count
        self.progress = progress
        self.done = 0
        self.compiled = 0

    def compile(self, batch: "Batch", how: "Callable[..., bytes]") -> "tuple[bytes, str]":
        """The packed unit of a batch, or b"" and why there is none."""
        request = request_of(self.module, self.state, [(function, 0) for function in batch], self.level, profiled=False)
        nbytes = sum(nbytes_of(self.module.address, function) for function in batch)
        try:
            return how(self.module, request, nbytes), ""
        except compiling.Refusal as refusal:
            return b"", str(refusal)
        except Exception as error:
            return b"", f"{type(error).__name__}: {error}"

    def finish(self, batch: "Batch", data: bytes, reason: str) -> None:
        """Install what a batch became; in this thread compile the halves of one that failed."""
        if not data and len(batch) > 1:
            for half in halves(batch):
                self.finish(half, *self.compile(half, self.compiler.compile))
            return
        entries = [(function, 0) for function in batch]
        if data and N.unit_install(self.module.address, data):
            self.state.add(self.module, entries, self.level, data, {})
            self.compiled += len(batch)
        else:
            compiling.refuse(self.module, entries, reason or "its code could not be installed")
        self.done += len(batch)
        if self.progress is not None:
            self.progress(self.done, self.count)

    def together(self, batches: "list[Batch]") -> None:
        """Compile batches in worker processes, one a processor."""
        todo: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        made: queue.SimpleQueue[tuple[Batch, bytes, str]] = queue.SimpleQueue()
        for batch in batches:
            todo.put(batch)
        processors = min(len(os.sched_getaffinity(0)), len(batches))
        workers = self.compiler.pool(processors)

        def compile(module: "Module", request: "Any", nbytes: int) -> bytes:
            return workers.compile(request)

        def work() -> None:
            while (batch := todo.get()) is not None:
                made.put((batch, *self.compile(batch, compile)))

        threads = [threading.Thread(target=work, name=f"wasmjit compiler {i}", daemon=True) for i in range(processors)]
        for thread in threads:
            thread.start()
        left = len(batches)
        try:
            while left:
                batch, data, reason = made.get()
                left -= 1
                if not data and len(batch) > 1:
                    for half in halves(batch):
                        todo.put(half)
                        left += 1
                else:
                    self.finish(batch, data, reason)
        finally:
            while not todo.empty():
                todo.get()
            for _ in threads:
                todo.put(None)
            workers.close()


def halves(batch: "Batch") -> "tuple[Batch, Batch]":
    """Two batches of one."""
    middle = len(batch) // 2
    return batch[:middle], batch[middle:]
