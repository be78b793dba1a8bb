"""What several processes counted of a function becomes one."""

import struct

from wasmjit.tiers.counts import NOTHING, Counts, entered, merged, packed, unpacked
from wasmjit.tiers.optimizer.request import POINT, TARGET


def points(*counts: int, slot: int = 0) -> bytes:
    return b"".join(struct.pack(POINT, 10 * i, 1, slot + 16 * i, 0, count) for i, count in enumerate(counts))


def target(wasm: int, callee: int, count: int) -> bytes:
    return struct.pack(TARGET, wasm, callee, count)


def test_the_most_that_either_counted() -> None:
    now, before = (points(0, 5, 7), target(10, 1, 4) + target(10, 2, 9)), (points(3, 0, 9), target(10, 1, 6) + target(20, 1, 1))
    found = merged(now, before)
    assert found[0] == points(3, 5, 9)
    assert set(struct.iter_unpack(TARGET, found[1])) == {(10, 1, 6), (10, 2, 9), (20, 1, 1)}
    assert merged(found, before) == found


def test_one_of_them_alone() -> None:
    some = points(1, 2), target(10, 1, 4)
    assert merged(some, NOTHING) == merged(NOTHING, some) == some


def test_another_form_of_the_function_is_not_mixed_in() -> None:
    now = points(1, 2), b""
    assert merged(now, (points(5, 5, 5), b"")) == now
    assert merged(now, (points(5, 5, slot=8), b"")) == now


def test_a_function_that_was_only_seen_from_within() -> None:
    assert entered((points(0, 0, 4, 0), b""), 20)[0] == points(1, 1, 4, 0)
    called = points(1, 0, 4, 0), b""
    assert entered(called, 20) == called and entered(NOTHING, 20) == NOTHING


def test_looked_up_once() -> None:
    asked = []

    def earlier() -> dict[int, tuple[bytes, bytes]]:
        asked.append("earlier")
        return {1: (points(4), b""), 2: (points(5), b"")}

    counts = Counts(lambda function: (points(1), b"") if function == 1 else NOTHING, earlier)
    assert not asked
    assert [counts[k][0] for k in (1, 2, 3, 1)] == [points(4), points(5), b"", points(4)]
    assert asked == ["earlier"]
    assert Counts(lambda function: NOTHING)[7] == NOTHING


def test_as_bytes() -> None:
    records = {3: (points(1, 2, 3), target(1, 2, 3)), 4: NOTHING}
    data = packed(records)
    assert unpacked(data) == records and packed({}) == b"" and unpacked(b"") == {}
    assert unpacked(data[:-5]) == unpacked(b"x" + data) == {}
