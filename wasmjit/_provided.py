"""What a module imports and nobody gave: WASI's functions, and those that its toolchain would write in JavaScript."""

from ._image import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._config import Limits
    from ._instance import Instance
    from ._module import Module

N = native()

MISSING = object()
WASI = ("wasi_snapshot_preview1", "wasi_unstable")
EMSCRIPTEN, ASSEMBLYSCRIPT = "Emscripten", "AssemblyScript"
CONSTRUCTORS = "__wasm_call_ctors"  # what Emscripten's start code calls first
FUNC = 0


class Provided:
    """Finds what an instance is not given. What is behind it is made when the first import asks for it.

    module: what is instantiated; wasi: a Wasi, None for nothing at all, or "auto"; limits: of what is made.
    """

    __slots__ = ("module", "system", "limits", "_toolchain", "_wasi")

    def __init__(self, module: "Module", wasi: "Any", limits: "Limits") -> None:
        self.module = module
        self.limits = limits
        self.system: Any = None  # what `Wasi.imports()` made
        self._toolchain: Any = MISSING
        self._wasi = wasi

    def find(self, row: "Any") -> "Any":
        """What stands for an import, or MISSING. A function of WASI goes as it is, where the module wants its type."""
        if self._wasi is None:
            return MISSING
        space, name = row[0], row[1]
        found: Any = MISSING
        if space in WASI:
            from ._imports import member

            found = member(self.world()[space], name)
            if found is MISSING or getattr(found, "_wasmjit_type", row[4:6]) == row[4:6]:
                return found
        toolchain = self.toolchain()
        return found if toolchain is None else toolchain.find(row, found)

    def world(self) -> "Any":
        """The import modules of WASI for this instance."""
        if self.system is None:
            wasi = self._wasi
            if wasi == "auto":
                from .wasi import Wasi

                wasi = Wasi()
            if not hasattr(wasi, "imports"):
                raise TypeError(f'wasi must be a Wasi, "auto" or None, not {type(wasi).__name__}')
            self.system = wasi.imports()
        return self.system

    def toolchain(self) -> "Any":
        """The toolchain whose JavaScript the module expects, None for a module that expects none."""
        if self._toolchain is MISSING:
            name = toolchain_name(self.module)
            if name == EMSCRIPTEN:
                from .emscripten.toolchain import Emscripten

                self._toolchain = Emscripten(self.world(), N.mod_imports(self.module.address), self.limits)
            elif name == ASSEMBLYSCRIPT:
                from .assemblyscript import AssemblyScript

                self._toolchain = AssemblyScript(self.world())
            else:
                self._toolchain = None
        return self._toolchain

    def prepare(self, instance: "Instance") -> None:
        """Do what comes before the first call of an export, where the module's own exports do not say what that is."""
        if self._wasi is None or self._toolchain is MISSING and N.export_find(self.module.address, CONSTRUCTORS) < 0:
            return
        toolchain = self.toolchain()
        if toolchain is not None:
            toolchain.prepare(instance)

    def program(self, instance: "Instance") -> "Any":
        """As the function of this name, for a program without `_start`."""
        toolchain = None if self._wasi is None else self.toolchain()
        return None if toolchain is None else toolchain.program(instance)

    def close(self) -> None:
        """Close what WASI opened for the instance."""
        if self.system is not None:
            self.system.close()


def toolchain_name(module: "Module") -> str | None:
    """The toolchain that built a module which expects its JavaScript, None for any other module."""
    from .emscripten.recognise import recognised

    rows = N.mod_imports(module.address)
    if recognised(rows, [row[0] for row in N.mod_exports(module.address)]):
        return EMSCRIPTEN
    from .assemblyscript import expected

    return ASSEMBLYSCRIPT if expected(rows) else None


def provided_of(instance: "Instance") -> "Provided | None":
    """What stands behind an instance's imports that nobody gave; None when it is closed."""
    found: Provided | None = instance._store.root().systems.get(instance._address)
    return found


def program(instance: "Instance") -> "Any":
    """What runs the instance as a program: a callable(timeout=) that returns the exit code, None for 0. None: it is no program."""
    place = N.export_find(instance.module.address, "_start")
    if place >= 0:
        return instance.exports["_start"] if place >> 32 == FUNC else None
    provided = provided_of(instance)
    return None if provided is None else provided.program(instance)
