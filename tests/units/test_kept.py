"""Units of a file that wait: installed at the first call or sample of their functions, once, and only if they are whole."""

import os
import random
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import wasmjit
from tests.units.making import IDENTITY, Entry, N, compute, install, leave, make, mod_of, plain
from wasmjit.runtime.codes import PHASE_COLD, PHASE_COMPILED, PHASE_PROFILING

TIMES_TEN = compute("  %r = mul i64 %i0, 10\n", "%r")
PLUS_ONE = compute("  %r = add i64 %i0, 1\n", "%r")
TWO = """(module (func (export "f") (param i64) (result i64) local.get 0)
                (func (export "g") (param i64) (result i64) (call 0 (local.get 0))))"""
LOOPS = '(module (func (export "f") (param i64) (result i64) (loop (br_if 0 (i64.eqz (local.get 0)))) local.get 0))'
BODY, LOOP = 1, 0

Place = tuple[int, int, int, int]


def keep(module: wasmjit.Module, folder: Path, data: bytes, places: list[Place]) -> int:
    """Let units wait that stand in a file: places (function, BODY or LOOP, offset, size)."""
    path = folder / "units"
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return int(N.units_keep(module.address, descriptor, len(data), b"".join(struct.pack("<IIQQ", *place) for place in places)))
    finally:
        os.close(descriptor)


def kept(folder: Path, text: str = TIMES_TEN, wat: str = IDENTITY) -> wasmjit.Module:
    """A module with one unit that waits for function 0."""
    module = plain(wat)
    data = make(module, text).pack()
    assert keep(module, folder, data, [(0, BODY, 0, len(data))]) == 1
    return module


def osr(loop: int) -> str:
    return f"define ptr @osr_0_{loop}(ptr %ec, ptr %inst, ptr %sp) {{\n  ret ptr null\n}}\n"


def test_the_first_call_installs(tmp_path: Path) -> None:
    module = kept(tmp_path)
    f = wasmjit.Instance(module).exports.f
    assert N.mod_units(module.address) == []
    assert f.tier == "opt"
    assert f(7) == 70
    assert len(N.mod_units(module.address)) == 1
    assert mod_of(module).codes[0].phase == PHASE_COMPILED
    assert int(mod_of(module).codes[0].slots) == 0  # nothing was translated for it


def test_calls_from_wasm_find_it_and_other_functions_stay(tmp_path: Path) -> None:
    module = kept(tmp_path, wat=TWO)
    exports = wasmjit.Instance(module).exports
    assert (exports.g.tier, exports.g(7), exports.g.tier) == ("interp", 70, "interp")


def test_a_function_that_was_translated_before_its_first_call(tmp_path: Path) -> None:
    module = kept(tmp_path)
    assert N.translate_all(module.address) == 0
    assert wasmjit.Instance(module).exports.f(7) == 70


def test_what_is_in_place_stays(tmp_path: Path) -> None:
    module = kept(tmp_path)
    address = install(module, make(module, PLUS_ONE))
    f = wasmjit.Instance(module).exports.f
    assert f(7) == 8
    assert N.mod_units(module.address) == [address]


def test_the_first_choice_is_the_body(tmp_path: Path) -> None:
    module = plain()
    first, second = (make(module, text).pack() for text in (TIMES_TEN, PLUS_ONE))
    places = [(0, BODY, 0, len(first)), (0, BODY, len(first), len(second))]
    assert keep(module, tmp_path, first + second, places) == 2
    f = wasmjit.Instance(module).exports.f
    assert f(7) == 70
    assert len(N.mod_units(module.address)) == 1


def test_a_body_that_was_given_up_does_not_come_back(tmp_path: Path) -> None:
    module = plain(TWO)
    data = make(module, TIMES_TEN + compute("  %r = mul i64 %i0, 100\n", "%r", function=1), [Entry(0), Entry(1)]).pack()
    assert keep(module, tmp_path, data, [(0, BODY, 0, len(data)), (1, BODY, 0, len(data))]) == 2
    exports = wasmjit.Instance(module).exports
    assert exports.f(1) == 10
    N.unit_retire(module.address, 0, PHASE_COLD)
    N.unit_retire(module.address, 1, PHASE_COLD)
    mod_of(module).codes[1].deopts = 1
    assert (exports.f(1), exports.g(1)) == (1, 1)


def test_loops_get_their_entries_when_they_are_known(tmp_path: Path) -> None:
    module = plain(LOOPS)
    code = mod_of(module).codes[0]
    loop = int(code.body) + 1
    data = make(module, osr(loop) + TIMES_TEN, [Entry(0), Entry(0, loop)]).pack()
    assert keep(module, tmp_path, data, [(0, BODY, 0, len(data))]) == 1
    assert wasmjit.Instance(module).exports.f(7) == 70
    (unit,) = N.mod_units(module.address)
    assert (int(code.loops), N.unit_info(unit)[3]) == (0, 1)
    assert N.translate_all(module.address) == 0
    assert (int(code.loops.wasm), int(code.loops.osr) != 0, N.unit_info(unit)[3]) == (loop, True, 2)
    assert N.unit_retire(module.address, 0, PHASE_COLD)
    assert (int(code.loops.osr), N.mod_units(module.address)) == (0, [])


def test_a_body_goes_before_its_loops_are_known(tmp_path: Path) -> None:
    module = plain(LOOPS)
    loop = int(mod_of(module).codes[0].body) + 1
    install(module, make(module, osr(loop) + TIMES_TEN, [Entry(0), Entry(0, loop)]))
    assert N.unit_retire(module.address, 0, PHASE_COLD)
    assert N.mod_units(module.address) == []
    assert wasmjit.Instance(module).exports.f(7) == 7


def test_what_is_wanted_for_loops_waits_for_a_sample(tmp_path: Path) -> None:
    wat = '(module (func (export "f") (param i64) (result i64) (loop (br_if 0 (i64.ne (local.tee 0 (i64.sub (local.get 0) (i64.const 1)))'
    module = wasmjit.Module(wat + " (i64.const 0)))) local.get 0))", config=wasmjit.Config(cache=False))
    loop = int(mod_of(module).codes[0].body) + 1
    text = f"define ptr @osr_0_{loop}(ptr %ec, ptr %inst, ptr %sp) {{\n  store i64 77, ptr %sp\n  ret ptr null\n}}\n"
    data = make(module, text, [Entry(0, loop)]).pack()
    assert keep(module, tmp_path, data, [(0, LOOP, 0, len(data))]) == 1
    f = wasmjit.Instance(module).exports.f
    assert (f.tier, f(5), N.mod_units(module.address)) == ("opt", 0, [])
    assert f(1 << 40) == 77
    assert len(N.mod_units(module.address)) == 1


def test_an_exit_makes_the_forms_that_it_needs(tmp_path: Path) -> None:
    other = plain()
    assert N.profiled_make(other.address, 0) == 0
    points = [mod_of(other).codes[0].points[k] for k in range(mod_of(other).codes[0].npoints)]
    start = int(next(point.slot for point in points if point.after))
    module = plain()
    text = leave(0, start, "  %twice = mul i64 %i0, 2\n  store i64 %twice, ptr %top\n")
    data = make(module, text, forms=[0], exits=[(0, int(mod_of(module).codes[0].body), 0)]).pack()
    assert keep(module, tmp_path, data, [(0, BODY, 0, len(data))]) == 1
    code = mod_of(module).codes[0]
    f = wasmjit.Instance(module).exports.f
    mod_of(module).exits = 2
    assert (int(code.profiled), f(5)) == (0, 10)
    assert int(code.profiled) != 0
    assert (f(5), f(5), code.phase) == (10, 5, PHASE_PROFILING)


@pytest.mark.parametrize(
    "place", [(1, 1, 0, 8), (99, 1, 0, 8), (0, 1, 1 << 63, 8), (0, 1, 8, 1 << 63), (0, 1, 1 << 20, 8), (0, 1, 8, 2**64 - 8)]
)
def test_places_that_lie_are_left_out(tmp_path: Path, place: Place) -> None:
    module = plain()
    assert keep(module, tmp_path, bytes(100), [place]) == 0
    assert wasmjit.Instance(module).exports.f(7) == 7


def test_places_within_the_file_that_are_no_units(tmp_path: Path) -> None:
    module = plain()
    data = make(module, TIMES_TEN).pack()
    places = [(0, BODY, at, len(data) - at) for at in (1, 8, 16, len(data))] + [(0, LOOP, 0, len(data) - 1), (0, BODY, 0, 0)]
    assert keep(module, tmp_path, data, places) == len(places)
    assert wasmjit.Instance(module).exports.f(7) == 7
    assert N.mod_units(module.address) == []


def test_damaged_units_are_not_installed(tmp_path: Path) -> None:
    data = make(plain(), TIMES_TEN).pack()
    for at in range(0, len(data), 7):
        module = plain()
        copy = bytearray(data)
        copy[at] ^= 1 << random.randrange(8)
        assert keep(module, tmp_path, bytes(copy), [(0, BODY, 0, len(data))]) == 1
        assert wasmjit.Instance(module).exports.f(7) == 7, at
        assert N.mod_units(module.address) == []


def test_no_places_and_no_file(tmp_path: Path) -> None:
    module = plain()
    assert keep(module, tmp_path, bytes(100), []) == 0
    assert N.units_keep(module.address, 0, 10, None) == 0
    assert N.units_keep(module.address, -1, 10, struct.pack("<IIQQ", 0, 1, 0, 10)) == 0


def test_threads_that_call_at_once(tmp_path: Path) -> None:
    for _ in range(50):
        module = kept(tmp_path)
        instances = [wasmjit.Instance(module) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            found = set(pool.map(lambda instance: instance.exports.f(7), instances))
        assert found <= {7, 70} and 70 in found
        assert len(N.mod_units(module.address)) == 1


def test_a_trace_tells_when_it_is_installed(tmp_path: Path) -> None:
    module = wasmjit.Module(IDENTITY, config=wasmjit.Config(cache=False))
    unit = make(module, TIMES_TEN, exits=[(0, int(mod_of(module).codes[0].body), 0)])
    data = unit.pack()
    assert keep(module, tmp_path, data, [(0, BODY, 0, len(data))]) == 1
    f = wasmjit.Instance(module).exports.f
    with wasmjit.trace() as trace:
        assert f(7) == 70
    found = [event for event in trace.events if event.kind in ("cache_hit", "install", "enter")]
    assert [event.kind for event in found] == ["cache_hit", "install", "enter"]
    hit, install_event, _ = found
    assert (hit.function, hit.code_bytes, hit.name) == (0, len(data), "f")
    assert (install_event.unit, install_event.exits) == (N.mod_units(module.address)[0], ((0, unit.exits[0][1], "cold"),))
