"""Memory: reading, writing, views that outlive what they look at, growth, and bad arguments."""

import gc
import pickle
from typing import Any

import numpy
import pytest

import wasmjit
from tests.api.conftest import Make

PAGE = 65536


def test_bytes_and_text() -> None:
    memory = wasmjit.Memory(1)
    assert memory.write(10, b"hello\0") == 6
    assert memory.read(10, 5) == b"hello"
    assert memory.read_str(10) == memory.read_str(10, 5) == "hello"
    assert memory.write_str(20, "grüße") == 7
    assert memory.read_str(20, 7) == "grüße"
    assert memory[10] == ord("h") and memory[10:15] == b"hello" and len(memory) == memory.nbytes == PAGE
    memory[10] = 0x48
    memory[11:13] = b"EL"
    assert memory.read_str(10) == "HELlo"
    assert memory[:3] == bytes(3) and memory[PAGE - 2 :] == bytes(2) and memory[5:2] == b""


def test_pointers_of_i32_are_taken_as_wasm_returns_them() -> None:
    memory = wasmjit.Memory(65536)
    memory.write(-4, b"last")
    assert memory.read(0xFFFFFFFC, 4) == memory.read(-4, 4) == b"last"
    assert memory[0xFFFFFFFC:] == b"last"


@pytest.mark.parametrize(
    "pointer, count", [(PAGE, 1), (PAGE - 1, 2), (-1, 1), (1 << 32, 0), (1 << 64, 1), (-(1 << 70), 1), (1, 1 << 62), (1, 1 << 80)]
)
def test_accesses_outside_are_index_errors(pointer: int, count: int) -> None:
    memory = wasmjit.Memory(1)
    with pytest.raises(IndexError):
        memory.read(pointer, count)
    with pytest.raises(IndexError):
        memory.view(pointer, count)
    with pytest.raises(IndexError):
        memory.write(pointer, bytes(PAGE) if pointer == 1 else b"x" * min(count, 9) or b"x")


def test_edges_of_the_memory_are_inside() -> None:
    memory = wasmjit.Memory(1)
    assert memory.read(PAGE, 0) == b"" and memory.read(PAGE - 1, 1) == b"\0"
    assert len(memory.view(PAGE)) == 0
    assert wasmjit.Memory(0).read(0, 0) == b""


@pytest.mark.parametrize("key", [-1, PAGE, 1 << 64, slice(-2, None), slice(0, PAGE + 1)])
def test_bad_indices(key: int | slice) -> None:
    with pytest.raises(IndexError):
        wasmjit.Memory(1)[key]


def test_bad_arguments() -> None:
    memory = wasmjit.Memory(1)
    with pytest.raises(ValueError):
        memory.read(0, -1)
    with pytest.raises(ValueError):
        memory[0:4:2]
    with pytest.raises(ValueError):
        memory[0:4] = b"12345"
    with pytest.raises(ValueError):
        memory[0] = 256
    with pytest.raises(TypeError):
        memory.read("0", 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        memory.write(0, "text")
    with pytest.raises(IndexError):
        memory.write(0, b"\1" * PAGE) and memory.read_str(0)
    with pytest.raises(UnicodeDecodeError):
        memory.write(0, b"\xff\0") and memory.read_str(0)
    with pytest.raises(TypeError):
        pickle.dumps(memory)


@pytest.mark.parametrize("low, high", [(-1, None), (65537, None), (1, 0), (0, 65537), (1 << 70, None)])
def test_bad_limits(low: int, high: int | None) -> None:
    with pytest.raises(ValueError):
        wasmjit.Memory(low, high)


def test_kinds_that_do_not_exist_yet_are_refused() -> None:
    wrong: tuple[dict[str, Any], ...] = ({"shared": True}, {"index": "i64"}, {"page_size": 1})
    for options in wrong:
        with pytest.raises(NotImplementedError):
            wasmjit.Memory(1, 2, **options)


def test_growth() -> None:
    memory = wasmjit.Memory(1, 3)
    assert memory.grow(1) == 1 and memory.pages == 2 and memory.nbytes == 2 * PAGE
    assert memory.grow(0) == 2
    for pages in (2, 1 << 20, 1 << 64):
        with pytest.raises(MemoryError):
            memory.grow(pages)
    with pytest.raises(ValueError):
        memory.grow(-1)
    assert str(memory.type) == "memory 2 3"


def test_views_share_and_survive_growth() -> None:
    memory = wasmjit.Memory(1)
    view = memoryview(memory)
    part = memory.view(100, 4)
    assert (view.nbytes, view.readonly, view.format) == (PAGE, False, "B")
    view[100] = 7
    assert part[0] == memory[100] == 7
    memory.grow(1)
    assert len(view) == PAGE and len(memoryview(memory)) == 2 * PAGE
    part[1] = 9
    assert memory[101] == 9
    assert len(memory.view(10)) == 2 * PAGE - 10


def test_views_and_arrays_outlive_instance_and_memory(make: Make) -> None:
    instance = make('(memory (export "m") 1) (data (i32.const 8) "data")')
    view = instance.memory.view()
    array = instance.exports.m.array(8, 4)
    instance.close()
    del instance
    gc.collect()
    assert bytes(view[8:12]) == bytes(array) == b"data"
    array[0] = 0x44
    assert view[8] == 0x44


def test_numpy_arrays_are_not_copies(make: Make) -> None:
    memory = make('(memory (export "m") 1)').memory
    array = memory.array(16, (2, 3), "<f8")
    array[1, 2] = 1.5
    assert memory.read(16 + 40, 8) == bytes.fromhex("000000000000f83f")
    assert numpy.frombuffer(memory, "u1").size == PAGE  # type: ignore[call-overload]
    assert memory.array(0, 4).dtype == numpy.uint8
    with pytest.raises(IndexError):
        memory.array(0, PAGE + 1)
    with pytest.raises(IndexError):
        memory.array(0, (1 << 40, 1 << 40))
    with pytest.raises(ValueError):
        memory.array(0, 1, object)
    with pytest.raises(ValueError):
        memory.array(0, (-1,))


def test_wasm_and_python_see_the_same_bytes(make: Make) -> None:
    instance = make("""(memory (export "m") 1 5)
        (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))""")
    memory = instance.exports.m
    assert memory is instance.exports["m"]
    memory[70] = 33
    assert instance.exports.get(70) == 33
    assert instance.exports.grow(1) == 1 and memory.pages == 2
    assert memory.grow(1) == 2
    assert instance.exports.get(2 * PAGE + 5) == 0
    memory[2 * PAGE + 5] = 1
    assert instance.exports.get(2 * PAGE + 5) == 1
    assert instance.exports.grow(9) == -1


def test_shared_between_instances(make: Make) -> None:
    memory = wasmjit.Memory(1, 2)
    text = """(import "env" "memory" (memory 1)) (func (export "set") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
        (func (export "get") (param i32) (result i32) (i32.load (local.get 0)))"""
    one, two = (make(text, {"env": {"memory": memory}}) for _ in range(2))
    one.exports.set(4, 77)
    assert two.exports.get(4) == 77 == memory[4]
    one.close()
    assert two.exports.get(4) == 77


def test_limits_of_an_instance(make: Make) -> None:
    text = '(memory (export "m") 1) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))'
    instance = make(text, limits=wasmjit.Limits(memory=3 * PAGE + 5))
    assert instance.exports.grow(2) == 1 and instance.exports.grow(1) == -1
    with pytest.raises(MemoryError):
        instance.memory.grow(1)
    with pytest.raises(MemoryError):
        make(text, limits=wasmjit.Limits(memory=PAGE - 1))


def test_objects_that_were_never_initialised_or_twice() -> None:
    memory = wasmjit.Memory.__new__(wasmjit.Memory)
    assert (memory.nbytes, memory.pages, memory.read(0, 0)) == (0, 0, b"")
    with pytest.raises(IndexError):
        memory.read(0, 1)
    with pytest.raises(MemoryError):
        memory.grow(1)
    with pytest.raises(BufferError):
        memoryview(memory)
    memory = wasmjit.Memory(1)
    view = memory.view()
    memory.__init__(2)  # type: ignore[misc]
    view[0] = 1
    assert memory.nbytes == PAGE and memory[0] == 1
