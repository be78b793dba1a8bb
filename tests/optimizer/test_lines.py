"""Return addresses of calls and addresses of accesses lead to their sites, whatever LLVM makes of the code around."""

import bisect
import ctypes
import mmap
import os
import random
import re
import struct

import pytest

from tests.optimizer.machine import LEVELS, Loaded
from wasmjit.native.elf import Object
from wasmjit.native.relocate import FlattenError
from wasmjit.tiers.optimizer import lower
from wasmjit.tiers.optimizer.lines import filled, line_rows
from wasmjit.tiers.optimizer.target import assembly, object_code
from wasmjit.tiers.optimizer.text import FunctionText, UnitText

ATTRIBUTES = 'noinline nounwind "frame-pointer"="all" "no-builtins"'
NOTE = f"""\
define void @note(ptr %log) {ATTRIBUTES} {{
  %count = load i64, ptr %log
  %next = add i64 %count, 1
  store i64 %next, ptr %log
  %place = getelementptr i64, ptr %log, i64 %next
  %address = call ptr @llvm.returnaddress(i32 0)
  store ptr %address, ptr %place
  ret void
}}
define void @quit(ptr %log, ptr %exit) noreturn {ATTRIBUTES} {{
  %count = load i64, ptr %log
  %next = add i64 %count, 1
  store i64 %next, ptr %log
  %place = getelementptr i64, ptr %log, i64 %next
  %address = call ptr @llvm.returnaddress(i32 0)
  store ptr %address, ptr %place
  call void %exit(i32 0)
  unreachable
}}"""


def site_of(rows: list[tuple[int, int]], offset: int) -> int:
    at = bisect.bisect(rows, (offset, 1 << 40)) - 1
    return rows[at][1] if at >= 0 else 0


def branching(seed: int) -> tuple[UnitText, list[tuple[int, int]]]:
    """A function of blocks chosen by bits of its argument, both ways doing the same with other sites; calls' sites by (bit, way)."""
    rng = random.Random(seed)
    unit = UnitText()
    unit.declare(NOTE)
    t = unit.function(f"define i64 @f(ptr %log, ptr %memory, i64 %bits) {ATTRIBUTES}")
    sites, value = [], "%bits"
    for bit in range(12):
        way = t.let(f"icmp ne i64 {t.let(f'and i64 %bits, {1 << bit}')}, 0")
        labels, join = [t.label("yes"), t.label("no")], t.label("join")
        t.emit(f"br i1 {way}, label %{labels[0]}, label %{labels[1]}")
        results, both = [], []
        kind = rng.randrange(3)
        for side, label in enumerate(labels):
            t.place(label)
            t.here(((1, 100 * bit + 10 * side), (2, 7)))
            loaded = lower.LOADS["i64.load"](t, t.pointer("%memory", 8 * bit))
            t.here(((1, 100 * bit + 10 * side + 1), (2, 7)))
            if kind != 2:
                t.emit(f"call void @note(ptr %log) nomerge nounwind{t.dbg}")
            both.append(t.site if kind != 2 else 0)
            t.here(((1, 100 * bit + 10 * side + 2), (2, 7)))
            if kind:
                lower.STORES["i64.store"](t, t.pointer("%memory", 8 * bit), loaded)
            results.append(f"[ {loaded}, %{t.block} ]")
            t.emit(f"br label %{join}")
        t.place(join)
        value = t.let(f"add i64 {value}, {t.let('phi i64 ' + ', '.join(results))}")
        sites.append((both[0], both[1]))
    t.emit(f"ret i64 {value}")
    return unit, sites


def logged(log: "ctypes.Array[ctypes.c_uint64] | mmap.mmap") -> list[int]:
    words = struct.unpack_from("<64Q", log)
    return list(words[1 : 1 + words[0]])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", range(4))
def test_calls_of_both_ways_keep_their_sites(level: int, seed: int) -> None:
    unit, sites = branching(seed)
    ir = unit.text()
    rows = line_rows(Object(object_code(ir, None, level)))
    loaded = Loaded(ir, level)
    function = loaded.function("f", ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64)
    rng = random.Random(seed)
    for bits in [0, 4095, *(rng.getrandbits(12) for _ in range(30))]:
        log, memory = (ctypes.c_uint64 * 64)(), (ctypes.c_uint64 * 12)()
        function(log, memory, bits)
        wanted = [pair[0 if bits >> bit & 1 else 1] for bit, pair in enumerate(sites)]
        found = [site_of(rows, address - loaded.base - 1) for address in logged(log)]
        assert found == [site for site in wanted if site]


@pytest.mark.parametrize("level", LEVELS)
def test_every_access_stands_under_its_site(level: int) -> None:
    """In the assembly each load and store of the memory follows its own .loc."""
    unit, _ = branching(1)
    text = assembly(unit.text(), None, level)
    sites = {int(line) for line in re.findall(r"^\s+\.loc\s+0 (\d+) ", text, re.MULTILINE)}
    assert sites == {int(line) for line in re.findall(r"DILocation\(line: (\d+)", unit.text())} | {0}


@pytest.mark.parametrize("level", LEVELS)
def test_a_call_that_never_returns(level: int) -> None:
    """Its return address lies behind the function, or in the next block."""
    unit = UnitText()
    unit.declare(NOTE)
    t = unit.function(f"define void @f(ptr %log, ptr %exit, i64 %which) {ATTRIBUTES}")
    labels = [t.label("quit") for _ in range(5)]
    t.emit(f"switch i64 %which, label %{labels[0]} [ {' '.join(f'i64 {i}, label %{label}' for i, label in enumerate(labels) if i)} ]")
    for i, label in enumerate(labels):
        t.place(label)
        t.here(((1, 1000 + i),))
        t.emit(f"call void @quit(ptr %log, ptr %exit) noreturn nomerge nounwind{t.dbg}")
        t.emit("unreachable")
    ir = unit.text()
    rows = line_rows(Object(object_code(ir, None, level)))
    loaded = Loaded(ir, level)
    function = loaded.function("f", None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64)
    leave = ctypes.cast(ctypes.CDLL(None)._exit, ctypes.c_void_p)
    for which in range(len(labels)):
        log = mmap.mmap(-1, 4096)
        child = os.fork()
        if child == 0:
            function(ctypes.addressof(ctypes.c_char.from_buffer(log)), leave, which)
        assert os.waitpid(child, 0)[1] == 0
        (address,) = logged(log)
        assert unit.sites[site_of(rows, address - loaded.base - 1) - 1] == ((1, 1000 + which),)


def long(t: FunctionText, count: int) -> None:
    for i in range(count):
        t.here(((1, 3 * i),))
        t.emit(f"call void @note(ptr %log) nomerge nounwind{t.dbg}")
    t.emit("ret void")


def test_many_sites_and_functions() -> None:
    unit = UnitText()
    unit.declare(NOTE)
    for name in ("f", "g"):
        long(unit.function(f"define void @{name}(ptr %log) {ATTRIBUTES}"), 700)
    rows = line_rows(Object(object_code(unit.text(), None, 0)))
    assert [offset for offset, _ in rows] == sorted({offset for offset, _ in rows})
    assert [site for _, site in rows if site] == [*range(1, 701), *range(1, 701)]


def test_an_object_without_lines_has_no_rows() -> None:
    assert line_rows(Object(object_code("define void @f() {\n ret void\n}", None, 0))) == []


def test_all_code_of_functions_gets_a_line() -> None:
    """What LLVM knows no place of belongs to the place before it, or to the function; what is between functions to none."""
    rows = [(20, 5), (26, 0), (30, 6), (34, 0), (50, 7), (52, 0)]
    assert filled(rows, [(0, 16, 1), (16, 40, 2), (48, 60, 3), (60, 70, 4)]) == [
        (0, 1), (16, 2), (20, 5), (30, 6), (40, 0), (48, 3), (50, 7), (60, 4), (70, 0),
    ]  # fmt: skip
    assert filled([], [(16, 32, 1)]) == [(16, 1), (32, 0)]
    assert filled([(16, 4)], [(16, 32, 1)]) == [(16, 4)]  # what is behind goes on as it did


def test_another_version_of_dwarf_is_refused() -> None:
    unit = UnitText()
    long(unit.function("define void @f(ptr %log)"), 1)
    unit.declare("declare void @note(ptr)")
    with pytest.raises(FlattenError, match="version 4"):
        line_rows(Object(object_code(unit.text().replace('"Dwarf Version", i32 5', '"Dwarf Version", i32 4'), None, 0)))
