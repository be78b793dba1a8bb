"""Errors: their tree, texts, backtraces, and that all of them pickle."""

import pickle
import traceback

import pytest

import wasmjit
from tests.api.conftest import Make
from wasmjit._traps import TRAPS

TREE = {
    "CompileError": (ValueError, "Error"),
    "LinkError": (TypeError, "Error"),
    "Exit": (Exception, "Error"),
    "ExitError": (Exception, "Error"),
    "WasmException": (Exception, "Error"),
    "Trap": (RuntimeError, "Error"),
    "Unreachable": (RuntimeError, "Trap"),
    "MemoryOutOfBounds": (IndexError, "Trap"),
    "TableOutOfBounds": (IndexError, "Trap"),
    "ArrayOutOfBounds": (IndexError, "Trap"),
    "IntegerDivideByZero": (ZeroDivisionError, "Trap"),
    "IntegerOverflow": (OverflowError, "Trap"),
    "BadConversion": (ValueError, "Trap"),
    "IndirectCallNull": (RuntimeError, "Trap"),
    "BadSignature": (RuntimeError, "Trap"),
    "NullReference": (RuntimeError, "Trap"),
    "CastFailure": (TypeError, "Trap"),
    "UnalignedAtomic": (ValueError, "Trap"),
    "StackOverflow": (RecursionError, "Trap"),
    "OutOfMemory": (MemoryError, "Trap"),
    "OutOfFuel": (RuntimeError, "Trap"),
    "Terminated": (RuntimeError, "Trap"),
    "Timeout": (TimeoutError, "Trap"),
}
TRAPPING = """
    (memory 1) (table $t 3 funcref) (elem (i32.const 1) $zero) (type $unary (func (param i32) (result i32)))
    (func $zero (result i32) i32.const 0)
    (func (export "unreachable") unreachable)
    (func (export "memory") (drop (i32.load offset=65535 (i32.const 0))))
    (func (export "table") (drop (table.get $t (i32.const 3))))
    (func (export "undefined") (drop (call_indirect (result i32) (i32.const 3))))
    (func (export "null") (drop (call_indirect (result i32) (i32.const 0))))
    (func (export "signature") (drop (call_indirect (type $unary) (i32.const 5) (i32.const 1))))
    (func (export "divide") (drop (i32.div_u (i32.const 1) (i32.const 0))))
    (func (export "overflow") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
    (func (export "truncate") (drop (i32.trunc_f64_s (f64.const 1e10))))
    (func (export "conversion") (drop (i64.trunc_f32_u (f32.const nan))))
    (func $deep (export "stack") (call $deep))
"""
TRAPS_OF = {
    "unreachable": ("Unreachable", "unreachable"),
    "memory": ("MemoryOutOfBounds", "out of bounds memory access"),
    "table": ("TableOutOfBounds", "out of bounds table access"),
    "undefined": ("TableOutOfBounds", "undefined element"),
    "null": ("IndirectCallNull", "uninitialized element"),
    "signature": ("BadSignature", "indirect call type mismatch"),
    "divide": ("IntegerDivideByZero", "integer divide by zero"),
    "overflow": ("IntegerOverflow", "integer overflow"),
    "truncate": ("IntegerOverflow", "integer overflow"),
    "conversion": ("BadConversion", "invalid conversion to integer"),
    "stack": ("StackOverflow", "call stack exhausted"),
}


def names_of(cls: type) -> set[str]:
    return {name for name in TREE if isinstance(getattr(wasmjit, name), type) and issubclass(getattr(wasmjit, name), cls)}


@pytest.mark.parametrize("name", TREE)
def test_the_tree(name: str) -> None:
    error = getattr(wasmjit, name)
    builtin, parent = TREE[name]
    assert issubclass(error, builtin)
    assert issubclass(error, getattr(wasmjit, parent))


def test_every_trap_has_a_class_with_a_text() -> None:
    assert {type(make()).__name__ for make in TRAPS.values()} == names_of(wasmjit.Trap) - {"Trap"}
    assert len({make().code for make in TRAPS.values()}) == len(TRAPS)
    for make in TRAPS.values():
        assert str(make()) == make().code


@pytest.mark.parametrize(
    "error",
    [
        wasmjit.CompileError("bad", 17, "gc"),
        wasmjit.LinkError("missing", [wasmjit.ImportType("a", "b", wasmjit.FuncType(["i32"]))]),
        wasmjit.Exit(3),
        wasmjit.ExitError(3, ["tool", "x"], b"out", b"err"),
        wasmjit.WasmException("tag", (1, 2)),
        *(kind() for kind in TRAPS.values()),
    ],
    ids=lambda error: type(error).__name__,
)
def test_all_pickle(error: wasmjit.Error) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.args == error.args
    for name in ("code", "offset", "feature", "missing", "returncode", "command", "stdout", "stderr", "tag", "payload", "frames"):
        assert getattr(copy, name, None) == getattr(error, name, None)


@pytest.mark.parametrize("name", TRAPS_OF)
def test_what_traps_raises_its_class(make: Make, name: str) -> None:
    exports = make(TRAPPING).exports
    kind, text = TRAPS_OF[name]
    with pytest.raises(getattr(wasmjit, kind)) as caught:
        exports[name]()
    assert type(caught.value).__name__ == kind
    assert str(caught.value) == caught.value.code == text
    assert caught.value.frames[-1].name == ("deep" if name == "stack" else name)
    with pytest.raises(getattr(wasmjit, kind)):  # and again: nothing is left behind
        exports[name]()


def test_backtraces_name_functions_and_offsets(make: Make) -> None:
    instance = make("""
        (func $inner (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
        (func (param i32) (result i32) (call $inner (local.get 0)))
        (func $outer (export "run") (param i32) (result i32) (call 1 (local.get 0)))
    """)
    with pytest.raises(wasmjit.IntegerDivideByZero) as caught:
        instance.exports.run(0)
    frames = caught.value.frames
    assert [(frame.index, frame.name, frame.tier) for frame in frames] == [
        (0, "inner", "interp"),
        (1, None, "interp"),
        (2, "outer", "interp"),
    ]
    binary = instance.module.binary()
    assert binary[frames[0].offset] == 0x6D  # i32.div_s
    assert binary[frames[1].offset] == binary[frames[2].offset] == 0x10  # call
    shown = "".join(traceback.format_exception(caught.value))
    assert "wasm backtrace, innermost first:\n  wasm!inner at 0x" in shown
    assert "wasm!func[1] at 0x" in shown
    copy = pickle.loads(pickle.dumps(caught.value))
    assert copy.frames == frames and copy.__notes__ == caught.value.__notes__


def test_backtraces_outlive_the_instance(make: Make) -> None:
    with pytest.raises(wasmjit.Unreachable) as caught:
        make('(func $f (export "f") unreachable)').exports.f()
    assert caught.value.frames[0].name == "f"


def test_deep_backtraces_are_cut_in_the_middle(make: Make) -> None:
    with pytest.raises(wasmjit.StackOverflow) as caught:
        make('(func $f (export "f") call $f)').exports.f()
    (note,) = caught.value.__notes__
    assert len(note.splitlines()) < 40
    gap = [frame for frame in caught.value.frames if frame.index < 0]
    assert len(gap) == 1 and gap[0].offset > 1000
    assert "more frames" in note


def test_notes_can_be_added(make: Make) -> None:
    with pytest.raises(wasmjit.Trap) as caught:
        make('(func (export "f") unreachable)').exports.f()
    caught.value.add_note("while testing")
    assert caught.value.__notes__[0].startswith("wasm backtrace") and caught.value.__notes__[1] == "while testing"


def test_memory_errors_tell_the_address(make: Make) -> None:
    exports = make('(memory 1) (func (export "f") (param i32) (result i32) (i32.load offset=16 (local.get 0)))').exports
    for pointer, address in ((65535, 65551), (-1, 0xFFFFFFFF + 16)):
        with pytest.raises(wasmjit.MemoryOutOfBounds) as caught:
            exports.f(pointer)
        assert caught.value.address == address
        assert caught.value.memory_size == 65536
        assert any(f"{address:#x}" in note for note in caught.value.__notes__)


def test_exceptions_of_host_functions_pass_unchanged(make: Make) -> None:
    raised = KeyError("mine")

    def fail() -> None:
        raise raised

    instance = make('(import "m" "f" (func $f)) (func (export "f") call $f)', {"m": {"f": fail}})
    with pytest.raises(KeyError) as caught:
        instance.exports.f()
    assert caught.value is raised
