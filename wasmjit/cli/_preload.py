"""`--preload`: modules that are instantiated before the program, for it and for each other to import from."""

import wasmjit
from wasmjit.cli._options import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from wasmjit.cli._program import Program


class Shared:
    """A Wasi whose functions are made once: the instances that import them have the same descriptors, as one program has."""

    def __init__(self, wasi: "wasmjit.Wasi") -> None:
        self._wasi = wasi
        self._made: Any = None

    def imports(self) -> "Any":
        """The import modules of WASI, see `Wasi.imports`."""
        if self._made is None:
            self._made = self._wasi.imports()
        return self._made


def preload(libraries: "Iterable[tuple[str, wasmjit.Module]]", program: "Program", settings: "dict[str, Any]") -> "dict[str, Any]":
    """Instantiate the modules in order, each with those before it as import modules, and return the program's settings with all of them.

    Start functions and `_initialize` run in the program's time; a `_start` is an export like others. Raises what Instance raises.
    """
    imports: dict[str, wasmjit.Instance] = {}
    settings = settings | {"imports": imports, "wasi": Shared(settings["wasi"])}
    for name, module in libraries:
        if name in imports:
            raise UsageError(f"option --preload: {name!r} is given twice")
        imports[name] = wasmjit.Instance(module, timeout=program.left(), **settings)
    return settings
