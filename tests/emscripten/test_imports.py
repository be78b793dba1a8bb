"""Who gets Emscripten's and AssemblyScript's functions, what they do with bad arguments, and what is said of those that are not known."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import wasmjit
from tests import modes
from tests.paths import ROOT
from wasmjit.emscripten.table import FUNCTIONS, WASI

MODES = modes.parameters(modes.SETTINGS, quick=(modes.BASE, "opt"))
STACK = """
  (func (export "stackSave") (result i32) (i32.const 1024)) (func (export "stackRestore") (param i32))
  (func (export "stackAlloc") (param i32) (result i32) (i32.const 512))
  (func (export "setThrew") (param i32 i32) (global.set $threw (local.get 0))) (global $threw (mut i32) (i32.const 0))
  (func (export "threw") (result i32) (global.get $threw)) (memory (export "memory") 1 2)
"""


def guest(imports: str, body: str = "") -> wasmjit.Instance:
    """An instance of a module that is recognised by the exports of its stack."""
    return wasmjit.load(wasmjit.Module(f"(module {imports} {STACK} {body})"))


def test_modules_that_are_not_recognised_get_nothing() -> None:
    with pytest.raises(wasmjit.LinkError) as caught:
        wasmjit.load(wasmjit.Module('(module (import "env" "abort" (func)) (import "env" "log" (func (param i32))))'))
    assert [wanted.name for wanted in caught.value.missing] == ["abort", "log"]


def test_nothing_is_given_where_wasi_is_not() -> None:
    module = wasmjit.Module('(module (import "env" "emscripten_date_now" (func (result f64))))')
    with pytest.raises(wasmjit.LinkError):
        wasmjit.Instance(module)
    wasmjit.Instance(module, wasi="auto")


def test_what_is_given_wins() -> None:
    module = wasmjit.Module(
        '(module (import "env" "emscripten_get_now" (func $now (result f64))) (func (export "now") (result f64) (call $now)))'
    )
    assert wasmjit.load(module, {"env": {"emscripten_get_now": lambda: 1.5}}).exports.now() == 1.5


def test_unknown_imports_trap_by_their_names() -> None:
    kit = guest('(import "env" "something" (func $f (param i32)))', '(func (export "go") (call $f (i32.const 1)))')
    with pytest.raises(wasmjit.Unreachable) as caught:
        kit.exports.go()
    assert any("env.something" in note for note in caught.value.__notes__)


def test_side_modules_are_refused() -> None:
    with pytest.raises(wasmjit.LinkError, match="GOT.mem"):
        guest('(import "GOT.mem" "x" (global (mut i32)))')


def test_javascript_of_the_program_is_shown() -> None:
    kit = guest(
        '(import "env" "emscripten_asm_const_int" (func $f (param i32 i32 i32) (result i32)))',
        '(data (i32.const 64) "alert(1)\\00") (func (export "go") (drop (call $f (i32.const 64) (i32.const 0) (i32.const 0))))',
    )
    with pytest.raises(wasmjit.Unreachable, match="alert"):
        kit.exports.go()


def test_constructors_run_once() -> None:
    body = '(global $n (mut i32) (i32.const 0)) (func (export "__wasm_call_ctors") (global.set $n (i32.add (global.get $n) (i32.const 1))))'
    assert guest("", body + '(func (export "n") (result i32) (global.get $n))').exports.n() == 1


def test_an_imported_memory_is_made_within_the_limits() -> None:
    names = '(import "env" "memory" (memory 1 32768)) (import "env" "emscripten_date_now" (func (result f64)))'
    text = f'(module {names} (export "m" (memory 0)))'
    module = wasmjit.Module(text)
    assert wasmjit.load(module).exports.m.type.max == 32768
    assert wasmjit.load(module, limits=wasmjit.Limits(memory=1 << 20)).exports.m.type.max == 16
    with pytest.raises(wasmjit.LinkError):
        wasmjit.load(module, limits=wasmjit.Limits(memory=100))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("emscripten_memcpy_js", (0, 65535, 2)), ("emscripten_memcpy_js", (-1, 0, 1)), ("_tzset_js", (65534, 0, 0, 0))],
)
def test_pointers_outside_of_memory_trap(name: str, arguments: tuple[int, ...]) -> None:
    types = " ".join(["i32"] * len(arguments))
    values = " ".join([f"(i32.const {value})" for value in arguments])
    kit = guest(f'(import "env" "{name}" (func $f (param {types})))', f'(func (export "go") (call $f {values}))')
    with pytest.raises(wasmjit.MemoryOutOfBounds):
        kit.exports.go()


CALLS = [
    ("__syscall_openat", (-100, 70000, 0, 0), -21),
    ("__syscall_openat", (-100, -1, 0, 0), -21),
    ("__syscall_openat", (99, 65, 0, 0), -8),
    ("__syscall_openat", (1, 65, 0, 0), -54),
    ("__syscall_openat", (-100, 64, 3, 0), -44),
    ("__syscall_stat64", (65535, 0), -21),
    ("__syscall_fstat64", (1, 65500), -21),
    ("__syscall_fstat64", (7, 0), -8),
    ("__syscall_getcwd", (65535, 2), -21),
    ("__syscall_getcwd", (0, 1), -68),
    ("__syscall_getdents64", (1, 0, 600), -54),
    ("__syscall_poll", (65530, 1, 0), -21),
    ("__syscall_poll", (0, -1, 0), -28),
    ("__syscall_fcntl64", (1, 0, 65535), -21),
    ("__syscall_fcntl64", (1, 999, 0), -28),
    ("__syscall_ioctl", (1, 0x541B, 65535), -21),
    ("__syscall_dup3", (1, 1, 0), -28),
    ("__syscall_dup3", (1, -5, 0), -8),
    ("__syscall_pipe2", (65530, 0), -21),
    ("__syscall_utimensat", (-100, 64, 65530, 0), -21),
    ("__syscall_symlinkat", (65535, -100, 64), -21),
    ("__syscall_readlinkat", (-100, 64, 0, -1), -28),
    ("__syscall_statfs64", (64, -1, 65530), -44),
    ("__syscall_geteuid32", (), 0),
]


@pytest.mark.parametrize(("name", "arguments", "result"), CALLS)
def test_system_calls_return_errors(name: str, arguments: tuple[int, ...], result: int) -> None:
    """Memory ends with bytes that are no NUL: a path there has no end."""
    types = "".join([" (param i32)"] * len(arguments))
    values = " ".join([f"(i32.const {value})" for value in arguments])
    body = f'(data (i32.const 64) "/nothing\\00") (data (i32.const 65535) "x") (func (export "go") (result i32) (call $f {values}))'
    assert guest(f'(import "env" "{name}" (func $f{types} (result i32)))', body).exports.go() == result


LEAVE = """
  (func $throw (export "throw") (call $longjmp))
  (func $deep (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (call $longjmp)))
    (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
  (func $trap (unreachable))
  (table (export "__indirect_function_table") 4 funcref) (elem (i32.const 1) $throw $deep $trap)
  (func (export "go") (param i32 i32) (result i32) (call $invoke (local.get 0) (local.get 1)))
"""
IMPORTS = """
  (import "env" "_emscripten_throw_longjmp" (func $longjmp)) (import "env" "invoke_ii" (func $invoke (param i32 i32) (result i32)))
"""


@pytest.mark.parametrize("mode", MODES)
def test_invoke_returns_where_a_function_is_left(mode: str) -> None:
    kit = wasmjit.load(wasmjit.Module(f"(module {IMPORTS} {STACK} {LEAVE})", config=modes.config(mode)))
    for depth in (5, 50, 7):
        assert (kit.exports.go(2, depth), kit.exports.threw()) == (0, 1)
    with pytest.raises(wasmjit.BadSignature):
        kit.exports.go(1, 0)
    with pytest.raises(wasmjit.IndirectCallNull):
        kit.exports.go(0, 0)
    with pytest.raises(wasmjit.TableOutOfBounds):
        kit.exports.go(-1, 0)
    with pytest.raises(wasmjit.Unreachable, match="setjmp that has returned"):
        kit.exports.throw()


@pytest.mark.parametrize("mode", MODES)
def test_a_table_that_is_imported_is_made(mode: str) -> None:
    table = '(import "env" "__indirect_function_table" (table 4 funcref))'
    body = LEAVE.replace('(table (export "__indirect_function_table") 4 funcref)', "")
    kit = wasmjit.load(wasmjit.Module(f"(module {IMPORTS} {table} {STACK} {body})", config=modes.config(mode)))
    assert (kit.exports.go(2, 5), kit.exports.threw()) == (0, 1)


def test_too_many_running_invokes_are_a_stack_overflow() -> None:
    recursion = """(func $down (param i32) (result i32) (call $invoke (i32.const 1) (local.get 0)))
      (table (export "__indirect_function_table") 2 funcref) (elem (i32.const 1) $down)
      (func (export "go") (result i32) (call $down (i32.const 0)))"""
    kit = wasmjit.load(wasmjit.Module(f"(module {IMPORTS} {STACK} {recursion})"))
    for _ in range(2):
        with pytest.raises(wasmjit.StackOverflow):
            kit.exports.go()


ABORT = """(module (import "env" "abort" (func $abort (param i32 i32 i32 i32))) (memory (export "memory") 1)
  (data (i32.const 64) "\\04\\00\\00\\00h\\00i\\00") (data (i32.const 96) "\\0a\\00\\00\\00a\\00.\\00t\\00s\\00\\ac\\20")
  (func (export "go") (param i32 i32) (call $abort (local.get 0) (local.get 1) (i32.const 12) (i32.const 7))))"""


@pytest.mark.parametrize("mode", MODES)
def test_abort_of_assemblyscript_says_what_and_where(mode: str) -> None:
    kit = wasmjit.load(wasmjit.Module(ABORT, config=modes.config(mode)))
    for values, message in [
        ((68, 100), "abort: hi at a.ts\u20ac:12:7"),
        ((0, 2), "abort: null at ?:12:7"),
        ((-1, 65536), "abort: ? at :12:7"),
    ]:
        with pytest.raises(wasmjit.Unreachable) as caught:
            kit.exports.go(*values)
        assert str(caught.value) == message


def test_assemblyscript_writes_to_the_streams_of_the_guest() -> None:
    text = """(module (import "env" "abort" (func (param i32 i32 i32 i32)))
      (import "env" "trace" (func $trace (param i32 i32 f64 f64 f64 f64 f64))) (import "env" "console.error" (func $error (param i32)))
      (memory 1) (data (i32.const 64) "\\04\\00\\00\\00h\\00i\\00")
      (func (export "go") (call $trace (i32.const 68) (i32.const 2) (f64.const 1) (f64.const 2.5) (f64.const 0) (f64.const 0) (f64.const 0))
        (call $error (i32.const 68))))"""
    out: list[bytes] = []
    errors: list[bytes] = []
    wasmjit.load(wasmjit.Module(text), wasi=wasmjit.Wasi(stdout=out.append, stderr=errors.append)).exports.go()
    assert (b"".join(out), b"".join(errors)) == (b"trace: hi 1, 2.5\n", b"hi\n")


def test_info_says_who_provides_what() -> None:
    program = Path(__file__).parent / "unwinding.wasm"
    done = subprocess.run([sys.executable, "-m", "wasmjit", "info", program], cwd=ROOT, capture_output=True, text=True)
    assert "env.invoke_iii: (i32, i32, i32) -> (i32)  [Emscripten]" in done.stdout
    assert "not provided" not in done.stdout
    assert "Emscripten" in done.stdout.split("kind:")[1].split("memories:")[0]


def test_every_row_has_its_function() -> None:
    for name, (family, types) in (FUNCTIONS | WASI).items():
        function = getattr(importlib.import_module(f"wasmjit.emscripten.{family}"), name)
        most = max(len(kind.partition(":")[0]) for kind in types.split(" "))
        named = function.__code__.co_argcount
        assert named - len(function.__defaults__ or ()) <= most + 2 <= named, name


def test_unknown_imports_are_shown_and_asked_for(tmp_path: Path) -> None:
    module = tmp_path / "guest.wat"
    module.write_text(f'(module (import "env" "mine" (func (param i32))) {STACK})')
    for arguments, shown in ((["info"], "env.mine: (i32) -> ()  [unknown, traps when called]"), (["stubs"], "def mine(")):
        done = subprocess.run([sys.executable, "-m", "wasmjit", *arguments, module], cwd=ROOT, capture_output=True, text=True)
        assert shown in done.stdout
