"""The ring in which native code notes events."""

import struct
import threading
from typing import Any

import pytest

from wasmjit.profiler.native import RECORD

FIELDS = ("sequence", "time", "thread", "mod", "kind", "index", "a", "b", "nvalues")
RECORDS = 1 << 15
WRITERS = 6  # more than processors: one that waits for its turn is overtaken by a whole round


@pytest.fixture(scope="module")
def image() -> Any:
    from tests.profiler import ring
    from wasmjit.native import imagefile
    from wasmjit.native.build import build_image
    from wasmjit.runtime import tracering

    return imagefile.load_bytes(build_image([tracering, ring], []))


def rows(records: bytes) -> list[dict[str, Any]]:
    found = []
    for row in struct.iter_unpack(RECORD, records):
        fields: dict[str, Any] = dict(zip(FIELDS, row[:9], strict=True))
        found.append(fields | {"values": row[9 : 9 + fields["nvalues"]]})
    return found


def test_nothing_is_noted_while_nobody_listens(image: Any) -> None:
    image.note(1, 2, 3, 4)
    assert image.trace_start() == 1
    assert image.trace_drain(10) == (b"", 0)
    image.trace_stop()
    image.note(1, 2, 3, 4)
    assert image.trace_drain(10) == (b"", 0)


def test_events_come_in_order_with_time_and_thread(image: Any) -> None:
    image.trace_start()
    for i in range(5):
        image.note(4, 7, i, 10 * i)
    records, lost = image.trace_drain(3)
    rest, _ = image.trace_drain(100)
    image.trace_stop()
    found = rows(records + rest)
    assert lost == 0 and len(rows(records)) == 3
    assert [(row["kind"], row["index"], row["a"], row["b"]) for row in found] == [(4, 7, i, 10 * i) for i in range(5)]
    times = [row["time"] for row in found]
    assert times == sorted(times) and times[0] > 0
    assert {row["thread"] for row in found} == {threading.get_native_id()}


def test_frames_show_their_first_slots(image: Any) -> None:
    image.trace_start()
    image.note_frame(4, 3)
    image.note_frame(4, 16)
    found = rows(image.trace_drain(10)[0])
    image.trace_stop()
    assert [row["values"] for row in found] == [(0, 1, 2), tuple(range(8))]


def test_what_is_written_over_is_counted(image: Any) -> None:
    image.trace_start()
    image.note_many(0, RECORDS + 100)
    records, lost = image.trace_drain(2 * RECORDS)
    image.trace_stop()
    assert lost == 100
    assert [row["a"] for row in rows(records)] == list(range(100, RECORDS + 100))


def test_threads_write_and_one_reads_at_once(image: Any) -> None:
    """Each event is read once or counted as lost, and none is torn."""
    each = 3 * RECORDS
    image.trace_start()
    threads = [threading.Thread(target=image.note_many, args=(i, each)) for i in range(WRITERS)]
    for thread in threads:
        thread.start()
    seen: dict[int, int] = {}
    total = 0
    while total < WRITERS * each:
        records, lost = image.trace_drain(RECORDS)
        for row in rows(records):
            assert row["kind"] == 1 and row["a"] >= seen.get(row["b"], 0)
            seen[row["b"]] = row["a"] + 1
        total += len(records) // struct.calcsize(RECORD) + lost
    for thread in threads:
        thread.join()
    image.trace_stop()
    assert total == WRITERS * each
