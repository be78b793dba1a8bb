"""Fixtures: modules that run in the profiled form, hooks in place of the compiler."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest

import wasmjit
from tests.profile.harness import CLOBBERS, N, clobber, run_profiled
from wasmjit.runtime.codes import HOOK_COMPILE, HOOK_PROMOTE

MODES = ("counted", *CLOBBERS)


@pytest.fixture(params=MODES)
def profiled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules made from now on run in the profiled form, as it is or with an accumulator spoiled at each block."""
    load: Callable[..., None] = wasmjit.Module._load

    def load_profiled(module: wasmjit.Module, *arguments: object) -> None:
        load(module, *arguments)
        run_profiled(module)
        if request.param in CLOBBERS:
            clobber(module, request.param)

    monkeypatch.setattr(wasmjit.Module, "_load", load_profiled)


class Hooks:
    """What native code asks Python: `asked` collects it; what answers may be replaced."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []
        self.promote: Callable[..., object] = self.note
        self.compile: Callable[..., object] = self.note
        N.set_hook(HOOK_PROMOTE, lambda *what: self.promote(*what))
        N.set_hook(HOOK_COMPILE, lambda *what: self.compile(*what))

    def note(self, *what: int) -> None:
        self.asked.append(what)


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    """The compiler does not hear of anything."""
    N.requests_wait(0.0)
    yield Hooks()
    while N.requests_wait(0.0):  # until it is empty this thread attends the queue, and the compiler would not be called for
        pass
    if find_spec("wasmjit._tiering"):
        from wasmjit import _tiering

        N.set_hook(HOOK_PROMOTE, _tiering._promote)
        N.set_hook(HOOK_COMPILE, _tiering._compile)
