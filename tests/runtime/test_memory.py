"""Linear memories: limits, guards, growth, release, address space; memory.fill, copy, init."""

import ctypes
import random
import struct
from typing import Any

import pytest

LOAD = 1
FILL, COPY, INIT, DATA_DROP = 0, 1, 2, 3
TRAP_MEMORY = 2
GUARD, CHECKED = 1, 0
PAGE = 65536
GIB = 1 << 30
MODES = pytest.mark.parametrize("mode", [GUARD, CHECKED])


def base(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def mapped() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * 4096


@MODES
def test_grow_up_to_maximum_and_limit(native: Any, mode: int) -> None:
    address = native.memory_new(1, 4, 4 * GIB, mode)
    start = base(address)
    assert [native.memory_grow(address, n) for n in (0, 1, 0, 3, 2, 1, 0, 1 << 63)] == [1, 1, 2, -1, 2, -1, 4, -1]
    assert base(address) == start
    ctypes.memset(start, 1, 4 * PAGE)
    native.memory_release(address)
    address = native.memory_new(1, 65536, 3 * PAGE + 5, mode)
    assert [native.memory_grow(address, n) for n in (3, 2, 1, 65535)] == [-1, 1, -1, -1]
    native.memory_release(address)
    assert native.memory_new(4, 3, GIB, mode) == 0
    assert native.memory_new(3, 4, 2 * PAGE, mode) == 0


@MODES
def test_of_no_pages(native: Any, mode: int) -> None:
    address = native.memory_new(0, 0, GIB, mode)
    assert address > 1 and base(address) != 0
    assert [native.memory_grow(address, n) for n in (0, 1)] == [0, -1]
    native.memory_release(address)


@MODES
def test_a_released_memory_comes_back_zeroed(native: Any, mode: int) -> None:
    for _ in range(3):
        address = native.memory_new(2, 10, GIB, mode)
        native.memory_grow(address, 2)
        assert ctypes.string_at(base(address), 4 * PAGE) == bytes(4 * PAGE)
        ctypes.memset(base(address), 0xAA, 4 * PAGE)
        native.memory_release(address)


def test_four_gib(native: Any) -> None:
    address = native.memory_new(65535, 65536, 4 * GIB, GUARD)
    native.set_memory(0, address)
    assert native.memory_grow(address, 1) == 65535
    assert native.run(LOAD, 4 * GIB - 4, 0) == 0 and native.run(LOAD, 4 * GIB - 3, 0) == -TRAP_MEMORY
    native.memory_release(address)


def test_lives_until_the_last_holder(native: Any) -> None:
    address = native.memory_new(1, 1, GIB, GUARD)
    native.memory_retain(address)
    native.memory_release(address)
    ctypes.memset(base(address), 1, PAGE)
    native.memory_release(address)


def test_ten_thousand_at_once(script: Any) -> None:
    result = script(
        "import ctypes\n"
        "assert native.memory_slots() >= 10_000\n"
        "for round in range(3):\n"
        "    memories = [native.memory_new(1, 10, 1 << 32, 1) for i in range(10_000)]\n"
        "    assert min(memories) > 1\n"
        "    bases = {ctypes.c_uint64.from_address(m).value for m in memories}\n"
        "    assert len(bases) == 10_000\n"
        "    native.set_memory(0, memories[-1])\n"
        "    assert native.run(1, 0, 0) == 0 and native.run(1, 65536, 0) == -2\n"
        "    for m in memories[::2] + memories[1::2]: native.memory_release(m)\n"
        "extra = []\n"
        "while True:\n"
        "    m = native.memory_new(0, 10, 1 << 32, 1)\n"
        "    if m < 2: break\n"
        "    extra.append(m)\n"
        "assert m == 1 and len(extra) == native.memory_slots(), (m, len(extra))\n"
        "native.memory_release(extra.pop())\n"
        "assert native.memory_new(1, 1, 1 << 32, 1) > 1\n"
        "assert native.memory_new(1, 10, 1 << 32, 0) > 1\n"
    )
    assert result.returncode == 0, result.stderr


def test_threads_take_and_give_slots(native: Any) -> None:
    import threading

    def work() -> None:
        for _ in range(300):
            memories = [native.memory_new(1, 2, GIB, GUARD) for _ in range(5)]
            for address in memories:
                ctypes.c_uint32.from_address(base(address)).value += 1
                values.append(ctypes.c_uint32.from_address(base(address)).value)
                native.memory_release(address)

    values: list[int] = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(values) == {1}


@pytest.mark.parametrize("limit", ["1 << 30", "512 << 20", "100 << 30"])
def test_limited_address_space(script: Any, limit: str) -> None:
    """RLIMIT_AS: guarded memories where some fit, checked ones always, and Python keeps room."""
    result = script(
        f"import resource\nresource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))\n"
        "slots = native.memory_slots()\n"
        f"assert (slots > 0) is ({limit} > 64 << 30), slots\n"
        "assert (native.memory_new(1, 65536, 1 << 32, 1) > 1) is (slots > 0)\n"
        "if not slots: assert native.memory_new(1, 65536, 1 << 32, 1) == 1\n"
        "m = native.memory_new(16, 65536, 1 << 32, 0)\n"
        "assert m > 1 and native.memory_grow(m, 64) == 16\n"
        "assert native.memory_grow(m, 65000) == -1\n"
        "assert native.run(2, 3, 0) == -3\n"
        "memories = [native.memory_new(1, 65536, 1 << 32, 0) for i in range(20)]\n"
        "assert set(memories) & {1, 0} or len(set(memories)) == 20\n"
        "bytearray(32 << 20)\n"
    )
    assert result.returncode == 0, result.stderr


def test_mappings_are_given_back(native: Any) -> None:
    for mode in (GUARD, CHECKED):
        native.memory_release(native.memory_new(1, 100, GIB, mode))
        before = mapped()
        for _ in range(1000):
            native.memory_release(native.memory_new(1, 100, GIB, mode))
        assert mapped() - before < 1 << 20


@pytest.fixture
def two(native: Any) -> Any:
    """Two memories of two pages filled with different random bytes: their bases."""
    memories = [native.memory_new(2, 4, GIB, mode) for mode in (GUARD, CHECKED)]
    for i, address in enumerate(memories):
        native.set_memory(i, address)
        ctypes.memmove(base(address), random.Random(i).randbytes(2 * PAGE), 2 * PAGE)
    yield [base(address) for address in memories]
    for address in memories:
        native.memory_release(address)


def contents(start: int) -> bytearray:
    return bytearray(ctypes.string_at(start, 2 * PAGE))


def ranges(count: int) -> list[tuple[int, int, int]]:
    """(d, s, n): edges and random ones, in bounds or not."""
    size, chance = 2 * PAGE, random.Random(5)
    edges = [0, 1, size - 1, size, size + 1, (1 << 32) - 1, (1 << 64) - 1]
    found = [(d, s, n) for d in edges for s in edges for n in edges]
    return found + [(chance.randrange(size), chance.randrange(size), chance.randrange(size // 2)) for _ in range(count)]


def test_fill(native: Any, two: Any) -> None:
    for d, value, n in ranges(200):
        expected = contents(two[0])
        fits = d + n <= 2 * PAGE
        if fits:
            expected[d : d + n] = bytes([value & 0xFF]) * n
        assert native.bulk(FILL, 0, d, value & 0xFFFF_FFFF, n, 0) == (0 if fits else TRAP_MEMORY)
        assert contents(two[0]) == expected


@pytest.mark.parametrize(("to", "source"), [(0, 0), (1, 1), (0, 1), (1, 0)])
def test_copy(native: Any, two: Any, to: int, source: int) -> None:
    for d, s, n in ranges(100):
        expected = contents(two[to])
        fits = d + n <= 2 * PAGE and s + n <= 2 * PAGE
        if fits:
            expected[d : d + n] = contents(two[source])[s : s + n]
        assert native.bulk(COPY, to, source, d, s, n) == (0 if fits else TRAP_MEMORY)
        assert contents(two[to]) == expected


def test_copy_in_chunks(native: Any) -> None:
    """Above 16 MiB, overlapping in either direction by less and more than a chunk."""
    pages = 800
    address = native.memory_new(pages, pages, GIB, GUARD)
    native.set_memory(0, address)
    size = pages * PAGE
    data = random.Random(1).randbytes(size)
    cases = [(0, 1, size - 1), (0, 5 << 20, 40 << 20), (0, 20 << 20, 17 << 20)]
    for d, s, n in cases + [(s, d, n) for d, s, n in cases]:
        ctypes.memmove(base(address), data, size)
        assert native.bulk(COPY, 0, 0, d, s, n) == 0
        assert ctypes.string_at(base(address), size) == data[:d] + data[s : s + n] + data[d + n :]
    assert native.bulk(FILL, 0, 0, 0, size, 0) == 0
    assert native.bulk(FILL, 0, 3, 9, size - 4, 0) == 0
    assert ctypes.string_at(base(address), size) == bytes(3) + b"\x09" * (size - 4) + bytes(1)
    native.memory_release(address)


def test_init_and_drop(native: Any, two: Any) -> None:
    binary = ctypes.create_string_buffer(b"....segment")
    datas = ctypes.create_string_buffer(struct.pack("<6I", 1, 0, 0, 4, 7, 0))
    native.set_binary(ctypes.addressof(binary), ctypes.addressof(datas), 0)
    before = contents(two[0])
    assert native.bulk(INIT, 0, 0, 10, 2, 4) == 0
    assert contents(two[0]) == before[:10] + b"gmen" + before[14:]
    size = 2 * PAGE
    for d, s, n, code in (
        (0, 0, 8, 2),
        (0, 7, 1, 2),
        (0, 7, 0, 0),
        (0, 8, 0, 2),
        (size, 0, 0, 0),
        (size + 1, 0, 0, 2),
        (size - 1, 0, 2, 2),
    ):
        assert native.bulk(INIT, 0, 0, d, s, n) == code
    native.bulk(DATA_DROP, 0, 0, 0, 0, 0)
    assert [native.bulk(INIT, 0, 0, 0, s, n) for s, n in ((0, 0), (0, 1), (1, 0))] == [0, 2, 2]
    native.set_binary(0, 0, 0)
