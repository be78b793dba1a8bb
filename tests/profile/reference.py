"""How often basic blocks run and where indirect calls go, told by the reference tier."""

from collections import Counter
from collections.abc import Callable

import pytest

from wasmjit.tiers.reference.decode import Instruction
from wasmjit.tiers.reference.execution import ACTIONS, Activation, Execution

Watch = Callable[[int, int, Execution], None]  # function, offset of the instruction that the block is behind, the state there


def function_start(execution: Execution, index: int) -> int:
    return int(execution.mod.codes[index].body)


def watch_blocks(monkeypatch: pytest.MonkeyPatch, watch: Watch) -> None:
    """Call `watch` at the start of each basic block: of functions, loops, branches of an if, behind br_if and end."""
    enter = Execution.enter

    def entered(e: Execution, index: int) -> None:
        enter(e, index)
        e.frame = e.frames[-1]
        watch(index, function_start(e, index), e)

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
            watch(frame.index, i.offset, e)
        elif name == "if" and i.otherwise:
            watch(frame.index, frame.code[i.otherwise].offset, e)
        elif name in ("br", "br_if", "br_table"):
            label = labels[len(frame.labels)] if frame.labels else labels[0]
            _arrived(name, frame, label.target, at, e, watch)

    return run


def _arrived(name: str, frame: Activation, target: int, at: int, e: Execution, watch: Watch) -> None:
    """After a branch: behind the `end` of a block, or of the function, which `br` and `return` leave at once; loops tell themselves."""
    if not frame.labels:
        if name != "br":
            watch(frame.index, frame.code[-1].offset, e)
    elif target >= at:
        watch(frame.index, frame.code[target - 1].offset, e)


def count_blocks(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[int, int]]:
    """Counts by function and offset, of everything that runs from now on."""
    counts: Counter[tuple[int, int]] = Counter()

    def watch(index: int, offset: int, _: Execution) -> None:
        counts[index, offset] += 1

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
