"""The ways to run WebAssembly, one a tier and stress mode, that every test of its meaning goes through."""

from collections.abc import Iterable
from typing import Any

import pytest

from wasmjit import Config

# Settings of each mode. Compilation is synchronous in all of them, so that which code runs does not depend on how fast it was compiled.
EAGER: dict[str, Any] = {"compile": "sync", "cache": False, "thresholds": {"warm": 1, "window": 1}}
SETTINGS: dict[str, dict[str, Any]] = {
    "interp guard": {"tier": "interp"},
    "interp checked": {"tier": "interp", "memory": "checked"},
    "reference": {"tier": "reference"},
    "opt": {"tier": "opt", "compile": "sync", "cache": False},
    "opt checked": {"tier": "opt", "memory": "checked", "compile": "sync", "cache": False},
    "auto": {"tier": "auto", **EAGER},
    "deopt-every-guard": {"tier": "auto", "stress": "deopt-every-guard", **EAGER},
    "ping-pong": {"tier": "auto", "stress": "ping-pong", **EAGER},
    "osr-every-loop": {"tier": "auto", "stress": "osr-every-loop", **EAGER},
    "opt deopt-every-guard": {"tier": "opt", "stress": "deopt-every-guard", **EAGER},
    "opt ping-pong": {"tier": "opt", "stress": "ping-pong", **EAGER},
    "opt osr-every-loop": {"tier": "opt", "stress": "osr-every-loop", **EAGER},
}
BASE = "interp guard"  # what the others are compared with
STRESSED = ("deopt-every-guard", "ping-pong", "osr-every-loop")
STRESSED_OPT = tuple(f"opt {stress}" for stress in STRESSED)
OPTIMIZED = ("opt", "opt checked", "auto", *STRESSED)


def config(mode: str, **more: Any) -> Config:
    """The Config of a mode; `more` settings win, thresholds are added."""
    settings = SETTINGS[mode] | more
    thresholds = SETTINGS[mode].get("thresholds", {}) | more.get("thresholds", {})
    return Config(**settings | ({"thresholds": thresholds} if thresholds else {}))


def available(mode: str) -> bool:
    """Whether this version has the mode."""
    try:
        config(mode)
    except NotImplementedError:
        return False
    return True


def parameters(modes: Iterable[str], quick: Iterable[str] = ()) -> list[Any]:
    """Modes as parameters of a test: slow ones unless they are `quick`, skipped ones where this version has no such tier."""
    absent = pytest.mark.skip(reason="this version has no such tier")
    return [
        pytest.param(mode, marks=[*([] if mode in quick else [pytest.mark.slow]), *([] if available(mode) else [absent])]) for mode in modes
    ]
