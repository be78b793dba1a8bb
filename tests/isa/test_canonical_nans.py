"""Config(deterministic=True): arithmetic on floats gives no NaN but the canonical one, in every tier; other instructions keep the bits."""

import pickle
from typing import Any

import pytest

import wasmjit
from tests.modes import BASE, SETTINGS, config, parameters
from wasmjit.isa import CANONICAL_NAN, TABLE, Row

ROWS = [row for row in TABLE if row.arithmetic]
NUMBERS = {
    "f32": (0x7FA00001, 0xFFA00001, 0x7FC00001, 0xFFC01000, 0xFFC00000, 0x7F800000, 0xFF800000, 0, 0x80000000, 0x3F800000, 0xBF800000),
    "f64": (
        0x7FF4000000000001, 0xFFF0000000000001, 0x7FF8000000000001, 0xFFF8000020000000, 0xFFF8000000000000,
        0x7FF0000000000000, 0xFFF0000000000000, 0, 1 << 63, 0x3FF0000000000000, 0xBFF0000000000000,
    ),
}  # signalling and quiet NaNs, infinities, zeros, ones  # fmt: skip
LITERALS = ("nan:0x200001", "-nan", "0", "-0", "1", "-1", "inf")
INTEGER = {"f32": "i32", "f64": "i64"}


def bits(kind: str, value: str) -> str:
    return f"({INTEGER[kind]}.reinterpret_{kind} {value})"


def shapes(row: Row) -> list[str]:
    """Functions from the bits of one or two operands to those of the result: alone, called, with literals, in pairs, in loops."""
    (kind, *more), out, name = row.params, row.results[0], row.name
    params = "".join(f" (param ${x} {INTEGER[kind]})" for x in "xy"[: 1 + len(more)])
    values = [f"({kind}.reinterpret_{INTEGER[kind]} (local.get ${x}))" for x in "xy"[: 1 + len(more)]]
    result = f"(result {INTEGER[out]})"
    alone = f"({name} {' '.join(values)})"

    def function(shape: str, text: str, locals: str = "") -> str:
        return f'(func $"{name} {shape}" (export "{name} {shape}"){params} {result} {locals} {text})'

    gets = " ".join(f"(local.get ${x})" for x in "xy"[: 1 + len(more)])
    found = [
        function("alone", bits(out, alone)),
        function("called", f'(call $"{name} alone" {gets})'),
        function("local", f"(local.set $v {alone}) {bits(out, '(local.get $v)')}", f"(local $v {out})"),
        function("stored", f"({out}.store (i32.const 8) {alone}) ({INTEGER[out]}.load (i32.const 8))"),
    ]
    for literal in LITERALS:
        constant = f"({kind}.const {literal})"
        if more:
            found.append(function(f"x {literal}", bits(out, f"({name} {values[0]} {constant})")))
            found.append(function(f"{literal} x", bits(out, f"({name} {constant} {values[0]})")))
            other = LITERALS[-1 - LITERALS.index(literal)]
            found.append(function(f"literals {literal} {other}", bits(out, f"({name} {constant} ({kind}.const {other}))")))
        else:
            found.append(function(f"literals {literal}", bits(out, f"({name} {constant})")))
    if kind == out:
        v = "(local.get $v)"
        step = f"({name} {v} {values[1]})" if more else f"({name} {v})"
        loop = f"(loop $l (local.set $v {step}) (br_if $l (i32.ne (local.tee $n (i32.add (local.get $n) (i32.const -1))) (i32.const -9))))"
        found.append(function("loop", f"(local.set $v {values[0]}) {loop} {bits(out, v)}", f"(local $v {kind}) (local $n i32)"))
    if more:
        write = f"({kind}.store (i32.const 0) {values[0]})"
        load = f"({kind}.load (i32.const 0))"
        found.append(function("loaded", f"{write} {bits(out, f'({name} {load} {values[1]})')}"))
        found += [
            function(f"{second} after", bits(out, f"({kind}.{second} {alone} {values[1]})")) for second in ("add", "sub", "mul", "copysign")
        ]
    return found


UNTOUCHED = [row for row in TABLE if row.name.partition(".")[2] in ("abs", "neg", "copysign")]


def module(mode: str, **settings: Any) -> wasmjit.Module:
    text = "".join(function for row in ROWS for function in shapes(row))
    return wasmjit.Module(f"(module (memory 1) {text})", config=config(mode, **settings))


def operands(row: Row) -> list[tuple[int, ...]]:
    numbers = NUMBERS[row.params[0]]
    return [(a, b) for a in numbers for b in numbers] if len(row.params) == 2 else [(a,) for a in numbers]


def results(binary: wasmjit.Module, only: str = "") -> dict[tuple[str, tuple[int, ...]], int]:
    """Bits by function and operands."""
    found = {}
    with wasmjit.Instance(binary) as instance:
        for row in ROWS:
            for name in (export.name for export in binary.exports if export.name.startswith(row.name + " ") and only in export.name):
                for values in operands(row)[: 1 if " literals " in name else None]:
                    found[name, values] = instance.exports[name].call_raw(*values)
    return found


def kind_of(name: str) -> str:
    return name[:3]


def is_nan(kind: str, value: int) -> bool:
    width = int(kind[1:])
    return value & ((1 << (width - 1)) - 1) > {"f32": 0x7F80_0000, "f64": 0x7FF0_0000_0000_0000}[kind]


@pytest.fixture(scope="module")
def expected() -> dict[tuple[str, tuple[int, ...]], int]:
    return results(module(BASE, deterministic=True))


def test_every_arithmetic_instruction_is_meant() -> None:
    names = ("ceil", "floor", "trunc", "nearest", "sqrt", "add", "sub", "mul", "div", "min", "max")
    assert {row.name for row in ROWS} == {f"{t}.{n}" for t in ("f32", "f64") for n in names} | {"f32.demote_f64", "f64.promote_f32"}


def test_nans_are_canonical(expected: dict[tuple[str, tuple[int, ...]], int]) -> None:
    nans = {key: value for key, value in expected.items() if is_nan(kind_of(key[0]), value) and "copysign" not in key[0]}
    assert {name.partition(" ")[0] for name, _ in nans} == {row.name for row in ROWS}
    assert {key: hex(value) for key, value in nans.items() if value != CANONICAL_NAN[kind_of(key[0])]} == {}


@pytest.mark.parametrize("mode", parameters([mode for mode in SETTINGS if mode != BASE], quick=("opt",)))
def test_every_mode_gives_the_same_bits(mode: str, expected: dict[tuple[str, tuple[int, ...]], int]) -> None:
    found = results(module(mode, deterministic=True))
    assert {key: (hex(value), hex(found[key])) for key, value in expected.items() if found[key] != value} == {}


@pytest.mark.parametrize("mode", parameters(("reference", "auto", "osr-every-loop"), quick=("reference", "auto", "osr-every-loop")))
def test_loops_and_calls_in_quick_modes(mode: str, expected: dict[tuple[str, tuple[int, ...]], int]) -> None:
    found = results(module(mode, deterministic=True), only="l")
    assert {key: (hex(expected[key]), hex(value)) for key, value in found.items() if expected[key] != value} == {}


@pytest.mark.parametrize("mode", parameters(SETTINGS, quick=(BASE, "opt", "reference")))
def test_instructions_on_bits_keep_them(mode: str) -> None:
    gets = ["(local.get 0)", "(local.get 1)"]
    functions = "".join(
        f'(func (export "{row.name}") (param {t} {t}) (result {t}) ({row.name} {" ".join(gets[: len(row.params)])}))'
        for row in UNTOUCHED
        for t in row.results
    )
    with wasmjit.Instance(wasmjit.Module(f"(module {functions})", config=config(mode, deterministic=True))) as instance:
        for row in UNTOUCHED:
            width = int(row.results[0][1:])
            sign = 1 << (width - 1)
            name = row.name.partition(".")[2]
            for value in NUMBERS[row.results[0]]:
                wanted = value ^ sign if name == "neg" else value & (sign - 1)
                assert instance.exports[row.name].call_raw(value, 0) == wanted, (row.name, hex(value))


TEXT = '(module (func (export "f") (param f64 f64) (result f64) (f64.add (f64.mul (local.get 0) (local.get 0)) (local.get 1))))'


def test_without_the_setting_code_is_as_before() -> None:
    for deterministic in (False, True):
        with wasmjit.Instance(wasmjit.Module(TEXT, config=wasmjit.Config(deterministic=deterministic))) as instance:
            f = instance.exports.f
            assert ("f64.canonical" in f.slot_code()) == deterministic
            assert ("f64.mul+f64.add" in f.slot_code()) != deterministic
            assert ("fcmp uno" in f.llvm_ir()) == deterministic


def test_pickles_keep_it_and_imports_go_by_their_own() -> None:
    inner = wasmjit.Module('(module (func (export "f") (param f32) (result f32) (f32.abs (local.get 0))))')
    outer = wasmjit.Module(
        '(module (import "m" "f" (func $f (param f32) (result f32)))'
        ' (func (export "kept") (param f32) (result f32) (call $f (local.get 0)))'
        ' (func (export "settled") (param f32) (result f32) (f32.add (call $f (local.get 0)) (f32.const 0))))',
        config=wasmjit.Config("interp", deterministic=True),
    )
    outer = pickle.loads(pickle.dumps(outer))
    with wasmjit.Instance(inner) as lib, wasmjit.Instance(outer, {"m": lib}) as instance:
        assert instance.exports.kept.call_raw(0xFFC00001) == 0x7FC00001
        assert instance.exports.settled.call_raw(0xFFC00001) == 0x7FC00000
