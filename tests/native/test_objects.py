"""Several texts at once: processes, what they may drop, what is remembered, how they fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wasmjit.native import objects
from wasmjit.native.cache import Cache
from wasmjit.native.elf import Object
from wasmjit.native.flatten import flatten
from wasmjit.native.objects import emit_objects
from wasmjit.native.target import EmitError

FIRST = """
declare i32 @second()
define i32 @py_first() {
  %r = call i32 @second()
  ret i32 %r
}
define i32 @first_helper() noinline {
  ret i32 7
}
define i32 @unused() {
  ret i32 0
}
"""
SECOND = """
declare i32 @first_helper()
define i32 @second() {
  %r = call i32 @first_helper()
  ret i32 %r
}
"""


def entered(name: str) -> bool:
    return name.startswith("py_")


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every text is large, the cache empty."""
    monkeypatch.setattr(objects, "LARGE", 1)
    monkeypatch.setenv("WASMJIT_CACHE_DIR", str(tmp_path / "cache"))


def test_functions_that_other_texts_call_stay() -> None:
    found = emit_objects([FIRST, SECOND], None, entered)
    image = flatten(found)
    assert {"py_first", "first_helper", "second"} <= set(image.symbols)
    assert "unused" not in image.symbols
    assert not image.imports


def test_objects_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    first = emit_objects([FIRST, SECOND], None, entered)
    started: list[bytes] = []
    start = objects._start

    def counted(job: bytes) -> "subprocess.Popen[bytes]":
        started.append(job)
        return start(job)

    monkeypatch.setattr(objects, "_start", counted)
    assert emit_objects([FIRST, SECOND], None, entered) == first
    assert not started
    emit_objects([FIRST, SECOND.replace("ret i32 %r", "ret i32 1")], None, entered)
    assert len(started) == 1


def test_a_damaged_object_is_made_again() -> None:
    first = emit_objects([FIRST], None, entered)
    with Cache() as cache:
        (entry,) = cache.entries()
        cache.write(entry.name, b"damage")
    assert emit_objects([FIRST], None, entered) == first


def test_an_error_comes_back() -> None:
    with pytest.raises(EmitError, match="LLVM rejects the IR"):
        emit_objects([FIRST, "define i32 @second() {\n ret i64 0\n}"], None, entered)


def test_a_dead_process_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "_CHILD", "import os; os.abort()")
    with pytest.raises(EmitError, match="ended with -6"):
        emit_objects([FIRST], None, entered)


def test_without_a_python_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/usr/bin/editor")
    assert "py_first" in {symbol.name for symbol in Object(emit_objects([FIRST], None, entered)[0]).symbols}


def test_a_package_that_is_in_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an editable install is, which a finder finds."""
    first = emit_objects([FIRST], None, entered)
    with Cache() as cache:
        (entry,) = cache.entries()
        cache.write(entry.name, b"damage")
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder and not os.path.exists(os.path.join(folder, "wasmjit"))])
    assert emit_objects([FIRST], None, entered) == first
