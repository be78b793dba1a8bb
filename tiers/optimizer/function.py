"""The pass over a body: instructions by their number, frequent ones here, the others in the tables of the rest of this folder."""

from collections.abc import Callable, Mapping
from typing import Any

from wasmjit.isa import BY_NAME, TABLE
from wasmjit.tiers.optimizer import bulk, calls, control, variables
from wasmjit.tiers.optimizer.decode import NUMBERS, OP, number
from wasmjit.tiers.optimizer.frames import Frame
from wasmjit.tiers.optimizer.lower import CONDITIONS, NUMERIC
from wasmjit.tiers.optimizer.memory import load, store
from wasmjit.tiers.optimizer.state import Builder

LLVM = {"i32": "i32", "i64": "i64", "f32": "float", "f64": "double"}
OTHER, GET, SET, TEE, CONST, ONE, TWO, LOAD, STORE = range(9)
HANDLERS: list[Callable[[Builder, Frame, Any, int], int]] = [control.unreachable] * NUMBERS
KIND = [OTHER] * NUMBERS
LOWER: list[Any] = [None] * NUMBERS
TYPE = [""] * NUMBERS  # of what is pushed

_TABLES: tuple[Mapping[str, Any], ...] = (control.HANDLERS, calls.HANDLERS, variables.HANDLERS, bulk.HANDLERS)
for _handlers in _TABLES:
    for _name, _handler in _handlers.items():
        HANDLERS[OP[_name]] = _handler
for _row in TABLE:
    _o = number(_row)
    if _row.kind in ("numeric", "compare"):
        KIND[_o] = ONE if len(_row.params) == 1 else TWO
        LOWER[_o] = NUMERIC[_row.name]
        TYPE[_o] = "i1" if _row.name in CONDITIONS else LLVM[_row.results[0]]
    elif _row.kind == "const":
        KIND[_o], TYPE[_o] = CONST, LLVM[_row.results[0]]
KIND[OP["local.get"]], KIND[OP["local.set"]], KIND[OP["local.tee"]] = GET, SET, TEE
for _name, _row in BY_NAME.items():
    if _row.kind in ("load", "store"):
        KIND[OP[_name]] = LOAD if _row.kind == "load" else STORE
CHECKED = frozenset(number(row) for row in TABLE if row.checks)  # their traps need a site
LOWERED = frozenset(o for o in range(NUMBERS) if KIND[o] != OTHER) | {o for o in range(NUMBERS) if HANDLERS[o] is not control.unreachable}


def run(b: Builder, f: Frame, i: int) -> None:
    """Build a frame's function from position i to its end."""
    t = b.t
    ops, imms, kinds, lower, pushed = f.body.ops, f.body.imms, KIND, LOWER, TYPE
    vals, types, locals, local_types = f.vals, f.types, f.locals, f.body.locals
    push, push_type, pop, pop_type = vals.append, types.append, vals.pop, types.pop
    while i >= 0:
        o = ops[i]
        kind = kinds[o]
        if kind == GET:
            k = imms[i]
            push(locals[k])
            push_type(local_types[k])
        elif kind == CONST:
            push(imms[i])
            push_type(pushed[o])
        elif kind == TWO:
            if types[-1] == "i1":
                b.settle(f)
            y = pop()
            pop_type()
            if types[-1] == "i1":
                b.settle(f)
            if o in CHECKED:
                b.here(f, i)
            vals[-1] = lower[o](t, vals[-1], y)
            types[-1] = pushed[o]
        elif kind == SET:
            if types[-1] == "i1":
                b.settle(f)
            locals[imms[i]] = pop()
            pop_type()
        elif kind == TEE:
            if types[-1] == "i1":
                b.settle(f)
            locals[imms[i]] = vals[-1]
        elif kind == ONE:
            if types[-1] == "i1":
                one_of_condition(b, f, o)
            else:
                if o in CHECKED:
                    b.here(f, i)
                vals[-1] = lower[o](t, vals[-1])
                types[-1] = pushed[o]
        elif kind == LOAD:
            load(b, f, o, imms[i], i)
        elif kind == STORE:
            store(b, f, o, imms[i], i)
        else:
            f.at = i
            i = HANDLERS[o](b, f, imms[i], i)
            continue
        i += 1


EQZ = OP["i32.eqz"]


def one_of_condition(b: Builder, f: Frame, o: int) -> None:
    """An instruction on one operand, which is an i1: i32.eqz negates it, others want an i32."""
    if o == EQZ:
        f.vals[-1] = b.t.let(f"xor i1 {f.vals[-1]}, true")
    else:
        b.settle(f)
        f.vals[-1] = LOWER[o](b.t, f.vals[-1])
        f.types[-1] = TYPE[o]
