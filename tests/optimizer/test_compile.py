"""From requests to code that runs: entries, sites of traps, what is refused, that nothing ends the process."""

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

import wasmjit
from tests.paths import ROOT
from tests.sources import source
from wasmjit._image import native
from wasmjit._wat import assemble
from wasmjit.isa import TABLE, Row
from wasmjit.runtime.packed import NONE
from wasmjit.tiers.optimizer import compile as compiling
from wasmjit.tiers.optimizer.accesses import accesses
from wasmjit.tiers.optimizer.compile import compile_unit, listing
from wasmjit.tiers.optimizer.lines import line_rows
from wasmjit.tiers.optimizer.request import Options, Request
from wasmjit.tiers.optimizer.unit import Refused, Unit
from wasmjit.tiers.optimizer.view import view

LEVELS = (0, 1, 2)
LOOP = """(module (memory 1)
  (func (export "sum") (param i32) (result i32) (local i32)
    (loop $again
      (local.set 1 (i32.add (local.get 1) (i32.load (i32.shl (local.get 0) (i32.const 2)))))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  (func (export "twice") (param i32) (result i32) (i32.add (call 0 (local.get 0)) (call 0 (local.get 0)))))"""


def request(binary: bytes, level: int = 2, loops: bool = False) -> Request:
    """All functions of a module, whole; loops: entries at their loops too."""
    whole = source(binary)
    entries = [(function, 0) for function in whole.bodies]
    if loops:
        entries += [(function, loop) for function, body in whole.bodies.items() for loop in view(whole.head).body(function, *body).loops]
    return Request(whole, tuple(sorted(entries)), options=Options(level=level))


def installed(binary: bytes, level: int) -> wasmjit.Instance:
    """An instance whose functions are compiled."""
    module = wasmjit.Module(binary)
    assert native().unit_install(module.address, compile_unit(request(binary, level), verify=True).pack())
    return wasmjit.Instance(module)


def compiled(text: str, level: int = 2, loops: bool = False) -> Unit:
    return compile_unit(request(assemble(text), level, loops), verify=True)


@pytest.mark.parametrize("level", LEVELS)
def test_a_unit_has_what_was_asked_for(level: int) -> None:
    unit = compiled(LOOP, level, loops=True)
    assert [(function, bool(loop)) for function, loop, _, _ in unit.entries] == [(0, False), (0, True), (1, False)]
    for _, loop, code, adapter in unit.entries:
        assert code < unit.text and (adapter == NONE if loop else adapter < unit.text)
    assert len(unit.blob) % 16 == 0 and {site for _, site in unit.lines} - {0} == set(range(1, len(unit.sites) + 1))
    assert unit.stats["level"] == level and unit.stats["instructions"] > 10
    assert Unit.unpack(unit.pack()) == unit


def test_the_same_request_gives_the_same_unit() -> None:
    first, second = compiled(LOOP, loops=True), compiled(LOOP, loops=True)
    first.stats = second.stats = {}
    assert first == second


def test_listings() -> None:
    asked = request(assemble(LOOP))
    assert "load volatile i32" in listing(asked, "ir") and "; site 1: function 0 offset 0x" in listing(asked, "ir")
    assert "define" in listing(asked, "optimized") and "optnone" not in listing(asked, "optimized")
    asked.options.level = 0  # as it is built, for LLVM's fast selector
    assert "optnone" in listing(asked, "optimized")
    asm = listing(asked, "asm")
    assert "body_0:" in asm and re.search(r"\t\.loc\t0 1 0.*  # function 0 offset 0x", asm)
    assert ".debug" not in asm and ".cfi" not in asm
    with pytest.raises(ValueError):
        listing(asked, "wasm")


# sites

TRAPPING = {
    "(drop (i32.load offset=65536 (local.get 0)))": "memory",
    "(drop (i64.load8_u offset=70000 (local.get 0)))": "memory",
    "(i32.store offset=65533 (local.get 0) (i32.const 7))": "memory",
    "(f64.store offset=65536 (local.get 0) (f64.const 0))": "memory",
    "(global.set $x (f64.add (global.get $x) (f64.load offset=65536 (local.get 0))))": "memory",
    "(global.set $x (f64.mul (f64.load offset=8 (local.get 0)) (f64.load offset=65536 (local.get 0))))": "memory",
    "(global.set $x (f64.sub (f64.load offset=65536 (local.get 0)) (f64.load offset=8 (local.get 0))))": "memory",
    "(global.set $n (i32.add (global.get $n) (i32.load offset=65536 (local.get 0))))": "memory",
    "(i32.store offset=65536 (local.get 0) (i32.add (i32.const 5) (i32.load offset=65536 (local.get 0))))": "memory",
    "(drop (i32.div_s (i32.const 7) (local.get 0)))": "divide",
    "(drop (i64.rem_u (i64.const 7) (i64.extend_i32_u (local.get 0))))": "divide",
    "(drop (i32.trunc_f64_s (f64.convert_i32_u (i32.sub (local.get 0) (i32.const 1)))))": "overflow",
    "(drop (i32.trunc_f32_u (f32.div (f32.convert_i32_u (local.get 0)) (f32.const 0))))": "conversion",
    "(unreachable)": "unreachable",
    "(call_indirect (local.get 0))": "null",
    "(drop (call $deep (local.get 0)))": "memory",
}
SWITCH = f"""(module (memory 1) (table 1 funcref) (global $x (mut f64) (f64.const 0)) (global $n (mut i32) (i32.const 0))
  (func $deep (param i32) (result i32)
    (if (result i32) (i32.gt_u (local.get 0) (i32.const 5)) (then (i32.const 1)) (else (i32.load offset=65536 (local.get 0)))))
  (func (export "run") (param i32 i32)
    {"".join(f"(if (i32.eq (local.get 1) (i32.const {i})) (then {instruction}))" for i, instruction in enumerate(TRAPPING))}))"""


@pytest.fixture(scope="module")
def interpreted() -> list[tuple[str, list[tuple[int, int]]]]:
    return places(wasmjit.Instance(wasmjit.Module(assemble(SWITCH), config=wasmjit.Config("interp"))))


def places(instance: wasmjit.Instance) -> list[tuple[str, list[tuple[int, int]]]]:
    """Of each trap its kind and its frames."""
    found = []
    for which in range(len(TRAPPING)):
        with pytest.raises(wasmjit.Trap) as trap:
            instance.exports.run(0, which)
        found.append((trap.value.code, [(frame.index, frame.offset) for frame in trap.value.frames]))
    return found


@pytest.mark.parametrize("level", LEVELS)
def test_traps_name_their_places(level: int, interpreted: list[tuple[str, list[tuple[int, int]]]]) -> None:
    assert places(installed(assemble(SWITCH), level)) == interpreted


LOADED = (
    "(i64.store8 (i32.const 24) (i64.add (local.get $k) (i64.extend_i32_u (i32.load (local.get $at)))))",
    "(i32.store8 (i32.const 24) (i32.add (i32.wrap_i64 (local.get $k)) (i32.load (local.get $at))))",
    "(i64.store16 (i32.const 24) (i64.mul (local.get $k) (i64.extend_i32_s (i32.load (local.get $at)))))",
    "(i64.store (i32.const 24) (i64.extend_i32_u (i32.load8_s (local.get $at))))",
    "(i32.store16 (i32.const 24) (i32.wrap_i64 (i64.shr_u (i64.load (local.get $at)) (i64.const 48))))",
    "(i64.store32 (i32.const 24) (i64.xor (local.get $k) (i64.load32_s (local.get $at))))",
    "(f64.store (i32.const 24) (f64.convert_i32_u (i32.load (local.get $at))))",
    "(i64.store (i32.const 24) (i64.and (i64.extend8_s (i64.load16_s (local.get $at))) (i64.const 24)))",
    "(i64.store (i32.const 24) (i64.and (i64.extend_i32_s (i32.load8_s (local.get $at))) (i64.const 24)))",
    "(i32.store8 (i32.load (local.get $at)) (i32.wrap_i64 (local.get $k)))",
    """(i64.store8 (i32.const 24) (i64.add (local.get $k) (i64.extend_i32_u (i32.load (local.get $at)))))
      (i32.store (local.get $at) (i32.load16_u (local.get $at)))""",  # accesses that cannot trap behind it
)
TWICE = """(func (export "run") (param $at i32) (local $k i64)
  (loop $l (i32.store8 (i32.const 8) (i32.const 1)) {}
    (br_if $l (i64.lt_u (local.tee $k (i64.add (local.get $k) (i64.const 1))) (i64.extend_i32_u (local.get $at))))))"""


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("body", LOADED)
def test_a_load_whose_result_is_widened_or_cut_down_elsewhere(level: int, body: str) -> None:
    """It keeps its site, between an access before and the store that takes part of what was loaded."""
    binary = assemble(f"(module (memory 1) {TWICE.format(body)})")
    found = []
    for instance in (wasmjit.Instance(wasmjit.Module(binary, config=wasmjit.Config("interp"))), installed(binary, level)):
        with pytest.raises(wasmjit.Trap) as trap:
            instance.exports.run(-9)
        found.append([(frame.index, frame.offset) for frame in trap.value.frames])
    assert found[0] == found[1]


LOADING = [row for row in TABLE if row.kind == "load"]


def takers(kind: str) -> Iterator[tuple[str, str]]:
    """What takes a part of a value or gives a wider one, as text, and the type of that."""
    for row in TABLE:
        if not row.name.partition(".")[2].startswith(("extend", "wrap", "and", "shl", "shr", "rot", "reinterpret", "promote", "demote")):
            continue
        if row.meaning and row.params[:1] == (kind,) and not row.access[0] and not row.checks:
            if len(row.params) == 1:
                yield f"({row.name})", row.results[0]
            elif row.params == (kind, kind):
                yield f"({kind}.const 24) ({row.name})", row.results[0]


def taken(row: Row) -> Iterator[str]:
    """Functions of a load and any two instructions behind it; what was loaded is used again, or not."""
    kind = row.results[0]
    for first, between in takers(kind):
        for second, last in takers(between):
            stored = f"{first} {second} ({last}.store)"
            yield f"(func (param i32 i32) (local.get 1) (local.get 0) ({row.name}) {stored})"
            yield f"""(func (param i32 i32) (local {kind}) (local.get 1) (local.get 0) ({row.name}) (local.tee 2) {stored}
                (local.get 1) (local.get 2) ({kind}.store offset=16))"""


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("row", LOADING, ids=[row.name for row in LOADING])
def test_no_load_loses_its_site_to_what_takes_its_value(row: Row, level: int) -> None:
    binary = assemble(f"(module (memory 1) {' '.join(taken(row))})")
    unit = compile_unit(request(binary, level), verify=True)
    loads = {site for site, ((_, offset),) in enumerate(unit.sites, 1) if binary[offset] == row.code}
    assert loads
    assert set(range(1, len(unit.sites) + 1)) <= {site for _, site in unit.lines}
    lost = loads - {site for offset, site in unit.lines if accesses(unit.machine, unit.blob, offset)}
    assert not [unit.sites[site - 1] for site in lost]


SUM = """(module (memory 1)
  (func (param i32 f64) (result f64) (f64.add (local.get 1) (f64.load (local.get 0)))))"""


def test_arithmetic_takes_its_operand_from_memory() -> None:
    lines = listing(request(assemble(SUM)), "asm").splitlines()
    (at,) = [i for i, line in enumerate(lines) if "vaddsd" in line or "addsd" in line]
    assert "(" in lines[at] and "\t.loc\t0 1 0" in lines[at - 1]


def test_where_a_load_lost_its_site_it_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    folds: list[bool] = []
    building = importlib.import_module("wasmjit.tiers.optimizer.build")
    build = building.build

    def counted(request: Request, fold: bool = True) -> object:
        folds.append(fold)
        return build(request, fold)

    monkeypatch.setattr(building, "build", lambda request, folds=True: counted(request, folds))
    monkeypatch.setattr(compiling, "line_rows", lambda elf: line_rows(elf) if False in folds else [])
    unit = compiled(SUM)
    assert folds == [True, False] and {site for _, site in unit.lines} == {0, 1, 2}  # the load's, the function's own


# what is refused, and what is survived


def test_too_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "MOST_BLOCKS", 3)
    with pytest.raises(Refused, match="basic blocks in one function"):
        compiled(LOOP)


def test_too_much_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "LONGEST", 1000)
    with pytest.raises(Refused, match="characters of IR"):
        compiled(LOOP)


def nested(depth: int) -> str:
    """One expression: a sum nested so deep."""
    return f"(module (func (param i32) (result i32) {'(local.get 0)' * depth} {'(i32.add)' * (depth - 1)}))"


def chain(length: int) -> str:
    """One expression: each result is the next one's operand, so that nothing can be reordered."""
    step = "(i32.mul (local.get 0)) (i32.rotl (i32.const 5)) (i32.xor (local.get 0))"
    return f"(module (func (param i32) (result i32) (local.get 0) {step * length}))"


def dispatching(count: int) -> str:
    """A br_table with a block for each of its labels."""
    return f"""(module (func (param i32) (result i32)
      {"(block " * count} (br_table {" ".join(map(str, range(count)))} (local.get 0))
      {" ".join(f") (local.set 0 (i32.add (local.get 0) (i32.const {i})))" for i in range(count))} (local.get 0)))"""


def loops(depth: int) -> str:
    """Loops one in another."""
    tail = "(br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))"
    return f"(module (func (param i32) {'(loop ' * depth} {(tail + ')') * depth}))"


def arity(count: int) -> str:
    """As many parameters and results, passed on."""
    types = " ".join(["i32 i64 f32 f64"] * (count // 4))
    given = " ".join(f"(local.get {i})" for i in range(count))
    return f"(module (func $f (param {types}) (result {types}) {given}) (func (param {types}) (result {types}) (call $f {given})))"


SHAPES = {
    "nested": nested(30000),
    "chain": chain(4000),
    "dispatching": dispatching(1000),
    "loops": loops(200),
    "arity": arity(200),
    "blocks": "(module (func (param i32)" + "(if (local.get 0) (then (local.set 0 (i32.const 0))))" * 5000 + "))",
}
PROGRAM = """\
import sys, threading
from tests.optimizer.test_compile import SHAPES, request
from wasmjit._wat import assemble
from wasmjit.tiers.optimizer.compile import compile_unit
from wasmjit.tiers.optimizer.unit import Refused
def run():
    try:
        print("compiled", len(compile_unit(request(assemble(SHAPES[sys.argv[1]]), int(sys.argv[2]))).blob) > 16)
    except Refused as refused:
        print("refused", refused)
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_ends_the_process(shape: str, level: int) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, shape, str(level)], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and done.stdout.startswith(("compiled True", "refused")), done.stderr[-2000:]
