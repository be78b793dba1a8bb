"""Modules in the text format, assembled once a session."""

from collections.abc import Callable

import pytest

import wasmjit

Make = Callable[..., wasmjit.Instance]
_modules: dict[str, wasmjit.Module] = {}


def module(text: str) -> wasmjit.Module:
    """The module of a text, kept for the session."""
    if text not in _modules:
        _modules[text] = wasmjit.Module(f"(module {text})")
    return _modules[text]


@pytest.fixture
def make() -> Make:
    """make(text, imports=None, **options) -> Instance of `(module text)`."""

    def build(text: str, imports: object = None, **options: object) -> wasmjit.Instance:
        return wasmjit.Instance(module(text), imports, **options)  # type: ignore[arg-type]

    return build
