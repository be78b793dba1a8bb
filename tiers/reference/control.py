"""Control instructions, constants, variables and references (spec 4.4.1, 4.4.4 to 4.4.6, 4.4.10)."""

from wasmjit.native.lang import ptr, u64
from wasmjit.runtime import codes
from wasmjit.runtime.structs import FuncRef
from wasmjit.tiers.reference.decode import Instruction
from wasmjit.tiers.reference.execution import Execution, Label, action, trap
from wasmjit.tiers.reference.meanings import from_slot, to_slot

NO_TYPE = -64  # block type without parameters and results: 0x40 as a signed number


def arities(e: Execution, block_type: int) -> tuple[int, int]:
    """Numbers of parameters and results of a block type."""
    if block_type >= 0:
        sig = e.mod.types[block_type]
        return int(sig.nparams), int(sig.nresults)
    return 0, int(block_type != NO_TYPE)


@action("block")
def block(e: Execution, i: Instruction) -> None:
    params, results = arities(e, i.immediates[0])
    e.frame.labels.append(Label(i.end + 1, results, len(e.stack) - params))


@action("loop")
def loop(e: Execution, i: Instruction) -> None:
    params, _ = arities(e, i.immediates[0])
    e.frame.labels.append(Label(e.frame.at - 1, params, len(e.stack) - params))


@action("if")
def if_(e: Execution, i: Instruction) -> None:
    condition = e.pop()
    block(e, i)
    if condition == 0:
        e.frame.at = i.otherwise + 1 if i.otherwise else i.end


@action("else")
def else_(e: Execution, i: Instruction) -> None:
    e.frame.at = i.end


@action("end")
def end(e: Execution, i: Instruction) -> None:
    e.frame.labels.pop()
    if not e.frame.labels:
        e.frames.pop()


@action("br")
def br(e: Execution, i: Instruction) -> None:
    e.branch(i.immediates[0])


@action("br_if")
def br_if(e: Execution, i: Instruction) -> None:
    if e.pop() != 0:
        e.branch(i.immediates[0])


@action("br_table")
def br_table(e: Execution, i: Instruction) -> None:
    labels, default = i.immediates
    index = e.pop()
    e.branch(labels[index] if index < len(labels) else default)


@action("return")
def return_(e: Execution, i: Instruction) -> None:
    e.branch(len(e.frame.labels) - 1)


@action("call")
def call(e: Execution, i: Instruction) -> None:
    e.call(int(e.inst.refs[i.immediates[0]]))


@action("call_indirect")
def call_indirect(e: Execution, i: Instruction) -> None:
    kind, table = i.immediates[0], e.inst.tables[i.immediates[1]]
    index = e.pop()
    if index >= table.size:
        raise trap(codes.TRAP_UNDEFINED)
    address = int(table.elems[index])
    if address == 0:
        raise trap(codes.TRAP_INDIRECT_NULL)
    if ptr[FuncRef](address).sig != e.mod.types[kind]:  # equal signatures are one address
        raise trap(codes.TRAP_SIGNATURE)
    e.call(address)


@action("unreachable")
def unreachable(e: Execution, i: Instruction) -> None:
    raise trap(codes.TRAP_UNREACHABLE)


@action("nop")
def nop(e: Execution, i: Instruction) -> None:
    pass


@action("i32.const", "i64.const", "f32.const", "f64.const")
def const(e: Execution, i: Instruction) -> None:
    e.push(i.immediates[0])


@action("drop")
def drop(e: Execution, i: Instruction) -> None:
    e.pop()


@action("select", "select_t")
def select(e: Execution, i: Instruction) -> None:
    a, b, condition = e.take(3)
    e.push(a if condition != 0 else b)


@action("local.get")
def local_get(e: Execution, i: Instruction) -> None:
    e.push(e.frame.locals[i.immediates[0]])


@action("local.set")
def local_set(e: Execution, i: Instruction) -> None:
    e.frame.locals[i.immediates[0]] = e.pop()


@action("local.tee")
def local_tee(e: Execution, i: Instruction) -> None:
    e.frame.locals[i.immediates[0]] = e.stack[-1]


@action("global.get")
def global_get(e: Execution, i: Instruction) -> None:
    index = i.immediates[0]
    e.push(from_slot(int(e.mod.globals[index].type), int(e.inst.globals[index].lo)))


@action("global.set")
def global_set(e: Execution, i: Instruction) -> None:
    e.inst.globals[i.immediates[0]].lo = to_slot(e.pop())


@action("ref.null")
def ref_null(e: Execution, i: Instruction) -> None:
    e.push(u64(0))


@action("ref.func")
def ref_func(e: Execution, i: Instruction) -> None:
    e.push(u64(int(e.inst.refs[i.immediates[0]])))
