"""Builds with short names: what the JavaScript beside them says is read, in the forms of several versions."""

from pathlib import Path

import pytest

import wasmjit
from tests import modes
from wasmjit.emscripten import Glue, glue

HERE = Path(__file__).parent
MODES = modes.parameters([mode for mode in modes.SETTINGS if mode != "reference"], quick=(modes.BASE, "opt"))

NEWER = """
var x = "// no comment"; wasmImports = {};
var wasmImports = { /** @export */ b: __abort_js, /** @export */ a: _fd_write, c: invoke_vi, d: wasmMemory, e: ___syscall_openat };
function assignWasmExports(wasmExports) { _main = Module["_main"] = wasmExports["g"]; __emscripten_stack_alloc = wasmExports["h"];
wasmTable = wasmExports["i"]; _malloc = wasmExports.j } wasmExports["f"]();
"""
MIDDLE = """var wasmImports={a:___cxa_throw};wasmMemory=wasmExports["b"];addOnInit(wasmExports["c"]);
var _main=Module["_main"]=(a0,a1)=>(_main=Module["_main"]=wasmExports["d"])(a0,a1);"""
TEXT = """(module (import "a" "a" (func $w (param i32 i32 i32 i32) (result i32))) (import "a" "b" (func $abort))
  (import "a" "d" (memory 1)) (import "other" "b" (global i32))
  (func (export "g") (result i32) (i32.const 7)) (func (export "f")) (func (export "zz") (call $abort)))"""


@pytest.mark.parametrize("mode", MODES)
def test_a_program_with_its_glue(mode: str) -> None:
    module = glue(HERE / "minified.js").module(HERE / "minified.wasm", config=modes.config(mode))
    done = wasmjit.run(module, ["x"], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("minified, 1 arguments\n", 2)
    kit = wasmjit.load(module).exports
    assert kit.add(2, 3) == 5
    text = kit.malloc(4)
    kit.memory.write(text, b"abc\0")
    assert kit.memory.read_str(kit.twice(text)) == "abcabc"


def test_without_its_glue_the_error_says_what_to_do() -> None:
    with pytest.raises(wasmjit.LinkError, match="wasmjit.emscripten.glue"):
        wasmjit.load(HERE / "minified.wasm")


def test_names_of_newer_versions() -> None:
    names = Glue(NEWER)
    assert names.imports == {"b": "_abort_js", "a": "fd_write", "c": "invoke_vi", "d": "memory", "e": "__syscall_openat"}
    assert names.exports == {
        "g": "main", "h": "_emscripten_stack_alloc", "i": "__indirect_function_table", "j": "malloc", "f": "__wasm_call_ctors"
    }  # fmt: skip
    assert Glue(MIDDLE).exports == {"b": "memory", "c": "__wasm_call_ctors", "d": "main"}


def test_only_short_names_are_replaced() -> None:
    module = wasmjit.Module(Glue(NEWER).rename(_assembled()))
    assert [f"{wanted.module}.{wanted.name}" for wanted in module.imports] == [
        "wasi_snapshot_preview1.fd_write", "env._abort_js", "env.memory", "other.b"
    ]  # fmt: skip
    assert [export.name for export in module.exports] == ["main", "__wasm_call_ctors", "zz"]
    assert wasmjit.run(module, imports={"other": {"b": 1}}).returncode == 7


@pytest.mark.parametrize("text", ["", "let a = 1;", "wasmImports={a:(b,c)=>d(`${b}`)};k._main=c.d;", "wasmImports={a:_b}"])
def test_what_is_no_glue_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="names no (imports|exports)"):
        Glue(text)


def test_what_belongs_to_another_module_is_an_error() -> None:
    with pytest.raises(ValueError, match="no name for the import a.b"):
        Glue(MIDDLE.replace("a:___cxa_throw", "a:_fd_write")).rename(_assembled())
    with pytest.raises(ValueError, match="first bytes"):
        Glue(MIDDLE).rename(b"nothing")
    with pytest.raises(ValueError, match="cut short"):
        Glue(NEWER).rename(_assembled()[:20])


def _assembled() -> bytes:
    from wasmjit._wat import assemble

    return assemble(TEXT.encode())
