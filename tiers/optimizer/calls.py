"""Calls: of functions of the unit, of others of the module, of imports, through tables."""

from wasmjit.native.lang import offsetof, sizeof
from wasmjit.runtime.structs import Code, Ec, FuncRef, Inst, Mod, Table
from wasmjit.tiers.optimizer.bulk import length, table
from wasmjit.tiers.optimizer.control import begin, weights
from wasmjit.tiers.optimizer.convention import RESULT, arguments, results
from wasmjit.tiers.optimizer.decode import OP, Region
from wasmjit.tiers.optimizer.early import NOWHERE, returns_early
from wasmjit.tiers.optimizer.exits import leave
from wasmjit.tiers.optimizer.frames import Frame, Label
from wasmjit.tiers.optimizer.inline import build, inline, spend, wanted
from wasmjit.tiers.optimizer.labels import dead, merge
from wasmjit.tiers.optimizer.request import HOST
from wasmjit.tiers.optimizer.state import Builder
from wasmjit.tiers.optimizer.view import Types

UNREACHABLE = OP["unreachable"]
MOST_TARGETS = 3  # functions that a call_indirect is compared with


def take(b: Builder, f: Frame, params: Types) -> list[str]:
    """Take a call's arguments."""
    return [b.pop(f) for _ in params][::-1]


def invoke(b: Builder, f: Frame, i: int, target: str, inst: str, signature: tuple[Types, Types], values: list[str]) -> list[str]:
    """The call itself, in the native convention; its results."""
    params, given = signature
    b.calls = True
    passed = arguments(b, params, values)
    b.here(f, i)
    returned = b.t.let(f"notail call {RESULT} {target}(ptr %ec, ptr {inst}, {passed}) nomerge{b.t.dbg}")
    forget(b)
    return results(b, given, returned)


def forget(b: Builder) -> None:
    """Other code has run."""
    b.cache.clear()
    b.globals = {}


def callee(b: Builder, reference: str) -> None:
    """Tell adapters which function is called."""
    b.write("%ec", int(offsetof(Ec, "callee")), "ptr", reference)


def entry_of(b: Builder, code: str) -> str:
    """The native entry of a Code: it changes when the function is compiled. Volatile: LLVM's fast selector cannot load atomically."""
    place = b.t.pointer(code, int(offsetof(Code, "native")))
    return b.t.let(f"load volatile ptr, ptr {place}, align 8")


def call_function(b: Builder, f: Frame, function: int, values: list[str], count: int | None, i: int) -> list[str]:
    """Call a function of the module by index, as seems best; its results. What follows is not reached when it never returns."""
    if function < b.view.nimports:
        return call_reference(b, f, b.element(b.field(Inst, "%inst", "refs"), function), b.view.signature(function), values, i)
    if wanted(b, f, function, count):
        return inline(b, f, function, values)
    at = returns_early(b, f, function)
    if at == NOWHERE:
        return call_body(b, f, function, values, i)
    spend(b, at)
    return build(b, f, b.program.body(function), values, (at, lambda: call_body(b, f, function, values, i)))


def call_body(b: Builder, f: Frame, function: int, values: list[str], i: int) -> list[str]:
    """Call a function of the module's own, wherever its code is."""
    view = b.view
    signature = view.signature(function)
    if function in b.program.bodies:
        return invoke(b, f, i, f"@body_{function}", "%inst", signature, values)
    t = b.t
    callee(b, t.pointer(b.field(Inst, "%inst", "own"), (function - view.nimports) * int(sizeof(FuncRef))))
    code = t.pointer(b.field(Inst, "%inst", "codes"), function * int(sizeof(Code)))
    return invoke(b, f, i, entry_of(b, code), "%inst", signature, values)


def call_reference(b: Builder, f: Frame, reference: str, signature: tuple[Types, Types], values: list[str], i: int) -> list[str]:
    """Call whatever function a FuncRef is."""
    callee(b, reference)
    b.running()
    code, inst = b.field(FuncRef, reference, "code"), b.field(FuncRef, reference, "inst")
    return invoke(b, f, i, entry_of(b, code), inst, signature, values)


def after(b: Builder, f: Frame, values: list[str], types: Types, i: int) -> int:
    """Results on the stack; behind a call a block begins."""
    if not b.live:
        return dead(f)
    f.vals += values
    f.types += types
    if f.body.ops[i + 1] != UNREACHABLE:
        begin(b, f, i)
    return i + 1 if b.live else dead(f)


def call(b: Builder, f: Frame, function: int, i: int) -> int:
    params, given = b.view.signature(function)
    values = take(b, f, params)
    return after(b, f, call_function(b, f, function, values, f.seen(f.body.offsets[i], 0), i), given, i)


def call_indirect(b: Builder, f: Frame, immediate: tuple[int, int], i: int) -> int:
    """Bounds, null, signature, in this order. Functions that were called often are compared with first: they pass all but the bounds."""
    kind, number = immediate
    signature = b.view.types[kind]
    t = b.t
    guesses = likely(b, f, kind, i)
    cold = bool(guesses) and f.cold and not b.ping_pong and sure(b, f, i) and (f.body.offsets[i], 0) in f.points
    vals, types = f.vals[:], f.types[:]
    index = b.pop(f)
    values = take(b, f, signature[0])
    b.here(f, i)
    where, at = table(b, number), length(b, index)
    t.trap(t.let(f"icmp uge i64 {at}, {b.field(Table, where, 'size', 'i64', invariant=False)}"), "undefined")
    slot = t.let(f"getelementptr ptr, ptr {b.field(Table, where, 'elems', invariant=False)}, i64 {at}")
    reference = t.let(f"load ptr, ptr {slot}")
    if not guesses:
        return after(b, f, checked_call(b, f, reference, kind, values, i), signature[1], i)
    join = Label(Region(OP["block"], (), signature[1], -1, None), t.label("called"), signature[1], len(f.vals), b.reach.copy())
    counts = [count for _, count in guesses]
    everything = sum(count for _, count in b.program.targets(f.function, f.body.offsets[i]))
    for k, (function, count) in enumerate(guesses):
        hit, miss = t.label("hit"), t.label("miss")
        own = t.pointer(b.field(Inst, "%inst", "own"), (function - b.view.nimports) * int(sizeof(FuncRef)))
        same = t.let(f"icmp eq ptr {reference}, {own}")
        t.emit(f"br i1 {same}, label %{hit}, label %{miss}{weights(count, everything - sum(counts[: k + 1]))}")
        t.place(hit)
        known, reach = b.globals, b.reach.copy()
        arrive(b, f, join, call_function(b, f, function, values, count, i))
        b.globals, b.reach, b.live = known, reach, True
        b.cache.clear()
        t.place(miss)
    if cold:
        args, kinds = f.vals[:], f.types[:]
        f.vals[:], f.types[:] = vals, types
        leave(b, f, i, 0, "target")
        f.vals[:], f.types[:] = args, kinds
        b.live = False
    else:
        arrive(b, f, join, checked_call(b, f, reference, kind, values, i))
    if join.incoming:
        merge(b, f, join)
        joined = f.vals[join.height :]
        del f.vals[join.height :], f.types[join.height :]
    else:
        joined = []
    return after(b, f, joined, signature[1], i)


def arrive(b: Builder, f: Frame, join: Label, values: list[str]) -> None:
    """One of the ways that a call went ends."""
    if b.live:
        join.incoming.append((b.t.block, f.locals[:], values, b.globals))
        b.t.emit(f"br label %{join.block}")
        b.live = False


def checked_call(b: Builder, f: Frame, reference: str, kind: int, values: list[str], i: int) -> list[str]:
    """Null, signature, call."""
    t = b.t
    b.here(f, i)
    t.trap(t.let(f"icmp eq ptr {reference}, null"), "null")
    wanted_sig = b.element(b.field(Mod, b.field(Inst, "%inst", "mod"), "types"), kind)
    t.trap(t.let(f"icmp ne ptr {b.field(FuncRef, reference, 'sig')}, {wanted_sig}"), "signature")
    return call_reference(b, f, reference, b.view.types[kind], values, i)


def likely(b: Builder, f: Frame, kind: int, i: int) -> list[tuple[int, int]]:
    """Functions to compare with, and how often they were called: the most frequent ones, if together they are most of all calls."""
    view = b.view
    if f.function in b.program.request.options.no_devirt:
        return []
    targets = b.program.targets(f.function, f.body.offsets[i])
    fitting = [
        (function, count)
        for function, count in targets[:MOST_TARGETS]
        if function >= view.nimports and view.sigs[view.functions[function]] == view.sigs[kind]
    ]
    return fitting if 5 * sum(count for _, count in fitting) >= 4 * sum(count for _, count in targets) else []


def sure(b: Builder, f: Frame, i: int) -> bool:
    """Whether the profile saw no other function than those that are compared with."""
    targets = b.program.targets(f.function, f.body.offsets[i])
    return len(targets) <= MOST_TARGETS and all(function != HOST for function, _ in targets)


HANDLERS = {"call": call, "call_indirect": call_indirect}
