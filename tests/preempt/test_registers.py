"""Whatever is in registers when a tick comes is there afterwards."""

import threading

import pytest

import wasmjit
from tests.preempt.making import send_ticks
from tests.units.loops import mixing
from tests.units.making import N, compiled

KINDS: dict[str, tuple[int, dict[str, int]]] = {
    "integers": (13, {}),
    "doubles": (2, {"<2 x double>": 14}),
    "256 bits": (4, {"<4 x double>": 7, "<8 x i32>": 7}),
    "512 bits": (4, {"<8 x double>": 10, "<16 x float>": 10, "<8 x i64>": 8}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_values_survive_ticks(kind: str) -> None:
    run_ticked(compiled(mixing(*KINDS[kind])), 10_000_000, 300)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_values_survive_many_ticks(kind: str) -> None:
    run_ticked(compiled(mixing(*KINDS[kind])), 10_000_000, 8_000)


def run_ticked(instance: wasmjit.Instance, steps: int, ticks: int) -> None:
    """Run f(steps) again and again until so many ticks have interrupted it; the result is always that without any."""
    f, (unit,) = instance.exports.f, N.mod_units(instance.module.address)
    expected = f(steps)
    thread, ended = threading.get_native_id(), False

    def send() -> None:
        while not ended:
            send_ticks(thread, 100)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        while N.unit_ticks(unit) < ticks:
            assert f(steps) == expected
    finally:
        ended = True
        sender.join()
