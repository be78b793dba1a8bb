"""Whatever is in registers when a tick comes is there afterwards."""

import threading
from typing import Any

import pytest

from tests.preempt.making import send_ticks
from tests.units.loops import mixing
from tests.units.making import compiled

KINDS: dict[str, tuple[int, dict[str, int]]] = {
    "integers": (13, {}),
    "doubles": (2, {"<2 x double>": 14}),
    "256 bits": (4, {"<4 x double>": 7, "<8 x i32>": 7}),
    "512 bits": (4, {"<8 x double>": 10, "<16 x float>": 10, "<8 x i64>": 8}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_values_survive_ticks(kind: str) -> None:
    run_ticked(compiled(mixing(*KINDS[kind])).exports.f, 20_000_000, 5_000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_values_survive_hundreds_of_thousands_of_ticks(kind: str) -> None:
    run_ticked(compiled(mixing(*KINDS[kind])).exports.f, 20_000_000, 500_000)


def run_ticked(f: Any, steps: int, ticks: int) -> None:
    """Run f(steps) again and again while that many ticks are sent; the result is always that without any."""
    expected = f(steps)
    sent = 0
    thread = threading.get_native_id()

    def send() -> None:
        nonlocal sent
        while sent < ticks:
            sent += send_ticks(thread, 100)

    sender = threading.Thread(target=send)
    sender.start()
    while sent < ticks:
        assert f(steps) == expected
    sender.join()
