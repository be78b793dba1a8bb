"""Lowering gives each row's meaning, bit for bit, at every level and vectorized; arithmetic quiets NaNs whatever LLVM folds."""

import ctypes
import struct
from types import ModuleType

import pytest

from tests.isa import kernels
from tests.isa.test_meanings import in_python, same, values
from tests.optimizer.machine import LEVELS, Loaded, load
from wasmjit.isa import TABLE, Row
from wasmjit.tiers.optimizer import lower
from wasmjit.tiers.optimizer.text import FunctionText, UnitText

LLVM = {"i32": "i32", "i64": "i64", "f32": "float", "f64": "double", "ref": "i64"}
WORDS = {"i32": "i32", "i64": "i64", "f32": "i32", "f64": "i64", "ref": "i64"}  # of the same width
COUNT = 120
COMPUTING = [(index, row) for index, row in enumerate(kernels.ROWS) if row.name in lower.NUMERIC]
TRAP_NAMES = ("", "divide", "overflow", "conversion")


def read(t: FunctionText, kind: str, address: str) -> str:
    word = t.let(f"load i64, ptr {address}")
    if WORDS[kind] == "i32":
        word = t.let(f"trunc i64 {word} to i32")
    return word if LLVM[kind] == WORDS[kind] else t.let(f"bitcast {WORDS[kind]} {word} to {LLVM[kind]}")


def write(t: FunctionText, kind: str, value: str, address: str) -> None:
    if LLVM[kind] != WORDS[kind]:
        value = t.let(f"bitcast {LLVM[kind]} {value} to {WORDS[kind]}")
    if WORDS[kind] == "i32":
        value = t.let(f"zext i32 {value} to i64")
    t.emit(f"store i64 {value}, ptr {address}")


class Looping(FunctionText):
    """A loop over tuples of operands: two words in, trap number and word out."""

    def __init__(self, unit: UnitText, name: str) -> None:
        head = f"define void @{name}(ptr noalias %in, ptr noalias %out, i64 %n) nounwind"
        super().__init__(unit, head, unit.function("").scope)
        unit.functions[-1] = self
        self.emit("br label %loop")
        self.place("loop")
        self.emit("%i = phi i64 [ 0, %entry ], [ %next, %again ]")
        self.emit("%words = getelementptr [2 x i64], ptr %in, i64 %i")
        self.emit("%second = getelementptr i64, ptr %words, i64 1")
        self.emit("%code = getelementptr [2 x i64], ptr %out, i64 %i")
        self.emit("%result = getelementptr i64, ptr %code, i64 1")

    def trap(self, condition: str, name: str) -> None:
        bad, fine = self.label("bad"), self.label("fine")
        self.emit(f"br i1 {condition}, label %{bad}, label %{fine}")
        self.place(bad)
        self.emit(f"store i64 {TRAP_NAMES.index(name)}, ptr %code")
        self.emit("br label %again")
        self.place(fine)

    def end(self, kind: str, value: str) -> None:
        write(self, kind, value, "%result")
        self.emit("br label %again")
        self.place("again")
        self.emit("%next = add i64 %i, 1")
        self.emit("%more = icmp ult i64 %next, %n")
        self.emit("br i1 %more, label %loop, label %done")
        self.place("done")
        self.emit("ret void")


def program() -> UnitText:
    unit = UnitText()
    for index, row in COMPUTING:
        loop = Looping(unit, f"row_{index}")
        places = zip(row.params, ("%words", "%second"), strict=False)
        value = lower.NUMERIC[row.name](loop, *[read(loop, kind, place) for kind, place in places])
        loop.end(row.results[0], lower.as_i32(loop, value) if row.name in lower.CONDITIONS else value)
    return unit


@pytest.fixture(scope="module", params=LEVELS)
def loaded(request: pytest.FixtureRequest) -> Loaded:
    return load(program(), request.param)


@pytest.fixture(scope="module")
def meanings(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return kernels.write(tmp_path_factory.mktemp("meanings"))


def run(loaded: Loaded, name: str, tuples: list[tuple[int, ...]]) -> list[tuple[int, int]]:
    count = len(tuples)
    given, found = (ctypes.c_uint64 * (2 * count))(), (ctypes.c_uint64 * (2 * count))()
    for i, words in enumerate(tuples):
        given[2 * i : 2 * i + len(words)] = list(words)
    loaded.function(name, None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64)(given, found, count)
    return list(zip(found[::2], found[1::2], strict=True))


@pytest.mark.parametrize(("index", "row"), [pytest.param(index, row, id=row.name) for index, row in COMPUTING])
def test_lowering_is_the_meaning(loaded: Loaded, meanings: ModuleType, index: int, row: Row) -> None:
    tuples = values(row, COUNT)
    found = run(loaded, f"row_{index}", tuples)
    wrong = [
        (list(map(hex, words)), wanted, given)
        for words, given in zip(tuples, found, strict=True)
        if not same(row, wanted := in_python(meanings, index, row, words), given)
    ]
    assert wrong == []


def test_every_row_has_one_lowering() -> None:
    tables = (lower.NUMERIC, lower.LOADS, lower.STORES, lower.BUILDER)
    assert sorted(name for table in tables for name in table) == sorted(row.name for row in TABLE)
    assert lower.PLAIN_LOADS.keys() == lower.LOADS.keys() and lower.PLAIN_STORES.keys() == lower.STORES.keys()


# accesses


ACCESSES = [row for row in TABLE if row.kind in ("load", "store")]


@pytest.fixture(scope="module", params=[(level, plain) for level in LEVELS for plain in (False, True)])
def accesses(request: pytest.FixtureRequest) -> Loaded:
    level, plain = request.param
    unit = UnitText()
    for row in ACCESSES:
        t = unit.function(f"define void @{row.name}(ptr %place, ptr %slot) nounwind")
        if row.kind == "load":
            table = lower.PLAIN_LOADS if plain else lower.LOADS
            write(t, row.results[0], table[row.name](t, "%place"), "%slot")
        else:
            table = lower.PLAIN_STORES if plain else lower.STORES
            table[row.name](t, "%place", read(t, row.params[1], "%slot"))
        t.emit("ret void")
    return load(unit, level)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ACCESSES])
def test_accesses(accesses: Loaded, meanings: ModuleType, row: Row) -> None:
    index = kernels.ROWS.index(row)
    size = row.access[0]
    call = accesses.function(row.name, None, ctypes.c_void_p, ctypes.c_void_p)
    memory, slot = ctypes.create_string_buffer(32), ctypes.c_uint64()
    for (word,) in values(row, COUNT):
        wanted = in_python(meanings, index, row, (word,))[1]
        memory.raw = b"\xaa" * 32
        place = ctypes.addressof(memory) + 3
        if row.kind == "load":
            memory.raw = b"\xaa" * 3 + (word & ((1 << 8 * size) - 1)).to_bytes(size, "little") + b"\xaa" * 21
            call(place, ctypes.byref(slot))
            assert slot.value == wanted
        else:
            slot.value = word
            call(place, ctypes.byref(slot))
            assert memory.raw == b"\xaa" * 3 + wanted.to_bytes(size, "little") + b"\xaa" * (29 - size)


# signalling NaNs


SIGNALLING = {"f32": [0x7F800001, 0xFF812345, 0x7FBFFFFF], "f64": [0x7FF0000000000001, 0xFFF0123456789ABC, 0x7FF7FFFFFFFFFFFF]}
IDENTITIES = [(op, number) for op in ("add", "sub", "mul", "div") for number in (1.0, -1.0, 0.0, -0.0)]
QUIET = {"f32": 1 << 22, "f64": 1 << 51}


def literal(number: float) -> str:
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"


def folds() -> UnitText:
    """Everything that would give an operand back as it came."""
    unit = UnitText()
    for kind in ("f32", "f64"):
        for op, number in IDENTITIES:
            for right in (True, False):
                loop = Looping(unit, f"{kind}_{op}_{number}_{right}")
                x = read(loop, kind, "%words")
                operands = (x, literal(number)) if right else (literal(number), x)
                loop.end(kind, lower.NUMERIC[f"{kind}.{op}"](loop, *operands))
            loop = Looping(unit, f"{kind}_{op}_{number}_of_absolute")
            x = lower.NUMERIC[f"{kind}.abs"](loop, read(loop, kind, "%words"))
            loop.end(kind, lower.NUMERIC[f"{kind}.{op}"](loop, x, literal(number)))
            loop = Looping(unit, f"{kind}_{op}_{number}_chosen")
            x = read(loop, kind, "%words")
            other = lower.settled(loop, LLVM[kind], literal(number))
            choice = loop.let(f"select i1 {loop.let('icmp sge i64 %i, 0')}, {LLVM[kind]} {other}, {LLVM[kind]} {x}")
            loop.end(kind, lower.NUMERIC[f"{kind}.{op}"](loop, x, choice))
        for op in ("min", "max"):
            loop = Looping(unit, f"{kind}_{op}_same")
            x = read(loop, kind, "%words")
            loop.end(kind, lower.NUMERIC[f"{kind}.{op}"](loop, x, x))
    for between in ("", "neg", "abs", "mul", "min", "sqrt"):
        loop = Looping(unit, f"f32_demoted_{between}")
        x = lower.NUMERIC["f64.promote_f32"](loop, read(loop, "f32", "%words"))
        if between:
            second = {"mul": [literal(1.0)], "min": [x]}.get(between, [])
            x = lower.NUMERIC[f"f64.{between}"](loop, x, *second)
        loop.end("f32", lower.NUMERIC["f32.demote_f64"](loop, x))
    return unit


@pytest.mark.parametrize("level", LEVELS)
def test_arithmetic_quiets_signalling_nans(level: int) -> None:
    unit = folds()
    loaded = load(unit, level)
    names = [function.head.split("@")[1].split("(")[0] for function in unit.functions]
    signalling = []
    for name in names:
        kind = name[:3]
        for word, (_, result) in zip(SIGNALLING[kind], run(loaded, name, [(word,) for word in SIGNALLING[kind]]), strict=True):
            if not result & QUIET[kind]:
                signalling.append((name, hex(word), hex(result)))
    assert signalling == []


DIVISIONS = [("i32.div_s", "7"), ("i64.rem_u", "-3"), ("i32.rem_s", "-1"), ("i32.div_s", "-1"), ("i32.rem_s", "0")]


def test_division_by_a_constant_has_no_checks() -> None:
    checked = [(name, divisor) for name, divisor in DIVISIONS if any("br i1" in line for line in lines_of(name, divisor))]
    assert checked == [("i32.div_s", "-1"), ("i32.rem_s", "0")]


def lines_of(name: str, divisor: str) -> list[str]:
    loop = Looping(UnitText(), "f")
    lower.NUMERIC[name](loop, "%a", divisor)
    return loop.lines
