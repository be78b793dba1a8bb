"""What Python reads of a module: imports, exports, types, names, sections; mappings."""

import os
from pathlib import Path

import pytest

from tests.binary.conftest import Decoder
from tests.binary.encode import (
    CODE,
    CUSTOM,
    EXPORT,
    EXTERNREF,
    F64,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    I32,
    I64,
    IMPORT,
    MEMORY,
    START,
    TABLE,
    TYPE,
    body,
    functype,
    leb,
    module,
    name,
    section,
    vector,
)

IMPORTS = [
    name("env") + name("log") + b"\0\1",
    name("env") + name("tab") + bytes([1, EXTERNREF, 1, 2, 3]),
    name("env") + name("g") + bytes([3, I64, 1]),
    name("\u00fc") + name("") + b"\0\0",
]
FUNCTION_NAMES = leb(2) + leb(0) + name("env.log") + leb(2) + name("main\u20ac")
NAMES = b"\0" + leb(6) + name("hello") + b"\1" + leb(len(FUNCTION_NAMES)) + FUNCTION_NAMES
DATA = module(
    section(CUSTOM, name("producers") + b"xyz"),
    section(TYPE, vector([functype(), functype(bytes([I32, F64]), bytes([I64]))])),
    section(IMPORT, vector(IMPORTS)),
    section(FUNCTION, vector([leb(0)])),
    section(TABLE, bytes([1, FUNCREF, 0, 7])),
    section(MEMORY, b"\1\1\1\2"),
    section(GLOBAL, bytes([1, F64, 0, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x0B])),
    section(EXPORT, vector([name("run") + b"\0\2", name("mem") + b"\2\0", name("g") + b"\3\1", name("t") + b"\1\1"])),
    section(START, leb(2)),
    section(CODE, vector([body(b"")])),
    section(CUSTOM, name("name") + NAMES),
)


@pytest.fixture
def mod(decoder: Decoder) -> object:
    with decoder.load(DATA) as address:
        assert decoder.natives.mod_error(address) is None
        yield address


def test_imports(decoder: Decoder, mod: int) -> None:
    assert decoder.natives.mod_imports(mod) == (
        ("env", "log", "func", 0, ("i32", "f64"), ("i64",)),
        ("env", "tab", "table", 0, "externref", 2, 3),
        ("env", "g", "global", 0, "i64", True),
        ("\u00fc", "", "func", 1, (), ()),
    )


def test_exports_and_types(decoder: Decoder, mod: int) -> None:
    natives = decoder.natives
    assert natives.mod_exports(mod) == (("run", "func", 2), ("mem", "memory", 0), ("g", "global", 1), ("t", "table", 1))
    assert natives.mod_type(mod, 0, 2) == natives.mod_functype(mod, 2) == ((), ())
    assert natives.mod_type(mod, 1, 1) == ("funcref", 7, None)
    assert natives.mod_type(mod, 2, 0) == (1, 2, 1)
    assert natives.mod_type(mod, 3, 1) == ("f64", False)
    for kind, index in ((0, 3), (1, 2), (2, 1), (3, 2), (4, 0)):
        with pytest.raises(IndexError):
            natives.mod_type(mod, kind, index)


def test_names(decoder: Decoder, mod: int) -> None:
    assert decoder.natives.mod_name(mod) == "hello"
    assert [decoder.natives.mod_func_name(mod, index) for index in range(4)] == ["env.log", None, "main\u20ac", None]


def test_sections_and_counts(decoder: Decoder, mod: int) -> None:
    natives = decoder.natives
    assert natives.mod_counts(mod) == (2, 3, 2, 1, 2, 0, 0, 4, 4, 2, 2)
    (first, offset, length), (second, _, _) = natives.mod_customs(mod)
    assert (first, DATA[offset : offset + length], second) == ("producers", b"xyz", "name")
    assert [number for number, _, _ in natives.mod_sections(mod)] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 0]
    assert sum(length for _, _, length in natives.mod_sections(mod)) == len(DATA) - 8 - 2 * 11


def test_refused_modules_describe_nothing(decoder: Decoder) -> None:
    for length in range(len(DATA)):
        with decoder.load(DATA[:length]) as mod:
            if decoder.natives.mod_error(mod) is not None:
                assert decoder.natives.mod_imports(mod) == decoder.natives.mod_exports(mod) == ()
                assert decoder.natives.mod_func_name(mod, 0) is None


def test_signatures_are_shared_and_released(decoder: Decoder) -> None:
    for _ in range(1000):
        with decoder.load(DATA) as one, decoder.load(DATA) as two:
            assert decoder.natives.mod_functype(one, 0) == decoder.natives.mod_functype(two, 0)


def test_mapped_file(decoder: Decoder, tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(DATA)
    with path.open("rb") as file:
        address = decoder.natives.map_file(file.fileno(), len(DATA))
    mod = decoder.natives.mod_load(address, len(DATA), 0, 0)
    assert decoder.natives.mod_error(mod) is None
    decoder.natives.mod_free(mod)
    assert decoder.natives.unmap_file(address, len(DATA))


def test_mapping_errors(decoder: Decoder) -> None:
    with pytest.raises(OSError):
        decoder.natives.map_file(-1, 100)
    with pytest.raises(TypeError):
        decoder.natives.bytes_address("text")
    read, write = os.pipe()
    with pytest.raises(OSError):
        decoder.natives.map_file(read, 100)
    os.close(read)
    os.close(write)
