"""From a request to LLVM IR: every entry that is wanted, as text for LLVM, with what a unit tells beside its code.

Symbols: `body_<function>`, its adapter `i2c_<function>`, and `osr_<function>_<loop's offset>`.
"""

from wasmjit.tiers.optimizer import osr
from wasmjit.tiers.optimizer.convention import ATTRIBUTES, PARAMETERS, RESULT, give, i2c, parameters
from wasmjit.tiers.optimizer.decode import Body
from wasmjit.tiers.optimizer.exits import left
from wasmjit.tiers.optimizer.frames import ZERO, Frame
from wasmjit.tiers.optimizer.function import run
from wasmjit.tiers.optimizer.labels import open_label
from wasmjit.tiers.optimizer.program import Program
from wasmjit.tiers.optimizer.request import BODY, Request
from wasmjit.tiers.optimizer.state import Builder
from wasmjit.tiers.optimizer.unit import Refused

MOST_LOCALS = 2048  # of a function: each is a phi at each loop and a store at each exit
MOST_STATE = 50_000_000  # its locals times its instructions: branches take all locals along, which is 8 bytes each


def build(request: Request, folds: bool = True) -> Program:
    """Build what a request wants; folds: as in Program. Refused: a function of it is too large."""
    program = Program(request, folds)
    for function, loop in request.entries:
        body = program.body(function)
        if len(body.locals) > MOST_LOCALS:
            raise Refused(f"function {function} has {len(body.locals)} locals")
        if len(body.locals) * body.size > MOST_STATE:
            raise Refused(f"function {function} has {len(body.locals)} locals and {body.size} instructions")
        program.size += body.size
        if loop == BODY:
            body_entry(program, body)
            adapter(program, function)
        else:
            osr_entry(program, body, loop)
    return program


def body_entry(program: Program, body: Body) -> None:
    """`body_<function>`: the function in the native convention."""
    b = Builder(program, f"define hidden {RESULT} @body_{body.function}({PARAMETERS}) {ATTRIBUTES}", osr=False)
    params = parameters(b, body.locals[: body.nparams])
    f = Frame(program, body, params + [ZERO[kind] for kind in body.locals[body.nparams :]])
    f.count = f.seen(body.start)
    open_label(b, f, body.root)
    run(b, f, 0)
    if b.live:
        give(b, body.results, f.vals)
    if b.leaving:
        left(b)
    b.finish(body, body.start)


def osr_entry(program: Program, body: Body, loop: int) -> None:
    """`osr_<function>_<loop>`: takes over a frame at a loop's header; null when the function returned."""
    head = f"define hidden ptr @osr_{body.function}_{loop}(ptr %ec, ptr %inst, ptr %sp) {ATTRIBUTES}"
    b = Builder(program, head, osr=True)
    f = osr.enter(b, body, body.loops[loop])
    if b.live:
        for k, (kind, value) in enumerate(zip(body.results, f.vals, strict=True)):
            b.t.emit(f"store {kind} {value}, ptr {b.t.pointer('%sp', 8 * k)}")
        b.t.emit("ret ptr null")
    if b.leaving:
        left(b)
    b.finish(body, loop)


def adapter(program: Program, function: int) -> None:
    """`i2c_<function>`."""
    b = Builder(program, f"define hidden void @i2c_{function}(ptr %ec, ptr %inst) {ATTRIBUTES}", osr=False)
    i2c(b, function)


__all__ = ["build"]
