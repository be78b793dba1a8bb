"""`load`: from a file or bytes to something that can be called, in one step."""

import os

from ._instance import Instance
from ._module import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._config import Config, Limits


def load(
    source: "str | os.PathLike[str] | bytes | bytearray | memoryview | Module",
    imports: "Any" = None,
    *,
    wasi: "Any" = "auto",
    limits: "Limits | None" = None,
    timeout: float | None = None,
    config: "Config | None" = None,
) -> Instance:
    """Module and Instance: `source` is a path as str or PathLike, a binary as bytes, or a Module. For the rest see Instance."""
    return Instance(module_of(source, config), imports, wasi=wasi, limits=limits, timeout=timeout)


def module_of(source: "Any", config: "Config | None") -> Module:
    """The Module that a source stands for."""
    if isinstance(source, Module):
        if config is not None:
            raise ValueError("config= belongs to the Module, which exists already")
        return source
    if isinstance(source, str | os.PathLike):
        return Module.from_file(source, config=config)
    return Module(source, config=config)
