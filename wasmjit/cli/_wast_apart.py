"""Test scripts in child processes, several at a time: one that crashes or hangs is a failure of its script, and the others go on."""

from __future__ import annotations

import os
from itertools import islice
from multiprocessing import connection, get_context, parent_process
from threading import Thread
from time import monotonic

from wasmjit.cli._wast_report import Tally
from wasmjit.cli._wast_runner import run_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from wasmjit import Config

    Job = tuple[str, Config]

PATIENCE = 300.0  # seconds that a script may take


class Child:
    """A process that runs one script."""

    def __init__(self, number: int, path: str, config: Config) -> None:
        context = get_context("spawn")
        self.number = number
        self.path = path
        self.results, to = context.Pipe(duplex=False)
        self.process = context.Process(target=_run, args=(path, config, to))
        self.process.start()
        to.close()
        self.deadline = monotonic() + PATIENCE

    @property
    def handles(self) -> list[Any]:
        """What becomes ready when it has something to say or ends."""
        return [self.results, self.process.sentinel]

    def tally(self) -> Tally | None:
        """What the script did; None: it is still running."""
        tally = Tally()
        if self.results.poll():
            try:
                tally = self.results.recv()
            except EOFError:
                self.process.join()
                tally.fail(self.path, 0, "script", f"ended its process: exit code {self.process.exitcode}")
        elif monotonic() > self.deadline:
            tally.fail(self.path, 0, "script", f"still running after {PATIENCE:.0f} s")
        else:
            return None
        self.process.kill()
        self.process.join()
        return tally


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _run(path: str, config: Config, to: Any) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    tally = Tally()
    run_script(path, config, tally)
    to.send(tally)


def run_apart(jobs: Iterable[Job], processes: int) -> Iterator[tuple[int, Tally]]:
    """Run scripts in so many processes; gives each one's number in `jobs` with its tally, in the order in which they end."""
    waiting = enumerate(jobs)
    running: list[Child] = []
    while True:
        running += [Child(number, path, config) for number, (path, config) in islice(waiting, processes - len(running))]
        if not running:
            return
        connection.wait([handle for child in running for handle in child.handles], timeout=1.0)
        for child in [*running]:
            tally = child.tally()
            if tally is not None:
                running.remove(child)
                yield child.number, tally
