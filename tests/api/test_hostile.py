"""Bad input through the public API: an error with offset and reason, never a crash, a hang or unbounded memory."""

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

import wasmjit
from tests.binary.encode import CODE, CUSTOM, FUNCTION, I32, TYPE, body, function, functype, leb, module, name, section, vector
from tests.paths import CORPUS, EXAMPLES

LIMITS = wasmjit.Limits(memory=1 << 24, table=100_000, stack=1 << 20)
SECONDS = 5.0  # far more than any of these takes
MILLION = 1_000_000
I32_CONST_0 = b"\x41\x00"


def refused(data: bytes) -> wasmjit.CompileError:
    """The error for a binary, which came at once."""
    begin = time.monotonic()
    with pytest.raises(wasmjit.CompileError) as caught:
        wasmjit.Module(data)
    assert time.monotonic() - begin < SECONDS
    assert caught.value.offset is not None and 0 <= caught.value.offset <= len(data)
    return caught.value


def called(data: bytes, *args: int) -> Any:
    """What function 0 of a module returns, also with checked memories."""
    results = []
    for memory in ("guard", "checked"):
        instance = wasmjit.Instance(wasmjit.Module(data, config=wasmjit.Config(memory=memory)), limits=LIMITS)
        results.append(instance.functions[0](*args, timeout=SECONDS))
    assert results[0] == results[1]
    return results[0]


BAD = {
    "overlong number": (module(section(TYPE, b"\x80\x80\x80\x80\x80\x00")), "integer"),
    "number too large": (module(section(TYPE, b"\xff\xff\xff\xff\x7f")), "integer"),
    "section longer than the file": (module(b"\x01\xff\xff\xff\xff\x0f\x00"), "length"),
    "section longer than its content": (module(section(TYPE, vector([functype()]) + b"\0")), "size"),
    "section shorter than its content": (module(bytes([TYPE]) + leb(2) + vector([functype()])), ""),
    "a billion locals": (function(b"", groups=[(1_000_000_000, I32)]), "local"),
    "locals that overflow": (function(b"", groups=[(0xFFFFFFFF, I32), (0xFFFFFFFF, I32)]), "local"),
    "a billion types": (module(section(TYPE, leb(1_000_000_000))), ""),
    "data after the end": (function(b"") + b"\0\0\0", ""),
    "rubbish after the end": (function(b"") + b"garbage", ""),
    "a function without a body": (module(section(TYPE, vector([functype()])), section(FUNCTION, vector([b"\0"]))), ""),
    "a body without a function": (module(section(CODE, vector([body(b"")]))), ""),
}


@pytest.mark.parametrize("case", BAD)
def test_refused(case: str) -> None:
    data, words = BAD[case]
    assert words in str(refused(data))


@pytest.mark.parametrize("count", [65_000, 65_535, 65_536, 70_000, 100_000])
def test_frames_about_as_large_as_can_be(count: int) -> None:
    """65 536 slots, one less and more: it runs, or a CompileError names the function; nothing is written out of place."""
    data = function(b"\x20" + leb(count - 1) + I32_CONST_0 + b"\x6a", results=bytes([I32]), groups=[(count, I32)])
    try:
        assert called(data) == 0
        assert count < 65_536
    except wasmjit.CompileError as error:
        assert count >= 65_000 and error.offset is not None
        assert "large" in str(error) or "local" in str(error)


def test_operands_beyond_the_largest_frame() -> None:
    data = function(I32_CONST_0 * 70_000 + b"\x6a" * 69_999, results=bytes([I32]))
    try:
        assert called(data) == 0
    except (wasmjit.CompileError, wasmjit.StackOverflow) as error:
        assert str(error)


def test_blocks_in_each_other() -> None:
    deep = function(b"\x02\x40" * 100_000 + b"\x0b" * 100_000)
    try:
        assert called(deep) is None
    except wasmjit.CompileError as error:
        assert error.offset is not None


def test_a_branch_table_of_a_million_targets() -> None:
    table = b"\x02\x40\x20\x00\x0e" + leb(MILLION) + b"\0" * (MILLION + 1) + b"\x0b"
    data = function(table + b"\x41\x07", params=bytes([I32]), results=bytes([I32]))
    for index in (0, 5, MILLION - 1, MILLION, -1):
        assert called(data, index) == 7


def test_a_million_functions() -> None:
    bodies = vector([body(b"\x41\x01")] * MILLION)
    kinds = section(TYPE, vector([functype(b"", bytes([I32]))]))
    data = module(kinds, section(FUNCTION, leb(MILLION) + b"\0" * MILLION), section(CODE, bodies))
    instance = wasmjit.Instance(wasmjit.Module(data))
    assert [instance.functions[i]() for i in (0, MILLION // 2, MILLION - 1)] == [1, 1, 1]
    with pytest.raises(IndexError):
        instance.functions[MILLION]


def test_a_custom_section_as_large_as_the_module_says() -> None:
    data = module(section(CUSTOM, name("x") + bytes(MILLION)))
    assert len(wasmjit.Module(data).custom_sections["x"]) == MILLION


def test_what_is_missing_is_told_at_once() -> None:
    text = '(import "a" "f" (func (param i32 i64) (result f32))) (import "a" "g" (global (mut i32))) (import "b" "m" (memory 1 2))'
    with pytest.raises(wasmjit.LinkError) as caught:
        wasmjit.Instance(wasmjit.Module(f'(module {text} (import "b" "t" (table 3 funcref)))'))
    for words in ("a.f", "i32, i64", "f32", "a.g", "mut", "b.m", "b.t", "funcref"):
        assert words in str(caught.value), words
    assert len(caught.value.missing) == 4


def test_calls_that_do_not_fit() -> None:
    entered = []
    text = '(module (import "m" "f" (func $f)) (func (export "g") (param i32) (call $f)))'
    g = wasmjit.load(text.encode(), {"m": {"f": lambda: entered.append(1)}}).exports.g
    for wrong in ((), (1, 2), ("1",), (1.5,), (None,)):
        with pytest.raises(TypeError):
            g(*wrong)
    for large in (1 << 32, -(1 << 31) - 1, 1 << 200):
        with pytest.raises(OverflowError):
            g(large)
    assert not entered


LOOKS = {
    b"\x7fELF\x02\x01\x01\0": "ELF",
    b"PK\x03\x04rest": "ip",
    b"#!/bin/sh\n": "",
    b"\x1f\x8b\x08\0rest": "gzip",
    b"<!DOCTYPE html>": "HTML",
    b"\0asm\x0d\0\x01\0": "component",
    b"\0asm\2\0\0\0": "version",
    b"": "empty",
}


@pytest.mark.parametrize("data", LOOKS)
def test_files_that_are_not_wasm(data: bytes) -> None:
    with pytest.raises(wasmjit.CompileError) as caught:
        wasmjit.Module(data)
    assert LOOKS[data].lower() in str(caught.value).lower()


def sources() -> Iterator[bytes]:
    folders = (EXAMPLES, CORPUS / "modules")
    for path in sorted(path for folder in folders for path in folder.glob("*.wasm")):
        if path.stat().st_size < 30_000:
            yield path.read_bytes()


SOURCES = list(sources())
NUMBERS: dict[str, Any] = {
    "i32": lambda chance: chance.choice((0, 1, -1, 0x7FFFFFFF, chance.randrange(1 << 32), chance.randrange(70_000))),
    "i64": lambda chance: chance.choice((0, 1, -1, chance.randrange(1 << 64))),
    "f32": lambda chance: chance.uniform(-9, 9),
    "f64": lambda chance: chance.choice((0.0, 1e300, float("nan"), chance.random())),
}


def some(kind: str, chance: random.Random) -> Any:
    """A value of a type; null references."""
    return NUMBERS[kind](chance) if kind in NUMBERS else None


def damaged(chance: random.Random) -> bytes:
    data = bytearray(chance.choice(SOURCES))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        at = chance.randrange(8, len(data))
        flipped = data[at] ^ 1 << chance.randrange(8)
        data[at] = chance.choice((0, 0x0B, 0x40, 0x7F, 0x80, 0xFF, chance.randrange(256), flipped, data[at] ^ 1))
    return bytes(data)


def stand_ins(wanted: wasmjit.Module, chance: random.Random) -> dict[str, dict[str, object]]:
    """Functions that return anything; other imports stay away."""
    spaces: dict[str, dict[str, object]] = {}
    for item in wanted.imports:
        kind = item.type
        if isinstance(kind, wasmjit.FuncType):
            results = kind.results
            spaces.setdefault(item.module, {})[item.name] = lambda *_, results=results: (
                some(results[0], chance) if len(results) == 1 else tuple(some(result, chance) for result in results)
            )
    return spaces


def survive(seed: int) -> bool:
    """Load a damaged module and call all it exports; whether it was valid."""
    chance = random.Random(seed)
    data = damaged(chance)
    try:
        wanted = wasmjit.Module(data, config=wasmjit.Config(memory=chance.choice(("guard", "checked"))))
    except wasmjit.CompileError as error:
        assert error.offset is not None and 0 <= error.offset <= len(data)
        return False
    try:
        instance = wasmjit.Instance(wanted, stand_ins(wanted, chance), limits=LIMITS, timeout=0.02)
    except (wasmjit.Trap, wasmjit.LinkError):
        return True
    for item in wanted.exports:
        if isinstance(item.type, wasmjit.FuncType):
            begin = time.monotonic()
            try:
                instance.exports[item.name](*[some(kind, chance) for kind in item.type.params], timeout=0.02)
            except wasmjit.Trap as error:
                assert str(error.__notes__)
            except wasmjit.CompileError as error:
                assert "large" in str(error)
            assert time.monotonic() - begin < SECONDS
    return True


@pytest.mark.parametrize("seeds", [range(500), pytest.param(range(500, 30_000), marks=pytest.mark.slow)], ids=str)
def test_damaged_modules(seeds: range) -> None:
    valid = sum(survive(seed) for seed in seeds)
    assert len(seeds) // 50 < valid < len(seeds)
