"""WASI preview 1: programs compiled for it see the arguments, files and streams they are given, and nothing else of the host.

`Wasi` says what a guest gets, `Dir` a directory of it. Functions stand in table.py, one file a family beside it.
"""

from wasmjit.wasi.config import Dir as Dir
from wasmjit.wasi.config import Wasi as Wasi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit.wasi.clock import VirtualClock as VirtualClock
    from wasmjit.wasi.memdir import MemoryDir as MemoryDir

__all__ = ["Dir", "MemoryDir", "VirtualClock", "Wasi"]


def __getattr__(name: str) -> object:
    if name == "VirtualClock":
        from wasmjit.wasi.clock import VirtualClock

        return VirtualClock
    if name == "MemoryDir":
        from wasmjit.wasi.memdir import MemoryDir

        return MemoryDir
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
