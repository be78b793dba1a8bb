"""A fixture that makes every module of a test run in the profiled form."""

from collections.abc import Callable

import pytest

import wasmjit
from tests.profile.harness import CLOBBERS, clobber, run_profiled

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
