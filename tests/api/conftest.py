"""Modules in the text format, assembled once a session."""

from collections.abc import Callable

import pytest

import wasmjit

Make = Callable[..., wasmjit.Instance]
_modules: dict[tuple[str, str], wasmjit.Module] = {}


def module(text: str, tier: str = "auto") -> wasmjit.Module:
    """The module of a text, kept for the session."""
    key = text, tier
    if key not in _modules:
        _modules[key] = wasmjit.Module(f"(module {text})", config=wasmjit.Config(tier))
    return _modules[key]


def maker(tier: str) -> Make:
    """make(text, imports=None, **options) -> Instance of `(module text)` in that tier."""

    def build(text: str, imports: object = None, **options: object) -> wasmjit.Instance:
        return wasmjit.Instance(module(text, tier), imports, **options)  # type: ignore[arg-type]

    return build


@pytest.fixture
def make() -> Make:
    """In the default tier."""
    return maker("auto")


@pytest.fixture
def make_interpreted() -> Make:
    """In the tier "interp": for what optimized code has no part in."""
    return maker("interp")
