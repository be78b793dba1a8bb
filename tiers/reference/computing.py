"""Instructions that the table gives a meaning: numeric ones, loads and stores (spec 4.3, 4.4.7)."""

from wasmjit.isa import TABLE, Row
from wasmjit.native import lang
from wasmjit.native.lang import load, store
from wasmjit.tiers.reference.decode import Instruction
from wasmjit.tiers.reference.execution import ACTIONS, Action, Execution, trap
from wasmjit.tiers.reference.meanings import checks, meaning
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

    return run


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
