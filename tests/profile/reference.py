"""How often basic blocks run and where indirect calls go, told by the reference tier."""

from collections import Counter
from collections.abc import Callable

import pytest

from wasmjit.tiers.reference.decode import Instruction
from wasmjit.tiers.reference.execution import ACTIONS, Activation, Execution

# the state, the frame, the offset of the instruction there, 1 behind it or 0 before it
Watch = Callable[[Execution, Activation, int, int], None]


def watch_blocks(monkeypatch: pytest.MonkeyPatch, watch: Watch) -> None:
    """Call `watch` at the start of each basic block: of functions, loops, branches of an if, behind br_if and end."""
    enter = Execution.enter

    def entered(e: Execution, index: int) -> None:
        enter(e, index)
        watch(e, e.frames[-1], int(e.mod.codes[index].body), 1)

    monkeypatch.setattr(Execution, "enter", entered)
    for name in ("loop", "if", "end", "br", "br_if", "br_table"):
        monkeypatch.setitem(ACTIONS, name, _watched(name, ACTIONS[name], watch))


def _watched(name: str, act: Callable[[Execution, Instruction], None], watch: Watch) -> Callable[[Execution, Instruction], None]:
    def run(e: Execution, i: Instruction) -> None:
        frame = e.frame
        labels = list(frame.labels)
        at = frame.at
        condition = e.stack[-1] if name in ("if", "br_if") else 0
        act(e, i)
        if name in ("loop", "end") or (name == "if" and condition != 0) or (name == "br_if" and condition == 0):
            watch(e, frame, i.offset, 1)
        elif name == "if" and i.otherwise:
            watch(e, frame, frame.code[i.otherwise].offset, 1)
        elif name in ("br", "br_if", "br_table"):
            label = labels[len(frame.labels)] if frame.labels else labels[0]
            _arrived(name, frame, label.target, at, e, watch)

    return run


def _arrived(name: str, frame: Activation, target: int, at: int, e: Execution, watch: Watch) -> None:
    """After a branch: behind the `end` of a block, or of the function, which `br` and `return` leave at once; loops tell themselves."""
    if not frame.labels:
        if name != "br":
            watch(e, frame, frame.code[-1].offset, 1)
    elif target >= at:
        watch(e, frame, frame.code[target - 1].offset, 1)


def watch_points(monkeypatch: pytest.MonkeyPatch, watch: Watch) -> None:
    """The same, and at calls: before them, and behind them once they have returned."""
    watch_blocks(monkeypatch, watch)
    for name in ("call", "call_indirect"):
        monkeypatch.setitem(ACTIONS, name, _watched_call(ACTIONS[name], watch))
    for name in ("end", "br", "br_if", "br_table", "return"):
        monkeypatch.setitem(ACTIONS, name, _watched_return(ACTIONS[name], watch))


def _watched_call(act: Callable[[Execution, Instruction], None], watch: Watch) -> Callable[[Execution, Instruction], None]:
    def run(e: Execution, i: Instruction) -> None:
        watch(e, e.frame, i.offset, 0)
        depth = len(e.frames)
        act(e, i)
        if len(e.frames) == depth:  # a host function
            watch(e, e.frame, i.offset, 1)

    return run


def _watched_return(act: Callable[[Execution, Instruction], None], watch: Watch) -> Callable[[Execution, Instruction], None]:
    def run(e: Execution, i: Instruction) -> None:
        depth = len(e.frames)
        act(e, i)
        if len(e.frames) < depth and e.frames:
            caller = e.frames[-1]
            watch(e, caller, caller.code[caller.at - 1].offset, 1)

    return run


def count_blocks(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[int, int]]:
    """Counts by function and offset, of everything that runs from now on."""
    counts: Counter[tuple[int, int]] = Counter()

    def watch(_: Execution, frame: Activation, offset: int, after: int) -> None:
        counts[frame.index, offset] += 1

    watch_blocks(monkeypatch, watch)
    return counts


def count_targets(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[int, int, int]]:
    """Counts by function, offset of the indirect call, function called; traps are not counted."""
    counts: Counter[tuple[int, int, int]] = Counter()
    act = ACTIONS["call_indirect"]

    def run(e: Execution, i: Instruction) -> None:
        caller = e.frame.index
        act(e, i)
        counts[caller, i.offset, e.frames[-1].index] += 1

    monkeypatch.setitem(ACTIONS, "call_indirect", run)
    return counts
