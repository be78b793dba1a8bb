"""The living definition: WebAssembly run by CPython from the instruction table's meanings, slowly. `Config(tier="reference")`.

Calls, traps, exports and imports are those of every tier: each function of an instance becomes a host function that gets
its slots and runs the body here.
"""

from functools import partial

from wasmjit._image import native
from wasmjit._types import FuncType
from wasmjit.native.lang import ptr
from wasmjit.runtime.functions import HostFunc
from wasmjit.runtime.structs import FuncRef
from wasmjit.tiers.reference import computing, control, memory  # noqa: F401 - they say what instructions do
from wasmjit.tiers.reference.execution import Machine, run_slots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit._instance import Instance

N = native()


def attach(instance: "Instance") -> None:
    """Let the instance's own functions run here, from their next call on. Segments and the start function have not run yet."""
    module, store = instance.module, instance._store.root()
    machine = Machine(instance._address, module)
    for index, ref in machine.own_functions():
        host = HostFunc(partial(run_slots, machine, index), FuncType(), name=f"func[{index}]")
        host.raw = True
        ref.host = ptr[FuncRef](host.address()).host
        store.keep.append(host)
