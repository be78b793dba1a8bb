"""The pass over a body: instructions by their number, frequent ones here, the others in the tables of the rest of this folder."""

from collections.abc import Callable, Mapping
from typing import Any

from wasmjit.isa import BY_NAME, TABLE
from wasmjit.tiers.optimizer import bulk, calls, control, variables, versions
from wasmjit.tiers.optimizer.decode import NUMBERS, OP, number
from wasmjit.tiers.optimizer.frames import Frame
from wasmjit.tiers.optimizer.lower import CANONICAL, CONDITIONS, NUMERIC, as_i32
from wasmjit.tiers.optimizer.memory import load, store
from wasmjit.tiers.optimizer.state import Builder
from wasmjit.tiers.optimizer.unit import Refused

LLVM = {"i32": "i32", "i64": "i64", "f32": "float", "f64": "double"}
OTHER, GET, SET, TEE, CONST, ONE, TWO, COMPARE, ZERO_TEST, LOAD, STORE = range(11)


def _refuse(b: Builder, f: Frame, immediate: Any, i: int) -> int:
    raise Refused(f"function {f.function}: instruction {f.body.ops[i]:#x}")


HANDLERS: list[Callable[[Builder, Frame, Any, int], int]] = [_refuse] * NUMBERS
KIND = [OTHER] * NUMBERS
LOWER: list[Any] = [None] * NUMBERS
LOWER_CANONICAL: list[Any] = [None] * NUMBERS  # where NaNs are canonical
TYPE = [""] * NUMBERS  # of what is pushed

_TABLES: tuple[Mapping[str, Any], ...] = (control.HANDLERS, versions.HANDLERS, calls.HANDLERS, variables.HANDLERS, bulk.HANDLERS)
for _handlers in _TABLES:
    for _name, _handler in _handlers.items():
        HANDLERS[OP[_name]] = _handler
for _row in TABLE:
    _o = number(_row)
    if _row.name in NUMERIC:
        one = len(_row.params) == 1
        KIND[_o] = (ZERO_TEST if one else COMPARE) if _row.name in CONDITIONS else ONE if one else TWO
        LOWER[_o], LOWER_CANONICAL[_o] = NUMERIC[_row.name], CANONICAL[_row.name]
        TYPE[_o] = LLVM[_row.results[0]]
    elif _row.kind == "const":
        KIND[_o], TYPE[_o] = CONST, LLVM[_row.results[0]]
KIND[OP["local.get"]], KIND[OP["local.set"]], KIND[OP["local.tee"]] = GET, SET, TEE
for _name, _row in BY_NAME.items():
    if _row.kind in ("load", "store"):
        KIND[OP[_name]] = LOAD if _row.kind == "load" else STORE
CONDITIONAL = frozenset(OP[name] for name in ("if", "br_if", "select", "select_t", "i32.eqz"))  # take an i1 as it is
CHECKED = frozenset(number(row) for row in TABLE if row.checks)  # their traps need a site


def run(b: Builder, f: Frame, i: int) -> None:
    """Build a frame's function from position i to its end."""
    t = b.t
    ops, imms, kinds, lower, pushed = f.body.ops, f.body.imms, KIND, LOWER_CANONICAL if b.program.canonical else LOWER, TYPE
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
            if o in CHECKED:
                b.here(f, i)
            y = pop()
            pop_type()
            vals[-1] = lower[o](t, vals[-1], y)
            types[-1] = pushed[o]
        elif kind == COMPARE:
            y = pop()
            pop_type()
            vals[-1] = lower[o](t, vals[-1], y)
            if ops[i + 1] not in CONDITIONAL:
                vals[-1] = as_i32(t, vals[-1])
                types[-1] = "i32"
            else:
                types[-1] = "i1"
        elif kind == SET:
            locals[imms[i]] = pop()
            pop_type()
        elif kind == TEE:
            locals[imms[i]] = vals[-1]
        elif kind == ONE:
            if o in CHECKED:
                b.here(f, i)
            vals[-1] = lower[o](t, vals[-1])
            types[-1] = pushed[o]
        elif kind == ZERO_TEST:
            vals[-1] = t.let(f"xor i1 {vals[-1]}, true") if types[-1] == "i1" else lower[o](t, vals[-1])
            if ops[i + 1] not in CONDITIONAL:
                vals[-1] = as_i32(t, vals[-1])
                types[-1] = "i32"
            else:
                types[-1] = "i1"
        elif kind == LOAD:
            load(b, f, o, imms[i], i)
        elif kind == STORE:
            store(b, f, o, imms[i], i)
        else:
            f.at = i
            i = HANDLERS[o](b, f, imms[i], i)
            continue
        i += 1
