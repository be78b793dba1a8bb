"""What tests of the file system run twice for: both ways of resolving paths."""

import os

import pytest

from wasmjit.wasi import beneath


@pytest.fixture(params=["kernel", "walk"])
def resolution(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Paths are resolved by openat2, or walked as where there is none."""
    way: str = request.param
    monkeypatch.setattr(beneath.SUPPORT, "found", False)
    if way == "kernel":
        top = os.open("/", os.O_RDONLY)
        found = beneath.SUPPORT.probe(top)
        os.close(top)
        if not found:
            pytest.skip("the system has no openat2, or hides it")
    return way
