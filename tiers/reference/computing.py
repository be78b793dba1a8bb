"""Instructions that the table gives a meaning: numeric ones, loads and stores (spec 4.3, 4.4.7)."""

from wasmjit.isa import CANONICAL_NAN, TABLE, Row
from wasmjit.native import lang
from wasmjit.native.lang import load, store
from wasmjit.runtime.codes import MOD_CANONICAL
from wasmjit.tiers.reference.decode import Instruction
from wasmjit.tiers.reference.execution import ACTIONS, Action, Execution, trap
from wasmjit.tiers.reference.meanings import SCALARS, checks, meaning
from wasmjit.tiers.reference.memory import bytes_at


def compute(row: Row) -> Action:
    """What a numeric instruction does."""
    function, conditions, count = meaning(row), checks(row), len(row.params)

    def run(e: Execution, i: Instruction) -> None:
        operands = e.take(count)
        for holds, code in conditions:
            if holds(*operands):
                raise trap(code)
        e.push(function(*operands))

    return canonical(row, run) if row.arithmetic else run


def canonical(row: Row, run: Action) -> Action:
    """What arithmetic does: in modules whose NaNs are canonical it gives no other one."""
    nan = SCALARS[row.results[0]].from_raw(CANONICAL_NAN[row.results[0]])

    def settle(e: Execution, i: Instruction) -> None:
        run(e, i)
        if e.mod.flags & MOD_CANONICAL and e.stack[-1] != e.stack[-1]:
            e.stack[-1] = nan

    return settle


def read(row: Row) -> Action:
    """What a load does."""
    function, (size, kind) = meaning(row), row.access
    scalar = getattr(lang, kind)

    def run(e: Execution, i: Instruction) -> None:
        address = bytes_at(e, 0, int(e.pop()) + i.immediates[1], size)
        e.push(function(load(scalar, address)))

    return run


def write(row: Row) -> Action:
    """What a store does."""
    function, (size, kind) = meaning(row), row.access
    scalar = getattr(lang, kind)

    def run(e: Execution, i: Instruction) -> None:
        index, value = e.take(2)
        store(scalar, bytes_at(e, 0, int(index) + i.immediates[1], size), function(value))

    return run


ACTIONS.update({row.name: {"load": read, "store": write}.get(row.kind, compute)(row) for row in TABLE if row.meaning})
