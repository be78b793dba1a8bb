"""wasmjit: a WebAssembly runtime as a Python package.

    import wasmjit

    kit = wasmjit.load("kit.wasm")
    kit.exports.add(2, 3)

Names are imported when they are first used (PEP 562): `import wasmjit` alone costs next to nothing.
"""

_HOMES = {
    "_config": ("Config", "Limits"),
    "_errors": ("CompileError", "Error", "Exit", "ExitError", "LinkError", "WasmException"),
    "_exports": ("Exports", "Functions"),
    "_functype": ("FuncType",),
    "_global": ("Global",),
    "_instance": ("Instance",),
    "_load": ("load",),
    "_memory": ("Memory",),
    "_module": ("Module",),
    "_process": ("Process",),
    "_run": ("Completed", "run"),
    "_table": ("Table",),
    "_traps": (
        "ArrayOutOfBounds", "BadConversion", "BadSignature", "CastFailure", "Frame", "IndirectCallNull", "IntegerDivideByZero",
        "IntegerOverflow", "MemoryOutOfBounds", "NullReference", "OutOfFuel", "OutOfMemory", "StackOverflow", "TableOutOfBounds",
        "Terminated", "Timeout", "Trap", "UnalignedAtomic", "Unreachable",
    ),
    "_types": ("ExportType", "GlobalType", "ImportType", "MemoryType", "TableType"),
    "_version": ("__version__",),
    "profiler.trace": ("trace",),
    "runtime.functions": ("Func", "HostFunc", "caller", "pass_instance"),
    "wasi": ("Dir", "VirtualClock", "Wasi"),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)  # noqa: PLE0605

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._config import Config as Config
    from ._config import Limits as Limits
    from ._errors import CompileError as CompileError
    from ._errors import Error as Error
    from ._errors import Exit as Exit
    from ._errors import ExitError as ExitError
    from ._errors import LinkError as LinkError
    from ._errors import WasmException as WasmException
    from ._exports import Exports as Exports
    from ._exports import Functions as Functions
    from ._functype import FuncType as FuncType
    from ._global import Global as Global
    from ._instance import Instance as Instance
    from ._load import load as load
    from ._memory import Memory as Memory
    from ._module import Module as Module
    from ._process import Process as Process
    from ._run import Completed as Completed
    from ._run import run as run
    from ._table import Table as Table
    from ._traps import ArrayOutOfBounds as ArrayOutOfBounds
    from ._traps import BadConversion as BadConversion
    from ._traps import BadSignature as BadSignature
    from ._traps import CastFailure as CastFailure
    from ._traps import Frame as Frame
    from ._traps import IndirectCallNull as IndirectCallNull
    from ._traps import IntegerDivideByZero as IntegerDivideByZero
    from ._traps import IntegerOverflow as IntegerOverflow
    from ._traps import MemoryOutOfBounds as MemoryOutOfBounds
    from ._traps import NullReference as NullReference
    from ._traps import OutOfFuel as OutOfFuel
    from ._traps import OutOfMemory as OutOfMemory
    from ._traps import StackOverflow as StackOverflow
    from ._traps import TableOutOfBounds as TableOutOfBounds
    from ._traps import Terminated as Terminated
    from ._traps import Timeout as Timeout
    from ._traps import Trap as Trap
    from ._traps import UnalignedAtomic as UnalignedAtomic
    from ._traps import Unreachable as Unreachable
    from ._types import ExportType as ExportType
    from ._types import GlobalType as GlobalType
    from ._types import ImportType as ImportType
    from ._types import MemoryType as MemoryType
    from ._types import TableType as TableType
    from ._version import __version__ as __version__
    from .profiler.trace import trace as trace
    from .runtime.functions import Func as Func
    from .runtime.functions import HostFunc as HostFunc
    from .runtime.functions import caller as caller
    from .runtime.functions import pass_instance as pass_instance
    from .wasi import Dir as Dir
    from .wasi import VirtualClock as VirtualClock
    from .wasi import Wasi as Wasi


def __getattr__(name: str) -> object:
    if name in ("bench", "emscripten"):  # rooms whose functions are called through them: wasmjit.bench.compare
        return __import__(f"{__name__}.{name}", fromlist=[name])
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(__import__(f"{__name__}.{home}", fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
