"""Installing units on modules, giving them up, freeing them."""

import gc
import struct
import threading
from typing import Any

import pytest

import wasmjit
from tests.units.loops import COUNTER, STORING, calling
from tests.units.making import Entry, N, compiled, compute, install, leave, make, mod_of, plain
from wasmjit.runtime.codes import PHASE_COLD, PHASE_COMPILED, PHASE_PROFILING

TIMES_TEN = compute("  %r = mul i64 %i0, 10\n", "%r")
PLUS_ONE = compute("  %r = add i64 %i0, 1\n", "%r")
TWO = """(module (func (export "f") (param i64) (result i64) local.get 0)
                (func (export "g") (param i64) (result i64) (call 0 (local.get 0))))"""
MEMORY = '(module (memory (export "m") 1) (func (export "f") (param i64) (result i64) local.get 0))'


def test_an_installed_unit_runs_and_a_retired_one_does_not() -> None:
    module = plain()
    f = wasmjit.Instance(module).exports.f
    assert f(7) == 7
    address = install(module, make(module, TIMES_TEN))
    assert f(7) == 70
    assert mod_of(module).codes[0].phase == PHASE_COMPILED
    assert N.mod_units(module.address) == [address]
    assert N.unit_info(address)[0] == module.address
    assert N.unit_retire(module.address, 0, PHASE_COLD)
    assert f(7) == 7
    assert mod_of(module).codes[0].phase == PHASE_COLD
    assert N.mod_units(module.address) == []
    assert N.unit_info(address) == (0, 0, 0, 0, 0)
    assert not N.unit_retire(module.address, 0, PHASE_COLD)


def test_a_function_that_never_ran_can_be_compiled_and_given_up() -> None:
    module = plain()
    install(module, make(module, TIMES_TEN))
    f = wasmjit.Instance(module).exports.f
    assert f(7) == 70
    N.unit_retire(module.address, 0, PHASE_COLD)
    assert f(7) == 7


def test_interpreted_callers_and_other_instances_find_the_unit() -> None:
    module = plain(TWO)
    instances = [wasmjit.Instance(module) for _ in range(3)]
    assert [each.exports.g(5) for each in instances] == [5] * 3
    install(module, make(module, TIMES_TEN))
    assert [each.exports.g(5) for each in instances] == [50] * 3


def test_a_new_unit_takes_over_and_the_old_one_is_freed() -> None:
    module = plain()
    f = wasmjit.Instance(module).exports.f
    first = install(module, make(module, TIMES_TEN))
    second = install(module, make(module, PLUS_ONE))
    assert f(7) == 8
    assert N.mod_units(module.address) == [second]
    assert N.unit_info(first) == (0, 0, 0, 0, 0)


def test_a_unit_that_keeps_one_entry_stays() -> None:
    module = plain(TWO)
    exports = wasmjit.Instance(module).exports
    both = compute("  %r = mul i64 %i0, 10\n", "%r") + compute("  %r = mul i64 %i0, 100\n", "%r", function=1)
    first = install(module, make(module, both, [Entry(0), Entry(1)]))
    assert (exports.f(1), exports.g(1)) == (10, 100)
    install(module, make(module, PLUS_ONE))
    assert (exports.f(1), exports.g(1)) == (2, 100)
    assert N.unit_info(first)[3] == 1
    N.unit_retire(module.address, 1, PHASE_COLD)
    assert N.unit_info(first) == (0, 0, 0, 0, 0)
    assert (exports.f(1), exports.g(1)) == (2, 2)


def test_translating_a_compiled_function_does_not_change_what_calls_run() -> None:
    module = plain()
    install(module, make(module, TIMES_TEN))
    assert N.translate_all(module.address) == 0
    assert N.profiled_make(module.address, 0) == 0
    assert wasmjit.Instance(module).exports.f(7) == 70


def test_loops_know_their_entry() -> None:
    module = plain('(module (func (loop (br_if 0 (i32.const 0)))) (func (export "f") (param i64) (result i64) local.get 0))')
    mod = mod_of(module)
    loop = int(mod.codes[0].body) + 1
    text = f"define ptr @osr_0_{loop}(ptr %ec, ptr %inst, ptr %sp) {{\n  ret ptr null\n}}\n"
    first = install(module, make(module, text, [Entry(0, loop)]))
    found = mod.codes[0].loops
    assert (int(found.wasm), int(found.osr)) == (loop, first)
    second = install(module, make(module, text + compute("  %r = add i64 %i0, 1\n", "%r", function=1), [Entry(0, loop), Entry(1)]))
    assert N.mod_units(module.address) == [second]
    assert N.unit_info(second)[3] == 2
    assert N.unit_retire(module.address, 0, PHASE_COLD)
    assert int(found.osr) == 0
    assert wasmjit.Instance(module).exports.f(3) == 4
    assert N.unit_retire(module.address, 1, PHASE_COLD)
    assert N.mod_units(module.address) == []


def test_addresses_know_their_frames() -> None:
    module = plain(TWO)
    at, other = (int(mod_of(module).codes[k].body) for k in range(2))
    rows: dict[str, Any] = {"sites": [((0, at),), ((0, at + 1), (1, other))], "lines": [(2, 1), (5, 0), (8, 2)]}
    unit = make(module, TIMES_TEN, **rows)
    address = install(module, unit)
    innermost, inlined = struct.pack("<II", 0, at), struct.pack("<IIII", 0, at + 1, 1, other)
    expected = [b""] * 2 + [innermost] * 3 + [b""] * 3 + [inlined] * (unit.text - 8)
    assert [N.unit_place(address + k) for k in range(unit.text)] == [(address, frames) for frames in expected]
    assert N.unit_place(address + unit.text) == (address, b"")
    assert N.unit_place(address - 1)[0] != address
    assert N.unit_place(id(unit)) == (0, b"")
    N.unit_retire(module.address, 0, PHASE_COLD)
    assert N.unit_place(address) == (0, b"")


def test_the_profiled_form_is_entered_if_the_phase_says_so() -> None:
    module = plain()
    f = wasmjit.Instance(module).exports.f
    install(module, make(module, TIMES_TEN, forms=[0]))
    assert N.profiled_make(module.address, 0) == 0
    code = mod_of(module).codes[0]
    N.unit_retire(module.address, 0, PHASE_PROFILING)
    assert f(7) == 7
    assert (code.phase, int(code.entry)) == (PHASE_PROFILING, int(code.profiled))


def test_units_die_with_their_module() -> None:
    before = set()
    for _ in range(50):
        module = plain()
        before.add(install(module, make(module, TIMES_TEN)))
        del module
        gc.collect()
    assert len(before) < 50, "no place was used again"
    assert all(N.unit_info(address) == (0, 0, 0, 0, 0) for address in before)


def test_a_unit_is_freed_when_the_last_thread_has_left_it() -> None:
    instance = compiled(STORING, MEMORY)
    module, memory = instance.module, instance.exports.m
    address = N.mod_units(module.address)[0]
    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(instance.exports.f(0)))]
    for thread in threads:
        thread.start()
    while memory.read(0, 8) == bytes(8):
        pass
    assert N.unit_retire(module.address, 0, PHASE_COLD)
    N.units_sweep()
    assert N.mod_units(module.address) == [address]
    before = memory.read(0, 8)
    while memory.read(0, 8) == before:
        pass  # it still runs
    memory.write(8, b"\1")
    for thread in threads:
        thread.join()
    N.units_sweep()
    assert N.mod_units(module.address) == []
    assert len(results) == 1


def test_a_host_function_may_give_up_the_unit_that_called_it() -> None:
    instances: list[wasmjit.Instance] = []
    addresses: list[list[int]] = []

    def host(n: int) -> int:
        module = instances[0].module
        N.unit_retire(module.address, 1, PHASE_COLD)
        addresses.append(N.mod_units(module.address))
        return n

    wat = '(module (import "e" "h" (func (param i64) (result i64))) (func (export "f") (param i64) (result i64) local.get 0))'
    instances.append(compiled(calling("1"), wat, {"e": {"h": host}}))
    f = instances[0].exports.f
    assert f(7) == 8
    assert [len(each) for each in addresses] == [1]
    N.units_sweep()
    assert N.mod_units(instances[0].module.address) == []
    assert f(7) == 7


def test_exits_are_counted_and_too_many_give_the_unit_up() -> None:
    module = plain()
    mod = mod_of(module)
    assert N.profiled_make(module.address, 0) == 0
    start = next(point.slot for point in (mod.codes[0].points[k] for k in range(mod.codes[0].npoints)) if point.after)
    unit = leave(0, int(start), "  %twice = mul i64 %i0, 2\n  store i64 %twice, ptr %top\n", number=1)
    body = int(mod.codes[0].body)
    address = install(module, make(module, unit, forms=[0], exits=[(0, body, 0), (0, body, 0)]))
    mod.exits = 4
    f = wasmjit.Instance(module).exports.f
    assert [f(5) for _ in range(3)] == [10] * 3
    assert N.unit_exits(address) == (0).to_bytes(4, "little") + (3).to_bytes(4, "little")
    assert [f(5) for _ in range(3)] == [10, 5, 5]
    code = mod.codes[0]
    assert (code.phase, code.deopts, int(code.entry)) == (PHASE_PROFILING, 1, int(code.profiled))
    N.units_sweep()
    assert N.mod_units(module.address) == []


def test_installing_for_ever_takes_no_memory() -> None:
    module = plain()
    f = wasmjit.Instance(module).exports.f
    units = [make(module, COUNTER).pack(), make(module, TIMES_TEN).pack()]
    sizes: list[tuple[int, int]] = []
    for k in range(10_001):
        assert N.unit_install(module.address, units[k % 2])
        if k % 3 == 0:
            N.unit_retire(module.address, 0, PHASE_COLD)
        if k in (2_000, 10_000):
            sizes.append((resident(), mappings()))
    assert f(5) == 50 or f(5) == 5
    assert sizes[1][0] - sizes[0][0] < 1 << 20
    assert sizes[1][1] - sizes[0][1] < 20


def test_many_units_live_at_once_in_few_mappings() -> None:
    before = mappings()
    modules = [plain() for _ in range(500)]
    data = make(modules[0], TIMES_TEN).pack()
    assert all(N.unit_install(module.address, data) for module in modules)
    assert mappings() - before < 20
    assert all(wasmjit.Instance(module).exports.f(3) == 30 for module in modules[::50])


def resident() -> int:
    """Bytes of memory that the process has."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def mappings() -> int:
    with open("/proc/self/maps") as file:
        return len(file.readlines())


@pytest.fixture(autouse=True)
def _swept() -> None:
    N.units_sweep()
